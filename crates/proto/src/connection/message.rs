//! A whole message, borrowed from where it lies.

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the specification has these two")]
pub enum MessageKind {
    /// UTF-8, checked.
    Text,
    /// Any bytes.
    Binary,
}

/// A whole message: it borrows the caller's buffer where it lay there in one piece, and the
/// connection's own where it had to be put together.
#[derive(Debug)]
pub struct Message<'a> {
    kind: MessageKind,
    payload: Payload<'a>,
}

#[derive(Debug)]
enum Payload<'a> {
    Borrowed(&'a [u8]),
    Assembled(&'a mut Vec<u8>),
}

impl<'a> Message<'a> {
    pub(crate) const fn borrowed(kind: MessageKind, payload: &'a [u8]) -> Self {
        Self { kind, payload: Payload::Borrowed(payload) }
    }

    pub(crate) const fn assembled(kind: MessageKind, payload: &'a mut Vec<u8>) -> Self {
        Self { kind, payload: Payload::Assembled(payload) }
    }

    /// Text or binary.
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The bytes; valid UTF-8 where the kind is text.
    pub fn payload(&self) -> &[u8] {
        match &self.payload {
            Payload::Borrowed(payload) => payload,
            Payload::Assembled(payload) => payload,
        }
    }

    /// The text; `None` for a binary message.
    ///
    /// The bytes were checked when they arrived and are checked once more here: without `unsafe`
    /// that is the price of a `&str`, and the vector check makes it a small one.
    pub fn text(&self) -> Option<&str> {
        match self.kind {
            MessageKind::Text => simdutf8::basic::from_utf8(self.payload()).ok(),
            MessageKind::Binary => None,
        }
    }

    /// Whether [`into_vec`](Self::into_vec) costs nothing.
    pub const fn is_assembled(&self) -> bool {
        matches!(self.payload, Payload::Assembled(_))
    }

    /// The bytes as the caller's own: moved where they were put together, copied where they are
    /// borrowed from the caller's buffer.
    pub fn into_vec(self) -> Vec<u8> {
        match self.payload {
            Payload::Borrowed(payload) => payload.to_vec(),
            Payload::Assembled(payload) => std::mem::take(payload),
        }
    }
}
