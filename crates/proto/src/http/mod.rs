//! HTTP/1 heads as far as a WebSocket needs them: read whole, checked, and answered.
//!
//! | bytes                             | read and written by                           |
//! |-----------------------------------|-----------------------------------------------|
//! | a request or response head        | [`HeadReader`]                                |
//! | a refusal or other short answer   | [`encode_response`]                           |
//! | `Connection`, `Upgrade`, …        | [`has_token`], [`tokens`]                     |
//! | `Sec-WebSocket-Extensions`        | [`Extension`]                                 |
//!
//! What a head says about the handshake is the business of [`handshake`](crate::handshake).
//!
//! Spec: RFC 9112; RFC 6455 §4.1, §9.1.

mod authority;
mod extension;
mod head;
mod head_error;
mod response;
mod token;

pub(crate) use authority::{Authority, is_host_byte};
pub use extension::{Extension, ExtensionError};
pub use head::HeadReader;
pub use head_error::HeadError;
pub use response::encode_response;
pub(crate) use response::write_headers;
pub use token::{has_token, is_token, tokens};
