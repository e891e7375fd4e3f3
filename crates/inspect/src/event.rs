//! What was seen of a connection, one thing at a time.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use tieline_proto::CloseCode;
use tieline_proto::deflate::Window;
use tieline_proto::handshake::{Dialect, HandshakeError};
use tieline_proto::http::HeadError;

use crate::frame::{Frame, Sender};

/// Something that happened, and when.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "nothing happens without a time")]
pub struct Event {
    /// Since the beginning of 1970.
    pub time: Duration,
    /// What it was.
    pub what: What,
}

/// Something that happened on one of many connections.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "an event and whose it is")]
pub struct Seen {
    /// The number of the connection, from 1 in the order in which they were first seen.
    pub connection: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// The server answered a request to upgrade.
    Answered(Box<Answered>),
    /// The client asked for a WebSocket.
    Asked(Box<Asked>),
    /// The connection is over, or nothing more of it is there to see.
    Closed(Box<Ending>),
    /// Somebody connected over TCP.
    Connected(Box<Connected>),
    /// A connection of TCP is over that was no WebSocket.
    Disconnected(End),
    /// A frame is whole, or will never be.
    Frame {
        /// Who has sent it.
        from: Sender,
        /// The frame.
        frame: Frame,
        /// Of a pong: since its ping, where it was looked on.
        round_trip: Option<Duration>,
    },
    /// Bytes are missing, and will not come any more.
    Gap {
        /// Whose.
        from: Sender,
        /// How many.
        bytes: u64,
    },
    /// Something that explains what else there is to see, or why there is not.
    Note(Note),
}

/// A connection of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connected {
    /// Who asked, or seems to have.
    pub client: SocketAddr,
    /// Who answered.
    pub server: SocketAddr,
    /// When the client asked for a connection, the first part of the three-way handshake.
    pub syn: Option<Duration>,
    /// When the server answered.
    pub syn_ack: Option<Duration>,
    /// When the client confirmed.
    pub ack: Option<Duration>,
}

/// A request to upgrade.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// Its method, GET but for a fault.
    pub method: Method,
    /// What was asked for: path and query.
    pub target: String,
    /// All its headers.
    pub headers: HeaderMap,
    /// Which protocol it asks for.
    pub dialect: Dialect,
    /// `Sec-WebSocket-Version`: 13, 8 or 7; `None` for hixie, and where it says something else.
    pub version: Option<u8>,
    /// The subprotocols offered.
    pub protocols: Vec<String>,
    /// The extensions offered, as they are written.
    pub extensions: Vec<String>,
    /// What is wrong with it.
    pub error: Option<HandshakeError>,
}

/// The answer to a request to upgrade.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answered {
    /// Its status: 101, or it is a refusal.
    pub status: StatusCode,
    /// All its headers.
    pub headers: HeaderMap,
    /// Whether `Sec-WebSocket-Accept` is the right one for the key, or the challenge of hixie-76
    /// was met; `None` in a refusal, in hixie-75, and where the request is not there.
    pub is_accept_right: Option<bool>,
    /// The subprotocol chosen.
    pub protocol: Option<String>,
    /// The extensions in use, as they are written.
    pub extensions: Vec<String>,
    /// permessage-deflate, where it is in use.
    pub deflate: Option<Windows>,
    /// What is wrong with it; a refusal is right.
    pub error: Option<HandshakeError>,
}

/// The windows of the two compressors (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a connection has two ends")]
pub struct Windows {
    /// The client's.
    pub client: Window,
    /// The server's.
    pub server: Window,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// Who sent the first close frame.
    pub began: Option<Sender>,
    /// What the client's close frame said.
    pub client: Option<(CloseCode, String)>,
    /// What the server's close frame said.
    pub server: Option<(CloseCode, String)>,
    /// What ended the transport.
    pub end: End,
}

/// What ended the transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// Nothing that was seen: nobody looks any more, or the capture ends.
    Unseen,
    /// This end said that nothing more comes, the first to do so.
    Fin(Sender),
    /// This end reset it.
    Reset(Sender),
}

