//! One connection from its first byte to the answer of its first request.
//!
//! ```text
//! accept ─▶ TLS ─▶ head ─┬─▶ upgrade ─▶ 101 ─▶ carrier::websocket
//!                        ├─▶ refusal ─▶ linger ─▶ closed
//!                        └─▶ anything else ─▶ http (hyper), what was read goes with it
//! └── one deadline ──────────────────┘
//! ```
//!
//! When the server stops, whoever has said nothing yet is let go, and half a head is answered 503.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use http::{Response, StatusCode};
use tieline::WebSocket;
use tieline_proto::handshake::HandshakeError;
use tieline_proto::http::{HeadError, HeadReader, encode_response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::select;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{debug, warn};

use crate::admission::{Admitted, Entrance, admit, refusal, stopping};
use crate::carrier::carry;
use crate::handoff::Handoff;
use crate::http as pages;
use crate::listen::Stream;
use crate::worker::Worker;

/// How long a refused client may take to read the answer and go.
const LINGER: Duration = Duration::from_secs(2);

/// Most bytes of a refused client that are read and thrown away.
const LINGER_BYTES: usize = 256 << 10;

/// Serves one connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, entrance: Entrance, stream: Stream) {
    let deadline = Instant::now() + entrance.listener.limits.handshake_within;
    let from = entrance.from;
    let secured = select! {
        biased;
        secured = timeout_at(deadline, secure(stream, &entrance)) => secured,
        () = worker.stopping() => return debug!(?from, "the server stops: no TLS handshake"),
    };
    let stream = match secured {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(?from, %error, "TLS handshake failed"),
        Err(_) => return debug!(?from, "TLS handshake took too long (setting handshake_within)"),
    };
    let mut visit = Visit { stream, read: Vec::new() };
    let answered = match timeout_at(deadline, visit.answer(&worker, &entrance)).await {
        Ok(answered) => answered,
        Err(_) => Err(Fault::Refused(slow().into())),
    };
    match answered {
        Ok(Next::Line(open)) => open.carry(&worker, visit).await,
        Ok(Next::Page) => {
            let within = entrance.listener.limits.handshake_within;
            let stream = Handoff::new(visit.stream, visit.read.into(), within);
            pages::serve(worker, entrance, stream).await;
        }
        Err(Fault::Refused(response)) => {
            debug!(
                ?from,
                status = response.status().as_u16(),
                reason = response.body().trim_end(),
                "refused"
            );
            visit.refuse(*response).await;
        }
        Err(Fault::Gone(error)) => debug!(?from, %error, "connection lost in its handshake"),
    }
}

/// A connection whose first request is being read.
struct Visit {
    stream: Stream,
    /// What was read and not yet answered.
    read: Vec<u8>,
}

/// What a first request led to.
enum Next {
    Line(Box<Open>),
    Page,
}

/// A line whose 101 was sent.
struct Open {
    admitted: Box<Admitted>,
    agreement: tieline::Agreement,
}

/// Why a first request led to nothing.
enum Fault {
    Gone(io::Error),
    Refused(Box<Response<String>>),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<HandshakeError> for Fault {
    fn from(error: HandshakeError) -> Self {
        Self::Refused(error.response().into())
    }
}

impl From<HeadError> for Fault {
    fn from(error: HeadError) -> Self {
        HandshakeError::from(error).into()
    }
}

impl Visit {
    async fn answer(&mut self, worker: &Rc<Worker>, entrance: &Entrance) -> Result<Next, Fault> {
        let mut reader = HeadReader::new(&entrance.listener.limits);
        let (head, len) = loop {
            if let Some(head) = reader.request(&self.read)? {
                break head;
            }
            self.read_more(worker).await?;
        };
        let admitted = admit(&head, entrance, worker.routes()).map_err(Fault::Refused)?;
        let Some(admitted) = admitted else { return Ok(Next::Page) };
        if worker.is_stopping() {
            return Err(Fault::Refused(stopping().into()));
        }
        let behind = len + admitted.upgrade.key3_bytes();
        while self.read.len() < behind {
            self.read_more(worker).await?;
        }
        let (bytes, agreement) =
            admitted.upgrade.accept(&admitted.accept, &self.read[len..behind]).inspect_err(
                |error| warn!(%error, path = admitted.route.plan.path, "an answer that cannot be"),
            )?;
        self.read.drain(..behind);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await?;
        Ok(Next::Line(Box::new(Open { admitted, agreement })))
    }

    /// Reads once, no more than a head may hold beyond what is there.
    async fn read_more(&mut self, worker: &Worker) -> Result<(), Fault> {
        self.read.reserve(2 << 10);
        select! {
            biased;
            read = self.stream.read_buf(&mut self.read) => match read? {
                0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                _ => Ok(()),
            },
            () = worker.stopping() => Err(if self.read.is_empty() {
                io::Error::other("the server stops").into()
            } else {
                Fault::Refused(stopping().into())
            }),
        }
    }

    /// Answers, and reads until the client goes: a socket closed over unread bytes is reset, and
    /// the reset would destroy the answer on its way.
    async fn refuse(mut self, mut response: Response<String>) {
        pages::harden(response.headers_mut());
        let bytes = encode_response(&response);
        let _whoever_left_needs_no_answer = timeout(LINGER, async {
            self.stream.write_all(&bytes).await?;
            self.stream.shutdown().await?;
            let mut left = LINGER_BYTES;
            let mut scrap = [0; 4 << 10];
            while left > 0 {
                match self.stream.read(&mut scrap).await? {
                    0 => break,
                    read => left = left.saturating_sub(read),
                }
            }
            io::Result::Ok(())
        })
        .await;
    }
}

impl Open {
    async fn carry(self, worker: &Rc<Worker>, visit: Visit) {
        let Self { admitted, agreement } = self;
        let limits = std::sync::Arc::clone(&admitted.route.plan.limits);
        let socket = WebSocket::server(visit.stream, &agreement, limits, &visit.read);
        drop(visit.read);
        carry(worker, *admitted, socket).await;
    }
}

/// Does the TLS handshake where the listener has certificates.
async fn secure(stream: Stream, entrance: &Entrance) -> io::Result<Stream> {
    let Some(certificates) = &entrance.listener.certificates else { return Ok(stream) };
    let acceptor = certificates.acceptor();
    Ok(match stream {
        Stream::Tcp(stream) => Stream::TcpTls(Box::new(acceptor.accept(stream).await?)),
        Stream::Unix(stream) => Stream::UnixTls(Box::new(acceptor.accept(stream).await?)),
        secured => secured,
    })
}

fn slow() -> Response<String> {
    let reason = "the request took too long (setting `handshake_within`)";
    refusal(StatusCode::REQUEST_TIMEOUT, reason)
}
