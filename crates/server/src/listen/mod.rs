//! The TLS of the listeners.

mod tls;
mod tls_error;

pub use tls::{Certificates, TlsFiles};
pub use tls_error::TlsError;
