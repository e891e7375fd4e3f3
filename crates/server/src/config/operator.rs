//! What may be written of the operator's side.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tls::Tls;

/// The operator's side, on a listener of its own: metrics, health, and the device API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Operator {
    /// IP address and port. Default "127.0.0.1:9090".
    pub address: String,

    /// A file with the key that whoever asks must have: `Authorization: Bearer KEY`. Several lines
    /// are several keys. Without it there is no device API, only health and metrics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_file: Option<PathBuf>,

    /// Names that requests may give as `Host` on a loopback address, beside `localhost`,
    /// `127.0.0.1` and `[::1]`; another address answers to every name, or where some are listed to
    /// these. Default none.
    pub hosts: Vec<String>,

    /// TLS. Default off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// Listens without TLS at an address that other machines reach. Default false.
    pub danger_without_tls: bool,

    /// Listens without a key at an address that other machines reach. Default false.
    pub danger_without_key: bool,
}

impl Operator {
    /// Where it listens if nothing says otherwise.
    pub const DEFAULT_ADDRESS: &str = "127.0.0.1:9090";
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            address: Self::DEFAULT_ADDRESS.to_owned(),
            api_key_file: None,
            hosts: Vec::new(),
            tls: None,
            danger_without_tls: false,
            danger_without_key: false,
        }
    }
}
