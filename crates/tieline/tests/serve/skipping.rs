//! What becomes of who hears a topic too slowly, and would rather miss some of it?

use std::time::Duration;

use tieline::serve::{Handler, Link, ListenOptions, Message};
use tieline::{AcceptOptions, Agreement, CloseCode, Connect, Deflate, Limits, Request};
use tokio::net::TcpStream;

use crate::raw::*;
use crate::served::*;

/// More than the system and a backlog hold for a peer that does not read, in messages of this size.
const MESSAGES: u64 = 1_200;
const BYTES: usize = 20_000;

/// `skip` and `stay` subscribe to the news, `leave` unsubscribes, `waits` asks whether anything waits on the worker, what
/// is binary is published, and anything else is said back. Who has skipped the news hears so, and them again.
struct News;

impl Handler for News {
    type State = ();

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        match message.text() {
            Some("skip") => link.subscribe_skipping("news"),
            Some("stay") => link.subscribe("news"),
            Some("leave") => link.unsubscribe("news"),
            Some("waits") => link.send((link.worker().waiting_bytes() > 100_000).to_string()),
            Some(_) => link.send(message),
            None => link.worker().publish("news", message),
        }
    }

    fn writable(&mut self, (): &mut (), link: &Link) {
        while let Some(topic) = link.next_skipped() {
            link.send(format!("{topic} skipped"));
            link.subscribe_skipping(&topic);
        }
    }
}

/// Who does not read for long is neither pinged nor given up, however slow the machine is.
fn patient() -> ListenOptions {
    let close_within = Duration::from_secs(600);
    within(Limits { ping_after: None, close_within, ..Limits::default() })
}

/// One that begins with its number: the first half of it noise, the second that of the one before. Only
/// who knows that one can make it smaller.
fn numbered(number: u64) -> Vec<u8> {
    let mut bytes: Vec<u8> = noise(number).collect();
    bytes.extend(noise(number.wrapping_sub(1)));
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed as u32;
    (0..BYTES / 2).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
}

fn number(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(*bytes.first_chunk().unwrap())
}

async fn publish(speaker: &mut Socket, number: u64) {
    speaker.send(numbered(number)).await.unwrap();
    speaker.send("done").await.unwrap();
    expect(speaker, &["done"]).await;
}

/// Publishes more than who does not read can be told, while somebody reads all of it.
async fn flood(server: &Served, speaker: &mut Socket) {
    let mut hearer = server.connect("/").await;
    hearer.send("skip").await.unwrap();
    hearer.send("ready").await.unwrap();
    expect(&mut hearer, &["ready"]).await;
    for n in 0..MESSAGES {
        publish(speaker, n).await;
        assert_eq!(number(soon(hearer.next()).await.unwrap().unwrap().as_bytes()), n);
    }
}

fn subscribed(server: &Served, how: &str) -> Raw {
    let mut raw = Raw::open_narrowly(server.address);
    raw.say(masked(TEXT, how));
    raw.say(masked(TEXT, "ready"));
    raw.expect(TEXT, "ready");
    raw
}

#[tokio::test]
async fn it_is_told_of_the_gap_and_goes_on_while_its_line_lives_and_others_hear_all() {
    let server = served_with(patient(), || News);
    let mut slow = subscribed(&server, "skip");
    let mut stays = subscribed(&server, "stay");
    let mut speaker = server.connect("/").await;
    flood(&server, &mut speaker).await;
    speaker.send("waits").await.unwrap();
    expect(&mut speaker, &["true"]).await;
    // What it asks meanwhile it is answered, in its place.
    slow.say(masked(TEXT, "still here"));
    let (mut next, mut gaps, mut is_behind_gap) = (0, 0, false);
    loop {
        let frame = slow.frame();
        match (frame.first, &frame.payload[..]) {
            (TEXT, b"still here") => break,
            // While the system still takes more there may be several.
            (TEXT, payload) => {
                assert_eq!(payload, b"news skipped");
                (gaps, is_behind_gap) = (gaps + 1, true);
            }
            (_, payload) => {
                let n = number(payload);
                assert!(n == next || (is_behind_gap && n > next), "{n} instead of {next}");
                (next, is_behind_gap) = (n + 1, false);
            }
        }
    }
    // What came last it has heard, or it is told that it has not.
    if next < MESSAGES && !is_behind_gap {
        slow.expect(TEXT, "news skipped");
        gaps += 1;
    }
    assert!(next > 0 && gaps > 0, "{gaps} gaps up to {next}");
    for n in MESSAGES..MESSAGES + 3 {
        publish(&mut speaker, n).await;
        assert_eq!(number(&slow.frame().payload), n);
    }
    // Who would not miss any is closed, as ever.
    loop {
        let frame = stays.frame();
        if frame.first == CLOSE {
            assert_eq!(frame.code(), Some(1013));
            break;
        }
    }
}

#[tokio::test]
async fn who_leaves_meanwhile_is_told_of_no_gap() {
    let server = served_with(patient(), || News);
    let mut slow = subscribed(&server, "skip");
    let mut speaker = server.connect("/").await;
    flood(&server, &mut speaker).await;
    slow.say(masked(TEXT, "leave"));
    slow.say(masked(TEXT, "left"));
    while slow.frame().payload != b"left" {}
    publish(&mut speaker, MESSAGES).await;
    slow.say(masked(TEXT, "and nothing more"));
    slow.expect(TEXT, "and nothing more");
}

#[tokio::test]
async fn what_is_skipped_leaves_no_hole_in_a_kept_window() {
    let deflate = Deflate { min_bytes: 0, ..Deflate::default() };
    let limits = Limits { ping_after: None, ..Limits::default() };
    let deflates = Some(deflate.clone());
    let accept = AcceptOptions { deflate: deflates, limits, ..AcceptOptions::default() };
    let server = served_with(accepting(accept), || News);
    let request = Connect::to(server.url("/")).deflate(deflate).require_deflate();
    let stream = Raw::connect_narrowly(server.address).0;
    stream.set_nonblocking(true).unwrap();
    let stream = TcpStream::from_std(stream).unwrap();
    let mut slow = request.over(stream).await.unwrap();
    slow.send("skip").await.unwrap();
    slow.send("ready").await.unwrap();
    assert_eq!(soon(slow.next()).await.unwrap().unwrap().text(), Some("ready"));
    let mut speaker = server.connect("/").await;
    flood(&server, &mut speaker).await;
    slow.send("still here").await.unwrap();
    let (mut last, mut gaps, mut is_behind_gap) = (0, 0, false);
    loop {
        let message = soon(slow.next()).await.unwrap().expect("every message can be inflated");
        match message.text() {
            Some("still here") => break,
            Some(text) => {
                assert_eq!(text, "news skipped");
                (gaps, is_behind_gap) = (gaps + 1, true);
            }
            None => (last, is_behind_gap) = (number(message.as_bytes()), false),
        }
    }
    if last < MESSAGES - 1 && !is_behind_gap {
        let told = soon(slow.next()).await.unwrap().unwrap();
        assert_eq!(told.text(), Some("news skipped"));
        gaps += 1;
    }
    assert!(gaps > 0, "all {MESSAGES} were heard");
    // This one could refer to the first that was skipped, if that had been compressed.
    publish(&mut speaker, last + 2).await;
    let message = soon(slow.next()).await.unwrap().expect("every message can be inflated");
    assert!(message.as_bytes() == numbered(last + 2), "it was inflated to something else");
    slow.close(CloseCode::NORMAL, "").await.unwrap();
}
