//! What a request below a route's path wants: read from its head, before its body has come.
//!
//! | part     | method | query                | |
//! |----------|--------|----------------------|-|
//! | `open`   | POST   |                      | a new line |
//! | `events` | GET    | `line`, `seen`       | its messages as events; `Last-Event-ID` goes before `seen` |
//! | `stream` | GET    | `line`, `seen`       | the same, each on a line |
//! | `poll`   | GET    | `line`, `seen`, `wait` | those that wait |
//! | `send`   | POST   | `line`, `from`, `seen` | the client's messages |
//! | `close`  | POST   | `line`               | the end |

use std::time::Duration;

use http::{HeaderMap, Method, Request};

use super::cookie;
use crate::ask::{Fault, How, LineId, LineSecret};
use crate::auth::bearer;

/// How long a poll is held where it does not say, and where it may say no more.
const HELD: Duration = Duration::from_secs(25);
const MOST_HELD: Duration = Duration::from_secs(30);

/// What lies below a route's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Close,
    Events,
    Open,
    Poll,
    Send,
    Stream,
}

/// What is wanted of a line that there is.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(super) line: LineId,
    pub(super) secret: LineSecret,
    pub(super) what: Deed,
}

#[derive(Debug)]
pub(super) enum Deed {
    Close,
    Receive { seen: u64, how: How },
    Send { from: u64, seen: Option<u64> },
}

impl Part {
    /// The part with this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "close" => Self::Close,
            "events" => Self::Events,
            "open" => Self::Open,
            "poll" => Self::Poll,
            "send" => Self::Send,
            "stream" => Self::Stream,
            _ => return None,
        })
    }

    /// The one method that it answers.
    pub(crate) const fn method(self) -> Method {
        match self {
            Self::Close | Self::Open | Self::Send => Method::POST,
            Self::Events | Self::Poll | Self::Stream => Method::GET,
        }
    }
}

impl Wanted {
    /// What this request wants; a cookie is believed where the page that sends it may ask. `None` for
    /// `open`, which wants no line that there is.
    pub(super) fn of(
        part: Part,
        head: &Request<()>,
        is_own_page: bool,
    ) -> Result<Option<Self>, Fault> {
        let query = head.uri().query().unwrap_or_default();
        let seen = || number(query, "seen");
        let what = match part {
            Part::Open => return Ok(None),
            Part::Close => Deed::Close,
            Part::Events => {
                let seen = match last_event(head.headers())? {
                    Some(last) => last,
                    None => seen()?.unwrap_or_default(),
                };
                Deed::Receive { seen, how: How::Events }
            }
            Part::Stream => Deed::Receive { seen: seen()?.unwrap_or_default(), how: How::Lines },
            Part::Poll => {
                let wait = number(query, "wait")?.map_or(HELD, Duration::from_secs);
                let how = How::Poll(wait.min(MOST_HELD));
                Deed::Receive { seen: seen()?.unwrap_or_default(), how }
            }
            Part::Send => match number(query, "from")? {
                None | Some(0) => {
                    let reason =
                        "`from` is the number of the first message, and the first of all is 1";
                    return Err(Fault::Malformed(reason.to_owned()));
                }
                Some(from) => Deed::Send { from, seen: seen()? },
            },
        };
        let line = value(query, "line").ok_or_else(|| {
            Fault::Malformed("`line` names the line, as `open` has answered it".to_owned())
        })?;
        // What is no id was never the id of a line.
        let line = line.parse().map_err(|_| Fault::Unknown)?;
        let secret = secret(head.headers(), line, is_own_page).ok_or(Fault::Secret)?;
        Ok(Some(Self { line, secret, what }))
    }
}

fn value<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

fn number(query: &str, name: &str) -> Result<Option<u64>, Fault> {
    let Some(text) = value(query, name) else { return Ok(None) };
    match text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse()) {
        Some(Ok(number)) => Ok(Some(number)),
        _ => Err(Fault::Malformed(format!("`{name}` is a whole number"))),
    }
}

