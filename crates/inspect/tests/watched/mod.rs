//! A connection that is looked on, and what was seen of it.

use std::time::Duration;

use tieline_inspect::{Bounds, Conversation, End, Event, Sender, Start};

/// Something that happens on the line.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Said(Sender, Vec<u8>),
    Missed(Sender, u64),
}

pub(crate) fn client(bytes: &[u8]) -> Act {
    Act::Said(Sender::Client, bytes.to_vec())
}

pub(crate) fn server(bytes: &[u8]) -> Act {
    Act::Said(Sender::Server, bytes.to_vec())
}

/// What is seen of it, a second after the other.
pub(crate) fn seen(start: Start, bounds: Bounds, acts: &[Act]) -> Vec<Event> {
    let mut conversation = Conversation::new(start, bounds);
    let mut events = Vec::new();
    let mut sink = |event| events.push(event);
    let mut time = Duration::ZERO;
    for act in acts {
        time += Duration::from_secs(1);
        match act {
            Act::Said(from, bytes) => conversation.receive(*from, bytes, time, &mut sink),
            Act::Missed(from, bytes) => conversation.miss(*from, *bytes, time, &mut sink),
        }
    }
    conversation.finish(End::Unseen, time, &mut sink);
    events
}
