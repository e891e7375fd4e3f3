//! A server with one worker for each core: the fastest way to serve many links.
//!
//! ```text
//! socket ─ready─▶ worker reads into its shared buffer
//!                 decode, unmask and check UTF-8 in place
//!                 ▼ Message<'_>           borrowed when it lies whole in the buffer (the usual case)
//!                 Handler::message(state, link, message)
//!                 ▼ link.send(…)          the frame is written into the worker's cork
//! socket ◀─write─ one write for all that this read caused; what the kernel refuses waits in the
//!                 link's backlog, bounded
//! ```
//!
//! A link lives on the worker that accepted it, and everything about it happens there: no lock and
//! no hand-over between threads stands on the way of a message. An idle link owns no buffer, no
//! task and no timer. Other threads reach a link by its [`Remote`].
//!
//! | to …                                   | use                                                   |
//! |----------------------------------------|-------------------------------------------------------|
//! | answer messages                        | [`messages`] with a closure                           |
//! | keep something for each link           | [`links`] with three closures, or a [`Handler`]       |
//! | await things in between                | [`tasks`] with an async closure                       |
//! | have many hear the same                | [`Link::subscribe`], [`Worker::publish`]              |
//! | lose no line of who hears too slowly   | [`Link::subscribe_skipping`]                          |
//! | judge requests                         | [`Handler::admit`], [`ListenOptions::accept`]         |
//! | serve HTTP beside it                   | [`Handler::decide`], [`Handler::hand_off`]            |
//! | see what goes over a line              | [`Watch::new`], [`Link::tap`], [`Worker::survey`]     |
//! | stop                                   | [`Server::start`], [`Running::stop`]                  |
//!
//! # Example
//!
//! ```
//! use tieline::serve::{self, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::bind("127.0.0.1:0")?;
//! let url = format!("ws://{}/", server.places()[0]);
//! let mut running = server.start(|| serve::messages(|link, message| link.send(message)))?;
//!
//! let mut socket = tieline::connect(&url).await?;
//! socket.send("hello").await?;
//! let echo = socket.next().await.expect("the line is open")?;
//! assert_eq!(echo.text(), Some("hello"));
//! running.stop().await?;
//! # Ok(()) }
//! ```

mod arrival;
mod backlog;
mod closures;
mod durations;
mod engine;
mod handler;
mod handoff;
mod id;
mod inbox;
mod inherited;
mod layers;
mod line;
mod lines;
mod link;
mod listen;
mod listening;
mod memory;
mod message;
mod open;
mod preface;
mod publishing;
mod seat;
mod server;
mod slab;
mod socket;
mod subscriptions;
mod tap;
mod tasks;
#[cfg(feature = "tls")]
mod tls;
mod topics;
mod traffic;
mod transport;
mod visit;
mod walk;
mod watching;
mod wheel;

pub use arrival::Arrival;
pub use backlog::{Backlog, Overflow};
pub use closures::{links, messages};
pub use durations::Durations;
pub use handler::{Decision, Grant, Handler, Opening, Trouble};
pub use handoff::Handoff;
pub use id::LinkId;
pub use inbox::{Full, Remote};
pub use link::{Link, Worker};
pub use listen::{BindError, Place};
pub use message::{Message, Payload};
pub use server::{ListenOptions, RunError, Running, Server, ServerOptions};
pub use tap::{Direction, Seen, Tap, Watch};
pub use tasks::{Conversation, INBOX_BYTES, tasks};
#[cfg(feature = "tls")]
pub use tls::TlsSource;
pub use traffic::Traffic;
