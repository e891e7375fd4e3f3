//! What a program says to its links: the one public seam of the engine.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use tieline_proto::handshake::Agreement;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::{Closed, Limits};

use super::arrival::{Admission, Arrival};
use super::backlog::Backlog;
use super::handoff::Handoff;
use super::link::{Link, Worker};
use super::message::Message;
use crate::accept::{AcceptError, Answer, Refusal, Request};

/// Serves the links of one worker.
///
/// Each worker has a handler of its own, made on its thread, so that nothing of it need be shared or
/// locked. Every call must be short: all links of the worker wait for it. Slow work goes to a local
/// task (`tokio::task::spawn_local` works in every call), which keeps a [`Link`] to answer with.
///
/// ```text
/// request ─▶ admit ─▶ 101 ─▶ open ─▶ message … ─▶ close
///                                    writable      after its peer read what was too much
///                                    drain         the server stops
/// ```
///
/// A call about a link or a request that panics ends its own link with 1011, and no other; one of
/// [`start`](Self::start), [`harden`](Self::harden) or [`trouble`](Self::trouble) ends the worker.
///
/// # Example
///
/// ```
/// use tieline::serve::{Handler, Link, Message};
/// use tieline::{Agreement, Request};
///
/// /// Counts what each peer says.
/// struct Counting;
///
/// impl Handler for Counting {
///     type State = usize;
///
///     fn open(&mut self, _: &Link, _: &Request, _: &Agreement) -> usize {
///         0
///     }
///
///     fn message(&mut self, count: &mut usize, link: &Link, _message: Message<'_>) {
///         *count += 1;
///         link.send(format!("message {count}"));
///     }
/// }
/// ```
pub trait Handler: Sized + 'static {
    /// What is kept for each link.
    type State: 'static;

    /// The worker begins: the place to start local tasks.
    fn start(&mut self, _worker: &Worker) {}

    /// Decides, before the handshake is answered, whether and how to take a peer that the
    /// listener's [`AcceptOptions`](crate::AcceptOptions) let in.
    ///
    /// Called for ordinary requests, too: for those a [`Refusal`] may be a page, and an [`Answer`]
    /// becomes a 426.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] is what the peer is answered instead.
    fn admit(&mut self, _request: &Request, _arrival: &Arrival) -> Result<Answer, Refusal> {
        Ok(Answer::default())
    }

    /// A link is open: what is returned is kept for it. `agreement` knows the subprotocol.
    fn open(&mut self, link: &Link, request: &Request, agreement: &Agreement) -> Self::State;

    /// A whole message; it borrows what was read. Not called any more once the end was asked for.
    fn message(&mut self, state: &mut Self::State, link: &Link, message: Message<'_>);

    /// The backlog was full and has room again, where the link waited for that
    /// ([`Overflow::Wait`](super::Overflow::Wait)) or has skipped topics until then
    /// ([`Link::subscribe_skipping`]).
    fn writable(&mut self, _state: &mut Self::State, _link: &Link) {}

    /// The server stops: the last moment to say something. The link is closed with 1001 after it,
    /// unless it [lingers](Self::lingers).
    fn drain(&mut self, _state: &mut Self::State, _link: &Link) {}

    /// Whether a link that was just told that the server stops stays open and is served on: the
    /// handler ends it, before it is cut off when the time to drain is over. For peers that would
    /// otherwise all come back in one moment.
    fn lingers(&self, _state: &Self::State, _link: &Link) -> bool {
        false
    }

    /// The last call. A clean close and a lost line both end here; nothing is sent any more.
    fn close(&mut self, _state: Self::State, _link: &Link, _how: &Closed) {}

    /// All its links that are open, once [`Worker::survey`] was called: for what is asked from outside.
    fn survey(&mut self, _links: &mut dyn Iterator<Item = (Link, &Self::State)>) {}

    /// Decides about a request from its head; the way to other rules than those of
    /// [`AcceptOptions`](crate::AcceptOptions), and to [hand over](Decision::HandOff) ordinary requests.
    fn decide(&mut self, head: http::Request<()>, arrival: &Arrival) -> Decision<Self> {
        arrival.decide(self, head)
    }

    /// Takes a connection that is no link: what [`decide`](Self::decide) hands over, and HTTP/2
    /// where the listener's TLS agreed on it. Runs on the worker: serve it by a local task. By
    /// default it is dropped.
    fn hand_off(&mut self, _handoff: Handoff) {}

    /// Changes a refusal before it is sent, to add headers to every one.
    fn harden(&mut self, _response: &mut Response<Bytes>) {}

    /// What went wrong that no link hears of, for the log.
    fn trouble(&mut self, _trouble: &Trouble<'_>) {}
}

/// What becomes of a request.
#[non_exhaustive]
pub enum Decision<H: Handler> {
    /// It opens a link.
    Accept(Box<Grant<H>>),
    /// Its connection, and what was read of it, goes to [`Handler::hand_off`].
    HandOff,
    /// It is answered, and the connection ends.
    Refuse(Box<Response<Bytes>>),
    /// The connection is reset without an answer: for clients that would never come back after one.
    Reset,
}

/// Opens a link: what it returns is kept for it.
pub type Opening<H> = Box<dyn FnOnce(&mut H, &Link, &Agreement) -> <H as Handler>::State>;

/// How a link is opened.
#[expect(clippy::exhaustive_structs, reason = "whoever decides has to say all of it")]
pub struct Grant<H: Handler> {
    /// The request that is granted.
    pub upgrade: Upgrade,
    /// How it is answered.
    pub accept: Accept,
    /// The bounds of the line.
    pub limits: Arc<Limits>,
    /// How much may wait for the peer.
    pub backlog: Arc<Backlog>,
    /// Called once the 101 is on its way.
    pub open: Opening<H>,
}

/// What went wrong that no link hears of.
#[derive(Debug)]
#[non_exhaustive]
pub enum Trouble<'a> {
    /// The system has no room for another connection; it is tried again after a moment.
    Accept(&'a io::Error),
    /// A connection ended in its handshake.
    Handshake(&'a Arrival, &'a io::Error),
    /// A call of the handler panicked, and its link ends with 1011.
    Panicked(&'a Link),
    /// The time to drain is over: so many connections are cut off.
    CutOff(usize),
    /// A request was refused.
    Refused(&'a Arrival, &'a Response<Bytes>),
}

impl Arrival {
    /// What a request leads to by the options of the listener, and by what the handler
    /// [admits](Handler::admit).
    pub fn decide<H: Handler>(&self, handler: &mut H, head: http::Request<()>) -> Decision<H> {
        match self.grant(handler, head) {
            Ok(grant) => Decision::Accept(Box::new(grant)),
            Err(error) => {
                let response = error.response().expect("the client is still there");
                Decision::Refuse(Box::new(response))
            }
        }
    }

    fn grant<H: Handler>(
        &self,
        handler: &mut H,
        head: http::Request<()>,
    ) -> Result<Grant<H>, AcceptError> {
        let Admission { accept: options, limits, backlog } = &*self.options;
        let request = Request::understand(head, options)?;
        let answer = handler.admit(&request, self).map_err(AcceptError::Refused)?;
        let upgrade = request.upgrade().ok_or(AcceptError::NotUpgrade)?.clone();
        let own = answer.limits.clone().map(Arc::new);
        Ok(Grant {
            accept: options.answer(&upgrade, answer),
            upgrade,
            limits: own.unwrap_or_else(|| Arc::clone(limits)),
            backlog: Arc::clone(backlog),
            open: Box::new(move |handler: &mut H, link, agreement| {
                handler.open(link, &request, agreement)
            }),
        })
    }
}
