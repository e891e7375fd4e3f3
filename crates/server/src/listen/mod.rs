//! Where connections come from: sockets bound once and shared by the workers, and their TLS.

mod bind;
mod stream;
mod tls;
mod tls_error;

pub use bind::BindError;
pub(crate) use bind::{Acceptor, BoundPlace};
pub(crate) use stream::Stream;
pub use tls::{Certificates, TlsFiles};
pub use tls_error::TlsError;
