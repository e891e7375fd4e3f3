//! Sends every message back, text as text and binary as binary.

use tieline::serve::{Message, Overflow};

use crate::peer::Peer;
use crate::request::Request;
use crate::service::{Conversation, Service};

/// The echo service, and the one conversation all its peers share the shape of.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Echo;

impl Service for Echo {
    /// A peer that does not read its echoes has no right to more of them.
    fn overflow(&self) -> Overflow {
        Overflow::Wait
    }

    fn open(&self, _peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
        Box::new(Self)
    }
}

impl Conversation for Echo {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        peer.send(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::{Bench, request};

    #[test]
    fn what_arrives_goes_back() {
        let mut bench = Bench::new();
        let peer = bench.peer();
        let mut conversation = Echo.open(&peer, &request(""));
        conversation.message(&peer, Message::from("hello"));
        conversation.message(&peer, Message::from(&[1u8, 2, 3][..]));
        conversation.message(&peer, Message::from(""));
        assert_eq!(bench.heard(&peer), ["hello", "<3 bytes>", ""]);
    }
}
