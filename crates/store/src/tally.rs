//! How many commits were acknowledged, beside the database and in it: what is missing is noticed.
//!
//! A database takes whatever it cannot read of its journal for a write that was under way when the
//! power went, and goes on without it and without what follows. So each commit has a number, and
//! the last number that anybody was told of stands in a small file as well. It is not waited for:
//! a kill leaves it as it is, and after a loss of power it may be too small, but never too large.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tracing::warn;

use super::batch::Space;
use super::{Spaces, StoreError};

/// Its name in the folder of the store.
pub(super) const FILE: &str = "acknowledged";

/// Where the number is in the database.
pub(super) const KEY: &[u8] = b"commits";

/// The number of the last commit.
#[derive(Debug)]
pub(super) struct Tally {
    file: File,
    last: u64,
}

impl Tally {
    /// Compares the two numbers.
    pub(super) fn open(path: &Path, spaces: &Spaces) -> Result<Self, StoreError> {
        let last = match spaces.keyspace(Space::Counters).get(KEY) {
            Ok(bytes) => number(bytes.as_deref().unwrap_or_default()).unwrap_or_default(),
            Err(error) => return Err(StoreError::new(path, error)),
        };
        let (file, told) =
            open(&path.join(FILE)).map_err(|error| StoreError::io(path.to_owned(), error))?;
        if told > last {
            let missing = told - last;
            let why = format!("{missing} commits are missing that were on disk");
            return Err(StoreError::corrupt(path, why));
        }
        Ok(Self { file, last })
    }

    /// The number of the next commit.
    pub(super) const fn next(&self) -> u64 {
        self.last + 1
    }

    /// That commit is on disk.
    pub(super) fn tell(&mut self) {
        self.last += 1;
        if let Err(error) = self.file.write_all_at(&self.last.to_be_bytes(), 0) {
            warn!(%error, "the number of the last commit is not noted: damage may go unnoticed");
        }
    }
}

fn open(file: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(file)?;
    let mut bytes = [0; 8];
    // One that is empty, or of another length, was not written to its end.
    let is_whole = file.metadata()?.len() == 8;
    if is_whole {
        file.read_exact_at(&mut bytes, 0)?;
    } else {
        file.set_len(0)?;
    }
    Ok((file, u64::from_be_bytes(bytes)))
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}