/// What a browser saw last of an event stream that was cut off.
fn last_event(headers: &HeaderMap) -> Result<Option<u64>, Fault> {
    let Some(last) = headers.get("last-event-id").filter(|last| !last.is_empty()) else {
        return Ok(None);
    };
    let number = last.to_str().ok().and_then(|last| last.parse().ok());
    let wrong =
        || Fault::Malformed("`Last-Event-ID` is the `id` of an event of this line".to_owned());
    number.map(Some).ok_or_else(wrong)
}

/// Whoever shows one openly means that one.
fn secret(headers: &HeaderMap, line: LineId, is_own_page: bool) -> Option<LineSecret> {
    match bearer(headers) {
        Ok(Some(token)) => token.parse().ok(),
        Ok(None) if is_own_page => cookie::find(headers, line),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "3-00000000000000aa";

    fn wanted(part: Part, target: &str, headers: &[(&str, &str)]) -> Result<Deed, Fault> {
        let secret = format!("Bearer {}", LineSecret::random().reveal());
        let request = Request::get(target).header("authorization", secret);
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let wanted = Wanted::of(part, &request.body(()).unwrap(), true)?;
        Ok(wanted.unwrap().what)
    }

    #[test]
    fn a_browser_that_comes_back_goes_on_behind_what_it_saw() {
        let target = format!("/a/events?line={LINE}&seen=3");
        for (headers, expected) in
            [(&[][..], 3), (&[("last-event-id", "7")], 7), (&[("last-event-id", "")], 3)]
        {
            let deed = wanted(Part::Events, &target, headers);
            assert!(
                matches!(deed, Ok(Deed::Receive { seen, how: How::Events }) if seen == expected),
                "{deed:?}"
            );
        }
        assert!(wanted(Part::Events, &target, &[("last-event-id", "x")]).is_err());
    }

    #[test]
    fn a_poll_is_held_for_so_long_and_no_longer() {
        for (query, seconds) in [("", 25), ("&wait=0", 0), ("&wait=7", 7), ("&wait=31", 30)] {
            let deed = wanted(Part::Poll, &format!("/a/poll?line={LINE}{query}"), &[]);
            let Ok(Deed::Receive { seen: 0, how: How::Poll(wait) }) = deed else {
                panic!("{deed:?}")
            };
            assert_eq!(wait.as_secs(), seconds);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told_so() {
        for (part, query) in [
            (Part::Poll, "line=3-00000000000000aa&seen=-1"),
            (Part::Poll, "line=3-00000000000000aa&wait=1.5"),
            (Part::Poll, "line=3-00000000000000aa&seen="),
            (Part::Poll, "line=3-00000000000000aa&seen=99999999999999999999"),
            (Part::Poll, "seen=1"),
            (Part::Send, "line=3-00000000000000aa"),
            (Part::Send, "line=3-00000000000000aa&from=0"),
        ] {
            let fault = wanted(part, &format!("/a/x?{query}"), &[]).unwrap_err();
            assert!(matches!(fault, Fault::Malformed(_)), "{query}: {fault}");
        }
        assert_eq!(wanted(Part::Close, "/a/close?line=no", &[]).unwrap_err(), Fault::Unknown);
    }

    #[test]
    fn a_cookie_is_believed_only_of_a_page_that_may_ask_and_a_header_goes_first() {
        let line: LineId = LINE.parse().unwrap();
        let secret = LineSecret::random();
        let mut headers = HeaderMap::new();
        headers.insert(
            "cookie",
            format!("a=b; tieline-line-{LINE}={}", secret.reveal()).parse().unwrap(),
        );
        assert!(super::secret(&headers, line, true).unwrap().is(&secret));
        assert!(super::secret(&headers, line, false).is_none());
        headers.insert("authorization", "Bearer of-something-else".parse().unwrap());
        assert!(super::secret(&headers, line, true).is_none());
    }
}
