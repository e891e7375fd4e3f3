//! Which form the entries of a store have: one that this server does not know is left alone.

use std::path::Path;

use super::batch::Space;
use super::{Spaces, StoreError};

/// The form that is read and written here. A store that says nothing has the first; who writes a
/// later one puts its number, of eight bytes, under the key.
const FORMAT: u64 = 1;

pub(super) const KEY: &[u8] = b"format";

/// Refuses a store whose entries have another form.
pub(super) fn check(path: &Path, spaces: &Spaces) -> Result<(), StoreError> {
    let found = spaces.keyspace(Space::Counters).get(KEY);
    match found.map_err(|error| StoreError::new(path, error))?.as_deref() {
        None => Ok(()),
        Some(number) if *number == FORMAT.to_be_bytes() => Ok(()),
        Some(_) => Err(StoreError::Version { path: path.to_owned() }),
    }
}
