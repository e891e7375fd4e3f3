//! What arrives on a line.

use bytes::Bytes;

use crate::message::Message;

/// What arrives on a line: messages, and the pings and pongs between them.
///
/// A ping was answered already when it is told here (RFC 6455 §5.5.2).
///
/// # Example
///
/// ```
/// use std::time::{Duration, Instant};
/// use tieline::{Error, Received, WebSocket};
///
/// /// How long a ping takes there and back.
/// async fn round_trip<S>(socket: &mut WebSocket<S>) -> Result<Option<Duration>, Error>
/// where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {
///     let asked = Instant::now();
///     socket.ping(b"1").await?;
///     while let Some(received) = socket.receive().await {
///         match received? {
///             Received::Pong(payload) if payload == "1" => return Ok(Some(asked.elapsed())),
///             Received::Message(message) => println!("{message:?}"),
///             _ => {}
///         }
///     }
///     Ok(None)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a close is the end, and there is nothing else")]
pub enum Received {
    /// A whole message.
    Message(Message),
    /// The peer asked whether this end is there.
    Ping(Bytes),
    /// The peer is there: the payload is that of the ping it answers, or anything, unasked (§5.5.3).
    Pong(Bytes),
}
