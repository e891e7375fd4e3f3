//! Recording a session as asciicast v2: a line of JSON that says what it is, and one for each piece
//! of the output.
//!
//! The file is written by a thread of its own. A session waits for a disk that is slower than its
//! program; one that fails or is full ends the recording, and not the session.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Instant;

use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{info, warn};

use super::words::Size;
use crate::events::At;

/// Pieces that wait for the disk.
const MAX_WAITING: usize = 64;

/// A recording that goes on.
#[derive(Debug)]
pub(super) struct Recorder {
    began: Instant,
    has_input: bool,
    lines: mpsc::Sender<String>,
    writing: JoinHandle<()>,
}

#[derive(Serialize)]
struct Header<'a> {
    version: u8,
    width: u16,
    height: u16,
    timestamp: u64,
    title: &'a str,
    env: Variables,
}

#[derive(Serialize)]
struct Variables {
    #[serde(rename = "TERM")]
    term: &'static str,
}

impl Recorder {
    /// Begins a recording in a file that is new; no more than `max_bytes` are written.
    pub(super) fn new(
        file: File,
        name: String,
        command: &str,
        size: Size,
        has_input: bool,
        max_bytes: u64,
    ) -> Self {
        let header = Header {
            version: 2,
            width: size.columns,
            height: size.rows,
            timestamp: At::now().millis() / 1_000,
            title: command,
            env: Variables { term: "xterm-256color" },
        };
        let header = serde_json::to_string(&header).expect("numbers and texts encode") + "\n";
        let (lines, given) = mpsc::channel(MAX_WAITING);
        let writing = spawn_blocking(move || {
            if let Err(error) = write(file, &name, header, given, max_bytes) {
                warn!(recording = name, %error, "a recording has ended early");
            }
        });
        Self { began: Instant::now(), has_input, lines, writing }
    }

    /// The program has written.
    pub(super) async fn shown(&mut self, output: &[u8]) {
        if !output.is_empty() {
            self.add("o", &String::from_utf8_lossy(output)).await;
        }
    }

    /// Somebody has typed.
    pub(super) async fn typed(&mut self, input: &[u8]) {
        if self.has_input {
            self.add("i", &String::from_utf8_lossy(input)).await;
        }
    }

    /// The terminal has another size.
    pub(super) async fn resized(&mut self, size: Size) {
        self.add("r", &format!("{}x{}", size.columns, size.rows)).await;
    }

    /// Waits until all of it is written.
    pub(super) async fn finish(self) {
        let Self { lines, writing, .. } = self;
        drop(lines);
        // One that panicked was logged as such.
        let _ = writing.await;
    }

    async fn add(&mut self, kind: &str, data: &str) {
        let line = line(self.began.elapsed().as_secs_f64(), kind, data);
        // A recording that has ended early takes nothing more.
        let _ = self.lines.send(line).await;
    }
}

fn line(seconds: f64, kind: &str, data: &str) -> String {
    // Microseconds are what players know.
    let seconds = (seconds * 1e6).round() / 1e6;
    serde_json::to_string(&(seconds, kind, data)).expect("a number and texts encode") + "\n"
}

fn write(
    file: File,
    name: &str,
    header: String,
    mut lines: mpsc::Receiver<String>,
    max_bytes: u64,
) -> io::Result<()> {
    let mut file = BufWriter::new(file);
    let mut left = max_bytes;
    let mut next = Some(header);
    while let Some(line) = next {
        match left.checked_sub(line.len() as u64) {
            Some(rest) => left = rest,
            None => {
                info!(recording = name, max_bytes, "a recording is full: the rest is left out");
                break;
            }
        }
        file.write_all(line.as_bytes())?;
        next = match lines.try_recv() {
            Ok(line) => Some(line),
            Err(_) => {
                // Whoever reads the file sees whole lines.
                file.flush()?;
                lines.blocking_recv()
            }
        };
    }
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tieline_store::Scratch;

    async fn record(max_bytes: u64, has_input: bool) -> Vec<String> {
        let folder = Scratch::new();
        fs::create_dir_all(&*folder).unwrap();
        let path = folder.join("x.cast");
        let file = File::create(&path).unwrap();
        let size = Size { columns: 80, rows: 24 };
        let mut recorder = Recorder::new(file, "x".into(), "sh", size, has_input, max_bytes);
        recorder.shown(b"caf\xC3\xA9 \x1B[31m\xFF\r\n").await;
        recorder.shown(b"").await;
        recorder.typed(b"ls\r").await;
        recorder.resized(Size { columns: 100, rows: 30 }).await;
        recorder.finish().await;
        let text = fs::read_to_string(&path).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// A line without its time.
    fn event(line: &str) -> (String, String) {
        let (seconds, kind, data): (f64, String, String) = serde_json::from_str(line).unwrap();
        assert!((0.0..60.0).contains(&seconds));
        (kind, data)
    }

    #[tokio::test]
    async fn a_recording_is_asciicast_v2() {
        let lines = record(1 << 20, false).await;
        let header: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(header["version"], 2);
        assert_eq!((&header["width"], &header["height"]), (&80.into(), &24.into()));
        assert!(header["timestamp"].as_u64().unwrap() > 1_700_000_000);
        let events: Vec<_> = lines[1..].iter().map(|line| event(line)).collect();
        let expected = [("o", "café \u{1B}[31m\u{FFFD}\r\n"), ("r", "100x30")];
        assert_eq!(events, expected.map(|(kind, data)| (kind.into(), data.into())));
    }

    #[tokio::test]
    async fn what_is_typed_is_recorded_only_where_that_is_wanted() {
        let lines = record(1 << 20, true).await;
        assert_eq!(event(&lines[2]), ("i".into(), "ls\r".into()));
    }

    #[tokio::test]
    async fn a_full_recording_has_whole_lines_and_no_more_than_it_may() {
        let whole = record(1 << 20, false).await;
        // Times may be written with six digits more or fewer; the next line has at least 19 bytes.
        let max_bytes = (whole[0].len() + 1 + whole[1].len() + 1) as u64 + 8;
        let lines = record(max_bytes, false).await;
        assert_eq!(lines.len(), 2);
        assert_eq!(event(&lines[1]).0, "o");
    }
}
