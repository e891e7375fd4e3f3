//! What may be written of the store: where it is kept what must outlive the server.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where it is kept what must outlive the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Store {
    /// A folder, made where there is none; one server has it at a time.
    pub path: PathBuf,

    /// Bytes of the disk that are left free: below, nothing more is stored until there is room
    /// again. With less than the default, a disk that fills up may cost a restart. Default 67108864.
    #[serde(default = "min_free_bytes")]
    pub min_free_bytes: u64,
}

const fn min_free_bytes() -> u64 {
    64 << 20
}
