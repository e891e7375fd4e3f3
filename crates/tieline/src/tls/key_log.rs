//! The secrets of TLS in a file, for whoever is to decrypt what was captured.
//!
//! The format is that of NSS, which Wireshark and others read: one secret a line, with its name and the
//! client's random.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::KeyLog;

/// A file that the secrets of connections are appended to, as `key_log` of a `rustls` configuration.
/// Who reads it reads everything that was said: for finding faults, and never in passing.
///
/// On Unix only its owner may read a new one.
///
/// # Example
///
/// ```no_run
/// use std::path::Path;
/// use std::sync::Arc;
/// use tieline::tls::{KeyLogFile, TlsOptions};
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = TlsOptions::default().config()?;
/// let tell = |path: &Path, error| eprintln!("cannot write {}: {error}", path.display());
/// config.key_log = Arc::new(KeyLogFile::open("keys.log", tell)?);
/// let request = tieline::Connect::to("wss://example.com/").tls(config);
/// # Ok(()) }
/// ```
pub struct KeyLogFile {
    path: PathBuf,
    file: File,
    /// Is told, once, why it cannot be written.
    tell: fn(&Path, io::Error),
    is_told: AtomicBool,
}

impl KeyLogFile {
    /// Appends to this file, and makes it where it is not there. `tell` is called once where a secret
    /// cannot be written: a connection does not end for that.
    ///
    /// # Errors
    ///
    /// Those of opening a file.
    pub fn open(path: impl Into<PathBuf>, tell: fn(&Path, io::Error)) -> io::Result<Self> {
        let path = path.into();
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        Ok(Self { path, file, tell, is_told: AtomicBool::new(false) })
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let mut line = label.to_owned();
        for bytes in [client_random, secret] {
            line.push(' ');
            for byte in bytes {
                write!(line, "{byte:02x}").expect("a text takes whatever is written");
            }
        }
        line.push('\n');
        // In one piece, since others may write to the same file.
        if let Err(error) = (&self.file).write_all(line.as_bytes())
            && !self.is_told.swap(true, Ordering::Relaxed)
        {
            (self.tell)(&self.path, error);
        }
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyLogFile").field(&self.path).finish()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_secret_is_a_line_behind_those_that_are_there_and_nobody_else_may_read_them() {
        let folder = std::env::temp_dir().join(format!("tieline-key-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.log");
        for random in [[1, 0xab], [2, 0xcd]] {
            KeyLogFile::open(&path, |_, error| panic!("{error}")).unwrap().log(
                "CLIENT_RANDOM",
                &random,
                &[0, 0xff],
            );
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "CLIENT_RANDOM 01ab 00ff\nCLIENT_RANDOM 02cd 00ff\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
