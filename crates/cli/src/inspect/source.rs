//! Where packets come from: a file, standard input, or an interface.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use tieline_inspect::{Packet, Packets};

use super::Failure;

/// Where packets come from.
pub(super) enum Source {
    Capture(Packets<Box<dyn Read>>),
    #[cfg(feature = "live")]
    Live(live::Interface),
}

impl Source {
    /// Opens what is named on the command line.
    pub(super) fn open(file: Option<&Path>, interface: Option<&str>) -> anyhow::Result<Self> {
        match (file, interface) {
            (Some(file), _) if file == Path::new("-") => {
                Ok(Self::Capture(Packets::new(Box::new(io::stdin()))))
            }
            (Some(path), _) => {
                let file = File::open(path).with_context(|| format!("cannot open {path:?}"))?;
                if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    let what = format!("{path:?} is a folder: name a capture in it");
                    return Err(Failure::Usage(what).into());
                }
                Ok(Self::Capture(Packets::new(Box::new(file))))
            }
            (None, Some(interface)) => Self::listen(interface),
            (None, None) => Err(Failure::Usage("name a capture, or --live".to_owned()).into()),
        }
    }

    #[cfg(feature = "live")]
    fn listen(interface: &str) -> anyhow::Result<Self> {
        Ok(Self::Live(live::Interface::open(interface)?))
    }

    #[cfg(not(feature = "live"))]
    fn listen(interface: &str) -> anyhow::Result<Self> {
        let what = format!(
            "this build cannot capture by itself; have tcpdump do it:\n  \
             sudo tcpdump -i {interface} -U -w - tcp | tieline inspect -\n\
             or build it so (libpcap's headers are needed): cargo build --release -p tieline-cli --features live"
        );
        Err(Failure::Usage(what).into())
    }

    /// Gives each packet, or `None` where none comes for a while, until that says that it is enough.
    pub(super) fn each(
        &mut self,
        take: &mut dyn FnMut(Option<Packet<'_>>) -> bool,
    ) -> anyhow::Result<()> {
        match self {
            Self::Capture(packets) => {
                let mut last = 0;
                while let Some(packet) = packets.next()? {
                    let is_enough = !take(Some(packet));
                    // What comes through a pipe is shown as it comes.
                    let is_drained = packets.is_drained() && packets.taken() - last > 0;
                    if is_drained {
                        last = packets.taken();
                    }
                    if is_enough || (is_drained && !take(None)) {
                        break;
                    }
                }
                Ok(())
            }
            #[cfg(feature = "live")]
            Self::Live(interface) => interface.each(take),
        }
    }
}

/// Packets of an interface, until a signal.
#[cfg(feature = "live")]
mod live {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use anyhow::Context;
    use tieline_inspect::{Live, LiveError, Packet};
    use tokio::signal::unix::{SignalKind, signal};

    /// An interface that is listened on.
    pub(crate) struct Interface {
        live: Live,
        is_interrupted: Arc<AtomicBool>,
    }

    impl Interface {
        pub(super) fn open(interface: &str) -> anyhow::Result<Self> {
            let live = Live::open(interface).map_err(|error| match error {
                LiveError::NotAllowed { .. } => {
                    let program = std::env::current_exe().unwrap_or_else(|_| "tieline".into());
                    anyhow::anyhow!(
                        "{error}\n  help: grant it by: sudo setcap cap_net_raw,cap_net_admin=eip {}",
                        program.display()
                    )
                }
                error => error.into(),
            })?;
            let is_interrupted = Arc::new(AtomicBool::new(false));
            listen(Arc::clone(&is_interrupted)).context("cannot listen for signals")?;
            eprintln!("captures on {interface} until it is interrupted (Ctrl-C)");
            Ok(Self { live, is_interrupted })
        }

        pub(super) fn each(
            &mut self,
            take: &mut dyn FnMut(Option<Packet<'_>>) -> bool,
        ) -> anyhow::Result<()> {
            while !self.is_interrupted.load(Ordering::Relaxed) {
                let packet = self.live.next()?;
                if !take(packet) {
                    break;
                }
            }
            Ok(())
        }
    }

    /// Notes the first signal to stop; the second ends the program at once.
    fn listen(is_interrupted: Arc<AtomicBool>) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut interrupt, mut terminate) = {
            let _here = runtime.enter();
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
        };
        std::thread::spawn(move || {
            runtime.block_on(async {
                for exit in [None, Some(1)] {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                    is_interrupted.store(true, Ordering::Relaxed);
                    if let Some(code) = exit {
                        std::process::exit(code);
                    }
                }
            });
        });
        Ok(())
    }
}
