//! A server that is killed at any moment, again and again: what its devices and those who send to
//! them were told is so afterwards.

use std::collections::BTreeMap;
use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::by_hand::Bench;
use tieline_store::Scratch;

const FOLDER: &str = "TIELINE_TEST_DEVICES";
const ROUND: &str = "TIELINE_TEST_DEVICES_ROUND";
const DEVICES: u32 = 6;

/// Messages in a round.
const MESSAGES: u32 = 3;

fn start(folder: &Path) -> (Devices, Arc<Rules>) {
    let rules = Arc::new(Rules {
        route: "/".into(),
        dialect: Dialect { say: |said| said.text.into(), let_go: |_, _| {}, acknowledges: false },
        asks_who: false,
        max_messages: usize::MAX,
        max_bytes: usize::MAX,
        time_to_live: Duration::from_secs(3_600),
        is_durable: true,
        until_acknowledged: false,
        max_devices: 100,
        forget_after: Duration::from_secs(3_600),
    });
    let store = Store::open(folder, 0).unwrap();
    let devices = Devices::open(Some(store), &Metrics::default()).unwrap();
    devices.adopt(&rules);
    (devices, rules)
}

/// The process that is killed: the test below starts it. By itself it does nothing.
#[test]
fn child() {
    let (Some(folder), Ok(round)) = (env::var_os(FOLDER), env::var(ROUND)) else { return };
    let (devices, rules) = start(Path::new(&folder));
    let first = round.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let lives = (0..DEVICES).map(|device| live(&devices, &rules, device, first));
        futures_util::future::join_all(lives).await;
    });
}

/// Registers, leaves and is sent messages; and takes its registration back every other time.
async fn live(devices: &Devices, rules: &Arc<Rules>, device: u32, first: u32) {
    let id = format!("d{device}");
    let mut bench = Bench::new();
    for round in first.. {
        let line = bench.peer();
        devices.bind(&id, &line.remote(), None, rules).unwrap();
        devices.register(&id).await.unwrap();
        say(&format!("registered {id} ."));
        devices.left(&id, line.id());
        for number in 0..MESSAGES {
            let text = format!("{round}.{number}");
            assert_eq!(devices.notify(&id, &text, None).await, Notified::Stored);
            say(&format!("stored {id} {text} ."));
        }
        if round % 2 == 0 {
            say(&format!("forgetting {id} ."));
            assert!(devices.forget(&id).await.unwrap());
            say(&format!("forgotten {id} ."));
        }
    }
}

fn say(line: &str) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

/// What is known of a device by what was said.
#[derive(Debug, Default)]
struct Known {
    is_registered: bool,
    /// It may be gone, or not.
    is_leaving: bool,
    waiting: Vec<String>,
}

#[test]
fn who_was_told_of_a_message_or_a_registration_was_told_the_truth() {
    let folder = Scratch::new();
    let mut all: BTreeMap<String, Known> = BTreeMap::new();
    for (round, lines) in [(0, 1), (1_000, 40), (2_000, 7), (3_000, 300)] {
        for line in killed_after(&folder, round, lines) {
            let words: Vec<_> = line.split(' ').collect();
            let known = all.entry(words[1].to_owned()).or_default();
            match words[0] {
                "registered" => known.is_registered = true,
                "stored" => known.waiting.push(words[2].to_owned()),
                "forgetting" => known.is_leaving = true,
                _ => *known = Known::default(),
            }
        }
        let (devices, rules) = start(&folder);
        for (id, known) in &mut all {
            let found = devices.find(id);
            let is_registered = found.as_ref().is_some_and(|device| device.is_registered);
            // Of one that was not registered nothing is said but that it is not.
            assert!(is_registered || !known.is_registered || known.is_leaving, "{id}: {known:?}");
            let mut bench = Bench::new();
            let line = bench.peer();
            devices.bind(id, &line.remote(), None, &rules).unwrap();
            devices.ready(id, line.id());
            let heard = bench.heard(&line);
            if is_registered {
                // One more may have been written than was said.
                let (said, more) = heard.split_at(known.waiting.len().min(heard.len()));
                assert_eq!(said, known.waiting, "{id}: in order, none missing, none twice");
                assert!(more.len() <= 1, "{id}: {more:?}");
            } else {
                assert!(heard.is_empty(), "{id}: what waited is gone with it: {heard:?}");
            }
            devices.left(id, line.id());
            *known = Known { is_registered, ..Known::default() };
        }
    }
}

/// What a child says before it is killed, so many lines after its start.
fn killed_after(folder: &Path, round: u32, lines: usize) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "devices::killed::child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    // The last line may be cut off.
    let is_said = |line: &String| line.ends_with(" .");
    let mut said: Vec<_> = out.by_ref().map_while(Result::ok).filter(is_said).take(lines).collect();
    assert_eq!(said.len(), lines, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had printed by then is so, too.
    said.extend(out.map_while(Result::ok).filter(is_said));
    said
}
