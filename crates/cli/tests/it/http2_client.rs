//! A client of HTTP/2: requests, and WebSocket lines on streams of the same connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::client::SendRequest;
use h2::ext::Protocol;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Method, Request, Response};
use tieline::{Agreement, Limits, WebSocket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;

use crate::server::{PATIENCE, Server};

pub(crate) type Line = WebSocket<Stream>;

/// One connection.
pub(crate) struct Client {
    requests: SendRequest<Bytes>,
    /// `https://127.0.0.1:4711`, say.
    base: String,
    connection: JoinHandle<Result<(), h2::Error>>,
}

/// What a request was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// The bytes of one stream.
pub(crate) struct Stream {
    send: SendStream<Bytes>,
    receive: RecvStream,
    read: Bytes,
}

impl Client {
    /// Over a plain connection, without asking first.
    pub(crate) async fn to(server: &Server) -> Self {
        let stream = TcpStream::connect(server.host()).await.unwrap();
        Self::over(stream, &server.addresses[0]).await
    }

    pub(crate) async fn over<S>(stream: S, base: &str) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Room for what one stream is not read from, as browsers have it.
        let mut builder = h2::client::Builder::new();
        builder.initial_connection_window_size(1 << 20);
        let (requests, connection) = builder.handshake(stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let may_connect = async {
            while !requests.is_extended_connect_protocol_enabled() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, may_connect).await.expect("the setting of RFC 8441");
        Self { requests, base: base.to_owned(), connection }
    }

    /// Asks, and leaves the stream open.
    pub(crate) async fn begin(
        &mut self,
        request: Request<()>,
    ) -> Result<(Response<RecvStream>, SendStream<Bytes>), h2::Error> {
        let (response, send) = self.requests.send_request(request, false)?;
        Ok((timeout(PATIENCE, response).await.expect("an answer in time")?, send))
    }

    /// Asks without a body, and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: Request<()>) -> Answer {
        let (response, mut send) = self.begin(request).await.unwrap();
        // A stream that was answered to its end has nobody to tell that nothing comes.
        let _ = send.send_data(Bytes::new(), true);
        read(response).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        let request = Request::get(format!("{}{path}", self.base)).body(()).unwrap();
        self.ask(request).await
    }

    /// The request for a line, to be changed.
    pub(crate) fn connect(&self, path: &str) -> Request<()> {
        Request::builder()
            .method(Method::CONNECT)
            .uri(format!("{}{path}", self.base))
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .header("origin", &self.base)
            .body(())
            .unwrap()
    }

    pub(crate) async fn open(&mut self, path: &str) -> Line {
        let request = self.connect(path);
        let (response, send) = self.begin(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let stream = Stream { send, receive: response.into_body(), read: Bytes::new() };
        let limits = Limits { max_message_bytes: 16 << 20, ..Limits::default() };
        WebSocket::client(stream, &Agreement::default(), limits, &[])
    }

    /// Waits until the connection has ended.
    pub(crate) async fn ended(self) -> Result<(), h2::Error> {
        timeout(PATIENCE, self.connection).await.expect("the end in time").unwrap()
    }
}

/// The whole answer.
async fn read(response: Response<RecvStream>) -> Answer {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(piece) = timeout(PATIENCE, stream.data()).await.expect("a piece in time") {
        let piece = piece.unwrap();
        stream.flow_control().release_capacity(piece.len()).unwrap();
        body.extend_from_slice(&piece);
    }
    let body = String::from_utf8(body).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            match ready!(self.receive.poll_data(cx)) {
                None => return Poll::Ready(Ok(())),
                Some(read) => self.read = read.map_err(io::Error::other)?,
            }
        }
        let len = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read[..len]);
        self.read.advance(len);
        self.receive.flow_control().release_capacity(len).map_err(io::Error::other)?;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(buf.len());
        let Some(capacity) = ready!(self.send.poll_capacity(cx)) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let len = capacity.map_err(io::Error::other)?.min(buf.len());
        let data = Bytes::copy_from_slice(&buf[..len]);
        self.send.send_data(data, false).map_err(io::Error::other)?;
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.send.send_data(Bytes::new(), true).map_err(io::Error::other))
    }
}
