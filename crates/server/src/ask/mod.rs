//! What a request asks of an emulated line, on whichever worker that line is, and what it is answered.

mod id;
mod pipe;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::oneshot;

pub(crate) use id::{LineId, LineSecret};
pub(crate) use pipe::{Reader, Writer, pipe};

/// A request, on its way to the line that it is for.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) line: LineId,
    /// The path of the route that it came to.
    pub(crate) route: Arc<str>,
    pub(crate) secret: LineSecret,
    pub(crate) what: What,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Result<Answer, Fault>>,
}

/// What it asks for.
#[derive(Debug)]
pub(crate) enum What {
    /// The end of the line.
    Close,
    /// The messages behind the last that was seen.
    Receive {
        /// The number of the last.
        seen: u64,
        how: How,
    },
    /// To be heard.
    Send {
        /// The number of the first message.
        from: u64,
        messages: Vec<ByteString>,
        /// The number of the last message of the server that was seen, where that is said.
        seen: Option<u64>,
    },
}

/// How messages are to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As an event stream.
    Events,
    /// Each on a line.
    Lines,
    /// Those that wait, in an array, as soon as there are any, or after this time.
    Poll(Duration),
}

/// What the line answers.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It has ended.
    Closed,
    /// These messages, in an array.
    Messages(Bytes),
    /// Messages as they come.
    Stream(Reader),
    /// It has heard the client's messages up to this number.
    Taken(u64),
}

/// Why a request is not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// What cannot be meant.
    #[error("{0}")]
    Malformed(String),
    /// Messages of the client are missing; the number of the next.
    #[error("messages before this one have not come: `expected` is the number of the next")]
    OutOfOrder(u64),
    /// A newer request asks for the messages.
    #[error("a newer request asks for the messages of this line")]
    Replaced,
    /// What was seen cannot have been, or what is behind it is gone; the number of the last.
    #[error("{0}")]
    Seen(&'static str, u64),
    /// The secret is another, or there is none.
    #[error(
        "the secret of the line is missing or wrong: it stands in the cookie that `open` set, or in \
         `Authorization: Bearer`"
    )]
    Secret,
    /// The worker cannot keep up.
    #[error("the server is overloaded: come back later")]
    Overloaded,
    /// The line ends, and hears nothing more.
    #[error("the line ends: its messages say why")]
    Ended,
    /// There is no such line.
    #[error("there is no such line, or not any more: open another")]
    Unknown,
}

impl Ask {
    /// What it holds beyond itself, in bytes.
    pub(crate) fn cost(&self) -> usize {
        let held = match &self.what {
            What::Send { messages, .. } => {
                messages.iter().map(|text| size_of::<ByteString>() + text.len()).sum()
            }
            What::Close | What::Receive { .. } => 0,
        };
        size_of::<Self>() + held
    }

    /// Answers that it cannot be.
    pub(crate) fn refuse(self, fault: Fault) {
        // Whoever asked may have gone.
        let _ = self.answer.send(Err(fault));
    }
}
