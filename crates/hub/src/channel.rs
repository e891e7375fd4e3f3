//! What channels are called, and which of them a pattern names.

use std::fmt;
use std::sync::Arc;

/// Longest name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// A channel by its name: `chat:lobby` is `lobby` in the namespace `chat`, `lobby` is in the one
/// without a name. Cloning it is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(Arc<str>);

/// All channels of one namespace whose names begin alike: `news:*`, `news:sport.*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern(Arc<str>);

/// What cannot be the name of a channel, or a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing, or more than [`MAX_NAME_BYTES`].
    #[error("a channel's name has 1 to {MAX_NAME_BYTES} bytes")]
    Length,
    /// White space, a control character, or a `*` that is not a pattern's last.
    #[error("a channel's name has no white space, no control character and no `*`")]
    Letter,
}

impl Channel {
    /// The channel of this name.
    ///
    /// # Errors
    ///
    /// [`NameError`] where it cannot be one.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check(name)?;
        Ok(Self(name.into()))
    }

    /// What stands before the first colon; nothing where there is none.
    pub fn namespace(&self) -> &str {
        namespace(&self.0)
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Pattern {
    /// The pattern that is written so, with a `*` as its last letter.
    ///
    /// # Errors
    ///
    /// [`NameError`] where it cannot be one.
    pub fn new(written: &str) -> Result<Self, NameError> {
        let prefix = written.strip_suffix('*').ok_or(NameError::Letter)?;
        if !prefix.is_empty() {
            check(prefix)?;
        }
        Ok(Self(written.into()))
    }

    /// The namespace whose channels it names.
    pub fn namespace(&self) -> &str {
        namespace(&self.0)
    }

    /// Whether a channel is one of them.
    pub fn matches(&self, channel: &Channel) -> bool {
        let prefix = &self.0[..self.0.len() - 1];
        channel.namespace() == self.namespace() && channel.0.starts_with(prefix)
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn namespace(name: &str) -> &str {
    name.split_once(':').map_or("", |(namespace, _)| namespace)
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return Err(NameError::Length);
    }
    let is_wrong = |c: char| c == '*' || c.is_whitespace() || c.is_control();
    if name.chars().any(is_wrong) { Err(NameError::Letter) } else { Ok(()) }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_namespace_before_its_first_colon() {
        for (name, namespace) in
            [("chat:lobby", "chat"), ("lobby", ""), (":x", ""), ("a:b:c", "a"), ("日本:é", "日本")]
        {
            assert_eq!(Channel::new(name).unwrap().namespace(), namespace, "{name}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_none() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for (name, error) in [
            ("", NameError::Length),
            (&long, NameError::Length),
            ("a b", NameError::Letter),
            ("a\u{0}", NameError::Letter),
            ("a\u{85}", NameError::Letter),
            ("a*", NameError::Letter),
        ] {
            assert_eq!(Channel::new(name), Err(error), "{name:?}");
        }
        assert!(Channel::new(&long[1..]).is_ok());
    }

    #[test]
    fn a_pattern_names_channels_of_its_namespace_only() {
        for (pattern, names, others) in [
            ("news:*", &["news:", "news:a", "news:a:b"][..], &["news", "newsx:a", "new:s"][..]),
            ("news:sport.*", &["news:sport.x"], &["news:sport", "news:x"]),
            ("*", &["a", "b"], &["a:b"]),
            ("a*", &["a", "ab"], &["a:b", "b"]),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            let matches = |name: &&str| pattern.matches(&Channel::new(name).unwrap());
            assert!(names.iter().all(matches), "{pattern}");
            assert!(!others.iter().any(matches), "{pattern}");
        }
        for wrong in ["", "a", "*a", "a*b*", "a *"] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }
}
