//! Servers to be tested: on a free port of loopback, with one worker unless the test says more.

use std::net::SocketAddr;
use std::time::Duration;

use tieline::serve::{
    self, Backlog, Handler, ListenOptions, Overflow, Place, Running, Server, ServerOptions,
};
use tieline::{AcceptOptions, ClientStream, Limits, WebSocket};
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) type Socket = WebSocket<ClientStream>;

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server at work; it stops with the test.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) running: Running,
}

/// A server with one worker and the defaults.
pub(crate) fn served<H: Handler>(handler: impl Fn() -> H + Send + Sync + 'static) -> Served {
    served_with(ListenOptions::default(), handler)
}

pub(crate) fn served_with<H: Handler>(
    options: ListenOptions,
    handler: impl Fn() -> H + Send + Sync + 'static,
) -> Served {
    served_by(1, options, handler)
}

pub(crate) fn served_by<H: Handler>(
    workers: usize,
    options: ListenOptions,
    handler: impl Fn() -> H + Send + Sync + 'static,
) -> Served {
    served_as(ServerOptions { workers, ..ServerOptions::default() }, options, handler)
}

pub(crate) fn served_as<H: Handler>(
    options: ServerOptions,
    listen: ListenOptions,
    handler: impl Fn() -> H + Send + Sync + 'static,
) -> Served {
    let mut server = Server::new(options);
    server.listen(&loopback(), listen).unwrap();
    let Place::Tcp(address) = *server.places()[0] else { panic!("not TCP") };
    Served { address, running: server.start(handler).unwrap() }
}

/// A free port.
pub(crate) fn loopback() -> Place {
    Place::Tcp(([127, 0, 0, 1], 0).into())
}

pub(crate) fn echo() -> impl Handler {
    serve::messages(|link, message| link.send(message))
}

pub(crate) fn accepting(accept: AcceptOptions) -> ListenOptions {
    ListenOptions { accept, ..ListenOptions::default() }
}

pub(crate) fn within(limits: Limits) -> ListenOptions {
    accepting(AcceptOptions { limits, ..AcceptOptions::default() })
}

pub(crate) fn holding(max_bytes: usize, overflow: Overflow) -> ListenOptions {
    ListenOptions { backlog: Backlog { max_bytes, overflow }, ..ListenOptions::default() }
}

impl Served {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    pub(crate) async fn connect(&self, path: &str) -> Socket {
        tieline::connect(&self.url(path)).await.unwrap()
    }
}

/// The next message, which must come and be a text.
pub(crate) async fn text(socket: &mut Socket) -> String {
    let message = soon(socket.next()).await.expect("an open line").expect("a message");
    message.text().expect("a text").to_owned()
}

/// Sends a text, and expects these, in order.
pub(crate) async fn expect(socket: &mut Socket, texts: &[&str]) {
    for expected in texts {
        assert_eq!(text(socket).await, *expected);
    }
}

/// What a handler reports next.
pub(crate) async fn heard<T>(reports: &mut UnboundedReceiver<T>) -> T {
    soon(reports.recv()).await.expect("the handler lives")
}

/// Waits, but not for ever.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it comes in time")
}
