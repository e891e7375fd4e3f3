//! The TLS of the listeners.

mod expiry;
mod secure;
mod tls;
mod tls_error;

pub(crate) use secure::SecureListeners;
pub use tls::{Certificates, TlsFiles};
pub use tls_error::TlsError;
