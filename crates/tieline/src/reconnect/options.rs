//! When a client comes back, and when it stays away.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use tieline_proto::CloseCode;

use super::{Backoff, Why};
use crate::connect::ConnectError;
use crate::proxy::ProxyError;
#[cfg(feature = "tls")]
use crate::tls::TlsError;

/// How a client comes back. Set the fields you mean and take the rest from `default()`.
///
/// | the line ended, or did not open, because                    | comes back        |
/// |-------------------------------------------------------------|-------------------|
/// | it was lost: an end without a close, silence, a network error | yes             |
/// | the server closed it                                        | unless its code is in [`stop_on_close`](Self::stop_on_close) |
/// | the server broke the protocol                               | yes               |
/// | the server refused it                                       | unless its status is in [`stop_on_status`](Self::stop_on_status) |
/// | name, TCP, proxy, TLS or handshake failed, or took too long | yes               |
/// | the URL, the request, the proxy's URL or password, or the TLS settings are wrong | no |
/// | permessage-deflate was required and not agreed to           | no                |
/// | this end closed it                                          | no                |
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tieline::reconnect::Reconnect;
///
/// let patient = Reconnect { max: Duration::from_secs(300), ..Reconnect::default() };
/// assert_eq!(patient.base, Duration::from_millis(500));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "options are plain structs: callers write `..default()`"
)]
pub struct Reconnect {
    /// Longest wait before the first attempt to come back; it doubles with each that follows.
    /// Every wait is a random part of its longest, so that clients lost together do not come back
    /// together. Default 500 ms.
    pub base: Duration,
    /// Where the doubling ends. Default 30 s.
    pub max: Duration,
    /// How long a line must have been open for the doubling to start anew. Default 10 s.
    pub stable_after: Duration,
    /// The server's close codes after which coming back makes no sense. Default 1000 (the server
    /// is done), 1003, 1008, 1010 (it wants none of this), 3000 and 3003 (unauthorized, forbidden).
    pub stop_on_close: Vec<CloseCode>,
    /// The statuses of a refusal after which coming back makes no sense. Default 400, 401, 403,
    /// 404, 405, 410 and 426.
    pub stop_on_status: Vec<StatusCode>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(500),
            max: Duration::from_secs(30),
            stable_after: Duration::from_secs(10),
            stop_on_close: vec![
                CloseCode::NORMAL,
                CloseCode::UNSUPPORTED,
                CloseCode::POLICY,
                CloseCode::MISSING_EXTENSION,
                CloseCode::new(3000),
                CloseCode::new(3003),
            ],
            stop_on_status: vec![
                StatusCode::BAD_REQUEST,
                StatusCode::UNAUTHORIZED,
                StatusCode::FORBIDDEN,
                StatusCode::NOT_FOUND,
                StatusCode::METHOD_NOT_ALLOWED,
                StatusCode::GONE,
                StatusCode::UPGRADE_REQUIRED,
            ],
        }
    }
}

impl Reconnect {
    /// How long to wait before coming back; `None` to stay away.
    pub(super) fn wait_after(&self, why: &Why, backoff: &mut Backoff) -> Option<Duration> {
        let comes_back = match why {
            Why::Closed { code, .. } => !self.stop_on_close.contains(code),
            Why::Connect(ConnectError::Refused(refused)) => {
                !self.stop_on_status.contains(&refused.status)
            }
            Why::Connect(error) => may_heal(error),
            Why::Line(_) => true,
        };
        let asked = asked_to_wait(why).unwrap_or_default().min(self.max);
        comes_back.then(|| backoff.next(self, random()).max(asked))
    }
}

/// Whether the same request may have better luck later.
const fn may_heal(error: &ConnectError) -> bool {
    match error {
        ConnectError::DeflateDeclined
        | ConnectError::Proxy(
            ProxyError::Credentials | ProxyError::Scheme(_) | ProxyError::Url(_),
        )
        | ConnectError::Request(_)
        | ConnectError::TlsFeature
        | ConnectError::Url(_) => false,
        #[cfg(feature = "tls")]
        ConnectError::Tls(error) => matches!(error, TlsError::Handshake(_)),
        _ => true,
    }
}

/// What a server that is busy asks for (RFC 9110 §10.2.3), where it asks in seconds.
fn asked_to_wait(why: &Why) -> Option<Duration> {
    let Why::Connect(ConnectError::Refused(refused)) = why else { return None };
    let seconds = refused.headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Without randomness the wait is as long as it may be.
pub(super) fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::RequestError;
    use crate::url::UrlError;

    fn comes_back(why: &Why) -> bool {
        Reconnect::default().wait_after(why, &mut Backoff::default()).is_some()
    }

    #[test]
    fn stays_away_where_coming_back_makes_no_sense() {
        let closed = |code| Why::Closed { code: CloseCode::new(code), reason: String::new() };
        assert!(
            ![1000, 1003, 1008, 1010, 3000, 3003].iter().any(|code| comes_back(&closed(*code)))
        );
        assert!([1001, 1005, 1011, 1012, 1013, 4000].iter().all(|code| comes_back(&closed(*code))));
        assert!(comes_back(&Why::Line(crate::Error::Lost { why: crate::Lost::Eof, source: None })));
        for error in [
            ConnectError::Url(UrlError::Fragment),
            ConnectError::Request(RequestError::Version(9)),
            ConnectError::Proxy(ProxyError::Credentials),
            ConnectError::DeflateDeclined,
        ] {
            assert!(!comes_back(&Why::Connect(error)));
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(comes_back(&Why::Connect(ConnectError::Io(refused))));
    }
}
