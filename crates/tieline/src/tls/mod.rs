//! TLS for both ends, by rustls with aws-lc-rs.
//!
//! The cryptography is named here and not taken from the process, so that nothing has to be
//! installed before the first connection, and no other library can change it.

mod client;
mod error;
mod key_log;
mod pin;
mod server;
mod trust_all;

use std::sync::Arc;

pub(crate) use client::wrap;
pub use client::{ClientTls, Identity, Roots, TlsOptions};
pub use error::TlsError;
pub use key_log::KeyLogFile;
pub use pin::{KeyPin, KeyPinError};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
pub use server::ServerTlsOptions;

/// WebSocket upgrades are HTTP/1.1 (RFC 7301 names it so).
const ALPN: &[u8] = b"http/1.1";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// All certificates of a PEM text, at least one.
fn certificates(pem: &[u8], what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(TlsError::NoCertificate { what }),
        Ok(certificates) => Ok(certificates),
        Err(source) => Err(TlsError::Pem { what, source }),
    }
}

/// The first private key of a PEM text.
fn private_key(pem: &[u8], what: &'static str) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|source| TlsError::Pem { what, source })
}
