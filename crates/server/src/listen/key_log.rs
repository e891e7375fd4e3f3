//! The secrets of TLS in a file, for whoever is to decrypt what was captured.
//!
//! The format is that of NSS, which Wireshark and others read: one secret a line, with its name and the
//! client's random.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustls::KeyLog;
use tracing::error;

/// A file that secrets are appended to. Only its owner may read a new one.
pub(super) struct KeyLogFile {
    path: PathBuf,
    file: File,
    /// Whether it was said that it cannot be written.
    is_told: AtomicBool,
}

impl KeyLogFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { path: path.to_path_buf(), file, is_told: AtomicBool::new(false) })
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
        // In one piece, since other listeners may write to the same file.
        if let Err(error) = (&self.file).write_all(line.as_bytes())
            && !self.is_told.swap(true, Ordering::Relaxed)
        {
            error!(file = %self.path.display(), %error, "the TLS key log cannot be written");
        }
    }
}

impl fmt::Debug for KeyLogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyLogFile").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn each_secret_is_a_line_behind_those_that_are_there_and_nobody_else_may_read_them() {
        let folder = std::env::temp_dir().join(format!("tieline-key-log-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.log");
        for random in [[1, 0xab], [2, 0xcd]] {
            KeyLogFile::open(&path).unwrap().log("CLIENT_RANDOM", &random, &[0, 0xff]);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "CLIENT_RANDOM 01ab 00ff\nCLIENT_RANDOM 02cd 00ff\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
