//! What a command wrote, as its result says it.

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

/// What is read at once, in bytes.
const READ_BYTES: usize = 16 << 10;

/// What was written in one place.
#[derive(Debug, Default)]
pub(super) struct Part {
    written: Vec<u8>,
    notes: String,
    is_cut: bool,
}

impl Part {
    /// Reads to the end, and keeps so much of it.
    pub(super) async fn read(&mut self, mut pipe: pipe::Receiver, most: usize) {
        let mut bytes = vec![0; READ_BYTES];
        while let Ok(read @ 1..) = pipe.read(&mut bytes).await {
            let room = most - self.written.len();
            self.written.extend_from_slice(&bytes[..read.min(room)]);
            self.is_cut |= read > room;
        }
    }

    /// Adds a line of the server's own.
    pub(super) fn note(&mut self, line: &str) {
        self.notes.push_str(line);
        self.notes.push('\n');
    }

    /// Whether there was more.
    pub(super) const fn is_cut(&self) -> bool {
        self.is_cut
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.written).into_owned();
        if !self.notes.is_empty() && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text + &self.notes
    }
}

/// Both parts, each where it is not empty, and nothing between them.
pub(super) fn result(out: &Part, err: &Part) -> String {
    let mut result = String::new();
    for (name, part) in [("[stdout]\n", out), ("[stderr]\n", err)] {
        let text = part.text();
        if !text.is_empty() {
            result.push_str(name);
            result.push_str(&text);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_there_only_where_it_is_not_empty() {
        let part = |text: &str| Part { written: text.into(), ..Part::default() };
        for (out, err, expected) in [
            ("", "", ""),
            ("a\n", "", "[stdout]\na\n"),
            ("", "b", "[stderr]\nb"),
            ("a", "b\n", "[stdout]\na[stderr]\nb\n"),
        ] {
            assert_eq!(result(&part(out), &part(err)), expected);
        }
    }

    #[test]
    fn a_note_has_a_line_of_its_own() {
        let mut err = Part { written: b"half".into(), ..Part::default() };
        err.note("ended");
        assert_eq!(result(&Part::default(), &err), "[stderr]\nhalf\nended\n");
    }
}
