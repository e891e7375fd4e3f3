//! The one gate of every route: who asks, whether that one may, and not too often. Lines and
//! ordinary requests to a service all pass it.
//!
//! | in this order                              | where it fails   |
//! |--------------------------------------------|------------------|
//! | the address does not come too often        | 429              |
//! | a token, where the route asks for one      | 401, 403         |
//! | the user does not come too often           | 429              |
//! | for a line: not too many are open already  | 429              |

use std::sync::Arc;
use std::time::SystemTime;

use http::header::ORIGIN;
use http::{Request, Response};

use crate::auth::{Denied, Identity, Jwks, Presented};
use crate::counts::Counts;
use crate::entrance::{Entrance, allows_origin};
use crate::limits::{Exceeded, Held};
use crate::routes::Route;

/// The gate of a route, for who comes by one entrance.
pub(crate) struct Gate<'a> {
    pub(crate) entrance: &'a Entrance,
    pub(crate) route: &'a Route,
    pub(crate) counts: &'a Counts,
}

/// Why somebody does not pass.
#[derive(Debug)]
pub(crate) enum Halt {
    Denied(Denied),
    Exceeded(Exceeded),
    /// The token names a key that is not known: it is worth another try once these were fetched.
    Waits(Arc<Jwks>),
}

impl Gate<'_> {
    /// Who it is that may pass; `None` where the route does not ask, or lets in
    /// nobody in particular. Whoever waited for keys has
    /// been counted already.
    pub(crate) fn pass(
        &self,
        presented: &Presented<'_>,
        has_waited: bool,
    ) -> Result<Option<Arc<Identity>>, Halt> {
        let Self { entrance, route, counts } = self;
        let address = entrance.from.map(|from| from.ip());
        if !has_waited {
            entrance.listener.limiter.connect_from(address)?;
            route.plan.limiter.connect_from(address)?;
        }
        let Some(access) = &route.plan.access else { return Ok(None) };
        let identity = access.judge(presented, SystemTime::now()).map_err(|denied| match access
            .to_refresh(&denied)
        {
            Some(jwks) if !has_waited => Halt::Waits(Arc::clone(jwks)),
            _ => {
                counts.denied(&denied);
                Halt::Denied(denied)
            }
        })?;
        let Some(identity) = identity else { return Ok(None) };
        route.plan.limiter.connect_of(Some(&identity.user))?;
        Ok(Some(Arc::new(identity)))
    }

    /// Takes a place for a line, until the answer is dropped.
    pub(crate) fn hold(&self, identity: Option<&Identity>) -> Result<Held, Halt> {
        let address = self.entrance.from.map(|from| from.ip());
        let user = identity.map(|identity| identity.user.as_str());
        let mut held = Held::default();
        self.entrance.listener.limiter.hold(address, user, &mut held)?;
        self.route.plan.limiter.hold(address, user, &mut held)?;
        Ok(held)
    }

    /// Whether an ordinary request may be known by its cookie: not where another site's page may
    /// have sent it, whatever its method.
    pub(crate) fn is_own_page(&self, head: &Request<()>) -> bool {
        if head.headers().contains_key(ORIGIN) {
            return allows_origin(head, self.entrance, self.route);
        }
        let site = head.headers().get("sec-fetch-site").map(|site| site.as_bytes());
        matches!(site, None | Some(b"same-origin" | b"none"))
    }
}

impl Halt {
    /// What the client is answered; who waits is told to come back.
    pub(crate) fn response(&self, counts: &Counts) -> Response<String> {
        match self {
            Self::Denied(denied) => denied.response(),
            Self::Exceeded(exceeded) => {
                counts.exceeded(exceeded);
                exceeded.response()
            }
            Self::Waits(_) => Denied::NoKeys.response(),
        }
    }
}

impl From<Exceeded> for Halt {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
    }
}
