//! Connections to the operator's side: few, and none for ever.

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use super::{Side, router};
use crate::patient::Patient;

/// Most connections at a time; others wait.
const MAX_CONNECTIONS: usize = 128;

/// Longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// How long a handshake, the head of a request, or a write that nobody takes may last.
const WITHIN: Duration = Duration::from_secs(10);

/// How long to wait where the system has no room for another connection.
const FULL: Duration = Duration::from_millis(100);

/// Answers until the other end of `ended` is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    side: &Arc<Side>,
    mut ended: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = net::TcpListener::from_std(listener)?;
    tokio::select! {
        never = accept(&listener, side) => match never {},
        _ = ended.changed() => Ok(()),
    }
}

async fn accept(listener: &net::TcpListener, side: &Arc<Side>) -> Infallible {
    let router = router(side);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        match listener.accept().await {
            Err(error) => {
                warn!(%error, "the operator's side cannot accept a connection");
                sleep(FULL).await;
            }
            Ok((stream, _)) => {
                let (side, router) = (Arc::clone(side), router.clone());
                tokio::spawn(async move {
                    let _place = place;
                    match side.certificates() {
                        None => answer(stream, router).await,
                        Some(certificates) => {
                            let acceptor = TlsAcceptor::from(without_h2(&certificates.current()));
                            match timeout(WITHIN, acceptor.accept(stream)).await {
                                Ok(Ok(stream)) => answer(stream, router).await,
                                Ok(Err(error)) => debug!(%error, "TLS handshake failed"),
                                Err(_) => debug!("the TLS handshake took too long"),
                            }
                        }
                    }
                });
            }
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    // Whoever does not read what is answered must not keep a place, either.
    let stream = Patient::new(stream, WITHIN);
    let answered = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WITHIN)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = answered {
        debug!(%error, "a connection to the operator's side failed");
    }
}

/// What is spoken here is HTTP/1.1.
fn without_h2(config: &Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut config = ServerConfig::clone(config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_read_the_answer_does_not_keep_the_place() {
        let (ours, mut theirs) = duplex(1 << 10);
        let router = Router::new().route("/", get(|| async { "x".repeat(1 << 20) }));
        theirs.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let began = Instant::now();
        timeout(WITHIN * 10, answer(ours, router)).await.unwrap();
        assert!(began.elapsed() <= WITHIN * 2, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_without_end_is_not_read_to_its_end() {
        let (ours, theirs) = duplex(1 << 10);
        let (mut read, mut write) = tokio::io::split(theirs);
        let asking = async {
            let line = format!("x: {}\r\n", "y".repeat(1_000));
            write.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.unwrap();
            // The other end stops reading, and then is gone.
            while write.write_all(line.as_bytes()).await.is_ok() {}
        };
        let mut answered = Vec::new();
        let reading = read.read_to_end(&mut answered);
        let (_, read, ()) = tokio::join!(answer(ours, Router::new()), reading, asking);
        read.unwrap();
        assert!(answered.starts_with(b"HTTP/1.1 431 "), "{}", answered.escape_ascii());
    }
}
