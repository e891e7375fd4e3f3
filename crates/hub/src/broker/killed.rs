//! A process that publishes is killed at any moment: what was acknowledged is there afterwards, at its
//! place, and is published no second time.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use tieline_store::{Scratch, Store};

use super::{Broker, Durable};
use crate::channel::Channel;
use crate::history::Range;
use crate::keep::Keep;
use crate::position::Epoch;
use crate::publication::New;

const FOLDER: &str = "TIELINE_TEST_HUB";
const FIRST: &str = "TIELINE_TEST_HUB_FIRST";

/// Publishers of the child, each with keys of its own; two share a channel.
const PUBLISHERS: u32 = 6;

/// How often the child is killed.
const KILLS: u32 = 100;

fn keep() -> Arc<Keep> {
    Arc::new(Keep { publications: 40, ..Keep::default() })
}

fn channel(publisher: u32) -> Channel {
    Channel::new(&format!("chat:{}", publisher / 2)).unwrap()
}

fn new(publisher: u32, number: u32) -> New {
    let data = format!("{publisher} {number} {}", "x".repeat((number as usize * 37) % 300));
    New { data: data.into(), key: Some(format!("{publisher}-{number}").into()), from: None }
}

/// The process that is killed: the test below starts it. By itself it does nothing.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let broker = Durable::open(Store::open(Path::new(&folder), 0).unwrap()).unwrap();
        let local = tokio::task::LocalSet::new();
        let first = env::var(FIRST).unwrap().parse().unwrap();
        for publisher in 0..PUBLISHERS {
            local.spawn_local(publish_for_ever(broker.clone(), publisher, first));
        }
        local.await;
    });
}

/// Publishes one after the other, and prints each place.
async fn publish_for_ever(broker: Durable, publisher: u32, first: u32) {
    let channel = channel(publisher);
    for number in first.. {
        let published = broker.publish(&channel, &keep(), new(publisher, number)).await.unwrap();
        let position = published.position;
        println!("published {publisher} {number} {} {} .", position.epoch, position.offset);
        std::io::stdout().flush().unwrap();
    }
}

/// A place that the child was told.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Told {
    publisher: u32,
    number: u32,
    epoch: Epoch,
    offset: u64,
}

#[tokio::test]
async fn what_was_acknowledged_is_at_its_place_after_a_kill() {
    let folder = Scratch::new();
    let mut told: Vec<Told> = Vec::new();
    for kill in 0..KILLS {
        // At another moment each time: while the folder is new, and on what is read again.
        let lines = [1, 7, 40, 3, 90][kill as usize % 5] + kill as usize;
        for new in killed_after(&folder, kill * 8, lines) {
            let same =
                told.iter().find(|it| (it.publisher, it.number) == (new.publisher, new.number));
            match same {
                Some(same) => assert_eq!(*same, new, "published once, whatever was repeated"),
                None => told.push(new),
            }
        }
        let broker = Durable::open(Store::open(&folder, 0).unwrap()).unwrap();
        for publisher in (0..PUBLISHERS).step_by(2) {
            let history = broker.read(&channel(publisher), &keep(), Range::ALL, 99).await.unwrap();
            let here = told.iter().filter(|it| it.publisher / 2 == publisher / 2);
            for it in here {
                assert_eq!(it.epoch, history.position.epoch, "no epoch has changed");
                assert!(it.offset <= history.position.offset);
                let found = history.publications.iter().find(|found| found.offset == it.offset);
                if it.offset >= history.oldest {
                    assert_eq!(found.unwrap().data, new(it.publisher, it.number).data);
                }
            }
        }
    }
    assert!(told.len() > KILLS as usize * 10, "{}", told.len());
}

/// The places that a child says it was told before it was killed, so many lines after its start.
/// It begins with a number that the one before may have published already.
fn killed_after(folder: &Path, first: u32, lines: usize) -> Vec<Told> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "broker::killed::child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let parse = |line: String| {
        // The last line may be cut off.
        let words = line.strip_prefix("published ")?.strip_suffix(" .")?;
        let mut words = words.split(' ');
        Some(Told {
            publisher: words.next()?.parse().ok()?,
            number: words.next()?.parse().ok()?,
            epoch: words.next()?.parse().ok()?,
            offset: words.next()?.parse().ok()?,
        })
    };
    let mut told: Vec<_> =
        said.by_ref().map_while(Result::ok).filter_map(parse).take(lines).collect();
    assert_eq!(told.len(), lines, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    told.extend(said.map_while(Result::ok).filter_map(parse));
    told
}
