//! Other people's text, in which nothing steers a terminal.

use std::fmt::Write;

/// Text as it is, but for what would steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if steers(letter) {
            // Writing into text does not fail.
            let _ = write!(shown, "{}", letter.escape_default());
        } else {
            shown.push(letter);
        }
        shown
    })
}

/// Control characters, and those that turn the direction of what follows.
pub(crate) fn steers(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_printed_steers_a_terminal() {
        assert_eq!(printable("a\x1b[2J\u{9b}b\u{202e}ü\n"), "a\\u{1b}[2J\\u{9b}b\\u{202e}ü\\n");
    }
}
