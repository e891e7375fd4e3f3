//! A process that writes is killed at any moment: what it was told is on disk is there afterwards.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;

const FOLDER: &str = "TIELINE_TEST_STORE";

/// The writers of the child, each with numbers of its own.
const WRITERS: u32 = 8;

/// Entries of one batch, which are there together or not at all.
const TOGETHER: u32 = 3;

/// The process that is killed: the test below starts it. By itself it does nothing.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(Path::new(&folder), 0).unwrap();
        let first = store.scan(Space::Events, b"").unwrap().len() as u32;
        let writers = (0..WRITERS).map(|writer| write_for_ever(store.clone(), writer, first));
        futures_util::future::join_all(writers).await;
    });
}

/// Writes batch after batch, and prints each once it is told that it is on disk.
async fn write_for_ever(store: Store, writer: u32, first: u32) {
    for number in first.. {
        let mut batch = Batch::default();
        for part in 0..TOGETHER {
            batch.put(Space::Events, &key(writer, number, part), &value(writer, number, part));
        }
        batch.put(Space::Counters, &writer.to_be_bytes(), &number.to_be_bytes());
        store.write(batch).await.unwrap();
        println!("written {writer} {number} .");
        std::io::stdout().flush().unwrap();
    }
}

fn key(writer: u32, number: u32, part: u32) -> Vec<u8> {
    [writer, number, part].iter().flat_map(|part| part.to_be_bytes()).collect()
}

/// Of different lengths, so that a record may end anywhere.
fn value(writer: u32, number: u32, part: u32) -> Vec<u8> {
    let byte = (writer ^ number ^ part) as u8;
    vec![byte; (number as usize * 37 + part as usize * 101) % 900]
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill() {
    let folder = Scratch::new();
    let mut acknowledged: Vec<(u32, u32)> = Vec::new();
    // After so many lines: while the folder is new, in the middle, and on what is recovered.
    for lines in [1, 23, 150, 600, 7] {
        acknowledged.extend(killed_after(&folder, lines));
        let store = Store::open(&folder, 0).unwrap();
        let entries = store.scan(Space::Events, b"").unwrap();
        assert!(entries.is_sorted(), "the keys are in order");
        for &(writer, number) in &acknowledged {
            for part in 0..TOGETHER {
                let found = store.get(Space::Events, &key(writer, number, part)).unwrap();
                assert_eq!(found, Some(value(writer, number, part)), "{writer} {number} {part}");
            }
            let last = store.get(Space::Counters, &writer.to_be_bytes()).unwrap().unwrap();
            assert!(u32::from_be_bytes(last.try_into().unwrap()) >= number);
        }
        for batch in entries.chunks(TOGETHER as usize) {
            let same = |(key, _): &(Vec<u8>, Vec<u8>)| key[..8] == batch[0].0[..8];
            assert!(batch.len() == TOGETHER as usize && batch.iter().all(same), "whole batches");
        }
    }
}

/// What a child says was written before it was killed, so many lines after its start.
fn killed_after(folder: &Path, lines: usize) -> Vec<(u32, u32)> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let written = |line: String| {
        // The last line may be cut off.
        let numbers = line.strip_prefix("written ")?.strip_suffix(" .")?;
        let mut numbers = numbers.split(' ').map(|word| word.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    };
    let mut acknowledged: Vec<_> =
        said.by_ref().map_while(Result::ok).filter_map(written).take(lines).collect();
    assert_eq!(acknowledged.len(), lines, "the child ended by itself");
    let error = Store::open(folder, 0).unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "two processes have one store: {error:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    // What it had printed by then was acknowledged, too.
    acknowledged.extend(said.map_while(Result::ok).filter_map(written));
    acknowledged
}
