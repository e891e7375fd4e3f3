//! A shared counter, with the number of users.
//!
//! | from         | message                      | then                                         |
//! |--------------|------------------------------|----------------------------------------------|
//! | (joins)      |                              | all get `users`, then the newcomer `state`   |
//! | a client     | `{"action":"plus"}`, `minus` | all get `state`                              |
//! | (leaves)     |                              | all get `users`                              |
//! | the server   | `{"type":"state","value":N}` |                                              |
//! | the server   | `{"type":"users","count":N}` |                                              |
//!
//! Who is there is present in the channel `counter:PATH` of the hub; others who are present there count as well.
//! Anything else that a client says changes nothing and is counted in the log; a binary message ends its line
//! with 1003. The value starts from 0 and lives as long as the server.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tieline::serve::Message;
use tieline::{CloseCode, Closed};

use crate::members::Full;
use crate::peer::Peer;
use crate::random;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::channels::own::{OwnChannel, Seat, Turn, member};
use crate::service::misunderstood::Misunderstood;
use crate::service::object::decode_object;
use crate::service::{Conversation, Service};

/// The counter of one route, shared by its users on all workers.
#[derive(Debug)]
pub(crate) struct Counter {
    channel: Arc<OwnChannel<State>>,
}

/// What all users see.
#[derive(Debug, Default)]
struct State {
    value: i64,
    /// How many they were when it was last said.
    users: usize,
}

/// One user.
struct User {
    channel: Arc<OwnChannel<State>>,
    /// Nothing where there was no room.
    seat: Option<Seat>,
    misunderstood: Misunderstood,
}

/// What a client may ask; other members of the object are let be.
#[derive(Deserialize)]
struct Ask<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
}

impl Ask<'_> {
    /// What is added to the value; `None` where it makes no sense.
    fn parse(text: &str) -> Option<i64> {
        match &*decode_object::<Ask<'_>>(text).ok()?.action {
            "minus" => Some(-1),
            "plus" => Some(1),
            _ => None,
        }
    }
}

/// What the server says, the members in this order and without spaces.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum News {
    State { value: i64 },
    Users { count: usize },
}

impl News {
    fn encode(&self) -> String {
        serde_json::to_string(self).expect("numbers and fixed names always encode")
    }
}

impl Counter {
    pub(crate) fn new(path: &str, resources: &Resources) -> Self {
        Self { channel: Arc::new(OwnChannel::new("counter", path, State::default(), resources)) }
    }
}

impl Service for Counter {
    fn attend(&self, worker: usize) -> Option<Pin<Box<dyn Future<Output = ()>>>> {
        let channel = Arc::clone(&self.channel);
        (worker == 0).then(|| Box::pin(tell_of_others(channel)) as _)
    }

    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        let mut seat = None;
        let told = self.channel.turn(|turn| {
            seat = Some(turn.join(peer, member(&random::id(), None, request))?);
            tell_users(turn)?;
            let value = turn.state().value;
            turn.tell(peer, News::State { value }.encode());
            Ok(())
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
        let misunderstood = Misunderstood::new("counter");
        Box::new(User { channel: Arc::clone(&self.channel), seat, misunderstood })
    }
}

impl Conversation for User {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the counter speaks text");
        };
        let Some(step) = Ask::parse(text) else { return self.misunderstood.add(peer) };
        let told = self.channel.turn(|turn| {
            let value = turn.state().value.saturating_add(step);
            turn.publish(News::State { value }.encode())?;
            turn.state().value = value;
            Ok(())
        });
        if let Err(Full) = told {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        self.channel.turn(|turn| {
            drop(self.seat.take());
            // Who misses this number hears the next one.
            let _ = tell_users(turn);
        });
    }
}

/// Tells the users how many they are when somebody comes or goes who is no peer of the counter.
async fn tell_of_others(channel: Arc<OwnChannel<State>>) {
    loop {
        channel.moved().await;
        channel.turn(|turn| {
            if turn.count() != turn.state().users {
                // Who misses this number hears the next one.
                let _ = tell_users(turn);
            }
        });
    }
}

fn tell_users(turn: &mut Turn<'_, State>) -> Result<(), Full> {
    let count = turn.count();
    turn.publish(News::Users { count }.encode())?;
    turn.state().users = count;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::{Bench, request};
    use tieline::Lost;

    fn scene() -> (Counter, Bench) {
        (Counter::new("/counter", &Resources::default()), Bench::new())
    }

    #[test]
    fn all_hear_users_before_the_newcomer_hears_the_state() {
        let (counter, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let mut first = counter.open(&a, &request(""));
        assert_eq!(
            bench.heard(&a),
            [r#"{"type":"users","count":1}"#, r#"{"type":"state","value":0}"#]
        );
        first.message(&a, Message::from(r#"{"action":"plus"}"#));
        let _second = counter.open(&b, &request(""));
        assert_eq!(
            bench.heard(&a),
            [r#"{"type":"state","value":1}"#, r#"{"type":"users","count":2}"#]
        );
        assert_eq!(
            bench.heard(&b),
            [r#"{"type":"users","count":2}"#, r#"{"type":"state","value":1}"#]
        );
    }

    #[test]
    fn minus_goes_below_zero() {
        let (counter, mut bench) = scene();
        let peer = bench.peer();
        let mut user = counter.open(&peer, &request(""));
        bench.heard(&peer);
        user.message(&peer, Message::from(r#"{ "action" : "minus" }"#));
        assert_eq!(bench.heard(&peer), [r#"{"type":"state","value":-1}"#]);
    }

    #[test]
    fn other_members_of_the_object_are_let_be() {
        let (counter, mut bench) = scene();
        let peer = bench.peer();
        let mut user = counter.open(&peer, &request(""));
        bench.heard(&peer);
        user.message(&peer, Message::from(r#" {"size":1e999,"action":"pl\u0075s","x":[{}]}"#));
        assert_eq!(bench.heard(&peer), [r#"{"type":"state","value":1}"#]);
    }

    #[test]
    fn who_leaves_is_no_longer_counted() {
        let (counter, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let _first = counter.open(&a, &request(""));
        let mut second = counter.open(&b, &request(""));
        bench.heard(&a);
        second.close(&b, &Closed::Lost(Lost::Eof));
        assert_eq!(bench.heard(&a), [r#"{"type":"users","count":1}"#]);
    }

    #[test]
    fn what_is_not_understood_changes_nothing_and_the_line_lives() {
        let (counter, mut bench) = scene();
        let peer = bench.peer();
        let mut user = counter.open(&peer, &request(""));
        bench.heard(&peer);
        for text in [
            "",
            "plus",
            "{}",
            "[]",
            r#"["plus"]"#,
            r#""plus""#,
            r#"{"action":"reset"}"#,
            r#"{"action":1}"#,
            r#"{"action":null}"#,
            r#"{"action":["plus"]}"#,
            r#"{"action":{"plus":null}}"#,
            "{",
            "\u{0}",
        ] {
            user.message(&peer, Message::from(text));
            assert!(bench.heard(&peer).is_empty(), "{text:?}");
            assert!(!peer.is_closing(), "{text:?}");
        }
    }

    #[test]
    fn a_binary_message_ends_the_line_with_1003() {
        let (counter, mut bench) = scene();
        let peer = bench.peer();
        let mut user = counter.open(&peer, &request(""));
        bench.heard(&peer);
        user.message(&peer, Message::from(&b"{}"[..]));
        assert_eq!(bench.ended(&peer), Some(CloseCode::UNSUPPORTED));
    }
}
