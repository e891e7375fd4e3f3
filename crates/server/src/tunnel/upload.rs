//! A request's body on its way to the upstream, and how far it has come.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Instant;

/// A request's body, from the client.
#[derive(Debug)]
pub(super) struct Upload {
    /// `None` where there is nothing to send.
    body: Option<Incoming>,
    left: u64,
    pub(super) progress: Rc<Progress>,
}

/// How far a request has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// When something moved last.
    moved: Cell<Instant>,
    /// Whether the upstream would take more of the body than the client has sent.
    pub(super) waits_for_client: Cell<bool>,
    pub(super) is_too_large: Cell<bool>,
}

impl Upload {
    pub(super) fn new(body: Incoming, max_bytes: u64) -> Self {
        let body = (!body.is_end_stream()).then_some(body);
        Self { body, left: max_bytes, progress: Progress::new() }
    }

    pub(super) fn empty() -> Self {
        Self { body: None, left: 0, progress: Progress::new() }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        this.progress.waits_for_client.set(true);
        let frame = ready!(Pin::new(body).poll_frame(cx));
        this.progress.waits_for_client.set(false);
        this.progress.moved.set(Instant::now());
        let frame = match frame {
            None => return Poll::Ready(None),
            Some(frame) => frame.map_err(io::Error::other)?,
        };
        let len = frame.data_ref().map_or(0, |data| data.len() as u64);
        match this.left.checked_sub(len) {
            Some(left) => this.left = left,
            None => {
                this.progress.is_too_large.set(true);
                return Poll::Ready(Some(Err(io::ErrorKind::FileTooLarge.into())));
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Progress {
    fn new() -> Rc<Self> {
        Rc::new(Self {
            moved: Cell::new(Instant::now()),
            waits_for_client: Cell::new(false),
            is_too_large: Cell::new(false),
        })
    }

    /// The upstream's time begins now.
    pub(super) fn begin(&self) {
        self.moved.set(Instant::now());
    }

    /// When it has been still for that long.
    pub(super) fn deadline(&self, within: Duration) -> Instant {
        self.moved.get() + within
    }
}
