//! Which calls does a handler get, in which order, and what does a panic in one of them do?

use tieline::serve::{Handler, Link, Message, Trouble};
use tieline::{Agreement, CloseCode, Closed, Lost, Request};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::raw::*;
use crate::served::*;

/// Tells what it is called, closes when it is told to, and panics where the path says so.
struct Telling(UnboundedSender<String>);

impl Telling {
    fn tell(&self, what: impl Into<String>) {
        // A test that is over does not listen any more.
        let _ = self.0.send(what.into());
    }
}

impl Handler for Telling {
    type State = String;

    fn open(&mut self, _: &Link, request: &Request, _: &Agreement) -> String {
        self.tell(format!("open {}", request.path()));
        assert_ne!(request.path(), "/panic-in-open");
        request.path().to_owned()
    }

    fn message(&mut self, _: &mut String, link: &Link, message: Message<'_>) {
        let text = message.text().unwrap();
        self.tell(text);
        match text {
            "close" => link.close(CloseCode::new(4_000), "you asked for it"),
            "panic" => panic!("as the test asks"),
            text => link.send(text),
        }
    }

    fn close(&mut self, path: String, link: &Link, how: &Closed) {
        let traffic = link.traffic();
        self.tell(format!(
            "close {} in, {} out: {how:?}",
            traffic.messages_in, traffic.messages_out
        ));
        assert_ne!(path, "/panic-in-close");
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        if let Trouble::Panicked(_) = trouble {
            self.tell("panicked");
        }
    }
}

fn telling() -> (Served, UnboundedReceiver<String>) {
    let (tell, told) = unbounded_channel();
    (served(move || Telling(tell.clone())), told)
}

async fn expect_told(told: &mut UnboundedReceiver<String>, expected: &[&str]) {
    for expected in expected {
        assert_eq!(heard(told).await, *expected);
    }
}

fn closed(messages: &str, how: Closed) -> String {
    format!("close {messages}: {how:?}")
}

fn cleanly(code: u16, reason: &str) -> Closed {
    Closed::Cleanly { code: CloseCode::new(code), reason: reason.to_owned() }
}

#[tokio::test]
async fn a_link_is_opened_spoken_to_and_closed_by_its_peer() {
    let (server, mut told) = telling();
    let mut socket = server.connect("/room").await;
    socket.send("a").await.unwrap();
    socket.send("b").await.unwrap();
    expect(&mut socket, &["a", "b"]).await;
    socket.close(CloseCode::new(4_321), "enough").await.unwrap();
    let end = closed("2 in, 2 out", cleanly(4_321, "enough"));
    expect_told(&mut told, &["open /room", "a", "b", &end]).await;
    assert_eq!(socket.closed(), Some(&cleanly(4_321, "")));
}

#[tokio::test]
async fn a_link_is_closed_by_its_handler_and_hears_no_more() {
    let (server, mut told) = telling();
    let mut raw = Raw::open(server.address);
    raw.say(["before", "close", "behind"].map(|text| masked(TEXT, text)).concat());
    raw.expect(TEXT, "before");
    raw.expect(CLOSE, b"\x0F\xA0you asked for it");
    raw.say(masked(TEXT, "later"));
    raw.say(masked(CLOSE, b"\x0F\xA0"));
    assert_eq!(raw.rest(), b"");
    expect_told(&mut told, &["open /", "before", "close"]).await;
    let end = heard(&mut told).await;
    assert!(end.contains("Cleanly") && end.contains("1 out"), "{end}");
}

#[tokio::test]
async fn a_peer_that_goes_without_a_word_is_lost() {
    let (server, mut told) = telling();
    let mut raw = Raw::open(server.address);
    raw.say(&masked(TEXT, "half")[..5]);
    drop(raw);
    expect_told(&mut told, &["open /", &closed("0 in, 0 out", Closed::Lost(Lost::Eof))]).await;

    let raw = Raw::open(server.address);
    socket2::SockRef::from(&raw.0).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(raw);
    let end = closed("0 in, 0 out", Closed::Lost(Lost::Transport));
    expect_told(&mut told, &["open /", &end]).await;
}

#[tokio::test]
async fn a_last_message_is_heard_even_if_its_peer_goes_at_once() {
    let (server, mut told) = telling();
    let mut raw = Raw::connect(server.address);
    raw.say([request("").as_bytes(), &masked(TEXT, "last words")].concat());
    drop(raw);
    expect_told(&mut told, &["open /", "last words"]).await;
    assert!(heard(&mut told).await.starts_with("close 1 in"));
}

#[tokio::test]
async fn a_panic_in_message_ends_its_own_link_with_1011() {
    let (server, mut told) = telling();
    let mut other = server.connect("/other").await;
    let mut raw = Raw::open(server.address);
    raw.say(["a", "panic", "never heard"].map(|text| masked(TEXT, text)).concat());
    raw.expect(TEXT, "a");
    raw.expect_closed_with(1011);
    expect_told(&mut told, &["open /other", "open /", "a", "panic", "panicked"]).await;
    assert!(heard(&mut told).await.contains("Cleanly"));
    other.send("still here").await.unwrap();
    expect(&mut other, &["still here"]).await;
}

#[tokio::test]
async fn what_was_read_behind_a_panic_is_read_to_its_end() {
    let (server, mut told) = telling();
    let mut raw = Raw::open(server.address);
    // The peer's close frame lies in the same read as the message that panics.
    raw.say([masked(TEXT, "panic"), masked(CLOSE, b"\x03\xE8")].concat());
    assert_eq!(raw.frame().code(), Some(1011));
    assert_eq!(raw.rest(), b"");
    expect_told(&mut told, &["open /", "panic", "panicked"]).await;
    let end = heard(&mut told).await;
    assert!(end.contains("Cleanly"), "{end}");
}

#[tokio::test]
async fn a_panic_in_open_ends_its_link_with_1011() {
    let (server, mut told) = telling();
    let mut socket = server.connect("/panic-in-open").await;
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed(), Some(&cleanly(1011, "internal error")));
    expect_told(&mut told, &["open /panic-in-open", "panicked"]).await;
    let mut other = server.connect("/other").await;
    other.send("still here").await.unwrap();
    expect(&mut other, &["still here"]).await;
}

#[tokio::test]
async fn a_panic_in_close_harms_nobody() {
    let (server, mut told) = telling();
    let mut other = server.connect("/other").await;
    let mut socket = server.connect("/panic-in-close").await;
    socket.close(CloseCode::NORMAL, "").await.unwrap();
    expect_told(&mut told, &["open /other", "open /panic-in-close"]).await;
    assert!(heard(&mut told).await.starts_with("close"));
    expect_told(&mut told, &["panicked"]).await;
    other.send("still here").await.unwrap();
    expect(&mut other, &["still here"]).await;
}

#[tokio::test]
async fn a_code_that_must_not_be_sent_and_a_long_reason_are_made_sendable() {
    let server = served(|| {
        tieline::serve::messages(|link, message| {
            let code: u16 = message.text().unwrap().parse().unwrap();
            link.close(CloseCode::new(code), &"ä".repeat(100));
        })
    });
    for (asked, told) in [("1006", 1011), ("1005", 1011), ("3000", 3000)] {
        let mut socket = server.connect("/").await;
        socket.send(asked).await.unwrap();
        assert!(soon(socket.next()).await.is_none());
        // 123 bytes would cut a letter in two.
        assert_eq!(socket.closed(), Some(&cleanly(told, &"ä".repeat(61))));
    }
}
