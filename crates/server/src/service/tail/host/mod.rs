//! A file of another machine, read over the system's `ssh`.
//!
//! ```text
//! here                                         there
//! ssh … host "exec sh"  ◀── script ───────────  sh: opens the file, says which it is and where it
//!      Stream ◀── marks and bytes ────────────  begins, and copies what is new; looks for another
//!      Place: which file, how many bytes        file of that name, and for one that was shortened
//! ```
//!
//! Here is known which file was read and how far. When the line was lost, the next script begins
//! there: with the same file, or with what it was renamed to and then the new one; so no line is lost
//! or said twice. Where neither is there any more, that is told. The script ends with its standard
//! input, and that with the last who looks.

mod askpass;
mod script;
mod ssh;
mod stream;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info, warn};

use self::askpass::Askpass;
use self::script::script;
use self::stream::{Kind, Piece, Stream};
use super::before::Before;
use super::told::Told;
use crate::backoff::Backoff;
use crate::process::{Places, Running, Stderr};
use crate::random;
use crate::source::{Feed, Line, Reader, Splitter, WAITS};

/// A file of another machine, and how that is reached.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) name: Arc<str>,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) password: Option<Password>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) identity_file: Option<PathBuf>,
    pub(crate) known_hosts: Option<PathBuf>,
    pub(crate) port: Option<u16>,
    pub(crate) jump: Option<String>,
    /// Whether the key of a host that is not known is believed.
    pub(crate) accepts_new: bool,
    pub(crate) connect_within: Duration,
    /// Most lines, and bytes, that are read of what is there already.
    pub(crate) last: (usize, u64),
    pub(crate) max_line_bytes: usize,
}

#[cfg(test)]
impl Plan {
    /// One of which nothing is said that need not be.
    fn by_hand(path: &str) -> Self {
        Self {
            name: "a".into(),
            host: "user@host".into(),
            path: path.to_owned(),
            password: None,
            config: None,
            identity_file: None,
            known_hosts: None,
            port: None,
            jump: None,
            accepts_new: false,
            connect_within: Duration::from_millis(1_500),
            last: (2, 1 << 20),
            max_line_bytes: 1 << 16,
        }
    }
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Password {
    File(PathBuf),
    /// In the server's environment.
    Variable(String),
}

/// Reads a file of another machine.
#[derive(Debug)]
pub(super) struct Reading {
    plan: Plan,
    places: Places,
}

/// Which file was read, and how far.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    id: String,
    offset: u64,
    before: Before,
}

/// What is known from one connection to the next.
struct Progress {
    place: Option<Place>,
    splitter: Splitter,
}

/// Why a connection has ended.
enum End {
    /// It took too long until the file was read.
    Late,
    /// It ended by itself, this long after the file was read; `None`: before that.
    Lost(Option<Duration>),
    NotStarted,
}

/// What `ssh` says of itself.
struct Said {
    told: Told,
    /// The key that the host has shown, with its fingerprint.
    key: Option<String>,
}

/// Bytes of one read.
const BLOCK_BYTES: usize = 64 << 10;

impl Reading {
    pub(super) const fn new(plan: Plan, places: Places) -> Self {
        Self { plan, places }
    }

    async fn connect(&self, progress: &mut Progress, feed: &Feed) -> (End, Said) {
        let mut said = Said { told: Told::new(), key: None };
        let deadline = Instant::now() + self.plan.connect_within;
        let askpass = match self.plan.password.as_ref().map(Askpass::new).transpose() {
            Ok(askpass) => askpass,
            Err(error) => {
                warn!(%error, "a password cannot be handed to ssh");
                return (End::NotStarted, said);
            }
        };
        let variables = askpass.as_ref().map(Askpass::variables).unwrap_or_default();
        let program = ssh::program(&self.plan);
        let Ok(running) = self.places.start(&program, &variables, Stderr::Apart).await else {
            return (End::NotStarted, said);
        };
        let end = self.follow(running, deadline, progress, &mut said, feed).await;
        (end, said)
    }

