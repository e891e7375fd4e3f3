//! JSON objects, the one shape in which clients of the counter and the room speak.

use serde::Deserialize;
use serde::de::Error as _;

/// Decodes an object; the members that `T` does not name are let be.
///
/// # Errors
///
/// Anything else, an array among them: serde alone would take one for the members in their order.
pub(super) fn decode_object<'a, T: Deserialize<'a>>(text: &'a str) -> serde_json::Result<T> {
    if !text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('{') {
        return Err(serde_json::Error::custom("not an object"));
    }
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Named {
        name: u8,
    }

    #[test]
    fn an_object_is_decoded_whatever_else_it_holds() {
        for text in [r#"{"name":1}"#, " \t\r\n{\"x\":1e999,\"name\":1,\"y\":[{}]}"] {
            assert_eq!(decode_object::<Named>(text).unwrap(), Named { name: 1 }, "{text:?}");
        }
    }

    #[test]
    fn nothing_but_an_object_is_decoded() {
        for text in ["[1]", " [1]", "1", "", "\u{a0}{\"name\":1}", "{\"name\":1}x"] {
            assert!(decode_object::<Named>(text).is_err(), "{text:?}");
        }
    }
}
