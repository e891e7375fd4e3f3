//! The way of a stream's bytes from the worker of its line to the worker that answers the request.
//!
//! One piece waits on the way and no more: where nothing is taken, nothing is made.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;

/// The side of the line.
#[derive(Debug)]
pub(crate) struct Writer {
    pieces: PollSender<Bytes>,
    reader: oneshot::Receiver<()>,
}

/// The side of the answer. It ends with its [`Writer`].
#[derive(Debug)]
pub(crate) struct Reader {
    pieces: mpsc::Receiver<Bytes>,
    _dropped_with_it: oneshot::Sender<()>,
}

/// Both ends of a new one, with what the stream begins with.
pub(crate) fn pipe(beginning: Bytes) -> (Writer, Reader) {
    let (sender, pieces) = mpsc::channel(1);
    sender.try_send(beginning).expect("there is room for one piece");
    let (held, reader) = oneshot::channel();
    let writer = Writer { pieces: PollSender::new(sender), reader };
    (writer, Reader { pieces, _dropped_with_it: held })
}

impl Writer {
    /// Ready where a piece may be written.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // That the reader has gone is told by `poll_gone`.
        self.pieces.poll_reserve(cx).map(drop)
    }

    /// Writes a piece, where it may be.
    pub(crate) fn write(&mut self, piece: Bytes) {
        // The line keeps it: it is written again for who asks again.
        let _ = self.pieces.send_item(piece);
    }

    /// Ready once nobody reads any more.
    pub(crate) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.reader).poll(cx).map(drop)
    }
}

impl Body for Reader {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.pieces.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
