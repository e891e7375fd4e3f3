//! Typed endpoints: a path, what is said there, and who answers, for both ends of the line.
//!
//! | part                     | says                                                           |
//! |--------------------------|----------------------------------------------------------------|
//! | [`Decode`], [`Encode`]   | how a type comes out of a message, and goes into one           |
//! | [`Endpoint`]             | the path and its parameters, the types, subprotocols, limits, and who may change the handshake |
//! | [`Line`]                 | an open line that takes one type and gives another             |
//! | [`Endpoints`]            | several of them on one server, each on its own path            |
//! | [`Declared`], `#[endpoint]` | the same as methods of a type, marked by what calls them    |
//!
//! What a peer sends and nobody can decode closes its line: 1003 where the kind is not taken, 1007
//! where the content is wrong.
//!
//! # Built in code
//!
//! ```
//! use tieline::endpoint::{Endpoint, Endpoints, Line};
//! use tokio::net::TcpListener;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // What clients say, what they hear, and where.
//! let add = Endpoint::<String, String>::at("/add/{number}").param::<i64>("number");
//!
//! let server = Endpoints::new().add(add.clone(), |mut line: Line<String, String>| async move {
//!     let mut sum: i64 = line.param("number").expect("checked before the handshake");
//!     while let Some(said) = line.next().await {
//!         sum += said?.parse().unwrap_or(0);
//!         line.send(sum.to_string()).await?;
//!     }
//!     Ok(())
//! })?;
//! let listener = TcpListener::bind("127.0.0.1:0").await?;
//! let base = format!("ws://{}", listener.local_addr()?);
//! tokio::spawn(server.serve(listener, std::future::pending()));
//!
//! let mut line = add.connect(&base, &[("number", "40")]).await?;
//! line.send("2".to_owned()).await?;
//! assert_eq!(line.next().await.expect("an answer")?, "42");
//! # Ok(()) }
//! ```
//!
//! # Declared
//!
//! [`Declared`] shows the same with `#[endpoint]`.

mod built;
mod codec;
mod declared;
mod line;
mod path;
mod set;

pub use built::{Endpoint, EndpointConnectError};
#[cfg(feature = "json")]
#[cfg_attr(docsrs, doc(cfg(feature = "json")))]
pub use codec::Json;
pub use codec::{Decode, DecodeError, Encode, EncodeError};
pub use declared::{Declared, connect, run};
pub use line::{Line, LineError};
pub use path::PathError;
pub use set::{Endpoints, ServeError};
#[cfg(feature = "macros")]
#[cfg_attr(docsrs, doc(cfg(feature = "macros")))]
pub use tieline_macros::endpoint;
