//! What becomes of connections that are no links?

use std::sync::mpsc;

use tieline::http;
use tieline::serve::{Arrival, Decision, Handler, Handoff, Link, Message};
use tieline::{Agreement, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::spawn_local;

use crate::raw::*;
use crate::served::*;

/// A request that asks for no upgrade.
const PLAIN: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Hands over what asks for no upgrade, and echoes its bytes in capitals.
struct Capitals(mpsc::Sender<Vec<u8>>);

impl Handler for Capitals {
    type State = ();

    fn decide(&mut self, head: http::Request<()>, arrival: &Arrival) -> Decision<Self> {
        if head.headers().contains_key("upgrade") {
            return arrival.decide(self, head);
        }
        Decision::HandOff
    }

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        link.send(message);
    }

    fn hand_off(&mut self, mut handoff: Handoff) {
        assert!(!handoff.read_ahead().starts_with(b"PANIC"), "as the test asks");
        self.0.send(handoff.read_ahead().to_vec()).unwrap();
        if handoff.is_h2() {
            return;
        }
        spawn_local(async move {
            let mut bytes = vec![0; 1_000];
            loop {
                match handoff.read(&mut bytes).await.unwrap() {
                    0 => return handoff.shutdown().await.unwrap(),
                    read => handoff.write_all(&bytes[..read].to_ascii_uppercase()).await.unwrap(),
                }
            }
        });
    }
}

fn capitals() -> (Served, mpsc::Receiver<Vec<u8>>) {
    let (give, given) = mpsc::channel();
    (served(move || Capitals(give.clone())), given)
}

#[test]
fn a_connection_that_is_handed_over_brings_what_was_read_of_it() {
    let (server, given) = capitals();
    let mut raw = Raw::connect(server.address);
    let said = "GET /page HTTP/1.1\r\nhost: here\r\n\r\nand more";
    raw.say(said);
    assert_eq!(given.recv_timeout(PATIENCE).unwrap(), said.as_bytes());
    assert_eq!(raw.exactly(said.len()), said.to_ascii_uppercase().as_bytes());
    raw.say("later");
    assert_eq!(raw.exactly(5), b"LATER");
    // Much, both ways at once.
    let much = vec![b'm'; 3 << 20];
    let mut writer = raw.0.try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        std::io::Write::write_all(&mut writer, &much).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    assert_eq!(raw.rest(), vec![b'M'; 3 << 20]);
    writing.join().unwrap();
}

#[test]
fn links_and_handed_over_connections_live_side_by_side() {
    let (server, _given) = capitals();
    let mut link = Raw::open(server.address);
    let mut other = Raw::connect(server.address);
    other.say(PLAIN);
    assert_eq!(other.exactly(PLAIN.len()), PLAIN.to_ascii_uppercase().as_bytes());
    link.say(masked(TEXT, "hello"));
    link.expect(TEXT, "hello");
}

#[test]
fn the_preface_of_http2_is_handed_over_undecided() {
    let (server, given) = capitals();
    let mut raw = Raw::connect(server.address);
    raw.say("PRI * HTTP/2.0\r\n");
    raw.say("\r\nSM\r\n\r\nframes");
    let read = given.recv_timeout(PATIENCE).unwrap();
    assert!(read.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    // It was dropped.
    let _ = std::io::Read::read_to_end(&mut raw.0, &mut vec![]);
}

#[test]
fn a_panic_while_a_connection_is_handed_over_harms_nobody() {
    let (server, _given) = capitals();
    let mut link = Raw::open(server.address);
    let mut raw = Raw::connect(server.address);
    raw.say(PLAIN.replace("GET", "PANIC"));
    // It ends, cleanly or not.
    let _ = std::io::Read::read_to_end(&mut raw.0, &mut vec![]);
    link.say(masked(TEXT, "still here"));
    link.expect(TEXT, "still here");
}

#[tokio::test]
async fn a_server_that_stops_waits_for_what_was_handed_over() {
    let (mut server, given) = capitals();
    let mut raw = Raw::connect(server.address);
    raw.say(PLAIN);
    given.recv_timeout(PATIENCE).unwrap();
    raw.exactly(PLAIN.len());
    let talking = std::thread::spawn(move || {
        raw.say("one more");
        assert_eq!(raw.exactly(8), b"ONE MORE");
        raw.end();
        assert_eq!(raw.rest(), b"");
    });
    soon(server.running.stop()).await.unwrap();
    talking.join().unwrap();
}
