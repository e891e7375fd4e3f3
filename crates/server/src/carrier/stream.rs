//! A peer carried by an async WebSocket: one task that writes what waits, reads, and hears of the end.
//!
//! ```text
//! outbox ─▶ write buffer ─▶ the peer        what the service sends
//!                           the peer ─▶ conversation
//! ```
//!
//! Before each read everything that waits is moved to the socket, so that replies to one read
//! leave in one write. Where the service waits for slow peers, a full backlog stops reading.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Sink, Stream};
use tieline::WebSocket;
use tieline::serve::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::debug;

use super::line::Line;
use crate::limits::Flow;
use crate::peer::Peer;
use crate::request::Request;
use crate::service::Service;
use crate::worker::Worker;

struct Carrier<'w, S> {
    socket: WebSocket<S>,
    line: Line<'w>,
}

/// Carries a peer until its line and transport have ended.
pub(crate) async fn carry<S>(
    worker: &Worker,
    socket: WebSocket<S>,
    peer: Peer,
    service: &dyn Service,
    request: &Request,
    flow: Option<Flow>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let line = Line::open(worker, peer, service, request, flow, true);
    let mut carrier = Carrier { socket, line };
    poll_fn(|cx| carrier.poll(cx)).await;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<'_, S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.line.drain();
            self.write(cx);
            if self.line.relieve() {
                continue;
            }
            if !self.line.may_read() {
                match Pin::new(&mut self.socket).poll_flush(cx) {
                    Poll::Ready(Ok(())) if !self.has_to_write() => {
                        self.line.outbox().borrow_mut().listen(cx);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(())) => continue,
                    Poll::Ready(Err(_)) => self.line.finish(),
                    Poll::Pending => {
                        self.line.outbox().borrow_mut().listen(cx);
                        return Poll::Pending;
                    }
                }
            }
            if self.line.is_paused(cx) {
                if let Poll::Ready(Err(_)) = Pin::new(&mut self.socket).poll_flush(cx) {
                    self.line.finish();
                    continue;
                }
                self.line.outbox().borrow_mut().listen(cx);
                return Poll::Pending;
            }
            self.line.outbox().borrow_mut().listen(cx);
            let polled = Pin::new(&mut self.socket).poll_next(cx);
            if polled.is_ready() {
                self.line.outbox().borrow_mut().stop_listening();
            }
            // The end is told as soon as it is known; the transport may take longer.
            if let Some(closed) = self.socket.closed() {
                self.line.end(closed);
            }
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(message))) => self.line.receive(Message::from(&message)),
                // The end was noticed; what is left is to end the transport.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) => return Poll::Ready(()),
            }
        }
    }

    /// Moves what waits to the socket while it takes it, and then the end.
    fn write(&mut self, cx: &mut Context<'_>) {
        let mut outbox = self.line.served.outbox().borrow_mut();
        while !outbox.is_empty() {
            let mut socket = Pin::new(&mut self.socket);
            match socket.as_mut().poll_ready(cx) {
                Poll::Pending => break,
                Poll::Ready(Err(_)) => outbox.finish(),
                Poll::Ready(Ok(())) => {
                    let Some(message) = outbox.pop() else { break };
                    let len = message.len();
                    match socket.start_send(message) {
                        Ok(()) => self.line.traffic.sent(len),
                        Err(error) => {
                            let peer = self.line.served.peer().id();
                            debug!(%peer, %error, "message not sent");
                        }
                    }
                }
            }
        }
        // What the socket holds is waited for as well, where something is told once it is gone.
        if outbox.is_behind()
            && matches!(Pin::new(&mut self.socket).poll_flush(cx), Poll::Ready(Err(_)))
        {
            outbox.finish();
        }
        if let Some((code, reason)) = outbox.take_end() {
            // Where the peer was first to close there is nothing left to start.
            let _ = self.socket.start_close(code, &reason);
        }
        outbox.set_in_carrier(self.socket.buffered_amount());
    }

    /// Whether something can be done before the service wants more to be read.
    fn has_to_write(&self) -> bool {
        let outbox = self.line.outbox().borrow();
        !outbox.is_empty() || outbox.must_wait() || !outbox.is_paused()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;
    use std::sync::{Arc, Mutex};
    use tieline::serve::{Backlog, Overflow};
    use tieline::{Agreement, CloseCode, Closed, Limits};
    use tokio::io::{DuplexStream, duplex};
    use tokio::task::LocalSet;

    use crate::by_hand::{request, shared};
    use crate::config::{File, Overrides, Plan, Source};
    use crate::service::Conversation;

    /// Panics or lingers where the message says so, and writes down what it is told.
    #[derive(Clone, Default)]
    struct Fragile(Arc<Mutex<Vec<String>>>, bool);

    impl Fragile {
        fn note(&self, what: impl Into<String>) {
            self.0.lock().unwrap().push(what.into());
        }
    }

    impl Service for Fragile {
        fn overflow(&self) -> Overflow {
            Overflow::Wait
        }

        fn open(&self, _peer: &Peer, _request: &Request) -> Box<dyn Conversation> {
            Box::new(self.clone())
        }
    }

    impl Conversation for Fragile {
        fn message(&mut self, peer: &Peer, message: Message<'_>) {
            assert_ne!(message.text(), Some("break"), "as it was told");
            self.1 |= message.text() == Some("linger");
            peer.send(message);
        }

        fn writable(&mut self, peer: &Peer) {
            self.note("writable");
            while let Some(topic) = peer.next_skipped() {
                peer.send(format!("{topic} skipped"));
            }
        }

        fn drain(&mut self, peer: &Peer) {
            peer.send("good-bye");
        }

        fn lingers(&self, _peer: &Peer) -> bool {
            self.1
        }

        fn close(&mut self, _peer: &Peer, how: &Closed) {
            self.note(how.code().to_string());
        }
    }

    /// A carried peer, and the other end of its line.
    async fn with_line<F>(
        service: Fragile,
        capacity: usize,
        talk: impl FnOnce(WebSocket<DuplexStream>, Peer) -> F,
    ) where
        F: Future<Output = ()>,
    {
        with_limited_line(service, capacity, None, talk).await;
    }

    async fn with_limited_line<F>(
        service: Fragile,
        capacity: usize,
        flow: Option<Flow>,
        talk: impl FnOnce(WebSocket<DuplexStream>, Peer) -> F,
    ) where
        F: Future<Output = ()>,
    {
        let tasks = LocalSet::new();
        let worker = Rc::new(Worker::new(shared()));
        let (ours, theirs) = duplex(capacity);
        let agreement = Agreement::default();
        let socket = WebSocket::server(ours, &agreement, Limits::default(), &[]);
        let client = WebSocket::client(theirs, &agreement, Limits::default(), &[]);
        let request = request("");
        let backlog = Backlog { max_bytes: 1_000, overflow: service.overflow() };
        let peer = Peer::of_line(worker.inbox(), &backlog);
        let carried = peer.clone();
        tasks.spawn_local(async move {
            let _registered = worker.register(&carried);
            carry(&worker, socket, carried, &service, &request, flow).await;
        });
        tasks.run_until(talk(client, peer)).await;
    }

    /// The limits of one line, as a configuration has them.
    fn flow(limits: &str) -> Option<Flow> {
        let text = format!("[[route]]\npath = '/'\npage = {{ kind = 'console' }}\n{limits}\n");
        let source = Source::new("x.toml", text);
        let file = File::parse(&source).unwrap();
        let mut plan = Plan::new(file, &source, &Overrides::default()).unwrap();
        plan.routes.remove(0).limiter.flow(None, None)
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_much_is_heard_later() {
        let flow = flow("limits = { messages = '2/1m' }");
        with_limited_line(Fragile::default(), 1 << 10, flow, async |mut client, _peer| {
            let began = tokio::time::Instant::now();
            for number in 0..4 {
                client.send(number.to_string()).await.unwrap();
            }
            for number in 0..4 {
                let heard = client.next().await.unwrap().unwrap();
                assert_eq!(heard.text(), Some(number.to_string().as_str()));
            }
            // The third is heard at once, and paid for before the fourth is.
            assert!(began.elapsed().as_secs() >= 29, "{:?}", began.elapsed());
        })
        .await;
    }

    #[tokio::test]
    async fn who_says_too_much_is_closed_where_that_is_wanted() {
        let flow = flow("limits = { messages = '2/1m', excess = 'close' }");
        with_limited_line(Fragile::default(), 1 << 10, flow, async |mut client, _peer| {
            for number in 0..3 {
                client.send(number.to_string()).await.unwrap();
            }
            while client.next().await.is_some() {}
            assert_eq!(client.closed().unwrap().code(), CloseCode::POLICY);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_is_paused_can_be_ended() {
        let flow = flow("limits = { messages = '1/50s' }");
        with_limited_line(Fragile::default(), 1 << 10, flow, async |mut client, peer| {
            client.send("1").await.unwrap();
            client.send("2").await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("1"));
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("2"));
            peer.close(CloseCode::NORMAL, "enough");
            assert!(client.next().await.is_none());
            assert_eq!(client.closed().unwrap().reason(), "enough");
        })
        .await;
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_line_with_1011() {
        let service = Fragile::default();
        let told = Arc::clone(&service.0);
        with_line(service, 1 << 10, async |mut client, _peer| {
            client.send("hello").await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("hello"));
            client.send("break").await.unwrap();
            client.send("never seen").await.unwrap();
            assert!(client.next().await.is_none());
            assert_eq!(client.closed().unwrap().code(), CloseCode::INTERNAL);
        })
        .await;
        assert_eq!(*told.lock().unwrap(), ["1011 (internal error)"]);
    }

    #[tokio::test]
    async fn a_service_has_the_last_word_before_1001() {
        with_line(Fragile::default(), 1 << 10, async |mut client, peer| {
            peer.line().unwrap().borrow_mut().drain();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("good-bye"));
            assert!(client.next().await.is_none());
            assert_eq!(client.closed().unwrap().code(), CloseCode::GOING_AWAY);
        })
        .await;
    }

    #[tokio::test]
    async fn a_line_that_lingers_is_ended_by_its_service() {
        with_line(Fragile::default(), 1 << 10, async |mut client, peer| {
            client.send("linger").await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("linger"));
            peer.line().unwrap().borrow_mut().drain();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("good-bye"));
            client.send("still here").await.unwrap();
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("still here"));
            peer.close(CloseCode::NORMAL, "now");
            assert!(client.next().await.is_none());
            assert_eq!(client.closed().unwrap().reason(), "now");
        })
        .await;
    }

    #[tokio::test]
    async fn who_has_skipped_something_is_relieved_when_nothing_is_left_in_the_socket_either() {
        let service = Fragile::default();
        let told = Arc::clone(&service.0);
        with_line(service, 64, async |mut client, peer| {
            let outbox = peer.line().unwrap();
            outbox.borrow_mut().push("x".repeat(800).into());
            // What the pipe does not take waits in the socket.
            while !outbox.borrow().is_empty() {
                tokio::task::yield_now().await;
            }
            outbox.borrow_mut().skip(&"news".into());
            assert!(outbox.borrow().waiting_bytes() > 500 && told.lock().unwrap().is_empty());
            assert_eq!(client.next().await.unwrap().unwrap().len(), 800);
            // What its service says then goes out at once.
            assert_eq!(client.next().await.unwrap().unwrap().text(), Some("news skipped"));
            assert_eq!(*told.lock().unwrap(), ["writable"]);
        })
        .await;
    }

    #[tokio::test]
    async fn a_peer_is_read_from_again_when_it_has_read() {
        let service = Fragile::default();
        let told = Arc::clone(&service.0);
        with_line(service, 1 << 20, async |client, peer| {
            let (mut sender, mut receiver) = client.split();
            let message = "x".repeat(100 << 10);
            let sent = RefCell::new(0);
            let send = async {
                for _ in 0..40 {
                    sender.send(message.as_str()).await.unwrap();
                    *sent.borrow_mut() += 1;
                }
            };
            // The pipe, the write buffer and the backlog fill, and then nothing moves any more.
            let mut send = std::pin::pin!(send);
            let mut turns = 0;
            while turns < 10_000 {
                assert!(futures_util::poll!(&mut send).is_pending());
                tokio::task::yield_now().await;
                turns += 1;
            }
            assert!(peer.line().unwrap().borrow().must_wait());
            let receive = async {
                for _ in 0..40 {
                    assert_eq!(receiver.next().await.unwrap().unwrap().len(), message.len());
                }
            };
            tokio::join!(send, receive);
            assert_eq!(*sent.borrow(), 40);
        })
        .await;
        assert!(told.lock().unwrap().iter().any(|word| word == "writable"));
    }
}
