//! What tells one call from another, kept as it was written.

use std::fmt;

use serde_json::value::RawValue;

/// The id of a call: a string, a number or null, echoed to the letter. `1.0` stays `1.0`, and a
/// number with more digits than a float has keeps them.
///
/// Spec: JSON-RPC 2.0 §4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Id(Box<str>);

impl Id {
    /// What an error is answered to whose call could not be read.
    pub(crate) fn null() -> Self {
        Self("null".into())
    }

    /// The id that is written like this; `None` for what can be none: an object, an array, true or
    /// false.
    pub(crate) fn of(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        match text.as_bytes().first()? {
            b'"' | b'-' | b'0'..=b'9' => Some(Self(text.into())),
            b'n' => Some(Self::null()),
            _ => None,
        }
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The number, where it is a whole one that is not negative: how this server writes its own.
    pub(crate) fn number(&self) -> Option<u64> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Option<String> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        Id::of(&raw).map(|id| id.to_string())
    }

    #[test]
    fn ids_keep_every_letter() {
        for id in [
            "0",
            "1.0",
            "-1",
            "1e3",
            "12345678901234567890123",
            "0.1000000000000000055511151231257827",
            r#""""#,
            r#""\u0061\n""#,
            r#""grüße""#,
            "null",
        ] {
            assert_eq!(of(id).as_deref(), Some(id));
        }
    }

    #[test]
    fn what_can_be_no_id_is_none() {
        for id in ["{}", "[1]", "true", "false"] {
            assert_eq!(of(id), None, "{id}");
        }
    }
}
