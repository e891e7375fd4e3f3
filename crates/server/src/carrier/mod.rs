//! What brings peers to services, and carries what they say.

mod conversation;
pub(crate) mod websocket;
