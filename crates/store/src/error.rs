//! What can be wrong with the store.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The store could not be opened, read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A write failed before, and the disk can no longer be believed.
    #[error("the store in {} takes nothing more, because a write to it failed before", .path.display())]
    Broken {
        /// Its folder.
        path: PathBuf,
    },
    /// The server stops.
    #[error("the store in {} is closed", .path.display())]
    Closed {
        /// Its folder.
        path: PathBuf,
    },
    /// What is in the folder cannot be understood.
    #[error("what is in {} is no store, or a damaged one", .path.display())]
    Corrupt {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The disk is full, or nearly.
    #[error("the disk of the store in {} is full: {free} bytes are free, and {kept} are kept free", .path.display())]
    Full {
        /// Its folder.
        path: PathBuf,
        /// What is free, in bytes.
        free: u64,
        /// What is kept free, in bytes.
        kept: u64,
    },
    /// Another process has it.
    #[error("the store in {} is in use by another process", .path.display())]
    InUse {
        /// Its folder.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("cannot use the store in {}", .path.display())]
    Io {
        /// Its folder.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A key that is empty or too long. Ours to prevent.
    #[error("a key of {0} bytes cannot be stored")]
    Key(usize),
    /// What is in the folder has a form of its own.
    #[error("the store in {} was written by another version of the server", .path.display())]
    Version {
        /// The folder.
        path: PathBuf,
    },
}

impl StoreError {
    pub(super) fn new(path: &Path, error: fjall::Error) -> Self {
        let path = path.to_owned();
        match error {
            fjall::Error::Io(source) | fjall::Error::Storage(fjall::LsmError::Io(source)) => {
                Self::io(path, source)
            }
            fjall::Error::InvalidVersion(Some(_)) => Self::Version { path },
            fjall::Error::Locked => Self::InUse { path },
            fjall::Error::Poisoned => Self::Broken { path },
            error => Self::Corrupt { path, source: Arc::new(error) },
        }
    }

    pub(super) fn corrupt(path: &Path, why: impl Into<String>) -> Self {
        let source = Arc::new(io::Error::other(why.into()));
        Self::Corrupt { path: path.to_owned(), source }
    }

    pub(super) fn io(path: PathBuf, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full { path, free: 0, kept: 0 }
            }
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Self::Corrupt { path, source: Arc::new(source) }
            }
            _ => Self::Io { path, source: Arc::new(source) },
        }
    }

    /// What would be right, where the error does not say so itself.
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Broken { .. } => "look after the disk, then start the server again",
            Self::Corrupt { .. } => {
                "name the folder of a store or an empty one in store.path; a damaged store is restored from a copy, or moved away and begun anew"
            }
            Self::Full { .. } => {
                "make room on the disk; the server goes on by itself, store.min_free_bytes says from where"
            }
            Self::InUse { .. } => {
                "stop the other process, or give each server a folder of its own in store.path"
            }
            Self::Io { .. } => {
                "store.path is a folder that the server may write to, or a path where it may make one"
            }
            Self::Version { .. } => {
                "start the version that wrote it, or name another folder in store.path"
            }
            Self::Closed { .. } | Self::Key(_) => return None,
        })
    }
}
