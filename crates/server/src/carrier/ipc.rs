//! A peer carried by a Unix socket without HTTP: JSON values in, JSON on a line of its own out.
//!
//! ```text
//! the peer ─▶ splitter ─▶ conversation     values back to back, on many lines, cut anywhere
//! outbox ─▶ lines ─▶ the peer              each message without a line end in it, and one behind it
//! ```
//!
//! There is no way to say a close code or a reason: the end is the end of the stream. What was
//! answered by then is sent before it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::str::from_utf8;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use http::Uri;
use tieline::serve::{Handoff, Message, Traffic};
use tieline::{CloseCode, Closed, Lost};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::debug;

use super::conversation::Served;
use super::log;
use crate::patient::Patient;
use crate::peer::Peer;
use crate::request::Request;
use crate::routes::Route;
use crate::splitter::{Splitter, TooLong};
use crate::worker::Worker;

/// The longest path that a client can connect to: what Linux has room for.
pub(crate) const MAX_PATH_BYTES: usize = 107;

/// What is read at once.
const READ_BYTES: usize = 16 << 10;

/// Lines are put together up to this size before they are written.
const WRITE_BYTES: usize = 64 << 10;

/// How long a peer may take nothing of what is written, where it is never pinged.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(35);

struct Carrier<'w, S> {
    worker: &'w Worker,
    stream: S,
    splitter: Splitter,
    /// What the system has not taken yet.
    lines: BytesMut,
    served: Served,
    traffic: Traffic,
    since: Instant,
    /// Whether the backlog was full when it was last looked at.
    was_full: bool,
    /// Whether the peer says nothing more.
    is_at_end: bool,
}

/// Carries a connection to the service of a route until either end has had enough.
pub(super) async fn carry(worker: Rc<Worker>, route: Arc<Route>, handoff: Handoff) {
    let limits = &route.plan.limits;
    let patience = limits.ping_after.map_or(DEFAULT_PATIENCE, |after| after + limits.pong_within);
    let stream = Patient::new(handoff, patience);
    carry_stream(&worker, &route, stream).await;
}

async fn carry_stream<S>(worker: &Rc<Worker>, route: &Route, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(service) = route.service.as_deref() else { return };
    let request = request_for(&route.plan.path);
    if let Err(refusal) = service.admit(&request) {
        return debug!(reason = refusal.reason, "refused");
    }
    let peer = Peer::of_line(worker.inbox(), &route.backlog);
    let _registered = worker.register(&peer);
    log::attached(&peer, &request, "ipc");
    let mut carrier = Carrier {
        worker,
        stream,
        splitter: Splitter::new(route.plan.limits.max_message_bytes),
        lines: BytesMut::new(),
        served: Served::open(peer, service, &request),
        traffic: Traffic::default(),
        since: Instant::now(),
        was_full: false,
        is_at_end: false,
    };
    worker.deliver();
    let closed = poll_fn(|cx| carrier.poll(cx)).await;
    carrier.end(&closed);
}

/// The request that a peer would have come with: one for the route's path.
fn request_for(path: &str) -> Request {
    let mut head = http::Request::new(());
    *head.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    Request::new(&head.into_parts().0, &[], None, false)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Closed> {
        loop {
            self.served.drain();
            if let Some(closed) = self.write(cx) {
                return Poll::Ready(closed);
            }
            if self.may_read() {
                match self.splitter.next() {
                    Ok(Some(value)) => {
                        self.receive(&value);
                        continue;
                    }
                    Ok(None) if self.is_at_end => {
                        match self.splitter.finish() {
                            Some(rest) => self.receive(&rest),
                            None => self.served.peer().close(CloseCode::NORMAL, ""),
                        }
                        continue;
                    }
                    Ok(None) => match self.read(cx) {
                        Poll::Ready(Ok(read)) => {
                            self.is_at_end = read == 0;
                            continue;
                        }
                        Poll::Ready(Err(_)) => return Poll::Ready(Closed::Lost(Lost::Transport)),
                        Poll::Pending => {}
                    },
                    Err(TooLong) => {
                        let reason = "message too big (setting limits.max_message_bytes)";
                        self.served.peer().close(CloseCode::TOO_BIG, reason);
                        continue;
                    }
                }
            }
            self.served.outbox().borrow_mut().listen(cx);
            return Poll::Pending;
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; READ_BYTES];
        let mut read = ReadBuf::new(&mut bytes);
        let polled = Pin::new(&mut self.stream).poll_read(cx, &mut read);
        polled.map_ok(|()| {
            self.splitter.buffer().extend_from_slice(read.filled());
            read.filled().len()
        })
    }

    fn receive(&mut self, value: &[u8]) {
        self.traffic.received(value.len());
        let message = match from_utf8(value) {
            Ok(text) => Message::from(text),
            Err(_) => Message::from(value),
        };
        self.served.call(|conversation, peer| conversation.message(peer, message));
        self.worker.deliver();
    }

    /// Writes what waits while the system takes it; answers the end, once that was asked for and
    /// nothing waits in front of it.
    fn write(&mut self, cx: &mut Context<'_>) -> Option<Closed> {
        loop {
            self.fill();
            if self.lines.is_empty() {
                return self.ended();
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.lines) {
                Poll::Pending => return None,
                Poll::Ready(Ok(written)) if written > 0 => self.lines.advance(written),
                Poll::Ready(_) => return Some(Closed::Lost(Lost::Transport)),
            }
        }
    }

    fn ended(&self) -> Option<Closed> {
        let (code, reason) = self.served.outbox().borrow_mut().take_end()?;
        Some(match (code, self.is_at_end) {
            (CloseCode::NORMAL, true) => Closed::Lost(Lost::Eof),
            _ => Closed::Cleanly { code, reason },
        })
    }
}

