//! What the background does for a client: from its queue to the line, and from the line to its events.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use tieline::CloseCode;
use tieline::reconnect::{Event as LineEvent, Reconnecting, Why};

use crate::code::{Code, Failure};
use crate::event::Event;
use crate::outbox::Order;
use crate::settings::Settings;
use crate::shared::Shared;

/// Lives until the last event is in the queue, or until it is aborted.
pub(crate) async fn run(shared: Arc<Shared>, settings: Settings) {
    let Settings { request, reconnect, .. } = settings;
    let comes_back = reconnect.is_some();
    let line = Reconnecting::new(request, reconnect.unwrap_or_default());
    let mut driver = Driver { shared, line, comes_back, is_closing: false, is_over: false };
    poll_fn(|cx| driver.poll(cx)).await;
}

struct Driver {
    shared: Arc<Shared>,
    line: Reconnecting,
    comes_back: bool,
    /// Whether the closing handshake that the program asked for was begun.
    is_closing: bool,
    /// Whether the last event was told.
    is_over: bool,
}

impl Driver {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.task.register(cx.waker());
        while !self.is_over {
            self.poll_send(cx);
            // A program that takes no events stops the server, too: nothing more is read.
            if !self.shared.inbox.has_room() {
                return Poll::Pending;
            }
            let polled = Pin::new(&mut self.line).poll_next(cx);
            self.measure();
            match polled {
                Poll::Ready(event) => self.tell(event),
                // Reading writes, too, and may have made room.
                Poll::Pending if self.takes_more(cx) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    /// Hands the line what it takes, and lets it write. A line that fails says so as its next event.
    fn poll_send(&mut self, cx: &mut Context<'_>) {
        loop {
            while self.takes_more(cx) {
                let Some(order) = self.shared.outbox.next() else { break };
                let _unless_failed = match order {
                    Order::Message(message) => Pin::new(&mut self.line).start_send(message),
                    Order::Ping(payload) => self.line.start_ping(&payload),
                };
            }
            self.begin_close();
            if self.line.socket().is_some() {
                let _unless_failed = Pin::new(&mut self.line).poll_flush(cx);
                self.measure();
            }
            // What has left has made room, and nobody would wake the task for it.
            if !self.takes_more(cx) {
                break;
            }
        }
    }

    /// Whether something is to be sent and can be; where it cannot, the task is woken when it can.
    fn takes_more(&mut self, cx: &mut Context<'_>) -> bool {
        self.line.socket().is_some()
            && self.shared.outbox.has_orders()
            && matches!(Pin::new(&mut self.line).poll_ready(cx), Poll::Ready(Ok(())))
    }

    /// Begins the closing handshake that the program asked for, once all it sent before is on its way.
    fn begin_close(&mut self) {
        if self.is_closing || self.shared.outbox.has_orders() && self.line.socket().is_some() {
            return;
        }
        if let Some((code, reason)) = self.shared.outbox.wants_close() {
            let begun = self.line.start_close(code, &reason);
            self.is_closing = true;
            debug_assert!(begun.is_ok(), "code and reason were checked as they were given");
        }
    }

    fn measure(&self) {
        let amount = self.line.socket().map_or(0, |socket| socket.buffered_amount());
        self.shared.outbox.set_in_line(amount);
    }

    fn tell(&mut self, event: Option<LineEvent>) {
        let inbox = &self.shared.inbox;
        match event {
            Some(LineEvent::Connected) => {
                let protocol = self.line.socket().map_or("", |socket| socket.protocol());
                inbox.push(Event::open(protocol, self.shared.outbox.opened()));
            }
            Some(LineEvent::Message(message)) => inbox.push(Event::message(message)),
            Some(LineEvent::Pong(payload)) => inbox.push(Event::pong(payload)),
            Some(LineEvent::Disconnected { why, retry_in }) => self.ended(&why, retry_in),
            // A ping was answered already.
            Some(_) => {}
            // Closed by the program while there was no line.
            None => self.end(CloseCode::ABNORMAL, String::new(), None),
        }
    }

    fn ended(&mut self, why: &Why, retry_in: Option<Duration>) {
        if let Some(failure) = Failure::why(why) {
            self.shared.inbox.push(Event::error(&failure));
        }
        let (code, reason) = match why {
            Why::Closed { code, reason } => (*code, reason.clone()),
            Why::Connect(_) | Why::Line(_) => (CloseCode::ABNORMAL, String::new()),
        };
        self.end(code, reason, retry_in.filter(|_| self.comes_back));
    }

    fn end(&mut self, code: CloseCode, reason: String, retry_in: Option<Duration>) {
        self.shared.outbox.ended();
        let retry_in_ms = retry_in.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        self.is_over = retry_in_ms.is_none();
        self.shared.inbox.push(Event::close(code, reason, retry_in_ms));
    }
}

/// However it ends, nobody waits for ever for its last event.
impl Drop for Driver {
    fn drop(&mut self) {
        if !self.is_over {
            let failure = Failure::new(Code::Internal, "the task of this client has panicked");
            self.shared.inbox.push(Event::error(&failure));
            self.end(CloseCode::ABNORMAL, String::new(), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::task::AtomicWaker;
    use tieline::Connect;
    use tieline::reconnect::Reconnect;

    use super::*;
    use crate::event::Kind;
    use crate::inbox::{Inbox, Taken};
    use crate::outbox::Outbox;

    #[test]
    fn a_task_that_panics_is_told_as_the_last_event() {
        let (inbox, outbox) = (Inbox::new(10, 10), Outbox::new(10));
        let shared = Arc::new(Shared { inbox, outbox, task: AtomicWaker::new() });
        let line = Reconnecting::new(Connect::to("ws://localhost/"), Reconnect::default());
        let told = Arc::clone(&shared);
        drop(Driver { shared, line, comes_back: true, is_closing: false, is_over: false });
        let mut kinds = Vec::new();
        while let Taken::Event(event) = told.inbox.take(Some(Duration::ZERO)) {
            kinds.push((event.kind, event.code));
        }
        let internal = Code::Internal as i32;
        assert_eq!(kinds, [(Kind::Error, internal), (Kind::Close, 1006)]);
        assert!(matches!(told.inbox.take(None), Taken::Over));
    }
}
