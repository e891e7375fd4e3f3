//! permessage-deflate: what is offered and agreed, and the codecs.
//!
//! Spec: RFC 7692.

mod compress;
mod idle;
mod inflate;
mod message;
mod negotiation;
#[cfg(feature = "libdeflate")]
mod one_shot;

pub(crate) use compress::Compressor;
pub(crate) use idle::Effort;
pub(crate) use inflate::Inflater;
pub(crate) use message::MessageInflater;
pub use negotiation::{Agreed, Config, ConfigError, NegotiationError, Window};
