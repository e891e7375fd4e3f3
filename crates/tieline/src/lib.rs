//! WebSocket client and server on tokio: fast, bounded, and safe by default.
//!
//! | to …                     | call                                                           |
//! |--------------------------|----------------------------------------------------------------|
//! | open a line              | [`connect`], or [`Connect`] to say how                         |
//! | answer one               | [`accept`], or [`accept_with`] to see the request              |
//! | receive                  | [`WebSocket::next`]; it is a `Stream` as well                  |
//! | send                     | [`WebSocket::send`]; it is a `Sink` as well                    |
//! | do both in two tasks     | [`WebSocket::split`]                                           |
//! | end it                   | [`WebSocket::close`]; [`WebSocket::closed`] tells how it ended |
//!
//! ```
//! use tieline::CloseCode;
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("ws://{}/", listener.local_addr()?);
//!
//! let server = tokio::spawn(async move {
//!     let (stream, _) = listener.accept().await?;
//!     let mut socket = tieline::accept(stream).await?;
//!     while let Some(message) = socket.next().await {
//!         socket.send(message?).await?;
//!     }
//!     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! let mut socket = tieline::connect(&url).await?;
//! socket.send("hello").await?;
//! let echo = socket.next().await.expect("the line is open")?;
//! assert_eq!(echo.text(), Some("hello"));
//! socket.close(CloseCode::NORMAL, "that was all").await?;
//! server.await??;
//! # Ok(()) }
//! ```
//!
//! Pings are answered without being asked, a silent peer is pinged and a dead one given up. A clean
//! close is no error; a peer that breaks the protocol is told so with the right code. Every buffer
//! and every wait has a bound in [`Limits`]; pages of other origins are refused unless
//! [`AcceptOptions`] list them. What a dropped future has done stands under *Cancel safety* of each.
//!
//! # Features
//!
//! | feature        | default | gives                                                         |
//! |----------------|---------|---------------------------------------------------------------|
//! | `tls`          | yes     | `wss://` by rustls, trusting what the system trusts           |
//! | `macros`       | yes     | [`endpoint`] by attribute                                     |
//! | `json`         | no      | `endpoint::Json`, values as JSON                              |
//! | `webpki-roots` | no      | Mozilla's roots compiled in, as a choice for static builds    |
//! | `hyper`        | no      | lines out of hyper requests, in the module `hyper`            |
//! | `axum`         | no      | an extractor for axum handlers, in the module `axum`          |
//! | `gateway`      | no      | a client of an API gateway, in the module `gateway`           |
//! | `client`       | no      | a client of channels, in the module `client`                  |
//! | `serve`        | no      | the engine, in the module `serve`: a worker for each core     |
//!
//! Spec: RFC 6455; RFC 7692 (permessage-deflate); the drafts hixie-75, hixie-76 and hybi-07 to 17
//! as a server, where they are let in.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod accept;
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub mod axum;
#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod client;
mod connect;
pub mod endpoint;
mod error;
#[cfg(feature = "gateway")]
#[cfg_attr(docsrs, doc(cfg(feature = "gateway")))]
pub mod gateway;
#[cfg(feature = "hyper")]
#[cfg_attr(docsrs, doc(cfg(feature = "hyper")))]
pub mod hyper;
mod keys;
mod message;
mod proxy;
pub mod reconnect;
#[cfg(all(feature = "serve", unix))]
#[cfg_attr(docsrs, doc(cfg(feature = "serve")))]
pub mod serve;
mod socket;
mod stream;
#[cfg(feature = "tls")]
#[cfg_attr(docsrs, doc(cfg(feature = "tls")))]
pub mod tls;
pub mod url;

pub use accept::{AcceptError, AcceptOptions, Answer, Refusal, Request, accept, accept_with};
pub use bytes;
pub use bytestring::ByteString;
#[cfg(feature = "client")]
pub use client::Client;
pub use connect::{Connect, ConnectError, RedirectError, Refused, RequestError, Stage, connect};
pub use error::Error;
pub use http;
pub use keys::mask_keys;
pub use message::Message;
pub use proxy::{Proxy, ProxyError};
pub use socket::{ReadyState, Received, Receiver, ReuniteError, Sender, WebSocket};
pub use stream::ClientStream;
pub use tieline_proto::connection::MaskKeys;
pub use tieline_proto::deflate::Config as Deflate;
pub use tieline_proto::handshake::server::Upgrade;
pub use tieline_proto::handshake::{
    Agreement, Dialect, Fault, HandshakeError, Hosts, Origin, Origins,
};
pub use tieline_proto::http::Extension;
pub use tieline_proto::{
    CloseCode, Closed, Limits, Lost, MessageKind, ProtocolError, Role, UsageError,
};

pub use self::url::UrlError;

/// The examples of the README run as tests.
#[cfg(all(doctest, feature = "serve"))]
#[doc = include_str!("../../../README.md")]
struct Readme;
