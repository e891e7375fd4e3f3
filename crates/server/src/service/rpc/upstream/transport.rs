//! A line to a node, over which JSON values go both ways: a WebSocket or a Unix socket.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt;
use tieline::{
    ClientStream, Connect, ConnectError, Limits, Message, ProtocolError, Receiver, Sender,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::keeper::Silent;
use super::message::NotRpc;
use super::options::{Address, Options};
use crate::splitter::{Splitter, TooLong};

/// Room for one read of a Unix socket.
const READ_BYTES: usize = 16 << 10;

/// The half from which the node is heard.
pub(super) enum Hearing {
    Ipc { stream: OwnedReadHalf, values: Splitter, max_bytes: usize },
    WebSocket(Receiver<ClientStream>),
}

/// The half by which the node is spoken to.
pub(super) enum Speaking {
    Ipc(BufWriter<OwnedWriteHalf>),
    WebSocket(Sender<ClientStream>),
}

/// A line did not open, or is no more.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Lost {
    /// There is none at the moment.
    #[error("the node cannot be reached")]
    Away,
    /// The node ended it.
    #[error("the node closed the line")]
    Closed,
    /// It did not open.
    #[error("the line does not open")]
    Connect(#[source] Arc<ConnectError>),
    /// The system says that it is broken.
    #[error("the line is broken")]
    Io(#[source] Arc<io::Error>),
    /// Its Unix socket cannot be reached.
    #[error("the line does not open")]
    Open(#[source] Arc<io::Error>),
    /// The node said what is not JSON-RPC.
    #[error(transparent)]
    NotRpc(Arc<NotRpc>),
    /// The node does not answer.
    #[error(transparent)]
    Silent(Silent),
    /// An answer was longer than it may be.
    #[error("an answer is longer than max_answer_bytes = {0}")]
    TooBig(usize),
    /// The WebSocket is broken.
    #[error("the line is broken")]
    WebSocket(#[source] tieline::Error),
}

/// Opens a line.
pub(super) async fn open(options: &Options) -> Result<(Speaking, Hearing), Lost> {
    match &options.address {
        Address::Http(_) => unreachable!("over HTTP there are no lines: see `Upstream::new`"),
        Address::Ipc(path) => open_ipc(path, options.max_answer_bytes).await,
        Address::WebSocket(url) => open_websocket(url, options.max_answer_bytes).await,
    }
}

async fn open_ipc(path: &Path, max_bytes: usize) -> Result<(Speaking, Hearing), Lost> {
    let socket = UnixStream::connect(path).await;
    let (read, write) = socket.map_err(|error| Lost::Open(Arc::new(error)))?.into_split();
    Ok((
        Speaking::Ipc(BufWriter::new(write)),
        Hearing::Ipc { stream: read, values: Splitter::new(max_bytes), max_bytes },
    ))
}

async fn open_websocket(url: &str, max_bytes: usize) -> Result<(Speaking, Hearing), Lost> {
    let limits = Limits { max_message_bytes: max_bytes, ..Limits::default() };
    let socket = Connect::to(url).limits(limits).open().await;
    let (sender, receiver) = socket.map_err(|error| Lost::Connect(Arc::new(error)))?.split();
    Ok((Speaking::WebSocket(sender), Hearing::WebSocket(receiver)))
}

impl Speaking {
    /// Says one thing, which leaves with the next [`flush`](Self::flush) at the latest.
    pub(super) async fn say(&mut self, text: String) -> Result<(), Lost> {
        match self {
            Self::Ipc(stream) => {
                stream.write_all(text.as_bytes()).await?;
                stream.write_all(b"\n").await?;
            }
            Self::WebSocket(sender) => sender.feed(Message::from(text)).await?,
        }
        Ok(())
    }

    /// Has everything leave that was said.
    pub(super) async fn flush(&mut self) -> Result<(), Lost> {
        match self {
            Self::Ipc(stream) => stream.flush().await?,
            Self::WebSocket(sender) => SinkExt::<Message>::flush(sender).await?,
        }
        Ok(())
    }
}

impl Hearing {
    /// The next thing that the node says.
    pub(super) async fn next(&mut self) -> Result<Bytes, Lost> {
        match self {
            Self::Ipc { stream, values, max_bytes } => loop {
                let next = values.next().map_err(|TooLong| Lost::TooBig(*max_bytes));
                if let Some(value) = next? {
                    return Ok(value.freeze());
                }
                let buffer = values.buffer();
                buffer.reserve(READ_BYTES);
                if stream.read_buf(buffer).await? == 0 {
                    return Err(Lost::Closed);
                }
            },
            Self::WebSocket(receiver) => match receiver.next().await {
                Some(message) => Ok(message?.into_bytes()),
                None => Err(Lost::Closed),
            },
        }
    }
}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

impl From<NotRpc> for Lost {
    fn from(error: NotRpc) -> Self {
        Self::NotRpc(Arc::new(error))
    }
}

impl From<Silent> for Lost {
    fn from(error: Silent) -> Self {
        Self::Silent(error)
    }
}

impl From<tieline::Error> for Lost {
    fn from(error: tieline::Error) -> Self {
        match error {
            tieline::Error::Failed(ProtocolError::MessageTooBig { limit, .. }) => {
                Self::TooBig(limit)
            }
            error => Self::WebSocket(error),
        }
    }
}

impl fmt::Debug for Hearing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hearing")
    }
}
