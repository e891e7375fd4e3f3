//! What becomes of what a peer does not read?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tieline::serve::{self, Backlog, Handler, Link, ListenOptions, Message, Overflow};
use tieline::{AcceptOptions, Agreement, Closed, Connect, Deflate, Request};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::raw::*;
use crate::served::*;

/// More than the system holds for a peer that does not read.
const FLOOD_BYTES: usize = 24 << 20;

/// A message that begins with its number.
fn numbered(number: usize, bytes: usize) -> Vec<u8> {
    let mut message = vec![b'.'; bytes];
    message[..8].copy_from_slice(&(number as u64).to_be_bytes());
    message
}

fn number(message: &[u8]) -> usize {
    u64::from_be_bytes(*message.first_chunk().unwrap()) as usize
}

/// Sends a flood of messages of the length it is told; says when it is said, and how each link
/// ended. Who reads only then has not kept up.
fn flooding(said: UnboundedSender<()>, ends: UnboundedSender<Closed>) -> impl Handler {
    serve::links(
        |_, _| (),
        move |(), link, message| {
            let bytes: usize = message.text().unwrap().parse().unwrap();
            for n in 0..FLOOD_BYTES / bytes {
                link.send(numbered(n, bytes));
            }
            said.send(()).unwrap();
        },
        move |(), _, how| ends.send(how.clone()).unwrap(),
    )
}

#[tokio::test]
async fn a_peer_that_reads_too_slowly_is_closed_with_1013_between_two_messages() {
    let (says, mut said) = unbounded_channel();
    let (ends, mut ended) = unbounded_channel();
    let server = served(move || flooding(says.clone(), ends.clone()));
    for bytes in [200, 8 << 10, 30 << 10, 100 << 10] {
        let mut raw = Raw::open_narrowly(server.address);
        raw.say(masked(TEXT, bytes.to_string()));
        heard(&mut said).await;
        let mut next = 0;
        loop {
            let frame = raw.frame();
            if frame.first == CLOSE {
                assert_eq!(frame.code(), Some(1013), "{bytes} bytes");
                break;
            }
            assert_eq!((frame.first, frame.payload.len()), (BINARY, bytes), "message {next}");
            assert_eq!(number(&frame.payload), next);
            next += 1;
        }
        assert!(0 < next && next < FLOOD_BYTES / bytes, "{next} messages of {bytes} bytes");
        raw.say(masked(CLOSE, b"\x03\xF5"));
        assert_eq!(raw.rest(), b"");
        let how = heard(&mut ended).await;
        assert!(matches!(how, Closed::Cleanly { .. }), "{bytes} bytes: {how:?}");
    }
}

/// What an echo that watches its backlog tells; whoever asks `waits` is told how much waits on the worker.
#[derive(Default)]
struct Watched {
    most_waited: AtomicUsize,
    writable: AtomicUsize,
}

struct Watching(Arc<Watched>);

