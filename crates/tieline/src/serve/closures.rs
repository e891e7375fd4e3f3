//! Handlers made of closures.

use tieline_proto::Closed;
use tieline_proto::handshake::Agreement;

use super::handler::Handler;
use super::link::Link;
use super::message::Message;
use crate::accept::Request;

/// A handler that only looks at messages, and keeps nothing for a link.
///
/// # Example
///
/// ```no_run
/// use tieline::serve::{self, Server};
///
/// let echo = || serve::messages(|link, message| link.send(message));
/// Server::bind("127.0.0.1:8080")?.run(echo)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn messages<M>(mut message: M) -> impl Handler
where
    M: FnMut(&Link, Message<'_>) + 'static,
{
    links(|_, _| (), move |(), link, what| message(link, what), |(), _, _| ())
}

/// A handler of three closures: a link is open, it has said something, it is gone. What the first
/// returns is kept for the link.
///
/// # Example
///
/// ```no_run
/// use tieline::serve::{self, Server};
///
/// Server::bind("127.0.0.1:8080")?.run(|| {
///     serve::links(
///         |link, request| {
///             link.subscribe(request.path());
///             request.path().to_owned()
///         },
///         |room, link, message| link.worker().publish(room, message),
///         |room, _, how| println!("somebody left {room}: {how}"),
///     )
/// })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn links<S, O, M, C>(open: O, message: M, close: C) -> impl Handler
where
    S: 'static,
    O: FnMut(&Link, &Request) -> S + 'static,
    M: FnMut(&mut S, &Link, Message<'_>) + 'static,
    C: FnMut(S, &Link, &Closed) + 'static,
{
    Closures { open, message, close, state: std::marker::PhantomData }
}

struct Closures<S, O, M, C> {
    open: O,
    message: M,
    close: C,
    state: std::marker::PhantomData<S>,
}

impl<S, O, M, C> Handler for Closures<S, O, M, C>
where
    S: 'static,
    O: FnMut(&Link, &Request) -> S + 'static,
    M: FnMut(&mut S, &Link, Message<'_>) + 'static,
    C: FnMut(S, &Link, &Closed) + 'static,
{
    type State = S;

    fn open(&mut self, link: &Link, request: &Request, _: &Agreement) -> S {
        (self.open)(link, request)
    }

    fn message(&mut self, state: &mut S, link: &Link, message: Message<'_>) {
        (self.message)(state, link, message);
    }

    fn close(&mut self, state: S, link: &Link, how: &Closed) {
        (self.close)(state, link, how);
    }
}
