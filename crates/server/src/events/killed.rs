//! A server that is killed at any moment, again and again: its backend hears all that was recorded.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use axum::body::to_bytes;
use axum::response::IntoResponse;
use http::StatusCode;
use tokio::time::timeout;

use super::*;
use crate::backend::tests::{backend, serve};
use crate::metrics::Metrics;
use tieline_store::Scratch;

const FOLDER: &str = "TIELINE_TEST_EVENTS";
const URL: &str = "TIELINE_TEST_EVENTS_URL";
const DEVICES: u32 = 6;

fn start(folder: &Path, url: &str) -> Events {
    let store = Store::open(folder, 0).unwrap();
    let plan = PlannedEvents {
        backend: "a".to_owned(),
        path: "/hook".to_owned(),
        is_durable: true,
        grace: Duration::ZERO,
        max_waiting: 1_000_000,
        max_tries: 1_000,
        max_age: Duration::from_secs(3_600),
        max_dead: 0,
    };
    let outboxes = Outboxes::open(Some(&store), &Metrics::default()).unwrap();
    outboxes.start("/gate", plan, backend(url, "breaker = { failures = 0 }"))
}

/// The process that is killed: the test below starts it. By itself it does nothing.
#[test]
fn child() {
    let (Some(folder), Ok(url)) = (env::var_os(FOLDER), env::var(URL)) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let events = start(Path::new(&folder), &url);
        let devices = (0..DEVICES).map(|device| come_and_go(&events, device));
        tokio::join!(events.deliver(), futures_util::future::join_all(devices));
    });
}

/// Says each session once it is told that it is on disk, and each end.
async fn come_and_go(events: &Events, device: u32) {
    loop {
        let session = events.open(&format!("d{device}")).await.unwrap();
        say(&format!("opened {} {} .", session.device, session.generation));
        events.record(&session, EventKind::Registered).await.unwrap();
        say(&format!("registered {} {} .", session.device, session.generation));
        events.close(session, "bye").await.unwrap();
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// What the backend heard: for each session its events in the order of their first arrival, and how
/// often.
type Heard = BTreeMap<(String, u64), Vec<(Event, usize)>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_that_was_opened_is_told_with_one_end() {
    let heard: Arc<Mutex<Heard>> = Arc::default();
    let hears = Arc::clone(&heard);
    let url = serve(move |request| {
        let hears = Arc::clone(&hears);
        async move {
            let key = request.headers()["idempotency-key"].to_str().unwrap().to_owned();
            let body = to_bytes(request.into_body(), 10_000).await.unwrap();
            let event: Event = serde_json::from_slice(&body).unwrap();
            assert_eq!(event.idempotency_key(), key);
            let mut heard = hears.lock().unwrap();
            let session = heard.entry((event.device.clone(), event.generation)).or_default();
            match session.iter_mut().find(|(other, _)| other.idempotency_key() == key) {
                Some((other, times)) => {
                    // One key is one event, to the letter, but for an end that was not yet on disk.
                    assert_eq!((&other.event, other.seq), (&event.event, event.seq));
                    *times += 1;
                }
                None => session.push((event, 1)),
            }
            StatusCode::NO_CONTENT.into_response()
        }
    });
    let (folder, url) = (Scratch::new(), url.await);
    let mut said = Vec::new();
    for lines in [1, 40, 7, 150] {
        let (folder, url) = (folder.to_path_buf(), url.clone());
        let killed = tokio::task::spawn_blocking(move || killed_after(&folder, &url, lines));
        said.extend(killed.await.unwrap());
    }
    // The last one lives, and tells what is left.
    let events = start(&folder, &url);
    let delivering = tokio::spawn({
        let events = events.clone();
        async move { events.deliver().await }
    });
    let empty = async {
        while events.lag().waiting > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(120), empty).await.expect("all is told in time");
    delivering.abort();
    let heard = heard.lock().unwrap();
    let has = |device: &str, generation: u64, kind: EventKind| {
        let session = heard.get(&(device.to_owned(), generation));
        session.is_some_and(|events| events.iter().any(|(event, _)| event.event == kind))
    };
    for line in &said {
        let mut words = line.split(' ');
        let (what, device) = (words.next().unwrap(), words.next().unwrap());
        let generation = words.next().unwrap().parse().unwrap();
        let kind = if what == "opened" { EventKind::Connected } else { EventKind::Registered };
        assert!(has(device, generation, kind), "{line} was on disk, and was not told");
        assert!(has(device, generation, EventKind::Disconnected), "{line} has no end");
    }
    for ((device, generation), events) in &*heard {
        let seqs: Vec<_> = events.iter().map(|(event, _)| event.seq).collect();
        let in_order: Vec<_> = (1..=events.len() as u64).collect();
        assert_eq!(seqs, in_order, "{device} {generation}: in order, none missing");
        let kinds: Vec<_> = events.iter().map(|(event, _)| event.event).collect();
        assert_eq!(kinds[0], EventKind::Connected);
        assert_eq!(kinds[kinds.len() - 1], EventKind::Disconnected);
        let ends = kinds.iter().filter(|kind| **kind == EventKind::Disconnected).count();
        assert_eq!(ends, 1, "{device} {generation} ends once");
    }
}

/// What a child says before it is killed, so many lines after its start.
fn killed_after(folder: &Path, url: &str, lines: usize) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "events::killed::child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(URL, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    // The last line may be cut off.
    let is_said = |line: &String| {
        (line.starts_with("opened ") || line.starts_with("registered ")) && line.ends_with(" .")
    };
    let mut said: Vec<_> = out.by_ref().map_while(Result::ok).filter(is_said).take(lines).collect();
    assert_eq!(said.len(), lines, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had printed by then is on disk, too.
    said.extend(out.map_while(Result::ok).filter(is_said));
    said
}
