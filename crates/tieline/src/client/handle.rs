//! What a program holds of a client: its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::device::Device;
use super::driver::Order;
use super::error::Error;
use super::event::Member;
use super::history::{History, Published, Range, Stats};
use super::letters::{DirectMessage, Letters};
use super::mailbox::Mailbox;
use super::position::Position;
use super::queue::Queue;
use super::state::State;
use super::subscription::Subscription;
use super::token::Token;
use super::words::{Call, HistoryIs, HistoryOf, Members, Named, Publish, Refresh, Refreshed};

/// A client of channels, which comes back by itself. Clones are the same client.
///
/// It lives in a task of its own, until every clone, every [`Subscription`] and every [`Device`] is dropped, or it is
/// [closed](Self::close). Calls wait while there is no line, and are made again on the next where the server has
/// not taken them; none is done twice.
///
/// # Example
///
/// ```no_run
/// use tieline::client::{Client, Event};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::connect("ws://127.0.0.1:8080/tieline").await?;
/// let mut lobby = client.subscribe("chat:lobby").await?;
/// client.publish("chat:lobby", "hello").await?;
/// while let Some(event) = lobby.next().await {
///     match event {
///         Event::Publication(publication) => println!("{}", publication.data),
///         Event::Gap(gap) => println!("something is missing: {:?}", gap.reason),
///         _ => {}
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    orders: mpsc::UnboundedSender<Order>,
    state: watch::Receiver<State>,
    shared: Arc<Shared>,
}

/// What all clones share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) token: Arc<Token>,
    /// For calls that are not answered yet.
    pub(super) room: Semaphore,
    pub(super) max_events: usize,
    pub(super) max_bytes: usize,
    pub(super) letters: Arc<Letters>,
    pub(super) keys: Keys,
}

/// Keys of publications that nobody else has.
#[derive(Debug)]
pub(super) struct Keys {
    prefix: String,
    next: AtomicU64,
}

impl Client {
    pub(super) const fn new(
        orders: mpsc::UnboundedSender<Order>,
        state: watch::Receiver<State>,
        shared: Arc<Shared>,
    ) -> Self {
        Self { orders, state, shared }
    }

    /// Subscribes to a channel, or to a pattern such as `news:*`, from now on.
    ///
    /// # Errors
    ///
    /// [`Error::Fault`] where the server does not want it, [`Error::Subscribed`] where this client has
    /// subscribed already, and as [`call`](Self::call) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes.
    pub async fn subscribe(&self, channel: impl Into<Arc<str>>) -> Result<Subscription, Error> {
        self.subscribe_at(channel.into(), None).await
    }

    /// Subscribes to a channel from a position on: what was published since is given first, or an
    /// [`Event::Gap`](super::Event::Gap) where it is not there any more.
    ///
    /// # Errors
    ///
    /// As [`subscribe`](Self::subscribe).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future unsubscribes.
    pub async fn subscribe_since(
        &self,
        channel: impl Into<Arc<str>>,
        since: Position,
    ) -> Result<Subscription, Error> {
        self.subscribe_at(channel.into(), Some(since)).await
    }

