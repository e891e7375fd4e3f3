//! The one task of a client: opens its lines, carries what is said on them, and keeps the time.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures_sink::Sink;
use serde_json::value::RawValue;
use tieline_proto::{CloseCode, ProtocolError};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::error::{Advice, Error};
use super::letters::Letters;
use super::mailbox::Mailbox;
use super::queue::Queue;
use super::session::{Answer, Asker, News, Session};
use super::state::State;
use super::words::PROTOCOL;
use crate::error;
use crate::message::Message;
use crate::reconnect::{Event, Reconnecting, Why};

/// The code by which a line is given up: another than that of who leaves for good.
const TIMED_OUT: CloseCode = CloseCode::new(3008);

/// What is asked of the task.
#[derive(Debug)]
pub(super) enum Order {
    Call { method: &'static str, params: Box<RawValue>, may_repeat: bool, answer: Answer },
    Close(oneshot::Sender<()>),
    Leave(Arc<str>, Arc<Queue>),
    Quit(Arc<str>, Arc<Mailbox>),
    Received(Arc<str>, u64),
    Register(Arc<str>, Arc<Mailbox>, Asker),
    Subscribe(Arc<str>, Arc<Queue>, Asker),
    Unregister(Arc<str>, Arc<Mailbox>, Asker),
}

pub(super) struct Driver {
    line: Reconnecting,
    session: Session,
    orders: mpsc::UnboundedReceiver<Order>,
    state: watch::Sender<State>,
    letters: Arc<Letters>,
    /// Whether another token may be had for another line.
    has_fresh_tokens: bool,
    /// The server ends the line and wants this client no more.
    sent_away: Option<Error>,
}

impl Driver {
    pub(super) const fn new(
        line: Reconnecting,
        session: Session,
        orders: mpsc::UnboundedReceiver<Order>,
        state: watch::Sender<State>,
        letters: Arc<Letters>,
        has_fresh_tokens: bool,
    ) -> Self {
        Self { line, session, orders, state, letters, has_fresh_tokens, sent_away: None }
    }

    /// Runs until nobody holds the client or a subscription, it is closed, or there is no coming back.
    pub(super) async fn run(mut self) {
        let (error, closed) = loop {
            if let Some(end) = self.turn().await {
                break end;
            }
        };
        self.session.end(&error);
        self.letters.end();
        let code = match error {
            Error::Answer => CloseCode::PROTOCOL,
            _ => CloseCode::NORMAL,
        };
        // Whatever it says: this end is done with it.
        let _ = self.line.close(code, "").await;
        self.state.send_replace(State::Ended(error.clone()));
        if let Some(closed) = closed {
            // Who waits for it may have gone.
            let _ = closed.send(());
        }
        self.orders.close();
        while let Ok(order) = self.orders.try_recv() {
            order.refuse(&error);
        }
    }

    /// Says what there is to say, and takes what happens next; or says why it ends, and to whom.
    async fn turn(&mut self) -> Option<(Error, Option<oneshot::Sender<()>>)> {
        let Self { line, session, orders, .. } = self;
        let deadline = session.deadline();
        tokio::select! {
            event = converse(line, session) => match event {
                Some(event) => self.happened(event),
                None => Some(Error::Closed),
            },
            order = orders.recv() => match order {
                None => return Some((Error::Closed, None)),
                Some(Order::Close(closed)) => return Some((Error::Closed, Some(closed))),
                Some(order) => self.carry_out(order),
            },
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                self.session.handle_timeout(Instant::now());
                None
            }
        }
        .or_else(|| self.tell())
        .map(|error| (error, None))
    }