impl<S> Carrier<'_, S> {
    /// Makes lines of what waits.
    fn fill(&mut self) {
        let mut outbox = self.served.outbox().borrow_mut();
        while self.lines.len() < WRITE_BYTES {
            let Some(message) = outbox.pop() else { break };
            self.traffic.sent(message.len());
            append_line(message.as_bytes(), &mut self.lines);
        }
        if self.lines.is_empty() {
            // A line that is silent owns no buffer.
            self.lines = BytesMut::new();
        }
        outbox.set_in_carrier(self.lines.len());
    }

    /// Whether the peer may speak; tells the service when it may again.
    fn may_read(&mut self) -> bool {
        let is_full = self.served.outbox().borrow().must_wait();
        if self.was_full && !is_full {
            self.served.call(|conversation, peer| conversation.writable(peer));
        }
        self.was_full = is_full;
        let outbox = self.served.outbox().borrow();
        !is_full && !outbox.is_paused() && !outbox.is_ending()
    }

    fn end(&mut self, closed: &Closed) {
        self.served.close(closed);
        self.worker.deliver();
        let duration_ms = self.since.elapsed().as_millis() as u64;
        log::disconnected(self.served.peer().id(), closed, duration_ms, &self.traffic);
    }
}

impl<S> Drop for Carrier<'_, S> {
    /// The task was dropped with the line open: the time to drain is over.
    fn drop(&mut self) {
        if !self.served.is_over() {
            self.end(&Closed::Lost(Lost::Transport));
        }
    }
}

/// A message on a line of its own. A line end in JSON is never part of a string: it can go.
fn append_line(message: &[u8], lines: &mut BytesMut) {
    lines.reserve(message.len() + 1);
    for piece in message.split(|byte| matches!(byte, b'\n' | b'\r')) {
        lines.extend_from_slice(piece);
    }
    lines.extend_from_slice(b"\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::task::LocalSet;
    use tokio::time::timeout;

    use crate::by_hand::{self, route};

    /// What a peer is answered who says this and then nothing more.
    async fn answered(said: &[&[u8]]) -> String {
        with_line(async |mut line: DuplexStream| {
            for said in said {
                line.write_all(said).await.unwrap();
            }
            line.shutdown().await.unwrap();
            let mut heard = String::new();
            line.read_to_string(&mut heard).await.unwrap();
            heard
        })
        .await
    }

    async fn with_line<T>(talk: impl AsyncFnOnce(DuplexStream) -> T) -> T {
        let worker = Rc::new(Worker::new(by_hand::shared()));
        let route = route("path = '/rpc'\nservice = { kind = 'rpc', demo = true }");
        let (ours, theirs) = duplex(1 << 10);
        let carried = async { carry_stream(&worker, &route, ours).await };
        let both = async { tokio::join!(carried, talk(theirs)) };
        timeout(Duration::from_secs(60), LocalSet::new().run_until(both)).await.unwrap().1
    }

    #[tokio::test]
    async fn values_that_are_glued_or_split_are_each_answered_on_a_line() {
        let call = |id: u8| {
            format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"demo_echo","params":[{id}]}}"#)
        };
        let said = [call(1), call(2), call(3).replace(',', ",\n")].concat();
        let (first, second) = said.as_bytes().split_at(100);
        let heard = answered(&[first, second]).await;
        let answers: String = (1..=3)
            .map(|id| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":[{id}]}}\n"))
            .collect();
        assert_eq!(heard, answers);
    }

    #[tokio::test]
    async fn an_answer_has_exactly_one_line_end() {
        let call = r#"{"jsonrpc":"2.0","id":1,"method":"demo_echo","params":PARAMS}"#;
        let call = call.replace("PARAMS", "[\r\n1,\n\n\"a\\nb\"\n]");
        let heard = answered(&[call.as_bytes()]).await;
        assert_eq!(heard, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[1,\"a\\nb\"]}\n");
    }

    #[tokio::test]
    async fn what_is_no_json_is_answered_and_the_line_goes_on() {
        let heard =
            answered(&[b"bad {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"demo_echo\"} \"\xff\""])
                .await;
        let lines: Vec<_> = heard.lines().collect();
        assert_eq!(lines.len(), 3, "{heard}");
        assert!(lines[0].contains("-32700") && lines[2].contains("-32700"), "{heard}");
        assert_eq!(lines[1], r#"{"jsonrpc":"2.0","id":1,"result":null}"#);
    }

    #[tokio::test]
    async fn a_value_above_the_limit_ends_the_line() {
        with_line(async |mut line: DuplexStream| {
            let long = vec![b'['; 70 << 10];
            // The rest is refused when the line has ended.
            let _ = line.write_all(&long).await;
            assert_eq!(line.read(&mut [0; 16]).await.unwrap_or(0), 0);
        })
        .await;
    }

    #[tokio::test]
    async fn answers_wait_for_a_peer_that_reads_slowly_and_none_is_lost() {
        with_line(async |line: DuplexStream| {
            let (mut read, mut write) = tokio::io::split(line);
            let params = "x".repeat(30 << 10);
            let calls = 200;
            let speak = async {
                for id in 0..calls {
                    let call = format!(
                        r#"{{"jsonrpc":"2.0","id":{id},"method":"demo_echo","params":["{params}"]}}"#
                    );
                    write.write_all(call.as_bytes()).await.unwrap();
                }
                write.shutdown().await.unwrap();
            };
            let hear = async {
                let mut heard = String::new();
                read.read_to_string(&mut heard).await.unwrap();
                heard.lines().count()
            };
            assert_eq!(tokio::join!(speak, hear).1, calls);
        })
        .await;
    }
}
