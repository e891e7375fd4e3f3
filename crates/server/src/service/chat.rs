//! A chat in plain text, where the server knows everybody by address.
//!
//! NAME is the peer's IP address, or `guest-N` over a Unix socket.
//!
//! | what happens            | all hear, the peer itself included                            |
//! |-------------------------|---------------------------------------------------------------|
//! | a peer joins            | `Welcome, NAME !`                                             |
//! | a peer says `text`      | `NAME:text`                                                   |
//! | a peer says `quit`      | `NAME Logout`; then its line is closed with 1000              |
//! | a peer's line ends      | `NAME Logout`, unless it had said `quit`                      |
//!
//! Who is there is present in the channel `chat:PATH` of the hub. A binary message ends the line with 1003.

use std::sync::Arc;

use tieline::serve::Message;
use tieline::{CloseCode, Closed};

use crate::members::Full;
use crate::name::Name;
use crate::peer::Peer;
use crate::random;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::channels::own::{OwnChannel, Seat, member};
use crate::service::{Conversation, Service};

/// The chat of one route, shared by its guests on all workers.
#[derive(Debug)]
pub(crate) struct Chat {
    channel: Arc<OwnChannel<()>>,
}

/// One guest.
struct Guest {
    name: Name,
    channel: Arc<OwnChannel<()>>,
    /// Nothing once it has left, and where there was no room for it.
    seat: Option<Seat>,
}

impl Chat {
    pub(crate) fn new(path: &str, resources: &Resources) -> Self {
        Self { channel: Arc::new(OwnChannel::new("chat", path, (), resources)) }
    }
}

impl Service for Chat {
    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        let name = request.name();
        let mut seat = None;
        let told = self.channel.turn(|turn| {
            let member = member(&random::id(), Some(name.to_string()), request);
            seat = Some(turn.join(peer, member)?);
            turn.publish_text(&format!("Welcome, {name} !"))
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
        Box::new(Guest { name, channel: Arc::clone(&self.channel), seat })
    }
}

impl Conversation for Guest {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        if self.seat.is_none() {
            return;
        }
        let told = match message.text() {
            None => return peer.close(CloseCode::UNSUPPORTED, "the chat speaks text"),
            Some("quit") => return self.leave(peer, true),
            Some(text) => {
                let line = format!("{}:{text}", self.name);
                self.channel.turn(|turn| turn.publish_text(&line))
            }
        };
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.leave(peer, false);
    }
}

impl Guest {
    /// All hear of it; who quits does, too, and then its line ends.
    fn leave(&mut self, peer: &Peer, quits: bool) {
        let Some(seat) = self.seat.take() else { return };
        self.channel.turn(|turn| {
            // Nobody can be turned away for leaving: if there is no room, it goes unsaid.
            let _ = turn.publish_text(&format!("{} Logout", self.name));
            drop(seat);
            if quits {
                turn.end(peer, CloseCode::NORMAL, "");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::{Bench, request};
    use tieline::Lost;

    fn scene() -> (Chat, Bench) {
        (Chat::new("/chat", &Resources::default()), Bench::new())
    }

    #[test]
    fn everybody_hears_everybody_by_address() {
        let (chat, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let mut first = chat.open(&a, &request("192.0.2.1"));
        let _second = chat.open(&b, &request("2001:db8::1"));
        first.message(&a, Message::from("hello: all"));
        let said = ["Welcome, 2001:db8::1 !", "192.0.2.1:hello: all"];
        assert_eq!(bench.heard(&a), ["Welcome, 192.0.2.1 !", said[0], said[1]]);
        assert_eq!(bench.heard(&b), said);
    }

    #[test]
    fn quit_is_heard_by_all_and_then_ends_the_line() {
        let (chat, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let _first = chat.open(&a, &request("192.0.2.1"));
        let mut second = chat.open(&b, &request("192.0.2.2"));
        bench.heard(&a);
        bench.heard(&b);
        second.message(&b, Message::from("quit"));
        second.message(&b, Message::from("still here"));
        assert_eq!(bench.heard(&a), ["192.0.2.2 Logout"]);
        assert_eq!(bench.heard(&b), ["192.0.2.2 Logout"]);
        assert_eq!(bench.ended(&b), Some(CloseCode::NORMAL));
        second.close(&b, &Closed::Lost(Lost::Eof));
        assert!(bench.heard(&a).is_empty());
    }

    #[test]
    fn only_the_word_alone_quits() {
        let (chat, mut bench) = scene();
        let peer = bench.peer();
        let mut guest = chat.open(&peer, &request("192.0.2.1"));
        bench.heard(&peer);
        for text in ["Quit", "quit ", "quit!", ""] {
            guest.message(&peer, Message::from(text));
            assert_eq!(bench.heard(&peer), [format!("192.0.2.1:{text}")]);
        }
    }

    #[test]
    fn a_lost_line_is_a_logout_too() {
        let (chat, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let _first = chat.open(&a, &request("192.0.2.1"));
        let mut second = chat.open(&b, &request("192.0.2.2"));
        bench.heard(&a);
        second.close(&b, &Closed::Lost(Lost::Eof));
        assert_eq!(bench.heard(&a), ["192.0.2.2 Logout"]);
    }

    #[test]
    fn guests_over_a_unix_socket_are_numbered() {
        let (a, b) = (request("").name(), request("").name());
        assert!(a.to_string().starts_with("guest-"));
        assert_ne!(a, b);
    }
}
