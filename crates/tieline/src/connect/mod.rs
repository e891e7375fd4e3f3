//! Opening a WebSocket as a client.
//!
//! ```text
//! URL ─▶ proxy? ─▶ name → addresses ─▶ TCP ─▶ CONNECT or SOCKS5? ─▶ TLS? ─▶ request, answer
//!  ▲                                                                             │
//!  └──────────────────────── 3xx, where redirects are allowed ───────────────────┤
//!                                                            101 ─▶ WebSocket ◀──┘
//! ```
//!
//! One deadline covers all of it.

mod builder;
mod dial;
mod error;
mod handshake;
mod line;
mod open;
mod redirect;
mod refused;

pub use builder::Connect;
pub use error::{ConnectError, RedirectError, RequestError, Stage};
pub use refused::Refused;

use crate::socket::WebSocket;
use crate::stream::ClientStream;

/// Opens a WebSocket, with every setting as [`Connect::to`] has it.
///
/// # Errors
///
/// [`ConnectError`] says what failed and whose fault it is.
///
/// # Cancel safety
///
/// Dropping it closes whatever was open; nothing is left behind.
///
/// # Example
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut socket = tieline::connect("wss://example.com/chat").await?;
/// socket.send("hello").await?;
/// while let Some(message) = socket.next().await {
///     println!("{:?}", message?);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn connect(url: &str) -> Result<WebSocket<ClientStream>, ConnectError> {
    Connect::to(url).open().await
}
