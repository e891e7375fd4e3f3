//! An endpoint declared as methods of a type, and what calls them.

use std::future::{Future, pending};

use tieline_proto::{CloseCode, Closed, Lost};

use super::built::{Endpoint, EndpointConnectError};
use super::codec::DecodeError;
use super::line::{Line, LineError, Turn};
use crate::message::Message;

/// What `#[endpoint]` makes of a type: the endpoint, and what its lines call.
///
/// A value of the type is cloned for each line: what the lines share belongs in an `Arc` or a
/// channel, what is one line's own in a field. The same type serves both ends: on the server by
/// [`Endpoints::declare`](super::Endpoints::declare), on the client by [`connect`].
///
/// | mark         | method                                                             | called                        |
/// |--------------|--------------------------------------------------------------------|-------------------------------|
/// | `#[open]`    | `async fn(&mut self, &mut Line) -> Result<(), LineError>`          | once the line is open         |
/// | `#[message]` | `async fn(&mut self, &mut Line, T) -> Result<(), LineError>`       | for each message that is a `T: Decode`; the first method, in their order, that takes its kind and can read it |
/// | `#[push]`    | `async fn(&mut self) -> T`, `T: Encode`                            | while the peer is silent; what it gives is sent. Cancel safe: it is dropped when the peer speaks |
/// | `#[error]`   | `fn(&mut self, &LineError)`                                        | for what ended the line badly |
/// | `#[close]`   | `async fn(&mut self, &Closed)`                                     | last, however the line ended  |
/// | `#[request]` | `fn(&self, &Request, Answer) -> Result<Answer, Refusal>`           | on the server, before the handshake is answered |
/// | `#[connect]` | `fn(&self, Connect) -> Connect`                                    | on the client, before it asks |
///
/// The attribute takes `path = "/rooms/{room}"`, and where wanted `params(room = u32)`,
/// `subprotocols = ["rooms.v1"]`, `limits = …` and `deflate = …` as [`Endpoint`] has them.
///
/// # Example
///
#[cfg_attr(feature = "macros", doc = "```")]
#[cfg_attr(not(feature = "macros"), doc = "```ignore")]
/// use tieline::bytes::Bytes;
/// use tieline::endpoint::{Endpoints, Line, LineError, endpoint};
///
/// #[derive(Clone, Default)]
/// struct Sum { so_far: i64 }
///
/// #[endpoint(path = "/sum/{start}", params(start = i64), subprotocols = ["sum.v1"])]
/// impl Sum {
///     #[open]
///     async fn begin(&mut self, line: &mut Line) -> Result<(), LineError> {
///         self.so_far = line.param("start").expect("checked before the handshake");
///         Ok(())
///     }
///
///     #[message]
///     async fn number(&mut self, line: &mut Line, text: String) -> Result<(), LineError> {
///         self.so_far += text.parse::<i64>().unwrap_or(0);
///         line.send(self.so_far.to_string().into()).await
///     }
///
///     #[message]
///     async fn bytes(&mut self, line: &mut Line, bytes: Bytes) -> Result<(), LineError> {
///         self.so_far += bytes.len() as i64;
///         line.send(self.so_far.to_string().into()).await
///     }
/// }
///
/// let server = Endpoints::new().declare(Sum::default())?;
/// # let _ = server;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Declared: Clone + Send + Sync + 'static {
    /// The endpoint: its path, subprotocols, and who may change the handshake.
    fn endpoint(&self) -> Endpoint<Message, Message>;

    /// The line is open.
    ///
    /// # Errors
    ///
    /// What it answers ends the line.
    fn open(&mut self, line: &mut Line) -> impl Future<Output = Result<(), LineError>> + Send {
        let _unused = line;
        async { Ok(()) }
    }

    /// A message came.
    ///
    /// # Errors
    ///
    /// What it answers ends the line; [`LineError::Decode`] closes it with its code, and
    /// [`LineError::Encode`] with 1011.
    fn message(
        &mut self,
        line: &mut Line,
        message: Message,
    ) -> impl Future<Output = Result<(), LineError>> + Send {
        let _unused = line;
        async move { Err(LineError::Decode(DecodeError::Kind(message.kind()))) }
    }

    /// The next message that this end sends of its own accord. Cancel safe.
    ///
    /// # Errors
    ///
    /// What it answers ends the line.
    fn push(&mut self) -> impl Future<Output = Result<Message, LineError>> + Send {
        pending()
    }

    /// The line ended badly.
    fn error(&mut self, error: &LineError) {
        let _unused = error;
    }

    /// The line ended, well or badly.
    fn close(&mut self, how: &Closed) -> impl Future<Output = ()> + Send {
        let _unused = how;
        async {}
    }
}

/// Serves one line with a declared endpoint, to its end.
///
/// # Errors
///
/// What ended the line, unless it closed cleanly.
///
/// # Cancel safety
///
/// Dropping the future drops the line; `close` is then not called.
pub async fn run<D: Declared>(mut declared: D, mut line: Line) -> Result<(), LineError> {
    let mut result = converse(&mut declared, &mut line).await;
    result = match result {
        Err(LineError::Decode(error)) => Err(line.refuse(error).await),
        Err(LineError::Encode(error)) => {
            // Our own fault: the peer is told so, and the cause says more than how the line ends.
            _ = line.close(CloseCode::INTERNAL, "internal error").await;
            Err(LineError::Encode(error))
        }
        result => result,
    };
    if let Err(error) = &result {
        declared.error(error);
    }
    // A line that was left open ends with the transport, as one that is dropped.
    let lost = Closed::Lost(Lost::Eof);
    declared.close(line.closed().unwrap_or(&lost)).await;
    result
}

async fn converse<D: Declared>(declared: &mut D, line: &mut Line) -> Result<(), LineError> {
    declared.open(line).await?;
    loop {
        match line.next_turn(declared.push()).await {
            Turn::Heard(Some(message)) => declared.message(line, message?).await?,
            Turn::Heard(None) => return Ok(()),
            Turn::Pushed(message) => line.feed(message?)?,
        }
    }
}

/// Opens a line as a client of a declared endpoint, and serves this end of it to the end.
///
/// # Errors
///
/// [`EndpointConnectError`] where it could not be opened; inside, what ended the line.
///
/// # Cancel safety
///
/// Dropping the future drops the line; `close` is then not called.
pub async fn connect<D: Declared>(
    declared: D,
    base: &str,
    params: &[(&str, &str)],
) -> Result<Result<(), LineError>, EndpointConnectError> {
    let line = declared.endpoint().connect(base, params).await?;
    Ok(run(declared, line).await)
}
