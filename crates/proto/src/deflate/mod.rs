//! permessage-deflate: what is offered and agreed, and the two codecs.
//!
//! Spec: RFC 7692.

mod compress;
mod inflate;
mod negotiation;

pub(crate) use compress::Compressor;
pub(crate) use inflate::Inflater;
pub use negotiation::{Agreed, Config, ConfigError, NegotiationError, Window};
