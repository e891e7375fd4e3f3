//! Names of methods by pattern: `eth_*`, `*_get*`, or a name as it is.

/// A name in which `*` stands for any letters, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Box<str>);

/// Several patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Vec<Pattern>);

impl Pattern {
    /// The pattern that is written like this; `None` for one that is empty or has spaces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let is_name =
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        is_name.then(|| Self(text.into()))
    }

    /// Whether a name is one of these. Takes no longer than both lengths multiplied.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl Names {
    /// The patterns that are written like these, which were checked.
    pub(crate) fn of(patterns: impl IntoIterator<Item: AsRef<str>>) -> Self {
        Self(patterns.into_iter().filter_map(|text| Pattern::parse(text.as_ref())).collect())
    }

    /// Whether a name is one of these.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name, matches) in [
            ("eth_call", "eth_call", true),
            ("eth_call", "eth_callMany", false),
            ("eth_*", "eth_call", true),
            ("eth_*", "eth_", true),
            ("eth_*", "net_eth_", false),
            ("*", "", true),
            ("*", "anything", true),
            ("*_get*", "eth_getBalance", true),
            ("*_get*", "eth_call", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("**x", "x", true),
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn an_empty_pattern_or_one_with_spaces_is_none() {
        for text in ["", "a b", "\n"] {
            assert_eq!(Pattern::parse(text), None, "{text:?}");
        }
    }
}
