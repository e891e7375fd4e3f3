//! What goes in and out of a link: messages that borrow, and whatever can be sent.

use bytes::Bytes;
use bytestring::ByteString;
use tieline_proto::MessageKind;

/// A whole message, as a [`Handler`](super::Handler) is given it: it borrows what was read.
///
/// # Example
///
/// ```
/// use tieline::serve::Message;
///
/// let message = Message::from("hello");
/// assert_eq!((message.text(), message.len()), (Some("hello"), 5));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    kind: MessageKind,
    bytes: &'a [u8],
    /// The same bytes, where they have an allocation of their own.
    shared: Option<&'a Bytes>,
}

impl<'a> Message<'a> {
    /// A large message, in an allocation of its own.
    pub(super) fn of_shared(kind: MessageKind, bytes: &'a Bytes) -> Self {
        Self { kind, bytes, shared: Some(bytes) }
    }

    /// Text or binary.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The bytes; valid UTF-8 where the kind is text.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The text; `None` for a binary message.
    ///
    /// The bytes were checked when they arrived and are checked once more here: without `unsafe`
    /// that is the price of a `&str`, and the vector check makes it a small one. Whoever sends a
    /// text on as it is need not ask for it.
    pub fn text(&self) -> Option<&'a str> {
        match self.kind {
            MessageKind::Text => simdutf8::basic::from_utf8(self.bytes).ok(),
            MessageKind::Binary => None,
        }
    }

    /// Length of the payload in bytes.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether the payload is empty; an empty message is still a message.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

impl PartialEq for Message<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.bytes == other.bytes
    }
}

impl Eq for Message<'_> {}

impl<'a> From<&'a tieline_proto::Message<'_>> for Message<'a> {
    fn from(message: &'a tieline_proto::Message<'_>) -> Self {
        Self { kind: message.kind(), bytes: message.payload(), shared: None }
    }
}

impl<'a> From<&'a crate::Message> for Message<'a> {
    fn from(message: &'a crate::Message) -> Self {
        Self { kind: message.kind(), bytes: message.as_bytes(), shared: None }
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Self {
        Self { kind: MessageKind::Text, bytes: text.as_bytes(), shared: None }
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self { kind: MessageKind::Binary, bytes, shared: None }
    }
}

/// What can be sent: text or bytes, borrowed, owned or shared.
///
/// What is borrowed is copied once, into the frame; what is shared ([`Bytes`], [`ByteString`],
/// [`Message`](crate::Message)) is copied for nobody who has to wait for it.
pub trait Payload {
    /// Text or binary.
    fn kind(&self) -> MessageKind;

    /// The bytes; valid UTF-8 where the kind is text.
    fn bytes(&self) -> &[u8];

    /// The payload as a message of its own.
    fn into_message(self) -> crate::Message
    where
        Self: Sized;

    /// The bytes as their own value, shared where they can be.
    fn into_bytes(self) -> Bytes
    where
        Self: Sized,
    {
        self.into_message().into_bytes()
    }
}

/// Says of a type that it is text, or that it is bytes.
macro_rules! payload {
    ($($type:ty => $kind:ident($self:ident, $bytes:expr),)*) => {$(
        impl Payload for $type {
            fn kind(&self) -> MessageKind {
                MessageKind::$kind
            }

            fn bytes(&self) -> &[u8] {
                let $self = self;
                $bytes
            }

            fn into_message(self) -> crate::Message {
                self.into()
            }
        }
    )*};
}

payload! {
    &str => Text(text, text.as_bytes()),
    String => Text(text, text.as_bytes()),
    ByteString => Text(text, text.as_bytes()),
    Vec<u8> => Binary(bytes, bytes),
    Bytes => Binary(bytes, bytes),
}

impl Payload for &[u8] {
    fn kind(&self) -> MessageKind {
        MessageKind::Binary
    }

    fn bytes(&self) -> &[u8] {
        self
    }

    fn into_message(self) -> crate::Message {
        self.to_vec().into()
    }
}

impl Payload for Message<'_> {
    fn kind(&self) -> MessageKind {
        self.kind
    }

    fn bytes(&self) -> &[u8] {
        self.bytes
    }

    fn into_bytes(self) -> Bytes {
        self.shared.map_or_else(|| Bytes::copy_from_slice(self.bytes), Bytes::clone)
    }

    fn into_message(self) -> crate::Message {
        match self.kind {
            MessageKind::Binary => self.into_bytes().into(),
            MessageKind::Text => {
                self.text().expect("text is UTF-8: checked as it arrived or by its type").into()
            }
        }
    }
}

impl Payload for crate::Message {
    fn kind(&self) -> MessageKind {
        Self::kind(self)
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn into_message(self) -> crate::Message {
        self
    }
}

impl Payload for &crate::Message {
    fn kind(&self) -> MessageKind {
        crate::Message::kind(self)
    }

    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    fn into_message(self) -> crate::Message {
        self.clone()
    }
}
