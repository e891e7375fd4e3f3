//! How a type comes out of a message, and goes into one.

use std::error::Error;
use std::fmt;

use bytes::Bytes;
use bytestring::ByteString;
use tieline_proto::{CloseCode, MessageKind};

use crate::message::Message;

/// A type that a message can be read as.
///
/// An endpoint that takes several types reads an enum of them, or is
/// [declared](super::Declared) with a method for each.
///
/// # Example
///
/// ```
/// use tieline::endpoint::{Decode, DecodeError};
/// use tieline::{Message, MessageKind, bytes::Bytes};
///
/// enum Said { Line(String), Picture(Bytes) }
///
/// impl Decode for Said {
///     fn decode(message: Message) -> Result<Self, DecodeError> {
///         match message.kind() {
///             MessageKind::Text => String::decode(message).map(Self::Line),
///             MessageKind::Binary => Bytes::decode(message).map(Self::Picture),
///         }
///     }
/// }
/// ```
pub trait Decode: Sized {
    /// Reads the message.
    ///
    /// # Errors
    ///
    /// [`DecodeError`], the peer's fault; it knows the close code.
    fn decode(message: Message) -> Result<Self, DecodeError>;
}

/// A type that a message can be made from.
pub trait Encode {
    /// Makes the message.
    ///
    /// # Errors
    ///
    /// [`EncodeError`], our caller's fault: nothing is sent, and the line stays open.
    fn encode(self) -> Result<Message, EncodeError>;
}

/// A message that is not what the endpoint takes; the peer's fault.
#[derive(Debug)]
#[non_exhaustive]
pub enum DecodeError {
    /// The right kind, with a content that makes no sense.
    Invalid(Box<dyn Error + Send + Sync>),
    /// A text where only binary makes sense, or the other way round.
    Kind(MessageKind),
}

impl DecodeError {
    /// A content that makes no sense, and why.
    pub fn invalid(why: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Invalid(why.into())
    }

    /// Of two types' reasons, the one that says more: a content that makes no sense was at least of
    /// a kind that is taken.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if matches!(self, Self::Invalid(_)) { self } else { other }
    }

    /// The code that closes the line for this reason (RFC 6455 §7.4.1).
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::Invalid(_) => CloseCode::INVALID_DATA,
            Self::Kind(_) => CloseCode::UNSUPPORTED,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid(_) => "the message makes no sense here",
            Self::Kind(MessageKind::Text) => "text is not taken here",
            Self::Kind(MessageKind::Binary) => "binary messages are not taken here",
        })
    }
}

impl Error for DecodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Invalid(why) => Some(&**why),
            Self::Kind(_) => None,
        }
    }
}

/// A value that no message can be made from; our caller's fault.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "it is its cause and nothing else")]
pub struct EncodeError(pub Box<dyn Error + Send + Sync>);

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be made a message")
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

impl Decode for Message {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        Ok(message)
    }
}

impl Encode for Message {
    fn encode(self) -> Result<Message, EncodeError> {
        Ok(self)
    }
}

/// Reads text only.
impl Decode for ByteString {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        match message {
            Message::Text(text) => Ok(text),
            Message::Binary(_) => Err(DecodeError::Kind(MessageKind::Binary)),
        }
    }
}

/// Reads text only.
impl Decode for String {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        ByteString::decode(message).map(Self::from)
    }
}

/// Reads binary messages only.
impl Decode for Bytes {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        match message {
            Message::Text(_) => Err(DecodeError::Kind(MessageKind::Text)),
            Message::Binary(bytes) => Ok(bytes),
        }
    }
}

/// Reads binary messages only.
impl Decode for Vec<u8> {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        Bytes::decode(message).map(Self::from)
    }
}

macro_rules! encode_as_it_is {
    ($($type:ty),*) => {$(
        impl Encode for $type {
            fn encode(self) -> Result<Message, EncodeError> {
                Ok(self.into())
            }
        }
    )*};
}

encode_as_it_is!(&str, String, ByteString, Bytes, Vec<u8>);

/// A value as JSON in a text message.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is its value and nothing else")]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<T: serde::de::DeserializeOwned> Decode for Json<T> {
    fn decode(message: Message) -> Result<Self, DecodeError> {
        let text = ByteString::decode(message)?;
        serde_json::from_str(&text).map(Self).map_err(DecodeError::invalid)
    }
}

#[cfg(feature = "json")]
impl<T: serde::Serialize> Encode for Json<T> {
    fn encode(self) -> Result<Message, EncodeError> {
        let text = serde_json::to_string(&self.0).map_err(|error| EncodeError(Box::new(error)))?;
        Ok(text.into())
    }
}