    async fn follow(
        &self,
        mut running: Running,
        deadline: Instant,
        progress: &mut Progress,
        said: &mut Said,
        feed: &Feed,
    ) -> End {
        let mut stderr = running.stderr.take().expect("it was asked for apart");
        let nonce = random::id();
        let script = script(&self.plan, progress.place.as_ref(), &nonce);
        // Where it cannot be written the end is read below.
        let _ = running.stdin.write_all(script.as_bytes()).await;
        let mut stream = Stream::new(&nonce);
        let (mut block, mut words) = (vec![0; BLOCK_BYTES], vec![0; 4 << 10]);
        let (mut since, mut is_silent) = (None, false);
        loop {
            tokio::select! {
                () = sleep_until(deadline), if since.is_none() => return End::Late,
                read = running.stdout.read(&mut block) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(len) => {
                        stream.put(&block[..len]);
                        while let Some(piece) = stream.next() {
                            if since.is_none() && matches!(piece, Piece::Mark(..)) {
                                since = Some(Instant::now());
                                info!(source = &*self.plan.name, "connected to the host");
                            }
                            // Before it, a login shell may have said something.
                            if since.is_some() {
                                self.take(piece, progress, feed).await;
                            }
                        }
                    }
                },
                read = stderr.read(&mut words), if !is_silent => match read {
                    Ok(0) | Err(_) => is_silent = true,
                    Ok(len) => said.take(&words[..len]),
                },
            }
        }
        said.take_rest(&mut stderr, &mut words).await;
        End::Lost(since.map(|since: Instant| since.elapsed()))
    }

    async fn take(&self, piece: Piece, progress: &mut Progress, feed: &Feed) {
        let name = &*self.plan.name;
        let (kind, id, offset) = match piece {
            Piece::Bytes(bytes) => {
                if let Some(place) = &mut progress.place {
                    place.offset += bytes.len() as u64;
                    place.before.pass(&bytes);
                }
                let mut lines = Vec::new();
                progress.splitter.take(&bytes, &mut lines);
                return feed.say(name, &lines).await;
            }
            Piece::Mark(kind, id, offset) => (kind, id, offset),
        };
        match kind {
            Kind::Fail => return feed.trouble(name, "the file may not be read"),
            Kind::None => return feed.trouble(name, "the file is not there"),
            Kind::Same | Kind::Old => {}
            Kind::Begin if offset > 0 => progress.splitter.skip_to_next(),
            Kind::Begin | Kind::New => {
                let rest: Option<Line> = progress.splitter.finish();
                feed.say(name, rest.as_slice()).await;
            }
            Kind::Cut | Kind::Lost => {
                let rest: Option<Line> = progress.splitter.cut();
                feed.say(name, rest.as_slice()).await;
            }
        }
        let before = match (kind, progress.place.take()) {
            (Kind::Same | Kind::Old, Some(place)) => place.before,
            _ => Before::default(),
        };
        progress.place = Some(Place { id, offset, before });
        feed.well(name);
        match kind {
            Kind::Cut => {
                feed.gap(name, "the file was shortened: what was not read by then is lost");
            }
            Kind::Lost => feed.gap(name, "the file is another one: lines may be missing"),
            _ => {}
        }
    }

    /// Says why it has ended, to the log and to those who look.
    fn tell(&self, end: &End, said: &Said, feed: &Feed) {
        let (name, host) = (&*self.plan.name, &*self.plan.host);
        let within = crate::config::Span::from_millis(self.plan.connect_within.as_millis() as u64);
        let late = format!("not connected to the host within {within}");
        let (told, key) = (&said.told, said.key.as_deref().unwrap_or("not shown"));
        let reason = match end {
            End::Late => late.as_str(),
            End::NotStarted => "ssh could not be started",
            End::Lost(Some(_)) => "the connection to the host was lost",
            End::Lost(None) if told.contains("has changed and you have requested") => {
                "the host has another key than the one that is known"
            }
            End::Lost(None) if told.contains("Host key verification failed") => {
                "the host's key is not known"
            }
            End::Lost(None)
                if told.contains("Permission denied")
                    || told.contains("Too many authentication failures") =>
            {
                "the host does not let this server in"
            }
            End::Lost(None) => "the host is not reached",
        };
        warn!(source = name, host, key, stderr = %told, "{reason}");
        feed.trouble(name, reason);
    }
}

impl Reader for Reading {
    fn read(self: Arc<Self>, feed: Feed) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(async move {
            feed.set_names(std::slice::from_ref(&self.plan.name));
            let splitter = Splitter::new(self.plan.max_line_bytes);
            let mut progress = Progress { place: None, splitter };
            let mut backoff = Backoff::new(WAITS);
            loop {
                let (end, said) = self.connect(&mut progress, &feed).await;
                self.tell(&end, &said, &feed);
                if let End::Lost(Some(well)) = end {
                    backoff.went_well(well);
                }
                let wait = backoff.next();
                debug!(source = &*self.plan.name, wait_ms = wait.as_millis() as u64, "waiting");
                sleep(wait).await;
            }
        })
    }
}

impl Said {
    fn take(&mut self, bytes: &[u8]) {
        let key = &mut self.key;
        self.told.take(bytes, |line| {
            if let Some((_, shown)) = line.split_once("Server host key: ") {
                *key = Some(shown.to_owned());
            }
            !line.starts_with("debug") && !line.starts_with("OpenSSH_")
        });
    }

    /// What was said by the end, as far as it comes soon.
    async fn take_rest(&mut self, stderr: &mut pipe::Receiver, words: &mut [u8]) {
        let rest = async {
            while let Ok(len @ 1..) = stderr.read(words).await {
                self.take(&words[..len]);
            }
        };
        // What is said later is not worth waiting for.
        let _ = tokio::time::timeout(Duration::from_secs(1), rest).await;
    }
}
