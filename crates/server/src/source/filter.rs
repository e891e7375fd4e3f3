//! What of the lines a viewer wants to see.

use regex::{Regex, RegexBuilder};

/// Lets lines through, or not.
#[derive(Debug)]
pub(crate) struct Filter {
    text: String,
    /// `None`: the line contains the text.
    regex: Option<Regex>,
}

/// A filter that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FilterError {
    /// It has more bytes than it may have.
    #[error("a filter has at most {MAX_BYTES} bytes")]
    TooLong,
    /// There are too many different ones.
    #[error("there are too many different filters")]
    TooMany,
    /// It is no regular expression, or one that would be too big.
    #[error("the regular expression is not one, or is too big")]
    Regex,
}

/// Longest text of a filter, in bytes.
const MAX_BYTES: usize = 1_024;

/// Most memory for a regular expression, in bytes; as much again while it is matched.
const REGEX_BYTES: usize = 256 << 10;

/// How deep its groups may be in one another.
const REGEX_DEPTH: u32 = 50;

impl Filter {
    /// Lines that contain this text, letter for letter.
    pub(crate) fn contains(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: within(text)?, regex: None })
    }

    /// Lines that this regular expression matches somewhere. It takes time in proportion to the
    /// line, whatever it is.
    pub(crate) fn regex(pattern: &str) -> Result<Self, FilterError> {
        let text = within(pattern)?;
        let built = RegexBuilder::new(&text)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .nest_limit(REGEX_DEPTH)
            .build();
        let regex = Some(built.map_err(|_| FilterError::Regex)?);
        Ok(Self { text, regex })
    }

    /// Whether a line comes through.
    pub(super) fn lets(&self, line: &str) -> bool {
        match &self.regex {
            None => line.contains(&self.text),
            Some(regex) => regex.is_match(line),
        }
    }

    /// Whether both let the same through, as they are written.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.text == other.text && self.regex.is_some() == other.regex.is_some()
    }
}

fn within(text: &str) -> Result<String, FilterError> {
    if text.len() > MAX_BYTES { Err(FilterError::TooLong) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compared_letter_for_letter_and_a_regex_matches_anywhere() {
        assert!(Filter::contains(".*").unwrap().lets("a.*b"));
        assert!(!Filter::contains(".*").unwrap().lets("ab"));
        assert!(Filter::regex("(?i)err|warn$").unwrap().lets("an ERROR"));
        assert!(!Filter::regex("^err").unwrap().lets("an err"));
    }

    #[test]
    fn what_would_be_too_big_is_refused() {
        assert_eq!(Filter::contains(&"x".repeat(1_025)).unwrap_err(), FilterError::TooLong);
        let deep = "(".repeat(60) + &")".repeat(60);
        for pattern in ["(", r"(\w{500}){500}", &deep] {
            assert_eq!(Filter::regex(pattern).unwrap_err(), FilterError::Regex, "{pattern}");
        }
    }

    #[test]
    fn the_same_words_are_the_same_filter() {
        let [a, b] = [(); 2].map(|()| Filter::contains("a").unwrap());
        assert!(a.is_same(&b) && !a.is_same(&Filter::regex("a").unwrap()));
    }
}
