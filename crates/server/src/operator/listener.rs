//! Connections to the operator's side: few, and none for ever.

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

/// Most connections at a time; others wait.
const MAX_CONNECTIONS: usize = 128;

/// How long a handshake, or the head of a request, may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How long to wait where the system has no room for another connection.
const FULL: Duration = Duration::from_millis(100);

/// Accepts until the other end of `ended` is dropped.
pub(super) async fn serve(
    listener: TcpListener,
    side: &Arc<Side>,
    mut ended: watch::Receiver<()>,
) -> io::Result<()> {
    let listener = net::TcpListener::from_std(listener)?;
    let router = router(side);
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = ended.changed() => return Ok(()),
        };
        match accepted {
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
    let answered = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(WITHIN)
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
