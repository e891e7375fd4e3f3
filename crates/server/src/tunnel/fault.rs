//! Why an upstream gave no answer that could be handed on, and what the client is told.

use std::io;
use std::time::Duration;

use http::StatusCode;

use crate::service::Refusal;

/// Why there is no answer of an upstream's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// Its answer to an upgrade is not what RFC 6455 asks for.
    #[error("the upstream's answer to the handshake is wrong")]
    BadHandshake(#[source] tieline::HandshakeError),
    /// An extension that the client did not offer.
    #[error("the upstream chose an extension that was not offered")]
    BadExtension,
    /// It switched protocols, and nobody had asked it to.
    #[error("the upstream switched protocols unasked")]
    BadSwitch,
    /// The client broke off its body.
    #[error("the request's body breaks off")]
    BodyBroken,
    /// The client's body did not come.
    #[error("the request's body did not come within {0:?}")]
    BodyLate(Duration),
    /// The client's body is above its limit, `max_body_bytes`.
    #[error("the request's body is larger than {limit} bytes")]
    BodyTooLarge { limit: u64 },
    /// The connection broke before there was an answer.
    #[error("the upstream broke off before its answer")]
    Broken(#[source] hyper::Error),
    /// A path with `..` in it, which would lead out of the route.
    #[error("the path climbs out of its route")]
    Climbs,
    /// No connection could be made.
    #[error("the upstream cannot be reached")]
    Connect(#[source] io::Error),
    /// No connection in time.
    #[error("the upstream could not be reached within {0:?}")]
    ConnectLate(Duration),
    /// No answer in time.
    #[error("the upstream did not answer within {0:?}")]
    Late(Duration),
    /// All that could be asked have as much to do as they may (`max_open`).
    #[error("every upstream has as much to do as it may")]
    Busy,
    /// A path that is too long behind the upstream's own.
    #[error("the path is too long")]
    PathTooLong,
    /// Nobody is left to ask.
    #[error("no upstream is alive")]
    NoneAlive,
}

impl Fault {
    /// What the client is answered.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::BadExtension
            | Self::BadHandshake(_)
            | Self::BadSwitch
            | Self::Broken(_)
            | Self::Connect(_) => StatusCode::BAD_GATEWAY,
            Self::BodyBroken | Self::Climbs => StatusCode::BAD_REQUEST,
            Self::BodyLate(_) => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy | Self::NoneAlive => StatusCode::SERVICE_UNAVAILABLE,
            Self::ConnectLate(_) | Self::Late(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::PathTooLong => StatusCode::URI_TOO_LONG,
        }
    }

    /// Whether it speaks against the upstream.
    pub(super) const fn is_upstreams(&self) -> bool {
        !matches!(
            self,
            Self::BodyBroken
                | Self::BodyLate(_)
                | Self::BodyTooLarge { .. }
                | Self::Busy
                | Self::Climbs
                | Self::NoneAlive
                | Self::PathTooLong
        )
    }

    /// Whether nothing was said to the upstream, so that another may be asked.
    pub(super) const fn is_before_request(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::ConnectLate(_))
    }

    /// The answer; what happened between this server and its upstream is for the log alone.
    pub(super) fn refusal(&self) -> Refusal {
        Refusal::new(self.status(), self.to_string())
    }
}
