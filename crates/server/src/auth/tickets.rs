//! The one ticket of a server, and the pass that it is exchanged for.
//!
//! ```text
//! start ─▶ ticket, to whoever started it ─▶ POST /_tieline/ticket ─▶ pass, in a cookie ─▶ Identity
//!                                            once                     until its time is over
//! ```
//!
//! Both are 256 random bits, in memory only. A ticket may be seen where it is printed and in an
//! address, and is void once it was used; the pass is in a cookie that no script can read.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use data_encoding::BASE64URL_NOPAD;
use http::HeaderMap;

use super::denied::Denied;
use super::identity::Identity;
use super::secret::Secret;
use super::sources::{Presented, of_cookies};
use crate::host::host;
use crate::random;

/// Where a ticket is exchanged.
pub(crate) const TICKET_PATH: &str = "/_tieline/ticket";

/// What whoever has the pass is called.
const USER: &str = "ticket";

/// What the names of all cookies begin with that hold a pass.
const COOKIE: &str = "tieline";

/// The ticket of a server.
#[derive(Debug)]
pub(crate) struct Tickets(Mutex<Ticket>);

/// Whoever has the pass, for some time.
#[derive(Clone, Debug)]
pub(crate) struct Ticketed {
    pub(crate) tickets: Arc<Tickets>,
    /// How long the pass is good here.
    pub(crate) expires: Duration,
}

enum Ticket {
    Fresh(String),
    Used { pass: Secret, at: SystemTime },
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Ticket::Fresh(secret())))
    }

    /// The ticket, as long as nobody has used it.
    pub(crate) fn unused(&self) -> Option<String> {
        match &*self.state() {
            Ticket::Fresh(ticket) => Some(ticket.clone()),
            Ticket::Used { .. } => None,
        }
    }

    /// The pass for a ticket, which is void from then on; `None` for one that is not good.
    pub(crate) fn exchange(&self, ticket: &str, now: SystemTime) -> Option<String> {
        let mut state = self.state();
        match &*state {
            Ticket::Fresh(fresh) if Secret::new(fresh).is(&Secret::new(ticket)) => {
                let pass = secret();
                *state = Ticket::Used { pass: Secret::new(&pass), at: now };
                Some(pass)
            }
            Ticket::Fresh(_) | Ticket::Used { .. } => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, Ticket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticketed {
    /// The pass that a request holds: not where another site's page may have asked.
    pub(super) fn find(presented: &Presented<'_>) -> Option<String> {
        if !presented.is_own_page {
            return None;
        }
        of_cookies(presented.headers, &cookie_name(host(presented.uri, presented.headers)))
    }

    /// Whether a request for this host holds a pass that is good.
    pub(crate) fn lets_in(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let pass = of_cookies(headers, &cookie_name(host));
        pass.is_some_and(|pass| self.check(&pass, SystemTime::now()).is_ok())
    }

    /// Whose pass it is, as long as it is good.
    pub(super) fn check(&self, pass: &str, now: SystemTime) -> Result<Identity, Denied> {
        let given = Secret::new(pass);
        let expires = match &*self.tickets.state() {
            Ticket::Used { pass, at } if pass.is(&given) => *at + self.expires,
            Ticket::Fresh(_) | Ticket::Used { .. } => return Err(Denied::NoPass),
        };
        if now >= expires {
            return Err(Denied::NoPass);
        }
        Ok(Identity { expires: Some(expires), ..Identity::of(USER) })
    }
}

/// The cookie of a pass. Cookies do not know ports, and servers of this kind often share a name:
/// each has a cookie of its own.
pub(crate) fn cookie_name(host: Option<&str>) -> String {
    let port = host.and_then(|host| host.rsplit_once(':')).map(|(_, port)| port);
    match port.filter(|port| !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit())) {
        Some(port) => format!("{COOKIE}-{port}"),
        None => COOKIE.to_owned(),
    }
}

fn secret() -> String {
    BASE64URL_NOPAD.encode(&random::bytes::<32>())
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fresh(_) => "Fresh",
            Self::Used { .. } => "Used",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_its_pass_until_its_time_is_over() {
        let tickets = Arc::new(Tickets::new());
        let ticketed = Ticketed { tickets: Arc::clone(&tickets), expires: Duration::from_secs(60) };
        let start = SystemTime::now();
        let ticket = tickets.unused().unwrap();
        assert_eq!(ticketed.check(&ticket, start), Err(Denied::NoPass), "a ticket is no pass");
        for wrong in ["", &ticket[1..], &format!("{ticket}=")] {
            assert_eq!(tickets.exchange(wrong, start), None);
        }
        let pass = tickets.exchange(&ticket, start).unwrap();
        assert_ne!(pass, ticket);
        assert_eq!(tickets.exchange(&ticket, start), None);
        assert_eq!(tickets.exchange(&pass, start), None);
        assert_eq!(tickets.unused(), None);

        let after = |seconds| start + Duration::from_secs(seconds);
        let identity = ticketed.check(&pass, after(59)).unwrap();
        assert_eq!((identity.user.as_str(), identity.expires), ("ticket", Some(after(60))));
        assert_eq!(ticketed.check(&pass, after(60)), Err(Denied::NoPass));
        assert_eq!(ticketed.check(&ticket, after(1)), Err(Denied::NoPass));
    }

    #[test]
    fn neither_ticket_nor_pass_is_shown() {
        let tickets = Tickets::new();
        let ticket = tickets.unused().unwrap();
        assert!(!format!("{tickets:?}").contains(&ticket));
        let pass = tickets.exchange(&ticket, SystemTime::now()).unwrap();
        assert!(!format!("{tickets:?}").contains(&pass));
    }

    #[test]
    fn each_port_has_its_cookie() {
        for (host, name) in [
            (Some("127.0.0.1:8080"), "tieline-8080"),
            (Some("[::1]:8080"), "tieline-8080"),
            (Some("[::1]"), "tieline"),
            (Some("localhost"), "tieline"),
            (Some("localhost:"), "tieline"),
            (None, "tieline"),
        ] {
            assert_eq!(cookie_name(host), name, "{host:?}");
        }
    }
}