impl Handler for Watching {
    type State = ();

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        if message.text() == Some("waits") {
            return link.send(link.worker().waiting_bytes().to_string());
        }
        link.send(message);
        self.0.most_waited.fetch_max(link.buffered_amount(), Ordering::Relaxed);
    }

    fn writable(&mut self, (): &mut (), _: &Link) {
        self.0.writable.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn an_echo_that_waits_stops_reading_and_loses_nothing() {
    for bytes in [100, 3_000, 50_000] {
        let watched = Arc::<Watched>::default();
        let watching = Arc::clone(&watched);
        let options = holding(64 << 10, Overflow::Wait);
        let server = served_with(options, move || Watching(Arc::clone(&watching)));
        let mut raw = Raw::open_narrowly(server.address);
        let mut writer = raw.0.try_clone().unwrap();
        let count = FLOOD_BYTES / bytes;
        // Enough is said before anything is read that both directions are full.
        let (full, is_full) = std::sync::mpsc::channel();
        let writing = std::thread::spawn(move || {
            pour(&mut writer, (0..count).map(|n| masked(BINARY, numbered(n, bytes))), &full);
        });
        is_full.recv_timeout(PATIENCE).expect("the server stops reading");
        // The writer may have been faster than the server: its echoes wait, too.
        let mut other = Raw::open(server.address);
        let mut waits = || {
            other.say(masked(TEXT, "waits"));
            String::from_utf8(other.frame().payload).unwrap().parse::<usize>().unwrap()
        };
        let began = Instant::now();
        while waits() < 32 << 10 {
            assert!(began.elapsed() < PATIENCE, "nothing waits");
        }
        // The socket is shared with the writer, and so is that it does not wait.
        let poll = |error: &std::io::Error| error.kind() == std::io::ErrorKind::WouldBlock;
        let mut reader = Patient { raw: &mut raw, poll };
        for n in 0..count {
            let payload = reader.frame();
            assert_eq!((payload.len(), number(&payload)), (bytes, n));
        }
        writing.join().unwrap();
        let most = watched.most_waited.load(Ordering::Relaxed);
        assert!(most < 512 << 10, "{most} bytes waited");
        assert!(watched.writable.load(Ordering::Relaxed) > 0);
    }
}

/// Reads from a socket that does not wait.
struct Patient<'a, P> {
    raw: &'a mut Raw,
    poll: P,
}

impl<P: Fn(&std::io::Error) -> bool> Patient<'_, P> {
    fn exactly(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        let mut filled = 0;
        let since = Instant::now();
        while filled < len {
            match std::io::Read::read(&mut self.raw.0, &mut bytes[filled..]) {
                Ok(0) => panic!("the server ended"),
                Ok(read) => filled += read,
                Err(error) if (self.poll)(&error) => {
                    assert!(since.elapsed() < PATIENCE, "it comes in time");
                    std::thread::yield_now();
                }
                Err(error) => panic!("{error}"),
            }
        }
        bytes
    }

    fn frame(&mut self) -> Vec<u8> {
        let [first, len] = self.exactly(2).try_into().unwrap();
        assert_eq!(first, BINARY);
        let len = match len {
            126 => usize::from(u16::from_be_bytes(self.exactly(2).try_into().unwrap())),
            len => usize::from(len),
        };
        self.exactly(len)
    }
}

#[test]
fn where_the_oldest_are_dropped_the_newest_arrive_behind_one_gap() {
    let (says, mut said) = unbounded_channel();
    let (ends, _ended) = unbounded_channel();
    let marker = Some(tieline::Message::from("some are missing"));
    let options = holding(64 << 10, Overflow::DropOldest(marker));
    let server = served_with(options, move || flooding(says.clone(), ends.clone()));
    for bytes in [20, 1_000, 20_000] {
        let mut raw = Raw::open_narrowly(server.address);
        raw.say(masked(TEXT, bytes.to_string()));
        said.blocking_recv().unwrap();
        let (mut next, mut gaps) = (0, 0);
        while next < FLOOD_BYTES / bytes {
            let frame = raw.frame();
            if frame.first == TEXT {
                assert_eq!(frame.payload, b"some are missing");
                gaps += 1;
                let behind = number(&raw.frame().payload);
                assert!(behind > next, "{behind} comes behind {next}");
                next = behind + 1;
            } else {
                assert_eq!(number(&frame.payload), next, "a gap without its marker");
                next += 1;
            }
        }
        assert_eq!(gaps, 1, "{bytes} bytes");
    }
}