    /// Publishes a value as JSON; says where it is. It has a key of its own, so that it is sent again
    /// where a line was lost, and done once.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). After [`Error::TimedOut`] it may be published or not: whoever wants to
    /// try again then takes [`publish_with_key`](Self::publish_with_key).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    pub async fn publish(
        &self,
        channel: &str,
        data: &(impl Serialize + ?Sized),
    ) -> Result<Published, Error> {
        self.publish_with_key(channel, data, &self.shared.keys.next()).await
    }

    /// The same with a key of up to 128 bytes: a channel publishes what has the same key once, for ten
    /// minutes at least.
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish).
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    pub async fn publish_with_key(
        &self,
        channel: &str,
        data: &(impl Serialize + ?Sized),
        key: &str,
    ) -> Result<Published, Error> {
        let data = &*to_raw_value(data).map_err(encode)?;
        self.ask("publish", &Publish { channel, data, key }, true).await
    }

    /// Reads at most so many publications of a channel.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the answer, and nothing else.
    pub async fn history(
        &self,
        channel: &str,
        range: Range,
        limit: usize,
    ) -> Result<History, Error> {
        let (after, before) = match range {
            Range::After(offset) => (Some(offset), None),
            Range::Before(offset) => (None, Some(offset)),
            Range::Newest => (None, None),
        };
        let asked = HistoryOf { channel, after, before, limit: Some(limit) };
        let HistoryIs { position, oldest, publications } =
            self.ask("history", &asked, true).await?;
        let channel = Arc::from(channel);
        let publications =
            publications.into_iter().map(|item| item.of(&channel, &position.epoch)).collect();
        Ok(History { position, oldest, publications })
    }

    /// Who has subscribed to a channel, where its namespace tells.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the answer, and nothing else.
    pub async fn presence(&self, channel: &str) -> Result<Vec<Member>, Error> {
        let Members { members } = self.ask("presence", &named(channel), true).await?;
        Ok(members)
    }

    /// How many have subscribed to a channel, where its namespace tells.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses the answer, and nothing else.
    pub async fn presence_stats(&self, channel: &str) -> Result<Stats, Error> {
        self.ask("presence_stats", &named(channel), true).await
    }

    /// Shows the server a newer token on this line, before the one that it has expires, from where
    /// [`Builder::token_from`](super::Builder::token_from) says; answers how long that is good, where it
    /// ends. Without it the line ends with the token, and the client comes back on another with a newer one.
    ///
    /// # Errors
    ///
    /// [`Error::Token`] where there is none to be had; [`Error::Fault`] where it is not good, or another
    /// user's; and as [`call`](Self::call) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    pub async fn refresh(&self) -> Result<Option<Duration>, Error> {
        let token =
            self.shared.token.fetch().await.map_err(|why| Error::Token(Some(why.into())))?;
        let token = token.ok_or(Error::Token(None))?;
        let Refreshed { expires_in } =
            self.ask("refresh", &Refresh { token: &token }, true).await?;
        Ok(expires_in.map(Duration::from_secs))
    }

    /// Registers as a device, where the server has devices: it can be sent messages also while it is away. A
    /// client is one device at a time.
    ///
    /// # Errors
    ///
    /// [`Error::Fault`] where the server does not want it, [`Error::Registered`] where this client is this device
    /// already, and as [`call`](Self::call) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    ///
    /// # Example
    ///
    /// ```no_run
    /// # async fn example(client: tieline::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut device = client.device("ab12cd34").await?;
    /// while let Some(message) = device.next().await {
    ///     println!("{}", message.data); // acknowledged by the next call
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn device(&self, id: impl Into<Arc<str>>) -> Result<Device, Error> {
        let id = id.into();
        let mailbox = Mailbox::new(self.shared.max_events, self.shared.max_bytes);
        let (asker, answer) = oneshot::channel();
        let order = Order::Register(Arc::clone(&id), Arc::clone(&mailbox), asker);
        self.orders.send(order).map_err(|_| self.ended())?;
        answer.await.unwrap_or_else(|_| Err(self.ended()))?;
        Ok(Device::new(id, mailbox, self.orders.clone()))
    }

    /// Calls a method of the application behind the server.
    ///
    /// # Errors
    ///
    /// | error                                       | when                                                 |
    /// |---------------------------------------------|------------------------------------------------------|
    /// | [`Error::Fault`]                            | the server refused it; [`Error::advice`] says what then |
    /// | [`Error::TimedOut`]                         | no answer within [`Builder::call_within`](super::Builder::call_within), which counts while there is no line, too |
    /// | [`Error::Lost`]                             | it was sent, and the server knows nothing more of this client: only of calls like this |
    /// | [`Error::TooBig`], [`Error::Encode`]        | it cannot be said                                     |
    /// | [`Error::Answer`]                           | the answer is no such value                           |
    /// | [`Error::Line`], [`Error::Disconnected`], [`Error::Closed`] | the client has ended                  |
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    pub async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
    ) -> Result<T, Error> {
        self.ask("call", &Call { method, params }, false).await
    }

    /// What is said next to this client alone, by whoever operates the server; `None` once it has ended. Each
    /// comes once, to one of those who ask, also where a line was lost meanwhile. What nobody reads waits within the same
    /// bounds as a subscription; then the oldest are dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a message is taken only when it is given.
    pub async fn next_message(&self) -> Option<DirectMessage> {
        self.shared.letters.next().await
    }

    /// How it is now.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// How it is, once that is another than this clone was told last; at once where it has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn state_changed(&mut self) -> State {
        // Without a task it has ended, and has said so.
        let _ = self.state.changed().await;
        self.state.borrow_and_update().clone()
    }

    /// Closes the line and ends everything that waits with [`Error::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take it back.
    pub async fn close(&self) {
        let (closed, is_closed) = oneshot::channel();
        // Where there is no task any more it is closed.
        if self.orders.send(Order::Close(closed)).is_ok() {
            let _ = is_closed.await;
        }
    }

    async fn subscribe_at(
        &self,
        channel: Arc<str>,
        since: Option<Position>,
    ) -> Result<Subscription, Error> {
        let queue = Queue::new(self.shared.max_events, self.shared.max_bytes);
        queue.begin(since);
        let (asker, answer) = oneshot::channel();
        let order = Order::Subscribe(Arc::clone(&channel), Arc::clone(&queue), asker);
        self.orders.send(order).map_err(|_| self.ended())?;
        // Where the answer is not waited for, it is dropped, and unsubscribes.
        let subscription = Subscription::new(channel, queue, self.orders.clone());
        answer.await.unwrap_or_else(|_| Err(self.ended()))?;
        Ok(subscription)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &impl Serialize,
        may_repeat: bool,
    ) -> Result<T, Error> {
        let params = to_raw_value(params).map_err(encode)?;
        let _room = self.shared.room.acquire().await.map_err(|_| Error::Closed)?;
        let (answer, answered) = oneshot::channel();
        let order = Order::Call { method, params, may_repeat, answer };
        self.orders.send(order).map_err(|_| self.ended())?;
        let answer: Box<RawValue> = answered.await.unwrap_or_else(|_| Err(self.ended()))?;
        serde_json::from_str(answer.get()).map_err(|_| Error::Answer)
    }

    /// Why there is no task any more.
    fn ended(&self) -> Error {
        match &*self.state.borrow() {
            State::Ended(error) => error.clone(),
            _ => Error::Closed,
        }
    }
}

impl Keys {
    /// Those of one client; without randomness those of one moment.
    pub(super) fn new() -> Self {
        let mut prefix = [0; 12];
        if getrandom::fill(&mut prefix).is_err() {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            prefix.copy_from_slice(&now.unwrap_or_default().as_nanos().to_le_bytes()[..12]);
        }
        Self { prefix: BASE64URL_NOPAD.encode(&prefix), next: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        format!("{}.{}", self.prefix, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

fn named(channel: &str) -> Named<'_> {
    Named { channel: channel.into() }
}

fn encode(error: serde_json::Error) -> Error {
    Error::Encode(Arc::new(error))
}
