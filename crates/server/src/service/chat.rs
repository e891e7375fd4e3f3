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
//! A binary message ends the line with 1003.

use std::sync::Arc;

use tieline::serve::Message;
use tieline::{CloseCode, Closed};

use crate::members::{Full, Members};
use crate::name::Name;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::{Conversation, Service};

/// The chat of one route, shared by its guests on all workers.
#[derive(Debug)]
pub struct Chat {
    members: Arc<Members<()>>,
}

/// One guest.
struct Guest {
    name: Name,
    members: Arc<Members<()>>,
    has_left: bool,
}

impl Default for Chat {
    fn default() -> Self {
        Self { members: Arc::new(Members::new(())) }
    }
}

impl Service for Chat {
    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        let name = request.name();
        let told = self.members.turn(|turn| {
            turn.join(peer);
            turn.tell_all(format!("Welcome, {name} !"))
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
        Box::new(Guest { name, members: Arc::clone(&self.members), has_left: false })
    }
}

impl Conversation for Guest {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        if self.has_left {
            return;
        }
        let told = match message.text() {
            None => return peer.close(CloseCode::UNSUPPORTED, "the chat speaks text"),
            Some("quit") => return self.leave(peer, true),
            Some(text) => {
                let line = format!("{}:{text}", self.name);
                self.members.turn(|turn| turn.tell_all(line))
            }
        };
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        if !self.has_left {
            self.leave(peer, false);
        }
    }
}

impl Guest {
    /// All hear of it; who quits does, too, and then its line ends.
    fn leave(&mut self, peer: &Peer, quits: bool) {
        self.has_left = true;
        self.members.turn(|turn| {
            // Nobody can be turned away for leaving: if there is no room, it goes unsaid.
            let _ = turn.tell_all(format!("{} Logout", self.name));
            turn.leave(peer);
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

    #[test]
    fn everybody_hears_everybody_by_address() {
        let (chat, mut bench) = (Chat::default(), Bench::new());
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
        let (chat, mut bench) = (Chat::default(), Bench::new());
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
        let (chat, mut bench) = (Chat::default(), Bench::new());
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
        let (chat, mut bench) = (Chat::default(), Bench::new());
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
