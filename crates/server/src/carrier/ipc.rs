//! A peer carried by a Unix socket without HTTP: JSON values in, JSON on a line of its own out.
//!
//! ```text
//! the peer ─▶ splitter ─▶ conversation     values back to back, on many lines, cut anywhere
//! outbox ─▶ output ─▶ the peer             each message without a line end in it, and one behind it
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

use bytes::{Buf, BytesMut};
use http::Uri;
use tieline::serve::{Handoff, Message};
use tieline::{CloseCode, Closed, Lost};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::debug;

use super::line::Line;
use super::log;
use crate::patient::{Patient, silence};
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

struct Carrier<'w, S> {
    stream: S,
    splitter: Splitter,
    /// What the system has not taken yet.
    output: BytesMut,
    line: Line<'w>,
    /// Whether the peer says nothing more.
    is_at_end: bool,
}

/// Carries a connection to the service of a route until either end has had enough.
pub(super) async fn carry(worker: Rc<Worker>, route: Arc<Route>, handoff: Handoff) {
    let stream = Patient::new(handoff, silence(&route.plan.limits));
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
    let flow = route.flow(&request);
    let mut carrier = Carrier {
        stream,
        splitter: Splitter::new(route.plan.limits.max_message_bytes),
        output: BytesMut::new(),
        line: Line::open(worker, peer, service, &request, flow, false),
        is_at_end: false,
    };
    let closed = poll_fn(|cx| carrier.poll(cx)).await;
    carrier.line.end(&closed);
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
            self.line.drain();
            if let Some(closed) = self.write(cx) {
                return Poll::Ready(closed);
            }
            if self.line.relieve() {
                continue;
            }
            if self.may_read(cx) {
                match self.splitter.next() {
                    Ok(Some(value)) => {
                        self.receive(&value);
                        continue;
                    }
                    Ok(None) if self.is_at_end => {
                        match self.splitter.finish() {
                            Some(rest) => self.receive(&rest),
                            None => self.line.peer().close(CloseCode::NORMAL, ""),
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
                        self.line.peer().close(CloseCode::TOO_BIG, reason);
                        continue;
                    }
                }
            }
            self.line.outbox().borrow_mut().listen(cx);
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
        self.line.receive(match from_utf8(value) {
            Ok(text) => Message::from(text),
            Err(_) => Message::from(value),
        });
    }

    /// Whether the peer may speak. Where it ends, there is nothing of it to wait for.
    fn may_read(&mut self, cx: &mut Context<'_>) -> bool {
        let may_read = self.line.may_read();
        may_read && !self.line.outbox().borrow().is_ending() && !self.line.is_paused(cx)
    }

    /// Writes what waits while the system takes it; answers the end, once that was asked for and
    /// nothing waits in front of it.
    fn write(&mut self, cx: &mut Context<'_>) -> Option<Closed> {
        loop {
            self.fill();
            if self.output.is_empty() {
                return self.ended();
            }
            match Pin::new(&mut self.stream).poll_write(cx, &self.output) {
                Poll::Pending => return None,
                Poll::Ready(Ok(written)) if written > 0 => self.output.advance(written),
                Poll::Ready(_) => return Some(Closed::Lost(Lost::Transport)),
            }
        }
    }

    fn ended(&self) -> Option<Closed> {
        let (code, reason) = self.line.outbox().borrow_mut().take_end()?;
        Some(match (code, self.is_at_end) {
            (CloseCode::NORMAL, true) => Closed::Lost(Lost::Eof),
            _ => Closed::Cleanly { code, reason },
        })
    }

    /// Makes lines of what waits.
    fn fill(&mut self) {
        let mut outbox = self.line.served.outbox().borrow_mut();
        while self.output.len() < WRITE_BYTES {
            let Some(message) = outbox.pop() else { break };
            self.line.traffic.sent(message.len());
            append_line(message.as_bytes(), &mut self.output);
        }
        if self.output.is_empty() {
            // A line that is silent owns no buffer.
            self.output = BytesMut::new();
        }
        outbox.set_in_carrier(self.output.len());
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
    use std::time::Duration;
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
        with_limited_line("", talk).await
    }

    async fn with_limited_line<T>(limits: &str, talk: impl AsyncFnOnce(DuplexStream) -> T) -> T {
        let worker = Rc::new(Worker::new(by_hand::shared()));
        let route =
            route(&format!("path = '/rpc'\nservice = {{ kind = 'rpc', demo = true }}\n{limits}"));
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
    async fn what_a_line_may_say_is_limited_here_as_well() {
        let limits = "limits = { messages = '2/1h', excess = 'close' }";
        let heard = with_limited_line(limits, async |mut line: DuplexStream| {
            let call = br#"{"jsonrpc":"2.0","id":1,"method":"demo_echo"}"#;
            line.write_all(&call.repeat(5)).await.unwrap();
            let mut heard = String::new();
            line.read_to_string(&mut heard).await.unwrap();
            heard
        });
        assert_eq!(heard.await.lines().count(), 2);
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
