//! Secrets of connections, as browsers and others log them on request (`SSLKEYLOGFILE`).
//!
//! ```text
//! LABEL CLIENT_RANDOM SECRET        all but the label hexadecimal; a line each; # begins a comment
//! ```

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;

/// Most that is read of a log.
const MAX_BYTES: u64 = 256 << 20;

/// The secrets of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets {
    /// Of TLS 1.2.
    pub(super) master: Option<Vec<u8>>,
    /// Of TLS 1.3, of the client and of the server.
    pub(super) handshake: [Option<Vec<u8>>; 2],
    /// Those for what is said first behind the handshake.
    pub(super) traffic: [Option<Vec<u8>>; 2],
}

/// A key log, which may still grow.
pub struct Keys {
    file: File,
    read: u64,
    /// The beginning of a line.
    line: Vec<u8>,
    secrets: HashMap<[u8; 32], Secrets>,
}

impl Keys {
    /// Reads the log in this file.
    ///
    /// # Errors
    ///
    /// Those of opening and reading it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut keys = Self { file, read: 0, line: Vec::new(), secrets: HashMap::new() };
        keys.read_on()?;
        Ok(keys)
    }

    /// Of how many connections there are secrets.
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The secrets of the connection with this random of its client.
    pub(crate) fn find(&mut self, random: &[u8; 32]) -> Option<Secrets> {
        // A log that cannot be read any more has no more secrets.
        if !self.secrets.contains_key(random) && self.read_on().is_err() {
            return None;
        }
        self.secrets.get(random).cloned()
    }

    /// Reads what was appended.
    fn read_on(&mut self) -> io::Result<()> {
        let mut piece = Vec::new();
        (&self.file).take(MAX_BYTES - self.read).read_to_end(&mut piece)?;
        self.read += piece.len() as u64;
        self.line.append(&mut piece);
        let Some(end) = self.line.iter().rposition(|&byte| byte == b'\n') else { return Ok(()) };
        let rest = self.line.split_off(end + 1);
        let lines = std::mem::replace(&mut self.line, rest);
        for line in lines.split(|&byte| byte == b'\n') {
            // What is no secret is nothing that is needed.
            let _ = str::from_utf8(line).ok().and_then(|line| self.learn(line));
        }
        Ok(())
    }

    fn learn(&mut self, line: &str) -> Option<()> {
        let mut words = line.split_ascii_whitespace();
        let (label, random, secret) = (words.next()?, words.next()?, words.next()?);
        let random = HEXLOWER_PERMISSIVE.decode(random.as_bytes()).ok()?.try_into().ok()?;
        let secret = HEXLOWER_PERMISSIVE.decode(secret.as_bytes()).ok()?;
        if !(1..=64).contains(&secret.len()) {
            return None;
        }
        let secrets: &mut Secrets = self.secrets.entry(random).or_default();
        let place = match label {
            "CLIENT_RANDOM" => &mut secrets.master,
            "CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[0],
            "SERVER_HANDSHAKE_TRAFFIC_SECRET" => &mut secrets.handshake[1],
            "CLIENT_TRAFFIC_SECRET_0" => &mut secrets.traffic[0],
            "SERVER_TRAFFIC_SECRET_0" => &mut secrets.traffic[1],
            _ => return None,
        };
        *place = Some(secret);
        Some(())
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("connections", &self.secrets.len()).finish_non_exhaustive()
    }
}
