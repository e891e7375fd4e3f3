//! What a process says on its standard error, for the log: the last of it, and not much.

use std::collections::VecDeque;
use std::fmt;

use crate::source::{Line, Splitter};

/// The last lines.
#[derive(Debug)]
pub(super) struct Told {
    splitter: Splitter,
    lines: VecDeque<Line>,
}

const MAX_LINES: usize = 5;
const MAX_LINE_BYTES: usize = 400;

impl Told {
    pub(super) const fn new() -> Self {
        Self { splitter: Splitter::new(MAX_LINE_BYTES), lines: VecDeque::new() }
    }

    /// Takes what was read; `is_for_log` sees each line first.
    pub(super) fn take(&mut self, bytes: &[u8], mut is_for_log: impl FnMut(&str) -> bool) {
        let mut lines = Vec::new();
        self.splitter.take(bytes, &mut lines);
        self.lines.extend(lines.into_iter().filter(|line| is_for_log(&line.text)));
        let too_many = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..too_many);
    }

    /// Whether a line contains this.
    pub(super) fn contains(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.text.contains(words))
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.lines.iter().enumerate() {
            let gap = if at == 0 { "" } else { " | " };
            write!(f, "{gap}{}", line.text)?;
        }
        Ok(())
    }
}
