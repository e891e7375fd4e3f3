//! The words in which a worker tells its peers what was published.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use tieline::Message;
use tokio::sync::Notify;

use crate::inbox::Topic;

/// The words of one outlet.
#[derive(Clone, Debug)]
pub(super) enum Dialect {
    /// The native line's.
    Native,
    /// None: the peers of one service hear what was published as it is.
    Plain(Arc<Audience>),
}

/// The peers of one service, on all workers.
#[derive(Debug)]
pub(super) struct Audience {
    pub(super) topic: Topic,
    /// Somebody came or went.
    pub(super) moved: Notify,
}

impl PartialEq for Dialect {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native, Self::Native) => true,
            (Self::Plain(one), Self::Plain(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// The data of a publication as a message: of a JSON string its text, and any other JSON as it is. It is
/// copied only where letters of a string are escaped.
pub(super) fn plain(data: &Bytes) -> Message {
    let text = match data.first() {
        Some(b'"') => match serde_json::from_slice::<&str>(data) {
            Ok(text) => data.slice_ref(text.as_bytes()),
            Err(_) => serde_json::from_slice(data).map_or_else(|_| data.clone(), String::into),
        },
        _ => data.clone(),
    };
    // JSON is UTF-8.
    ByteString::try_from(text).map_or_else(|_| data.clone().into(), Message::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_its_text_and_anything_else_is_itself() {
        for (data, said) in [
            (r#""""#, ""),
            (r#""a: b""#, "a: b"),
            (r#""\"\\\n\u0000\ud83d\ude00""#, "\"\\\n\u{0}\u{1F600}"),
            // Half a letter is no text.
            (r#""\ud83d""#, r#""\ud83d""#),
            (r#"{"type":"users"}"#, r#"{"type":"users"}"#),
            ("1.50", "1.50"),
            ("", ""),
        ] {
            let said = Message::from(said);
            assert_eq!(plain(&Bytes::from_static(data.as_bytes())), said, "{data}");
        }
    }

    #[test]
    fn what_needs_no_change_is_not_copied() {
        for (data, skipped) in [(r#""hello""#, 1), (r#"{"type":"users"}"#, 0)] {
            let data = Bytes::from_static(data.as_bytes());
            assert_eq!(plain(&data).as_bytes().as_ptr(), data[skipped..].as_ptr());
        }
    }
}
