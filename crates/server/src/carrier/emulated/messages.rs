//! The messages that a client sends at once: a JSON array, of strings and of objects and arrays that stand as
//! they are.

use bytes::Bytes;
use bytestring::ByteString;
use http::StatusCode;
use serde_json::value::RawValue;

use crate::refusal::Refusal;

/// Most messages of one request.
const MOST: usize = 1_024;

/// What the body of a request may be at least.
const LEAST_BYTES: usize = 1 << 20;

/// What the body of a request may be, where a message may be so much: several, or one that is escaped.
pub(super) const fn most_bytes(max_message_bytes: usize) -> usize {
    let twice = max_message_bytes.saturating_mul(2);
    if twice > LEAST_BYTES { twice } else { LEAST_BYTES }
}

/// Reads them, none of which may be longer than that.
pub(super) fn read(body: &Bytes, max_message_bytes: usize) -> Result<Vec<ByteString>, Refusal> {
    let wrong = |error| {
        let reason = format!("the body is a JSON array of messages: {error}");
        Refusal::new(StatusCode::BAD_REQUEST, reason)
    };
    let values: Vec<&RawValue> = serde_json::from_slice(body).map_err(wrong)?;
    if values.len() > MOST {
        let reason = format!("at most {MOST} messages are sent at once");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    values.into_iter().map(|value| message(body, value.get(), max_message_bytes)).collect()
}

fn message(body: &Bytes, value: &str, max_message_bytes: usize) -> Result<ByteString, Refusal> {
    let text = match value.as_bytes() {
        [b'"', ..] => {
            serde_json::from_str::<String>(value).map(ByteString::from).map_err(|error| {
                let reason = format!("a message is no text: {error}");
                Refusal::new(StatusCode::BAD_REQUEST, reason)
            })?
        }
        [b'{' | b'[', ..] => ByteString::try_from(body.slice_ref(value.as_bytes()))
            .expect("a part of JSON between two of its brackets is UTF-8"),
        _ => {
            let reason = "a message is a string, an object or an array; binary needs a WebSocket";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, reason));
        }
    };
    if text.len() > max_message_bytes {
        let reason = format!(
            "a message is longer than {max_message_bytes} bytes (setting limits.max_message_bytes)"
        );
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<String>, u16> {
        let messages = super::read(&Bytes::copy_from_slice(body.as_bytes()), 10);
        let texts = |messages: Vec<ByteString>| messages.iter().map(ToString::to_string).collect();
        messages.map(texts).map_err(|refusal| refusal.status.as_u16())
    }

    #[test]
    fn strings_are_their_text_and_json_stands_as_it_is() {
        let said = read(" [ \"a\\n\\u00fc\", {\"b\" : 1}, [2 , 3], \"\" ] ").unwrap();
        assert_eq!(said, ["a\nü", "{\"b\" : 1}", "[2 , 3]", ""]);
        assert_eq!(read("[]").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_message_is_refused_with_all_that_came_with_it() {
        for (body, status) in [
            ("", 400),
            ("{}", 400),
            ("[\"a\"", 400),
            ("[\"a\", 1]", 400),
            ("[null]", 400),
            ("[\"\\ud800\"]", 400),
            ("[\"12345678901\"]", 413),
            ("[{\"a\":\"bcd\"}]", 413),
        ] {
            assert_eq!(read(body), Err(status), "{body}");
        }
        let many = format!("[{}\"\"]", "\"\",".repeat(MOST));
        assert_eq!(read(&many), Err(413));
        assert_eq!(read("[\"1234567890\"]").unwrap().len(), 1);
    }
}
