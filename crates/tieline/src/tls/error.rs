//! What can go wrong with TLS.

use std::fmt;
use std::io;

use rustls::pki_types::pem;

/// TLS could not be set up, or its handshake failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum TlsError {
    /// A certificate, a key or the roots cannot be used.
    Config(rustls::Error),
    /// The handshake failed; a certificate that is not trusted ends here.
    Handshake(io::Error),
    /// A PEM text holds no certificate.
    NoCertificate {
        /// Which of the options.
        what: &'static str,
    },
    /// A PEM text cannot be read, or holds no private key.
    Pem {
        /// Which of the options.
        what: &'static str,
        /// What is wrong with it.
        source: pem::Error,
    },
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(_) => f.write_str("TLS settings cannot be used"),
            Self::Handshake(_) => f.write_str("TLS handshake failed"),
            Self::NoCertificate { what } => write!(f, "`{what}` holds no PEM certificate"),
            Self::Pem { what, .. } => write!(f, "`{what}` is not the PEM it should be"),
        }
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Handshake(error) => Some(error),
            Self::NoCertificate { .. } => None,
            Self::Pem { source, .. } => Some(source),
        }
    }
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        Self::Config(error)
    }
}