#[test]
fn dropping_the_oldest_without_a_marker_is_silent() {
    let (says, mut said) = unbounded_channel();
    let (ends, _ended) = unbounded_channel();
    let options = holding(64 << 10, Overflow::DropOldest(None));
    let server = served_with(options, move || flooding(says.clone(), ends.clone()));
    let mut raw = Raw::open_narrowly(server.address);
    raw.say(masked(TEXT, "1000"));
    said.blocking_recv().unwrap();
    let mut numbers = vec![];
    while numbers.last() != Some(&(FLOOD_BYTES / 1_000 - 1)) {
        numbers.push(number(&raw.frame().payload));
    }
    assert!(numbers.is_sorted(), "in their order");
    assert!(numbers.len() < FLOOD_BYTES / 1_000);
}

#[tokio::test]
async fn what_is_dropped_or_replaced_leaves_no_hole_in_a_kept_window() {
    let deflate = Deflate { min_bytes: 0, ..Deflate::default() };
    let options = ListenOptions {
        accept: AcceptOptions { deflate: Some(deflate.clone()), ..AcceptOptions::default() },
        backlog: Backlog { max_bytes: 64 << 10, overflow: Overflow::DropOldest(None) },
        ..ListenOptions::default()
    };
    let server = served_with(options, || {
        serve::messages(|link, _| {
            // Noise does not become smaller, and fills what the system holds.
            let mut noise = 1_u32;
            let mut random = || {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            };
            for _ in 0..FLOOD_BYTES / 100_000 {
                link.send((0..100_000).map(|_| random()).collect::<Vec<u8>>());
            }
            for n in 0..2_000 {
                link.send(format!("message number {n} of many that are much alike"));
                link.send_latest(1, format!("price number {n} of many that are much alike"));
            }
            link.send("the end");
        })
    });
    let request = Connect::to(server.url("/")).deflate(deflate).require_deflate();
    let mut socket = request.open().await.unwrap();
    socket.send("go").await.unwrap();
    loop {
        let message = soon(socket.next()).await.unwrap().expect("every message can be inflated");
        match message.text() {
            Some("the end") => return,
            Some(text) => assert!(text.ends_with(" of many that are much alike"), "{text}"),
            None => assert_eq!(message.len(), 100_000),
        }
    }
}

#[test]
fn of_what_waits_under_a_key_only_the_latest_arrives() {
    let (says, mut said) = unbounded_channel();
    let options = holding(64 << 20, Overflow::Close);
    let server = served_with(options, move || {
        let says = says.clone();
        serve::messages(move |link, _| {
            (0..FLOOD_BYTES >> 20).for_each(|_| link.send(vec![0; 1 << 20]));
            for (key, text) in [(1, "price 1"), (2, "size 1"), (1, "price 2"), (1, "price 3")] {
                link.send_latest(key, text);
            }
            link.send("done");
            says.send(()).unwrap();
        })
    });
    let mut raw = Raw::open_narrowly(server.address);
    raw.say(masked(TEXT, "go"));
    said.blocking_recv().unwrap();
    (0..FLOOD_BYTES >> 20).for_each(|_| assert_eq!(raw.frame().payload.len(), 1 << 20));
    raw.expect(TEXT, "price 3");
    raw.expect(TEXT, "size 1");
    raw.expect(TEXT, "done");
}

#[tokio::test]
async fn a_slow_subscriber_is_closed_and_the_others_hear_on() {
    let server = served(|| {
        serve::links(
            |link, _| link.subscribe("news"),
            |(), link, message| link.publish("news", message),
            |(), _, _| (),
        )
    });
    let mut slow = Raw::open_narrowly(server.address);
    let (mut speaker, mut hearer) = (server.connect("/").await, server.connect("/").await);
    for n in 0..FLOOD_BYTES / 100_000 {
        speaker.send(numbered(n, 100_000)).await.unwrap();
        assert_eq!(number(soon(hearer.next()).await.unwrap().unwrap().as_bytes()), n);
    }
    let mut next = 0;
    loop {
        let frame = slow.frame();
        if frame.first == CLOSE {
            assert_eq!(frame.code(), Some(1013));
            return;
        }
        assert_eq!((number(&frame.payload), frame.payload.len()), (next, 100_000));
        next += 1;
    }
}