    fn carry_out(&mut self, order: Order) -> Option<Error> {
        let now = Instant::now();
        match order {
            Order::Call { method, params, may_repeat, answer } => {
                self.session.call(method, &params, may_repeat, answer, now);
            }
            Order::Leave(channel, queue) => self.session.leave(&channel, &queue),
            Order::Quit(device, mailbox) => self.session.quit(&device, &mailbox),
            Order::Received(device, id) => self.session.received(&device, id),
            Order::Register(device, mailbox, asker) => {
                self.session.register(&device, &mailbox, asker, now);
            }
            Order::Unregister(device, mailbox, asker) => {
                self.session.unregister(&device, &mailbox, asker);
            }
            Order::Subscribe(channel, queue, asker) => {
                self.session.subscribe(&channel, &queue, asker, now);
            }
            Order::Close(_) => unreachable!("it was taken before"),
        }
        None
    }

    fn happened(&mut self, event: Event) -> Option<Error> {
        match event {
            Event::Connected => {
                if self.line.socket().is_none_or(|socket| socket.protocol() != PROTOCOL) {
                    return Some(Error::Answer);
                }
                self.session.opened(Instant::now());
            }
            Event::Message(Message::Text(text)) => self.session.receive(&text, Instant::now()),
            Event::Message(Message::Binary(_)) => return Some(Error::Answer),
            Event::Ping(_) | Event::Pong(_) => {}
            Event::Disconnected { why, retry_in } => {
                self.session.lost(match &why {
                    Why::Closed { code, .. } => Some(*code),
                    Why::Connect(_) | Why::Line(_) => None,
                });
                if let Some(error) = self.sent_away.take() {
                    return Some(error);
                }
                // What is too big for this end would be as big on the next line.
                let is_in_vain = matches!(
                    &why,
                    Why::Line(error::Error::Failed(ProtocolError::MessageTooBig { .. }))
                );
                let why = Arc::new(why);
                let Some(retry_in) = retry_in.filter(|_| !is_in_vain) else {
                    return Some(Error::Line(why));
                };
                self.state.send_replace(State::Away { why, retry_in });
            }
        }
        None
    }

    /// Tells what the session has learned; answers why there is no going on.
    fn tell(&mut self) -> Option<Error> {
        while let Some(news) = self.session.take_news() {
            match news {
                News::Connected { client, user, recovered } => {
                    self.state.send_replace(State::Connected { client, user, recovered });
                }
                News::Failed(error) if !self.may_heal(&error) => return Some(error),
                News::Failed(_) | News::Restart => {
                    // Where it ends already it comes back by itself.
                    let _ = self.line.restart(TIMED_OUT, "");
                }
                News::Message(id, data) => self.letters.push(id, data),
                News::Leave(wait) => self.line.wait_at_least(wait),
                News::SentAway(error) => self.sent_away = Some(error),
            }
        }
        None
    }

    fn may_heal(&self, error: &Error) -> bool {
        match error.advice() {
            Advice::Again => true,
            Advice::Token => self.has_fresh_tokens,
            Advice::GiveUp | Advice::Look => false,
        }
    }
}

impl Order {
    fn refuse(self, error: &Error) {
        // Who dropped its call does not want to know.
        match self {
            Self::Call { answer, .. } => _ = answer.send(Err(error.clone())),
            Self::Close(closed) => _ = closed.send(()),
            Self::Leave(..) | Self::Quit(..) | Self::Received(..) => {}
            Self::Register(_, _, asker)
            | Self::Subscribe(_, _, asker)
            | Self::Unregister(_, _, asker) => _ = asker.send(Err(error.clone())),
        }
    }
}

/// Says what the session has to say, as far as the line takes it, until something happens to the line.
///
/// Nothing is lost where it is dropped: what the line did not take stays where it is.
async fn converse(line: &mut Reconnecting, session: &mut Session) -> Option<Event> {
    poll_fn(|cx| {
        // A line that takes nothing ends, and says so next.
        while session.has_text()
            && matches!(Pin::new(&mut *line).poll_ready(cx), Poll::Ready(Ok(())))
        {
            let Some(text) = session.take_text() else { break };
            let _ = Pin::new(&mut *line).start_send(Message::Text(text));
        }
        line.poll_event(cx)
    })
    .await
}
