//! Channels with positions, history and presence: publish and subscribe with nothing lost unsaid.
//!
//! ```text
//! publish ─▶ Broker: a place in the channel's log ─▶ Hub: whoever has subscribed, by outlet
//! subscribe, with the position that was seen last ─▶ what was missed, or that it is gone ─▶ live
//! ```
//!
//! A [`Broker`] gives every publication its place, keeps it as [`Keep`] says, and tells who listens. It
//! knows nothing of sockets, and the hub knows nothing of what its outlets lead to.

pub mod broker;
mod channel;
mod epochs;
mod history;
mod hub;
mod keep;
mod kept;
mod keys;
mod local;
mod log;
mod member;
mod outlet;
mod outlets;
mod patterns;
mod position;
mod presence;
mod publication;
mod recovery;
mod shards;
mod stored;
mod usage;

pub use broker::{Broker, BrokerError, Durable, Listener, Memory};
pub use channel::{Channel, MAX_NAME_BYTES, NameError, Pattern};
pub use history::{History, Most, Range};
pub use hub::Hub;
pub use keep::{Durability, KEYS_KNOWN, Keep};
pub use member::Member;
pub use outlet::{Outlet, Source};
pub use position::{Epoch, EpochError, Position};
pub use publication::{New, Publication, Published};
pub use recovery::{Missing, Outcome, Recovered};
pub use tieline_store::{Store, StoreError};
