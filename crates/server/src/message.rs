//! A message on its way into a service: it borrows what the carrier has read.

/// A whole message, as a [`Conversation`](crate::Conversation) is given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these two kinds")]
pub enum Message<'a> {
    /// Any bytes.
    Binary(&'a [u8]),
    /// UTF-8.
    Text(&'a str),
}

impl Message<'_> {
    /// Length of the payload in bytes.
    pub const fn len(&self) -> usize {
        match self {
            Self::Binary(bytes) => bytes.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// Whether the payload is empty; an empty message is still a message.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<'a> From<&'a tieline::Message> for Message<'a> {
    fn from(message: &'a tieline::Message) -> Self {
        match message {
            tieline::Message::Binary(bytes) => Self::Binary(bytes),
            tieline::Message::Text(text) => Self::Text(text),
        }
    }
}

/// Copies the payload, so that it can outlive the read buffer.
impl From<Message<'_>> for tieline::Message {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Binary(bytes) => bytes.to_vec().into(),
            Message::Text(text) => text.into(),
        }
    }
}
