//! What may be written of a listener's TLS.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Certificates of a listener, in PEM files that are read again on SIGHUP. TLS 1.2 and 1.3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Tls {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,

    /// The certificate's private key.
    pub key: PathBuf,

    /// Roots that clients' certificates must lead to; with it, a client without one is turned
    /// away. Default: clients need no certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,

    /// A file that the secrets of every connection are appended to, in the format of NSS, made for its
    /// owner alone: whoever reads it can decrypt all that was captured. To find a fault, and never
    /// else. Default: nobody can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub danger_key_log: Option<PathBuf>,
}
