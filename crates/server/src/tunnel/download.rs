//! An answer's body on its way back from the upstream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::task::spawn_local;
use tokio::time::{Instant, Sleep, sleep};

use super::dial::Sender;
use super::pool;
use super::upstream::Open;

/// An answer's body, from the upstream. Once it is whole, its connection may be used again.
pub(super) struct Download {
    body: Incoming,
    sender: Option<Sender>,
    open: Option<Open>,
    idle: Option<Idle>,
}

/// Ends what has been silent for too long.
struct Idle {
    within: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Download {
    pub(super) fn new(
        body: Incoming,
        sender: Sender,
        open: Open,
        idle_within: Option<Duration>,
    ) -> Self {
        let idle = idle_within.map(|within| Idle { within, timer: Box::pin(sleep(within)) });
        let mut this = Self { body, sender: Some(sender), open: Some(open), idle };
        this.finish_if_whole();
        this
    }

    fn finish_if_whole(&mut self) {
        if self.body.is_end_stream() {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let (Some(mut sender), Some(open)) = (self.sender.take(), self.open.take()) else { return };
        spawn_local(async move {
            if sender.ready().await.is_ok() {
                pool::put(open.0.id, sender);
            }
        });
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Pending => {
                let timer = this.idle.as_mut().map(|idle| idle.timer.as_mut());
                if timer.is_some_and(|timer| timer.poll(cx).is_ready()) {
                    return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
                }
                Poll::Pending
            }
            Poll::Ready(None) => {
                this.finish();
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => {
                if let Some(Idle { within, timer }) = &mut this.idle {
                    timer.as_mut().reset(Instant::now() + *within);
                }
                this.finish_if_whole();
                Poll::Ready(Some(frame.map_err(io::Error::other)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
