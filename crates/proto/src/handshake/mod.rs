//! The opening handshake: what is asked, what is answered, and what both ends then agreed on.
//!
//! | end    | step                                | call                                       |
//! |--------|-------------------------------------|--------------------------------------------|
//! | server | read the head                       | [`HeadReader::request`]                    |
//! |        | is it for us, and in which dialect  | [`Upgrade::of`], over HTTP/2 [`Upgrade::of_connect`] |
//! |        | may this page and this name ask     | [`Origins::allows`], [`Hosts::allows`]     |
//! |        | answer 101, or 200 over HTTP/2      | [`Upgrade::accept`], [`Upgrade::respond`]  |
//! |        | or refuse                           | [`HandshakeError::response`]               |
//! | client | ask                                 | [`Request::encode`]                        |
//! |        | read the answer and check it        | [`HeadReader::response`], [`Request::verify`] |
//!
//! Both ends then start a [`Connection`](crate::Connection) from their [`Agreement`]. After a
//! refusal the transport is closed and never used again.
//!
//! [`HeadReader::request`]: crate::http::HeadReader::request
//! [`HeadReader::response`]: crate::http::HeadReader::response
//! [`Request::encode`]: client::Request::encode
//! [`Request::verify`]: client::Request::verify
//! [`Upgrade::accept`]: server::Upgrade::accept
//! [`Upgrade::of`]: server::Upgrade::of
//! [`Upgrade::of_connect`]: server::Upgrade::of_connect
//! [`Upgrade::respond`]: server::Upgrade::respond
//!
//! Spec: RFC 6455 §4; RFC 8441; drafts hixie-75, hixie-76, hybi-07 to 17.

use crate::deflate;

mod asked;
pub mod client;
mod error;
mod header;
mod host;
mod key;
mod origin;
pub mod server;

pub use error::{Fault, HandshakeError, Problem};
pub use host::Hosts;
pub use key::accept_key;
pub use origin::{Claim, Origin, OriginError, Origins, Scheme};

/// The versions spoken, as `Sec-WebSocket-Version` lists them.
pub const VERSIONS: &str = "13, 8, 7";

/// Which protocol a connection speaks once it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "the drafts are closed history")]
pub enum Dialect {
    /// Draft hixie-75: text only, no closing handshake.
    Hixie75,
    /// Draft hixie-76, also hybi-00: text only, closed by `FF 00`.
    Hixie76,
    /// RFC 6455 (version 13), and the interim drafts' versions 7 and 8 that frame alike.
    #[default]
    Hybi,
}

impl Dialect {
    /// Whether it is one of the two drafts that are off unless a listener lets them in.
    pub const fn is_legacy(self) -> bool {
        matches!(self, Self::Hixie75 | Self::Hixie76)
    }
}

/// Whether a server lets the drafts hixie-75 and hixie-76 in. Default off.
///
/// They do not mask what clients send, so a caching proxy on the way can be poisoned: never let
/// them in behind one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a switch has two positions")]
pub enum Legacy {
    /// A client of the drafts is refused with 426 and the versions spoken.
    #[default]
    Off,
    /// A client of the drafts is answered as its draft says.
    On,
}

impl From<bool> for Legacy {
    /// For settings: true is [`On`](Self::On).
    fn from(on: bool) -> Self {
        if on { Self::On } else { Self::Off }
    }
}

/// What both ends agreed on in the handshake; a [`Connection`](crate::Connection) starts from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "callers build one for lines opened by other means")]
pub struct Agreement {
    /// What is spoken.
    pub dialect: Dialect,
    /// The subprotocol, where one was chosen (RFC 6455 §1.9).
    pub protocol: Option<String>,
    /// permessage-deflate, where it was agreed (RFC 7692).
    pub deflate: Option<deflate::Agreed>,
    /// The extensions in use as the response wrote them; empty for none.
    pub extensions: String,
}
