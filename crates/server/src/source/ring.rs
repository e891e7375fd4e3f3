//! The last lines of something, bounded in lines and in bytes.

use std::collections::VecDeque;

use super::line::Line;

/// The last lines, for whoever comes later.
#[derive(Debug)]
pub(super) struct Ring {
    lines: VecDeque<Line>,
    /// What they cost.
    bytes: usize,
    keep: Keep,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Most lines.
    pub(crate) lines: usize,
    /// Most bytes, what holding a line costs included. The last line is kept whatever its size.
    pub(crate) bytes: usize,
}

impl Ring {
    pub(super) const fn new(keep: Keep) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, keep }
    }

    /// Adds a line, and forgets those that are too many.
    pub(super) fn push(&mut self, line: Line) {
        self.bytes += line.cost();
        self.lines.push_back(line);
        while self.lines.len() > self.keep.lines
            || self.bytes > self.keep.bytes && self.lines.len() > 1
        {
            let oldest = self.lines.pop_front().expect("there is one, or it was not too much");
            self.bytes -= oldest.cost();
        }
    }

    /// The lines, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keep: Keep, texts: &[&str]) -> Vec<String> {
        let mut ring = Ring::new(keep);
        for text in texts {
            ring.push(Line { text: (*text).into(), is_lossy: false });
        }
        assert_eq!(ring.bytes, ring.iter().map(Line::cost).sum::<usize>());
        ring.iter().map(|line| line.text.to_string()).collect()
    }

    #[test]
    fn the_oldest_go_first_when_there_are_too_many_lines() {
        assert_eq!(ring(Keep { lines: 2, bytes: 1 << 20 }, &["1", "2", "3"]), ["2", "3"]);
        assert!(ring(Keep { lines: 0, bytes: 1 << 20 }, &["1"]).is_empty());
    }

    #[test]
    fn the_oldest_go_first_when_they_are_too_long_and_the_last_stays() {
        let long = "x".repeat(100);
        let keep = Keep { lines: 10, bytes: 2 * size_of::<Line>() + 101 };
        assert_eq!(ring(keep, &["1", "2", &long]), ["2", &long]);
        let keep = Keep { lines: 10, bytes: 1 };
        assert_eq!(ring(keep, &["1", &long]), [long]);
    }
}
