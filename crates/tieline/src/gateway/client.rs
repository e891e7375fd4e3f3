//! The client: a handle for calls, a stream of events, and what drives both.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::HEXLOWER;
use tieline_proto::CloseCode;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::call::{Call, CallError, CallId, Kind, Response};
use super::event::{Event, Events, Told};
use super::options::Options;
use super::order::{Answered, Order};
use super::session::Session;
use super::signature::Stamp;
use crate::connect::Connect;
use crate::message::Message;
use crate::reconnect::{self, Reconnecting};

/// Most orders that wait for the driver.
const MAX_ORDERS: usize = 64;

/// Makes calls. Clones are the same device.
#[derive(Clone, Debug)]
pub struct Client {
    orders: mpsc::Sender<Order>,
}

/// Opens the line, again and again, and carries what is said on it: [`run`](Self::run) it in a task.
#[must_use = "nothing happens before `run`"]
pub struct Driver {
    line: Reconnecting,
    session: Session,
    orders: mpsc::Receiver<Order>,
    events: mpsc::Sender<Told>,
    /// An event of the line's own that waits for room.
    event: Option<Event>,
    answers: HashMap<CallId, oneshot::Sender<Answered>>,
    next_call: CallId,
}

/// A client of the gateway at this address.
///
/// # Example
///
/// ```no_run
/// use tieline::Connect;
/// use tieline::gateway::{self, Call, Credentials, Event, Options};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let credentials = Credentials { key: "12344133".into(), secret: "…".into() };
/// let options = Options { credentials: Some(credentials), ..Options::default() };
/// let (client, mut events, driver) =
///     gateway::client(Connect::to("wss://gateway.example.com:8443/"), options);
/// tokio::spawn(driver.run());
/// let answer = client.register(Call::post("/register")).await?;
/// assert!(answer.is_success());
/// while let Some(event) = events.next().await {
///     if let Event::Notify(text) = event {
///         println!("{text}");
///     }
/// }
/// # Ok(()) }
/// ```
pub fn client(request: Connect, options: Options) -> (Client, Events, Driver) {
    let (orders, taken) = mpsc::channel(MAX_ORDERS);
    let (told, events) = mpsc::channel(options.max_events.max(1));
    let host = options.host.clone().unwrap_or_else(|| host_of(&request));
    let line = Reconnecting::new(request, options.reconnect.clone());
    let driver = Driver {
        line,
        session: Session::new(options, host),
        orders: taken,
        events: told,
        event: None,
        answers: HashMap::new(),
        next_call: 0,
    };
    let events = Events::new(events, orders.clone());
    (Client { orders }, events, driver)
}

impl Client {
    /// Makes a call, once the device is bound.
    ///
    /// # Errors
    ///
    /// [`CallError`]; what a backend answers is no error, whatever its status.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not take the call back.
    pub async fn call(&self, call: Call) -> Result<Response, CallError> {
        self.ask(Kind::Common, call).await
    }

    /// Registers the device, and again on every line that follows, until it is unregistered.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). One that failed is repeated with the heartbeats, unless the backend
    /// refused it with 4xx.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn register(&self, call: Call) -> Result<Response, CallError> {
        self.ask(Kind::Register, call).await
    }

    /// Unregisters the device.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub async fn unregister(&self, call: Call) -> Result<Response, CallError> {
        self.ask(Kind::Unregister, call).await
    }

    async fn ask(&self, kind: Kind, call: Call) -> Answered {
        let (answer, answered) = oneshot::channel();
        let order = Order::Call(kind, call, answer);
        self.orders.send(order).await.map_err(|_| CallError::Ended)?;
        answered.await.unwrap_or(Err(CallError::Ended))
    }
}

impl Driver {
    /// Runs until the clients and the events are dropped, or there is no coming back; then the line
    /// is closed with 1000.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the line; calls then end with [`CallError::Ended`].
    pub async fn run(mut self) {
        while self.turn().await {}
        // Whatever it says: this end is done with it.
        let _ = self.line.close(CloseCode::NORMAL, "").await;
    }

    /// Says and hands on what there is, and waits for the next thing to happen.
    async fn turn(&mut self) -> bool {
        while let Some((id, answer)) = self.session.take_answer() {
            if let Some(asked) = self.answers.remove(&id) {
                // Who dropped its call does not want to know.
                let _ = asked.send(answer);
            }
        }
        while let Some(text) = self.session.take_text() {
            // A line that does not take it ends, and says so next.
            if self.line.send(text).await.is_err() {
                break;
            }
        }
        if self.session.take_restart() {
            // Where it ends already it comes back by itself.
            let _ = self.line.restart(CloseCode::NORMAL, "Reconnect");
        }
        // While events wait for their owner nothing more is read.
        let is_full = self.event.is_some() || self.session.has_heard();
        let deadline = self.session.deadline();
        tokio::select! {
            order = self.orders.recv() => match order {
                Some(order) => self.carry_out(order),
                None => return false,
            },
            event = self.line.next(), if !is_full => match event {
                Some(event) => self.happened(event),
                None => return false,
            },
            is_heard = has_room(&self.events), if is_full => self.tell(is_heard),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                self.session.handle_timeout(Instant::now(), !is_full, &mut stamp);
            }
        }
        true
    }

    /// Tells the owner what waits first; where nobody listens any more, a device may still call.
    fn tell(&mut self, is_heard: bool) {
        let event = self.event.take().map(Told::from);
        let Some(told) = event.or_else(|| self.session.take_heard().map(Told::from)) else {
            return;
        };
        if is_heard {
            // There is room, and nobody else fills it.
            let _ = self.events.try_send(told);
        } else if let Some(line) = told.owed_on {
            self.session.acknowledge(line);
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Acknowledge(line) => self.session.acknowledge(line),
            Order::Call(kind, call, answer) => {
                let id = self.next_call;
                self.next_call += 1;
                self.answers.insert(id, answer);
                self.session.call(id, kind, call, Instant::now(), &mut stamp);
            }
        }
    }

    fn happened(&mut self, event: reconnect::Event) {
        match event {
            reconnect::Event::Connected => self.session.opened(Instant::now()),
            reconnect::Event::Disconnected { why, retry_in } => {
                self.session.lost();
                self.event = Some(Event::Disconnected { why, retry_in });
            }
            reconnect::Event::Message(Message::Text(text)) => {
                self.session.received(&text, Instant::now(), &mut stamp);
            }
            // The dialect is text alone.
            reconnect::Event::Message(Message::Binary(_))
            | reconnect::Event::Ping(_)
            | reconnect::Event::Pong(_) => {}
        }
    }
}

/// Waits for room for an event; answers whether anybody listens.
async fn has_room(events: &mpsc::Sender<Told>) -> bool {
    events.reserve().await.is_ok()
}

/// A fresh one; where the system has no random bytes, the time is still another one each time.
fn stamp() -> Stamp {
    let mut bytes = [0; 16];
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    if getrandom::fill(&mut bytes).is_err() {
        bytes = since.as_nanos().to_be_bytes();
    }
    Stamp { timestamp_ms: since.as_millis() as u64, nonce: HEXLOWER.encode(&bytes) }
}

/// The host of the request's URL, with its port where it has one.
fn host_of(request: &Connect) -> String {
    let url = url::Url::parse(&request.url).ok();
    let host = url.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    host.unwrap_or_default()
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("line", &self.line).finish_non_exhaustive()
    }
}
