//! What TLS hides, where a key log is at hand: TLS 1.2 with its authenticated ciphers, and TLS 1.3.
//!
//! ```text
//! one end's bytes ─▶ records ─▶ opened, once their keys are known ─▶ application data
//!                       └─ both hellos say which keys
//! ```

mod cipher;
mod hello;
mod keys;
mod records;
mod session;

pub use keys::Keys;
pub(crate) use session::{Session, Told};

/// Types of records, and of what is inside those of TLS 1.3.
mod content {
    pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
    pub(super) const HANDSHAKE: u8 = 22;
    pub(super) const APPLICATION_DATA: u8 = 23;
}
