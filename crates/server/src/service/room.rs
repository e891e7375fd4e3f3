//! A chat where the server gives everybody an id.
//!
//! | from       | message                        | then                                            |
//! |------------|--------------------------------|-------------------------------------------------|
//! | the server | the peer's uid                 | the first message on every line                 |
//! | a client   | `{"uid":"…","message":"text"}` | all get the fragment below                      |
//! | the server | an HTML fragment               |                                                 |
//!
//! The uid is 32 hexadecimal digits, chosen at random for each line. The fragment is
//!
//! ```html
//! <p class="said"><b class="uid">UID</b>: <span class="text">TEXT</span></p>
//! ```
//!
//! UID is the one that the server gave to the line it came from, whatever the message claims: nobody
//! speaks for others. TEXT is what was written with `&`, `<`, `>`, `"` and `'` escaped and line ends
//! as `<br>`: it can be put into a page as it is. Text that is not such an object changes nothing and
//! is counted in the log; a binary message ends the line with 1003. Closing the line leaves the room.
//! Who is there is present in the channel `room:PATH` of the hub, by the uid.

use std::sync::Arc;

use serde::Deserialize;
use tieline::serve::Message;
use tieline::{CloseCode, Closed};

use crate::members::Full;
use crate::peer::Peer;
use crate::random;
use crate::request::Request;
use crate::resources::Resources;
use crate::service::channels::own::{OwnChannel, Seat, member};
use crate::service::misunderstood::Misunderstood;
use crate::service::object::decode_object;
use crate::service::{Conversation, Service};

/// The room of one route, shared by its guests on all workers.
#[derive(Debug)]
pub(crate) struct Room {
    channel: Arc<OwnChannel<()>>,
}

/// One guest.
struct Guest {
    uid: String,
    channel: Arc<OwnChannel<()>>,
    /// Nothing where there was no room.
    seat: Option<Seat>,
    misunderstood: Misunderstood,
}

/// What a client says.
#[derive(Deserialize)]
struct Said<'a> {
    /// What the client takes itself for; the server knows better.
    #[serde(rename = "uid")]
    _uid: serde::de::IgnoredAny,
    #[serde(borrow)]
    message: std::borrow::Cow<'a, str>,
}

impl Room {
    pub(crate) fn new(path: &str, resources: &Resources) -> Self {
        Self { channel: Arc::new(OwnChannel::new("room", path, (), resources)) }
    }
}

impl Service for Room {
    fn open(&self, peer: &Peer, request: &Request) -> Box<dyn Conversation> {
        let uid = random::id();
        let seat = self.channel.turn(|turn| {
            turn.tell(peer, uid.as_str());
            turn.join(peer, member(&uid, None, request))
        });
        if let Err(Full) = seat {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
        let (seat, misunderstood) = (seat.ok(), Misunderstood::new("room"));
        Box::new(Guest { uid, channel: Arc::clone(&self.channel), seat, misunderstood })
    }
}

impl Conversation for Guest {
    fn message(&mut self, peer: &Peer, message: Message<'_>) {
        let Some(text) = message.text() else {
            return peer.close(CloseCode::UNSUPPORTED, "the room speaks text");
        };
        let Ok(said) = decode_object::<Said<'_>>(text) else {
            return self.misunderstood.add(peer);
        };
        let fragment = fragment(&self.uid, &said.message);
        if let Err(Full) = self.channel.turn(|turn| turn.publish_text(&fragment)) {
            peer.close(CloseCode::TRY_AGAIN, "the server is overloaded");
        }
    }

    fn close(&mut self, peer: &Peer, _how: &Closed) {
        self.misunderstood.sum_up(peer);
        drop(self.seat.take());
    }
}

fn fragment(uid: &str, text: &str) -> String {
    const EMPTY: &str = r#"<p class="said"><b class="uid"></b>: <span class="text"></span></p>"#;
    let mut html = String::with_capacity(EMPTY.len() + uid.len() + text.len() + text.len() / 8);
    html.push_str(r#"<p class="said"><b class="uid">"#);
    html.push_str(uid);
    html.push_str(r#"</b>: <span class="text">"#);
    escape(text, &mut html);
    html.push_str("</span></p>");
    html
}

/// Text for any place in HTML: between elements and inside quotes.
fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\n' => html.push_str("<br>"),
            '\r' => {}
            '\0' => html.push('\u{FFFD}'),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::{Bench, request};
    use tieline::Lost;

    fn scene() -> (Room, Bench) {
        (Room::new("/room", &Resources::default()), Bench::new())
    }

    /// Joins, and answers the uid that was given.
    fn join(room: &Room, bench: &mut Bench, peer: &Peer) -> (Box<dyn Conversation>, String) {
        let guest = room.open(peer, &request(""));
        let heard = bench.heard(peer);
        assert_eq!(heard.len(), 1);
        (guest, heard[0].clone())
    }

    #[test]
    fn the_first_message_is_an_id_of_ones_own() {
        let (room, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let (_, first) = join(&room, &mut bench, &a);
        let (_, second) = join(&room, &mut bench, &b);
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
        assert!(bench.heard(&a).is_empty());
    }

    #[test]
    fn what_is_said_reaches_all_as_html_that_can_be_shown() {
        let (room, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let (mut guest, uid) = join(&room, &mut bench, &a);
        let _other = join(&room, &mut bench, &b);
        let text = format!(r#"{{"uid":"{uid}","message":"<img src=x onerror='a()'>&\"\n\u0000"}}"#);
        guest.message(&a, Message::from(text.as_str()));
        let shown = format!(
            "<p class=\"said\"><b class=\"uid\">{uid}</b>: <span class=\"text\">\
             &lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;<br>\u{FFFD}</span></p>"
        );
        assert_eq!(bench.heard(&a), [shown.as_str()]);
        assert_eq!(bench.heard(&b), [shown.as_str()]);
    }

    #[test]
    fn nobody_speaks_under_another_id() {
        let (room, mut bench) = scene();
        let peer = bench.peer();
        let (mut guest, uid) = join(&room, &mut bench, &peer);
        guest.message(&peer, Message::from(r#"{"uid":"somebody","message":"hi"}"#));
        assert!(bench.heard(&peer)[0].contains(&format!(">{uid}</b>: <span class=\"text\">hi<")));
    }

    #[test]
    fn what_is_not_understood_changes_nothing_and_the_line_lives() {
        let (room, mut bench) = scene();
        let peer = bench.peer();
        let (mut guest, _) = join(&room, &mut bench, &peer);
        for text in
            ["", "hi", "{}", r#"{"uid":"x"}"#, r#"{"uid":"x","message":1}"#, r#"["x","hi"]"#]
        {
            guest.message(&peer, Message::from(text));
            assert!(bench.heard(&peer).is_empty() && !peer.is_closing(), "{text:?}");
        }
        guest.message(&peer, Message::from(&b"x"[..]));
        assert_eq!(bench.ended(&peer), Some(CloseCode::UNSUPPORTED));
    }

    #[test]
    fn who_closes_has_left() {
        let (room, mut bench) = scene();
        let (a, b) = (bench.peer(), bench.peer());
        let (mut first, _) = join(&room, &mut bench, &a);
        let (mut second, _) = join(&room, &mut bench, &b);
        first.close(&a, &Closed::Lost(Lost::Eof));
        second.message(&b, Message::from(r#"{"uid":"","message":"alone"}"#));
        assert!(bench.heard(&a).is_empty());
        assert_eq!(bench.heard(&b).len(), 1);
    }
}
