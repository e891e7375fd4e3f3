//! The standard error of a program, in the server's log: harmless to who reads it, and bounded.

use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::framer::Framer;
use super::source::Source;
use crate::config::Frame;

/// The longest line that is logged whole, in bytes.
const MAX_LINE_BYTES: usize = 1_024;

/// How many lines are logged in a while; the others are counted.
const MOST_LINES: u32 = 100;
const WHILE: Duration = Duration::from_secs(10);

/// Logs what comes, to its end.
pub(super) async fn log(source: Source, route: &str) {
    let mut framer = Framer::new(Frame::Bytes, None, usize::MAX);
    let mut lines = Lines { route, since: Instant::now(), logged: 0, left_out: 0 };
    let mut line = Vec::new();
    while source.fill(&mut framer).await {
        let Ok(Some(read)) = framer.next() else { continue };
        for piece in read.bytes().split_inclusive(|byte| *byte == b'\n') {
            let (piece, is_end) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            // Of a line that is too long its beginning is enough.
            let room = MAX_LINE_BYTES - line.len();
            line.extend_from_slice(&piece[..piece.len().min(room)]);
            if is_end {
                lines.log(&std::mem::take(&mut line));
            }
        }
    }
    if !line.is_empty() {
        lines.log(&line);
    }
    lines.sum_up();
}

/// Counts lines, and logs so many.
struct Lines<'a> {
    route: &'a str,
    since: Instant,
    logged: u32,
    left_out: u64,
}

impl Lines<'_> {
    fn log(&mut self, line: &[u8]) {
        if self.since.elapsed() >= WHILE {
            self.sum_up();
            self.since = Instant::now();
            self.logged = 0;
        }
        if self.logged == MOST_LINES {
            self.left_out += 1;
            return;
        }
        self.logged += 1;
        info!(route = self.route, line = harmless(line), "a command says");
    }

    fn sum_up(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            info!(route = self.route, left_out, "a command says more than is logged");
        }
    }
}

/// A line without anything that a terminal would obey.
fn harmless(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut harmless = String::with_capacity(text.len());
    for c in text.trim_end_matches('\r').chars() {
        match c {
            '\t' => harmless.push(c),
            c if c.is_control() => harmless.extend(c.escape_default()),
            c => harmless.push(c),
        }
    }
    harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_logged() {
        let line = b"\x1b]52;c;aGk=\x07 \xc2\x9b2J a\tb \xff\r";
        assert_eq!(harmless(line), "\\u{1b}]52;c;aGk=\\u{7} \\u{9b}2J a\tb \u{fffd}");
    }
}
