//! Lines in memory: two sockets, or one and the bare bytes of its peer.
#![allow(dead_code, reason = "each test file uses its part")]

mod masked;

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tieline::{Agreement, CloseCode, Closed, Limits, WebSocket};
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::task::unconstrained;

pub(crate) use self::masked::masked;

pub(crate) type Socket = WebSocket<DuplexStream>;

/// Room in the transport where a test does not care.
pub(crate) const ROOM: usize = 64 << 10;

/// A client and a server.
pub(crate) fn pair() -> (Socket, Socket) {
    pair_with(&Agreement::default(), ROOM)
}

pub(crate) fn pair_with(agreement: &Agreement, room: usize) -> (Socket, Socket) {
    let (near, far) = duplex(room);
    let client = WebSocket::client(near, agreement, Limits::default(), &[]);
    (client, WebSocket::server(far, agreement, Limits::default(), &[]))
}

/// A server, and the transport of a client that does what the test says.
pub(crate) fn server_and_bytes(limits: Limits, room: usize) -> (Socket, DuplexStream) {
    let (near, far) = duplex(room);
    (WebSocket::server(near, &Agreement::default(), limits, &[]), far)
}

/// A client, and the transport of a server that does what the test says.
pub(crate) fn client_and_bytes(limits: Limits, room: usize) -> (Socket, DuplexStream) {
    let (near, far) = duplex(room);
    (WebSocket::client(near, &Agreement::default(), limits, &[]), far)
}

/// Limits under which nothing is pinged.
pub(crate) fn quiet() -> Limits {
    Limits { ping_after: None, ..Limits::default() }
}

/// A close frame's payload.
pub(crate) fn close_payload(code: u16, reason: &str) -> Vec<u8> {
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

/// Reads exactly these bytes.
pub(crate) async fn expect(peer: &mut DuplexStream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    peer.read_exact(&mut read).await.expect("the peer sends more");
    assert_eq!(read, bytes);
}

/// Reads a server's close frame and answers its code.
pub(crate) async fn expect_close_frame(peer: &mut DuplexStream) -> u16 {
    let mut head = [0; 2];
    peer.read_exact(&mut head).await.expect("the peer sends a close frame");
    assert_eq!(head[0], 0x88, "a close frame");
    let mut payload = vec![0; usize::from(head[1])];
    peer.read_exact(&mut payload).await.expect("the payload of the close frame");
    u16::from_be_bytes([payload[0], payload[1]])
}

/// Reads until the peer ends.
pub(crate) async fn expect_eof(peer: &mut DuplexStream) {
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).await.expect("the peer ends");
    assert_eq!(rest, b"");
}

pub(crate) async fn say(peer: &mut DuplexStream, bytes: impl AsRef<[u8]>) {
    peer.write_all(bytes.as_ref()).await.expect("the peer reads");
}

/// The next message, which is a text.
pub(crate) async fn text(socket: &mut Socket) -> String {
    let message = socket.next().await.expect("a message").expect("an open line");
    message.text().expect("a text").to_owned()
}

/// Polls once, whatever the task has done before, and drops the future.
pub(crate) async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(unconstrained(future));
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

pub(crate) fn cleanly(code: CloseCode, reason: &str) -> Closed {
    Closed::Cleanly { code, reason: reason.to_owned() }
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A peer that says the same again and again, and takes whatever is said to it.
pub(crate) struct Busy(pub(crate) Vec<u8>);

impl AsyncRead for Busy {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        buf.put_slice(&self.0);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Busy {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