/// What explains something.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// This end said more behind its close frame.
    AfterClose(Sender),
    /// The handshake does not come to its end.
    HandshakeCutOff,
    /// HTTP/2 or later: what is in it is not looked at.
    Http2,
    /// The handshake is not there: the frames begin somewhere.
    InTheMiddle,
    /// It is HTTP, and nobody asked for a WebSocket.
    NoUpgrade,
    /// Nothing in it looks like frames.
    NoFrames(Sender),
    /// It begins like no request of HTTP.
    NotHttp(HeadError),
    /// So many bytes were passed over until frames made sense again.
    Passed(Sender, u64),
    /// It is encrypted.
    Tls,
    /// It is encrypted, and cannot be opened, or not further.
    TlsLost,
    /// It is encrypted, and opened by secrets that were logged.
    TlsOpened,
}

impl What {
    /// Its kind, in a word, the same for people and programs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Answered(_) => "response",
            Self::Asked(_) => "request",
            Self::Closed(_) => "closed",
            Self::Connected(_) => "connection",
            Self::Disconnected(_) => "end",
            Self::Frame { .. } => "frame",
            Self::Gap { .. } => "gap",
            Self::Note(_) => "note",
        }
    }

    /// Whose it is, where it is one end's.
    pub const fn from(&self) -> Option<Sender> {
        match self {
            Self::Asked(_) => Some(Sender::Client),
            Self::Answered(_) => Some(Sender::Server),
            Self::Frame { from, .. } | Self::Gap { from, .. } => Some(*from),
            Self::Note(Note::AfterClose(from) | Note::NoFrames(from) | Note::Passed(from, _)) => {
                Some(*from)
            }
            Self::Closed(_) | Self::Connected(_) | Self::Disconnected(_) | Self::Note(_) => None,
        }
    }
}

impl Ending {
    /// Whether both close frames were exchanged.
    pub const fn was_clean(&self) -> bool {
        self.client.is_some() && self.server.is_some()
    }

    /// The close code as the end that did not begin would show it; 1006 without a close frame.
    pub fn code(&self) -> CloseCode {
        let first = match self.began {
            Some(Sender::Client) => &self.client,
            Some(Sender::Server) => &self.server,
            None => &None,
        };
        first.as_ref().map_or(CloseCode::ABNORMAL, |(code, _)| *code)
    }
}

impl End {
    /// Its name, and whose it is.
    pub(crate) const fn parts(self) -> (&'static str, Option<Sender>) {
        match self {
            Self::Unseen => ("unseen", None),
            Self::Fin(from) => ("fin", Some(from)),
            Self::Reset(from) => ("reset", Some(from)),
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unseen => f.write_str("its end was not seen"),
            Self::Fin(from) => write!(f, "the {from} ended the transport"),
            Self::Reset(from) => write!(f, "the {from} reset the transport"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterClose(from) => write!(f, "the {from} says more behind its close frame"),
            Self::HandshakeCutOff => f.write_str("the handshake is cut off"),
            Self::Http2 => f.write_str("HTTP/2: what is in it is not looked at"),
            Self::InTheMiddle => {
                f.write_str("the handshake is not there: frames are looked for in the middle")
            }
            Self::NoUpgrade => f.write_str("HTTP, in which nobody asks for a WebSocket"),
            Self::NoFrames(from) => write!(f, "nothing that the {from} says looks like frames"),
            Self::NotHttp(error) => write!(f, "no WebSocket: {error}"),
            Self::Passed(from, 1) => {
                write!(f, "1 byte of the {from}'s passed over until frames made sense")
            }
            Self::Passed(from, bytes) => {
                write!(f, "{bytes} bytes of the {from}'s passed over until frames made sense")
            }
            Self::Tls => f.write_str("TLS, not decrypted: give --keys FILE"),
            Self::TlsLost => f.write_str(
                "TLS, not decrypted from here on: its secrets are not in the key log, its cipher is none that is \
                 opened, or bytes are missing",
            ),
            Self::TlsOpened => f.write_str("TLS, decrypted by the key log"),
        }
    }
}
