//! The opening handshake over a line that is open: the request goes out, the answer is read.

use std::io;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use tieline_proto::Limits;
use tieline_proto::handshake::client::Request;
use tieline_proto::handshake::{Agreement, HandshakeError};
use tieline_proto::http::{HeadError, HeadReader, has_token};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::refused::{MAX_BODY_BYTES, Refused, unchunked};
use super::{ConnectError, RequestError};

/// How long a refusal's body is waited for: it only explains.
const BODY_WITHIN: Duration = Duration::from_secs(1);

/// Most answers of the 100 class that are read before the one that counts.
const MAX_INTERIM: usize = 8;

/// How a server answered.
pub(super) enum Answer<S> {
    /// With 101; `rest` came right behind it.
    Agreed { stream: S, agreement: Agreement, headers: HeaderMap, rest: Vec<u8> },
    /// With anything else.
    Refused(Refused),
}

/// Sends the request and reads the answer.
pub(super) async fn ask<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &Request,
    limits: &Limits,
) -> Result<Answer<S>, ConnectError> {
    stream.write_all(&encode(request)?).await.map_err(ConnectError::Io)?;
    stream.flush().await.map_err(ConnectError::Io)?;

    let (response, mut rest) = answer(&mut stream, limits).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let agreement = request.verify(&response).map_err(ConnectError::Handshake)?;
        let headers = response.into_parts().0.headers;
        return Ok(Answer::Agreed { stream, agreement, headers, rest });
    }
    // However the body ends, the head is the answer.
    let _ = timeout(BODY_WITHIN, body(&mut stream, &response, &mut rest)).await;
    if is_chunked(&response) {
        rest = unchunked(&rest);
    }
    rest.truncate(MAX_BODY_BYTES);
    let (head, ()) = response.into_parts();
    let (status, headers) = (head.status, head.headers);
    Ok(Answer::Refused(Refused { status, headers, body: rest.into() }))
}

/// All that can be wrong here is what our caller gave.
fn encode(request: &Request) -> Result<Vec<u8>, RequestError> {
    request.encode().map_err(|error| match error {
        HandshakeError::DeflateConfig(error) => RequestError::Deflate(error),
        error => RequestError::Head(error),
    })
}

/// The final response, and the bytes that came behind it.
async fn answer<S: AsyncRead + Unpin>(
    stream: &mut S,
    limits: &Limits,
) -> Result<(Response<()>, Vec<u8>), ConnectError> {
    let unreadable = |error| ConnectError::Handshake(HandshakeError::Head(error));
    let mut reader = HeadReader::new(limits);
    let mut buf = Vec::with_capacity(1 << 10);
    let mut interim = 0;
    loop {
        if let Some((response, len)) = reader.response(&buf).map_err(unreadable)? {
            buf.drain(..len);
            let is_final = !response.status().is_informational()
                || response.status() == StatusCode::SWITCHING_PROTOCOLS;
            if is_final {
                return Ok((response, buf));
            }
            // RFC 9110 §15.2: a client MUST be able to read some before the final one.
            interim += 1;
            if interim > MAX_INTERIM {
                return Err(unreadable(HeadError::TooLong { limit: limits.max_head_bytes }));
            }
        } else if stream.read_buf(&mut buf).await.map_err(ConnectError::Io)? == 0 {
            let error = match buf.is_empty() {
                true => "the server ended the line without an answer",
                false => "the server ended the line in the middle of its answer",
            };
            return Err(ConnectError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, error)));
        }
    }
}

/// Reads on to the end of the body, or as much of it as is kept.
async fn body<S: AsyncRead + Unpin>(
    stream: &mut S,
    response: &Response<()>,
    buf: &mut Vec<u8>,
) -> io::Result<()> {
    let length = response.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let wanted = MAX_BODY_BYTES.min(length.unwrap_or(usize::MAX));
    let is_chunked = is_chunked(response);
    let is_whole = |buf: &[u8]| buf.len() >= wanted || (is_chunked && buf.ends_with(b"0\r\n\r\n"));
    while !is_whole(buf) && stream.read_buf(buf).await? > 0 {}
    Ok(())
}

fn is_chunked(response: &Response<()>) -> bool {
    has_token(response.headers(), TRANSFER_ENCODING.as_str(), "chunked")
}
