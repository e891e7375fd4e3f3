//! A message that owns its bytes, shared and not copied when it is cloned.

use bytes::Bytes;
use bytestring::ByteString;
use tieline_proto::MessageKind;

/// A whole message, to send or received. Cloning shares the bytes.
///
/// # Example
///
/// ```
/// use tieline::{Message, MessageKind};
///
/// let greeting = Message::from("hello");
/// assert_eq!(greeting.kind(), MessageKind::Text);
/// assert_eq!(greeting.text(), Some("hello"));
/// assert_eq!(Message::from(vec![1, 2, 3]).into_bytes(), [1, 2, 3][..]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these two kinds")]
pub enum Message {
    /// UTF-8.
    Text(ByteString),
    /// Any bytes.
    Binary(Bytes),
}

impl Message {
    /// Text or binary.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The text; `None` for a binary message.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The bytes, those of the UTF-8 for a text.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The bytes as their own value; nothing is copied.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) => text.into_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// Length of the payload in bytes.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload is empty; an empty message is still a message.
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// What was received: moved where it had to be put together, copied where it lies in the
    /// read buffer, which is shared by many messages and outlives none of them.
    pub(crate) fn received(message: tieline_proto::Message<'_>) -> Self {
        match message.kind() {
            MessageKind::Text => {
                let text = String::from_utf8(message.into_vec());
                Self::Text(text.expect("text is UTF-8: checked as it arrived").into())
            }
            MessageKind::Binary => Self::Binary(message.into_vec().into()),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<ByteString> for Message {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
