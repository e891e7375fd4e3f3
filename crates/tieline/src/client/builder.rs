//! How a client is to be, before it connects.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::Duration;

use tieline_proto::{CloseCode, Limits};
use tokio::sync::{Semaphore, mpsc, watch};

use super::driver::Driver;
use super::error::Error;
use super::handle::{Client, Keys, Shared};
use super::letters::Letters;
use super::session::Session;
use super::state::State;
use super::token::Token;
use super::words::PROTOCOL;
use crate::connect::Connect;
use crate::reconnect::{Reconnect, Reconnecting};

/// Largest message that is taken unless told: an answer may have a thousand publications.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// The server's close codes of its own after which coming back makes no sense: its token was revoked, and
/// its session goes on over another line.
const FOR_GOOD: [CloseCode; 2] = [CloseCode::new(4403), CloseCode::new(4409)];

/// A client to be; nothing happens before [`connect`](Self::connect) or [`start`](Self::start).
///
/// # Example
///
/// ```no_run
/// use std::time::Duration;
/// use tieline::Client;
///
/// # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// # async fn example() -> Result<(), tieline::client::Error> {
/// let client = Client::to("wss://example.com/tieline")
///     .token_from(|| async { Ok(fetch_token().await?) })
///     .name("thermometer")
///     .call_within(Duration::from_secs(10))
///     .connect()
///     .await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "nothing is opened before `connect`"]
pub struct Builder {
    request: Connect,
    token: Token,
    name: Option<String>,
    reconnect: Reconnect,
    call_within: Duration,
    max_calls: usize,
    max_events: usize,
    max_bytes: usize,
}

impl Client {
    /// Connects to the channels at a `ws` or `wss` address; [`to`](Self::to) says how.
    ///
    /// # Errors
    ///
    /// As [`Builder::connect`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn connect(url: impl Into<String>) -> Result<Self, Error> {
        Self::to(url).connect().await
    }

    /// A client of the channels at this address, to be told more of and then connected.
    pub fn to(url: impl Into<String>) -> Builder {
        Builder::to(url)
    }
}

impl Builder {
    fn to(url: impl Into<String>) -> Self {
        let limits = Limits { max_message_bytes: MAX_MESSAGE_BYTES, ..Limits::default() };
        let mut reconnect = Reconnect::default();
        reconnect.stop_on_close.extend(FOR_GOOD);
        Self {
            request: Connect::to(url).limits(limits),
            token: Token::None,
            name: None,
            reconnect,
            call_within: Duration::from_secs(30),
            max_calls: 1_024,
            max_events: 1_024,
            max_bytes: 4 << 20,
        }
    }

    /// Shows this token. One that has expired ends the client: [`token_from`](Self::token_from) has
    /// newer ones.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token::Text(token.into());
        self
    }

    /// Asks for a token before each line; where there is none it tries again later.
    pub fn token_from<F, P>(mut self, source: F) -> Self
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = Result<String, Box<dyn StdError + Send + Sync>>> + Send + 'static,
    {
        self.token = Token::from_source(source);
        self
    }

    /// What it calls itself, for people who look at the server.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Changes the request that opens its lines: headers, proxy, TLS, [limits](Connect::limits). A message is
    /// up to 16 MiB unless told.
    pub fn request(mut self, change: impl FnOnce(Connect) -> Connect) -> Self {
        self.request = change(self.request);
        self
    }

    /// How it comes back. Default [`Reconnect::default`], and not after 4403 and 4409, which say that the
    /// token was revoked, and that the session goes on elsewhere.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// How long a call may take, with all the lines that it needs. Default 30 s.
    pub fn call_within(mut self, within: Duration) -> Self {
        self.call_within = within;
        self
    }

    /// Most calls that are not answered yet; the next waits. Default 1,024.
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.max_calls = calls.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// Most events, and bytes of them, that wait for the reader of one subscription; beyond that the
    /// oldest become a gap. Default 1,024, and 4 MiB.
    pub fn max_waiting(mut self, events: usize, bytes: usize) -> Self {
        (self.max_events, self.max_bytes) = (events, bytes);
        self
    }

    /// Connects; ready once the server knows this client.
    ///
    /// # Errors
    ///
    /// [`Error::Line`] where the first line does not open: nothing is tried a second time.
    /// [`Error::Fault`] where the server does not want it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves nothing behind.
    pub async fn connect(self) -> Result<Client, Error> {
        let mut client = self.start();
        loop {
            match client.state_changed().await {
                State::Connecting => {}
                State::Connected { .. } => return Ok(client),
                State::Away { why, .. } => return Err(Error::Line(why)),
                State::Ended(error) => return Err(error),
            }
        }
    }

    /// The client at once: it connects in the background, and tries until it can. Calls wait for it.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self) -> Client {
        let Self { request, token, name, reconnect, call_within, .. } = self;
        let has_fresh_tokens = matches!(token, Token::Source(_));
        let token = Arc::new(token);
        let shown = Arc::clone(&token);
        let line = Reconnecting::new(request.subprotocol(PROTOCOL), reconnect);
        let line = line.before_each(move |request| {
            let token = Arc::clone(&shown);
            async move {
                Ok(match token.fetch().await? {
                    Some(token) => request.header("Authorization", format!("Bearer {token}")),
                    None => request,
                })
            }
        });
        let (orders, taken) = mpsc::unbounded_channel();
        let (told, state) = watch::channel(State::Connecting);
        let session = Session::new(name, call_within);
        let letters = Letters::new(self.max_events, self.max_bytes);
        let filled = Arc::clone(&letters);
        tokio::spawn(Driver::new(line, session, taken, told, filled, has_fresh_tokens).run());
        let shared = Shared {
            token,
            letters,
            room: Semaphore::new(self.max_calls),
            max_events: self.max_events,
            max_bytes: self.max_bytes,
            keys: Keys::new(),
        };
        Client::new(orders, state, Arc::new(shared))
    }
}
