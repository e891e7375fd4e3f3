//! What can be wrong with the certificates of a listener.

use std::error::Error;
use std::path::PathBuf;

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate's file.
    #[error("cannot read certificates from {}", .path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// The file of the clients' roots.
    #[error("cannot use the clients' roots in {}", .path.display())]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The key's file.
    #[error("cannot read a private key from {}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls_pki_types::pem::Error,
    },
    /// The file for the secrets of connections.
    #[error("cannot append to the key log {}", .path.display())]
    KeyLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Certificate and key do not belong together, or are of a kind that is not supported.
    #[error("certificate and key cannot be used together")]
    Pair(#[source] rustls::Error),
}

impl TlsError {
    /// The key of the configuration that it is about.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Certificate { .. } => "certificate",
            Self::ClientCa { .. } => "client_ca",
            Self::Key { .. } | Self::Pair(_) => "key",
            Self::KeyLog { .. } => "danger_key_log",
        }
    }

    /// What would be right.
    pub const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Certificate { .. } => "name a PEM file with the certificate and its chain",
            Self::ClientCa { .. } => "name a PEM file with the certificates of the roots",
            Self::Key { .. } => "name a PEM file with the private key, readable for the server",
            Self::KeyLog { .. } => "name a file in a folder that the server may write to",
            Self::Pair(_) => "name the key that the certificate was made for",
        })
    }
}
