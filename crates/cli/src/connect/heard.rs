//! A line that is listened to one thing after the other.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tieline::reconnect::Why;
use tieline::{CloseCode, Connect, Message, Received};
use tokio::time::{Instant, timeout_at};

use super::Failure;
use super::event::Event;
use super::line::Line;

/// The other end, as far as it was heard.
pub(super) struct Heard {
    line: Line,
    pub(super) messages: Vec<Message>,
    /// Why the line ended.
    pub(super) end: Option<Why>,
}

impl Heard {
    /// Opens a line.
    pub(super) async fn open(url: &str, request: Connect) -> anyhow::Result<Self> {
        let mut line = Line::asking(request, false);
        loop {
            match line.next().await {
                Some(Event::Opened(_)) => {
                    return Ok(Self { line, messages: Vec::new(), end: None });
                }
                Some(Event::Ended { why, .. }) => return Err(Failure::ended(url, why).into()),
                Some(_) => {}
                None => anyhow::bail!("the line ended before it was open"),
            }
        }
    }

    /// Listens until so many messages were heard, each within its time; whether they were.
    pub(super) async fn until(&mut self, messages: usize, within: Duration) -> bool {
        while self.messages.len() < messages && self.end.is_none() {
            let deadline = Instant::now() + within;
            if timeout_at(deadline, self.listen()).await.is_err() {
                return false;
            }
        }
        self.messages.len() >= messages
    }

    pub(super) async fn until_end(&mut self, within: Duration) {
        let deadline = Instant::now() + within;
        while self.end.is_none() && timeout_at(deadline, self.listen()).await.is_ok() {}
    }

    pub(super) async fn for_a_while(&mut self, until: Instant) {
        while self.end.is_none() && timeout_at(until, self.listen()).await.is_ok() {}
    }

    async fn listen(&mut self) {
        let event = self.line.next().await;
        self.note(event);
    }

    /// Says something as soon as the line takes it; what comes meanwhile is heard.
    pub(super) async fn say(&mut self, message: Message) {
        while self.end.is_none() {
            let line = &mut self.line;
            let event = poll_fn(|cx| match line.poll_ready(cx) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => line.poll_event(cx).map(Some),
            });
            match event.await {
                // It is ready: where it does not take it, its end is what comes next.
                None => return drop(self.line.send(message)),
                Some(event) => self.note(event),
            }
        }
    }

    pub(super) fn close(&mut self, code: CloseCode) {
        // A code that must not be sent, such as 1005, stands for none.
        if self.line.close(code, "").is_err() {
            let _ = self.line.close(CloseCode::NORMAL, "");
        }
    }

    fn note(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Received(Received::Message(message))) => self.messages.push(message),
            Some(Event::Ended { why, .. }) => self.end = Some(why),
            Some(_) => {}
            None => {
                let (code, reason) = (CloseCode::ABNORMAL, String::new());
                self.end.get_or_insert(Why::Closed { code, reason });
            }
        }
    }
}
