//! What stands behind a route. A service never learns what carries its peers.

pub(crate) mod channels;
mod chat;
mod command;
mod counter;
mod echo;
mod gateway;
mod misunderstood;
mod object;
mod room;
pub mod rpc;
mod shell;
pub(crate) mod tail;
mod terminal;
mod ticket_office;

use std::future::{Future, ready};
use std::pin::Pin;

use http::{HeaderMap, Method, StatusCode};
use tieline::Closed;
use tieline::serve::{Message, Overflow};

pub use crate::refusal::Refusal;
pub(crate) use channels::{Channels, Clients, Counts as ChannelCounts, Hub, Namespaces};
pub(crate) use chat::Chat;
pub(crate) use command::Command;
pub(crate) use counter::Counter;
pub use echo::Echo;
pub(crate) use gateway::{Gateway, Pattern};
pub(crate) use room::Room;
pub(crate) use shell::Shell;
pub(crate) use tail::Tail;
pub(crate) use terminal::Terminal;
pub(crate) use ticket_office::TicketOffice;

use crate::exchange::{Answer, Body, Exchange};
use crate::peer::Peer;
use crate::request::Request;

/// Opens a conversation with each peer that a route brings.
pub trait Service: Send + Sync + 'static {
    /// Decides, before the handshake is answered, whether and how to take this peer.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] knows its HTTP status.
    fn admit(&self, _request: &Request) -> Result<Accept, Refusal> {
        Ok(Accept::default())
    }

    /// What happens when a peer does not read what it is sent.
    fn overflow(&self) -> Overflow {
        Overflow::default()
    }

    /// Whether each message that it sends is a JSON object or array, and none an object with a member
    /// `close`: HTTP carriers then hand it on as it is, and every other one as a JSON string.
    fn speaks_json(&self) -> bool {
        false
    }

    /// Whether a client that comes too often, or that the server cannot judge or serve for now, has
    /// its connection reset: for clients that never come back after an answer of HTTP.
    fn refuses_by_reset(&self) -> bool {
        false
    }

    /// Whether the paths below the route's are its own as well, where no longer route has them.
    fn takes_below(&self) -> bool {
        false
    }

    /// Whether this path below the route's, without the slash between them, is its own also where a
    /// page of the same route has the paths below.
    fn owns(&self, _rest: &str) -> bool {
        false
    }

    /// Whether it answers ordinary requests with this method. At a path where a browser is shown a
    /// page, GET and HEAD are the page's, unless the service [owns](Self::owns) it.
    fn answers(&self, _method: &Method) -> bool {
        false
    }

    /// The methods by which pages of other origins may ask it and read what it answers, those pages
    /// that may open a line; `None` where none may, or where it says itself who may (CORS).
    fn cross_origin_methods(&self) -> Option<&'static str> {
        None
    }

    /// Answers an ordinary request, if it [does](Self::answers). One that panics is answered 500.
    fn answer(&self, _exchange: Exchange) -> Answer {
        let refusal = Refusal::new(StatusCode::NOT_FOUND, "this service answers no HTTP");
        Box::pin(ready(refusal.into_response().map(Body::from)))
    }

    /// What it does beside its peers, on each worker for as long as that runs; `worker` counts from 0.
    fn attend(&self, _worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        None
    }

    /// Called on the peer's own worker once the handshake is done. What is wanted of the request
    /// later is for the conversation to keep: an idle peer should own little.
    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation>;
}

/// One peer's side of a service: its state, and what it does next.
///
/// Lives on the peer's worker, is not `Send`, and must not block: slow work goes to a local task.
/// A call that panics ends this line with 1011, and no other.
pub trait Conversation {
    /// A whole message; it borrows what was read. Not called any more once the peer is closing.
    fn message(&mut self, peer: &Peer, message: Message<'_>);

    /// The peer's backlog was full and has room again, or it has skipped topics until then.
    fn writable(&mut self, _peer: &Peer) {}

    /// The server stops: the last moment to say something. The line is closed with 1001 after it,
    /// unless it [lingers](Self::lingers).
    fn drain(&mut self, _peer: &Peer) {}

    /// Whether a line that was just told that the server stops stays open and is served on: the
    /// service ends it, before it is cut off when the time to drain is over. For peers that would
    /// otherwise all come back in one moment.
    fn lingers(&self, _peer: &Peer) -> bool {
        false
    }

    /// The last call. A clean close and a lost line both end here.
    fn close(&mut self, _peer: &Peer, _how: &Closed) {}
}

/// How a peer is taken.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "options are plain structs: write `..default()`")]
pub struct Accept {
    /// The subprotocol. Default: the first of the route's that the peer offers.
    pub protocol: Option<String>,
    /// More headers of the answer, such as `Set-Cookie`. Default none.
    pub headers: HeaderMap,
}
