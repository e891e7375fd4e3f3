//! Answering who asks for a line: one request head in, a 101 or a refusal out.
//!
//! ```text
//! head ─▶ is it an upgrade, valid, for our host, from an allowed page? ── no ──▶ 4xx, close
//!                │ yes, or an ordinary request
//!                ▼
//!          the caller's closure ── Refusal ──▶ its answer, close
//!                │ Answer
//!                ▼
//!               101 ─▶ WebSocket
//! ```

mod answer;
mod error;
mod options;
mod refuse;
mod request;

use std::io;

pub use answer::{Answer, Refusal};
use bytes::BytesMut;
pub use error::AcceptError;
pub use options::AcceptOptions;
pub use request::Request;
pub(crate) use request::url_of;
use tieline_proto::Limits;
use tieline_proto::handshake::Agreement;
use tieline_proto::http::HeadReader;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::socket::WebSocket;

/// Accepts a line from whoever asks properly, and from pages of the same origin only.
///
/// What is refused is answered as HTTP wants it, and the transport closed; see
/// [`accept_with`] to look at the request, and for the rest of what it says.
///
/// # Errors
///
/// As [`accept_with`].
///
/// # Cancel safety
///
/// Dropping the future drops the transport, and with it the connection.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// while let Ok((stream, _)) = listener.accept().await {
///     tokio::spawn(async move {
///         let mut socket = tieline::accept(stream).await?;
///         socket.send("welcome").await?;
///         socket.close(tieline::CloseCode::NORMAL, "").await?;
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///     });
/// }
/// # Ok(()) }
/// ```
pub async fn accept<S>(stream: S) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    accept_with(stream, &AcceptOptions::default(), |_| Ok(Answer::default())).await
}

/// Accepts a line, after `choose` has seen the request.
///
/// `choose` is called with every request that may be granted, and with ordinary ones, which are no
/// upgrade: for those it can return a page as its [`Refusal`], and an [`Answer`] becomes a 426. One
/// deadline, [`Limits::handshake_within`], stands for all of it; who is slower gets a 408.
///
/// # Errors
///
/// [`AcceptError`], after the answer it keeps was sent and the transport closed.
///
/// # Cancel safety
///
/// Dropping the future drops the transport, and with it the connection.
///
/// # Example
///
/// ```
/// use tieline::{AcceptOptions, Answer, Refusal, http::StatusCode};
///
/// # async fn example<S>(stream: S) -> Result<(), tieline::AcceptError>
/// # where S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {
/// let options = AcceptOptions { protocols: vec!["chat.v2".into()], ..AcceptOptions::default() };
/// let socket = tieline::accept_with(stream, &options, |request| match request.path() {
///     "/chat" => Ok(Answer::default()),
///     _ => Err(Refusal::from(StatusCode::NOT_FOUND)),
/// })
/// .await?;
/// # Ok(()) }
/// ```
pub async fn accept_with<S, F>(
    mut stream: S,
    options: &AcceptOptions,
    choose: F,
) -> Result<WebSocket<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
    F: FnOnce(&Request) -> Result<Answer, Refusal>,
{
    let deadline = Instant::now() + options.limits.handshake_within;
    let mut read = BytesMut::new();
    let decided = timeout_at(deadline, decide(&mut stream, &mut read, options, choose)).await;
    let granted = match decided.unwrap_or(Err(AcceptError::TooSlow)) {
        Ok(granted) => granted,
        Err(error) => {
            if let Some(response) = error.response() {
                refuse::refuse(&mut stream, &response, options.limits.close_within).await;
            }
            return Err(error);
        }
    };
    let written = timeout_at(deadline, write(&mut stream, &granted.response)).await;
    written.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    Ok(WebSocket::server(stream, &granted.agreement, granted.limits, &read).with_url(granted.url))
}

/// A request that was granted, and not yet answered.
struct Granted {
    /// The bytes of the 101.
    response: Vec<u8>,
    agreement: Agreement,
    limits: Limits,
    url: String,
}

/// Reads the request and decides about it. What it leaves in `read` came after the handshake.
async fn decide<S, F>(
    stream: &mut S,
    read: &mut BytesMut,
    options: &AcceptOptions,
    choose: F,
) -> Result<Granted, AcceptError>
where
    S: AsyncRead + Unpin,
    F: FnOnce(&Request) -> Result<Answer, Refusal>,
{
    let head = read_head(stream, read, &options.limits).await?;
    let request = Request::understand(head, options)?;
    let answer = choose(&request).map_err(AcceptError::Refused)?;
    let upgrade = request.upgrade().ok_or(AcceptError::NotUpgrade)?;
    while read.len() < upgrade.key3_bytes() {
        more(stream, read).await?;
    }
    let key3 = read.split_to(upgrade.key3_bytes());
    let limits = answer.limits.clone().unwrap_or_else(|| options.limits.clone());
    let (response, agreement) = upgrade.accept(&options.answer(upgrade, answer), &key3)?;
    Ok(Granted { response, agreement, limits, url: url_of(request.head(), options.secure) })
}

async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    read: &mut BytesMut,
    limits: &Limits,
) -> Result<http::Request<()>, AcceptError> {
    let mut reader = HeadReader::new(limits);
    loop {
        more(stream, read).await?;
        if let Some((head, len)) = reader.request(read).map_err(AcceptError::head)? {
            // Not `advance`: what is kept of the handshake should not pin the head's memory.
            *read = BytesMut::from(&read[len..]);
            return Ok(head);
        }
    }
}

async fn more<S: AsyncRead + Unpin>(
    stream: &mut S,
    read: &mut BytesMut,
) -> Result<(), AcceptError> {
    read.reserve(1 << 10);
    match stream.read_buf(read).await? {
        0 => Err(AcceptError::Left),
        _ => Ok(()),
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
