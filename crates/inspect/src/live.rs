//! The packets of an interface, as they pass.

use std::thread;
use std::time::Duration;

use pcap::{Active, Capture, Device, Error};
use thiserror::Error as ThisError;

use crate::capture::Packet;

/// How long nothing may come until that is told. libpcap has a limit of its own for that, which on Linux
/// does not end a wait in which nothing comes at all.
const TURN: Duration = Duration::from_millis(20);

/// Largest packet that is captured whole: what an interface puts together itself is larger than
/// what is on the wire.
const MAX_PACKET_BYTES: i32 = 256 << 10;

/// Bytes for packets that were not taken yet.
const BUFFER_BYTES: i32 = 16 << 20;

/// An interface that is listened on.
pub struct Live {
    capture: Capture<Active>,
    link: i32,
}

/// An interface cannot be listened on.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum LiveError {
    /// It could not be opened, or went away.
    #[error("cannot capture on {interface}: {why}")]
    Failed {
        /// Its name.
        interface: String,
        /// What the system says.
        why: String,
    },
    /// The right is missing.
    #[error("there is no right to capture on {interface}")]
    NotAllowed {
        /// Its name.
        interface: String,
    },
    /// There is no such interface.
    #[error("there is no interface {interface:?}; there are: {others}")]
    Unknown {
        /// What it was called.
        interface: String,
        /// What there is.
        others: String,
    },
}

impl Live {
    /// Listens on an interface, for TCP.
    ///
    /// # Errors
    ///
    /// [`LiveError`], also where the right is missing.
    pub fn open(interface: &str) -> Result<Self, LiveError> {
        // Who may not capture may not list either, or sees nothing: then the name is believed.
        let devices = Device::list().unwrap_or_default();
        if !devices.is_empty() && !devices.iter().any(|device| device.name == interface) {
            let others: Vec<_> = devices.into_iter().map(|device| device.name).collect();
            let (interface, others) = (interface.to_owned(), others.join(", "));
            return Err(LiveError::Unknown { interface, others });
        }
        let open = || {
            let capture = Capture::from_device(interface)?
                .immediate_mode(true)
                .snaplen(MAX_PACKET_BYTES)
                .buffer_size(BUFFER_BYTES);
            let mut capture = capture.open()?.setnonblock()?;
            capture.filter("tcp or (vlan and tcp)", true)?;
            Ok(capture)
        };
        let capture = open().map_err(|error| failed(interface, &error))?;
        let link = capture.get_datalink().0;
        Ok(Self { capture, link })
    }

    /// The next packet, or `None` where none came for a while.
    ///
    /// # Errors
    ///
    /// [`LiveError::Failed`] where the interface goes away.
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows from it")]
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, LiveError> {
        match self.capture.next_packet() {
            Ok(packet) => {
                let time = packet.header.ts;
                let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
                let micros = u64::try_from(time.tv_usec).unwrap_or_default();
                let time = Duration::from_secs(seconds) + Duration::from_micros(micros);
                Ok(Some(Packet { time, link: self.link, data: packet.data }))
            }
            Err(Error::TimeoutExpired | Error::NoMorePackets) => {
                thread::sleep(TURN);
                Ok(None)
            }
            Err(error) => Err(failed("the interface", &error)),
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("link", &self.link).finish_non_exhaustive()
    }
}

fn failed(interface: &str, error: &Error) -> LiveError {
    let (interface, why) = (interface.to_owned(), error.to_string());
    let is_right = ["permission", "Operation not permitted"].iter().any(|word| why.contains(word));
    match is_right {
        true => LiveError::NotAllowed { interface },
        false => LiveError::Failed { interface, why },
    }
}
