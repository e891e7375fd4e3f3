//! What an operator can get wrong about who may come.

use std::io;
use std::path::{Path, PathBuf};

/// A file or an address of [`Access`](super::Access) that cannot be used. Nothing of the file's
/// content is ever in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessError {
    /// A shared token with something in it that no header can carry.
    #[error("line {line} of {} holds a token that no header can carry", .path.display())]
    BadToken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A key that is none.
    #[error("{} is not a public key for {algorithms}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// The algorithms that the route takes.
        algorithms: String,
    },
    /// A name in the file that cannot be one.
    #[error("line {line} of {} holds a name that cannot be one", .path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A file without a token.
    #[error("{} holds no token", .path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// A private key where a public one is wanted.
    #[error("{} holds a private key", .path.display())]
    PrivateKey {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A secret that can be guessed.
    #[error("{} holds a secret of {bytes} bytes", .path.display())]
    Short {
        /// The file.
        path: PathBuf,
        /// How long it is.
        bytes: usize,
        /// How long it must be.
        min: usize,
    },
}

impl AccessError {
    /// The file that it is about.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::BadToken { path, .. }
            | Self::Key { path, .. }
            | Self::Name { path, .. }
            | Self::NoToken { path }
            | Self::PrivateKey { path }
            | Self::Read { path, .. }
            | Self::Short { path, .. } => path,
        }
    }

    /// What would be right.
    pub(crate) const fn advice(&self) -> &'static str {
        match self {
            Self::BadToken { .. } => {
                "letters, digits and -._~+/= only; one is made by: tieline token gen secret FILE"
            }
            Self::Key { .. } => "name the public key as PEM: -----BEGIN PUBLIC KEY-----",
            Self::Name { .. } => "a line is: TOKEN, or NAME TOKEN, or NAME TOKEN RIGHT…",
            Self::NoToken { .. } => "write one a line: TOKEN, or NAME TOKEN, or NAME TOKEN RIGHT…",
            Self::PrivateKey { .. } => {
                "the server needs only the public key; keep the other where tokens are made"
            }
            Self::Read { .. } => "relative paths start from the folder of the configuration file",
            Self::Short { min: 32, .. } => {
                "32 bytes at least; one is made by: tieline token gen secret FILE"
            }
            Self::Short { .. } => {
                "16 bytes at least; one is made by: tieline token gen secret FILE"
            }
        }
    }
}
