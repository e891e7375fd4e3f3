//! A connection to an upstream, TLS included.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tracing::debug;

use super::fault::Fault;
use super::plan::Target;
use super::upload::Upload;
use crate::patient::Patient;

/// Asks one request at a time of an upstream.
pub(super) type Sender = http1::SendRequest<Upload>;

/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Most header lines of an answer.
const MAX_HEADERS: usize = 200;

/// A connection to an upstream.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

/// What hyper is given, and gives back where protocols are switched.
pub(super) type Io = TokioIo<Patient<Stream>>;

/// Connects, and has a task of this worker drive the connection. An upstream that takes nothing of a
/// request for `patience` is lost: where it has answered already, nobody else waits for it.
pub(super) async fn connect(
    target: &Target,
    within: Duration,
    patience: Duration,
) -> Result<Sender, Fault> {
    let opened = timeout(within, open(target)).await.map_err(|_| Fault::ConnectLate(within))?;
    let stream = opened.map_err(Fault::Connect)?;
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_HEAD_BYTES).max_headers(MAX_HEADERS);
    let io: Io = TokioIo::new(Patient::new(stream, patience));
    let made = builder.handshake::<_, Upload>(io).await;
    let (sender, connection) = made.map_err(Fault::Broken)?;
    let name = target.name.clone();
    spawn_local(async move {
        if let Err(error) = connection.with_upgrades().await {
            debug!(upstream = name, %error, "connection to the upstream ended");
        }
    });
    Ok(sender)
}

async fn open(target: &Target) -> io::Result<Stream> {
    let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
    stream.set_nodelay(true)?;
    // As for clients: a machine that is gone without a word is noticed after two minutes.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(10))
        .with_retries(6);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(match &target.tls {
        None => Stream::Plain(stream),
        Some(secure) => {
            let connector = TlsConnector::from(secure.config.clone());
            Stream::Secure(Box::new(connector.connect(secure.name.clone(), stream).await?))
        }
    })
}

/// Calls the same method on whichever stream it is.
macro_rules! each {
    ($this:expr, $stream:ident => $call:expr) => {
        match $this.get_mut() {
            Stream::Plain($stream) => $call,
            Stream::Secure($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}
