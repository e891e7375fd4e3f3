//! One open connection, without a socket and without a clock.
//!
//! Bytes and the time go in; events, bytes to send and the next deadline come out.
//!
//! | after …                    | call                                                |
//! |----------------------------|-----------------------------------------------------|
//! | the socket gave bytes      | [`Connection::receive`], and drain its events       |
//! | the socket reached its end | [`Connection::receive_eof`]                         |
//! | the deadline passed        | [`Connection::handle_timeout`]                      |
//! | any of these               | send what [`Outgoing::take_output`] gives, and      |
//! |                            | arm a timer for [`Connection::deadline`]            |
//!
//! None of these calls fails: a peer that breaks the protocol *becomes* an [`Event::Closed`], and
//! its close frame already waits in the output.
//!
//! ```text
//!            close()                    the peer's close
//!  Open ───────────────────▶ Closing ────────────────────▶ Closed ──▶ the transport is dropped
//!    │    the peer's close, a violation, the end of the transport    ▲   (a client waits for the
//!    └───────────────────────────────────────────────────────────────┘    server to do it first)
//! ```

mod assembly;
mod cut;
mod events;
mod incoming;
mod message;
mod outgoing;
mod partial;
mod step;

use std::sync::Arc;
use std::time::Instant;

pub use cut::Cut;
pub use events::{Event, Events};
pub use incoming::Incoming;
pub use message::{Message, MessageKind};
pub use outgoing::{Format, Outgoing, State};

use crate::close::Closed;
use crate::handshake::Agreement;
use crate::limits::Limits;

/// Gives the mask key of each frame that a client sends.
///
/// RFC 6455 §10.3 wants strong entropy: use a cryptographic source, but for tests.
pub type MaskKeys = Box<dyn FnMut() -> [u8; 4] + Send>;

/// Which end of the connection this is.
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Role {
    /// The end that asked: it masks every frame.
    Client(MaskKeys),
    /// The end that answered.
    Server,
}

impl std::fmt::Debug for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Client(_) => "Client",
            Self::Server => "Server",
        })
    }
}

/// One open connection: two halves, so that a message can be answered while it is still borrowed.
///
/// # Example
///
/// ```
/// use std::time::Instant;
/// use tieline_proto::handshake::Agreement;
/// use tieline_proto::{Connection, Event, Limits, Role};
///
/// let now = Instant::now();
/// let mut server = Connection::new(Role::Server, &Agreement::default(), Limits::default(), now);
///
/// // The masked "Hello" of RFC 6455 §5.7 goes in, an unmasked one comes out.
/// let mut wire = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let mut out = Vec::new();
/// let (mut events, outgoing) = server.receive(&mut wire, now);
/// while let Some(event) = events.next(outgoing) {
///     if let Event::Message(message) = event {
///         outgoing.send(message.kind(), message.payload(), &mut out).expect("still open");
///     }
/// }
/// outgoing.take_output(&mut out);
/// assert_eq!(out, b"\x81\x05Hello");
/// ```
#[derive(Debug)]
pub struct Connection {
    incoming: Incoming,
    outgoing: Outgoing,
}

impl Connection {
    /// A connection whose handshake is done.
    pub fn new(
        role: Role,
        agreement: &Agreement,
        limits: impl Into<Arc<Limits>>,
        now: Instant,
    ) -> Self {
        let from_client = matches!(role, Role::Server);
        Self {
            incoming: Incoming::new(from_client, agreement, limits.into(), now),
            outgoing: Outgoing::new(role, agreement),
        }
    }

    /// The two halves, for a caller that keeps them in different places.
    pub fn into_halves(self) -> (Incoming, Outgoing) {
        (self.incoming, self.outgoing)
    }

    /// Takes bytes that the peer sent; they are unmasked where they lie.
    ///
    /// Drain the events with `while let Some(event) = events.next(outgoing)`; answers may be
    /// written to the other half at the same time. Where draining stops early,
    /// [`Events::consumed`] says how many bytes were taken: present the rest again.
    pub fn receive<'a>(
        &'a mut self,
        bytes: &'a mut [u8],
        now: Instant,
    ) -> (Events<'a>, &'a mut Outgoing) {
        (self.incoming.receive(bytes, now), &mut self.outgoing)
    }

    /// Takes note that the transport ended; answers how the connection closed, once.
    pub fn receive_eof(&mut self, now: Instant) -> Option<Closed> {
        self.incoming.receive_eof(&mut self.outgoing, now)
    }

    /// Takes note that the transport failed; answers how the connection closed, once.
    pub fn receive_error(&mut self, now: Instant) -> Option<Closed> {
        self.incoming.receive_error(&mut self.outgoing, now)
    }

    /// Does what is due: pings a silent peer, or gives up one that did not answer.
    ///
    /// Before its deadline, or after the connection closed, it does nothing.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Closed> {
        self.incoming.handle_timeout(&mut self.outgoing, now)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due. Once closed: when the transport is to
    /// be dropped even if the peer has not ended it.
    pub fn deadline(&self) -> Option<Instant> {
        self.incoming.deadline(&self.outgoing)
    }

    /// When the peer was pinged, where it was not heard of since.
    pub fn pinged(&self) -> Option<Instant> {
        self.incoming.pinged()
    }

    /// The half that sends.
    pub const fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Where in its life the connection is.
    pub const fn state(&self) -> State {
        self.outgoing.state()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a server pays for each line that is open and silent.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn an_idle_line_is_at_most_104_bytes() {
        let halves = (size_of::<Incoming>(), size_of::<Outgoing>());
        assert!(halves.0 + halves.1 <= 104, "{halves:?}");
        assert_eq!(halves, (48, 40));
    }
}
