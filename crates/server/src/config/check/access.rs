//! Checking who may come to a route.

use std::net::IpAddr;
use std::sync::Arc;

use tieline_proto::http::is_token;
use url::{Host, Url};

use super::{Check, SECOND, YEAR};
use crate::auth::{
    self, Algorithm, Claims, Jwks, Jwt, KeyFiles, Keys, Rule, Sources, Ticketed, Tickets, Tokens,
};
use crate::backend::{Reach, is_refused};
use crate::config::access::{self as file, JwtAccess, TicketAccess};
use crate::config::error::{ConfigError, Problem};
use crate::config::route::Route;
use crate::config::source::Key;

impl Check<'_> {
    pub(super) fn access(
        &self,
        route: &Route,
        key: &Key,
    ) -> Result<Option<Arc<auth::Access>>, ConfigError> {
        let key = &key.name("access");
        let (rule, rights, anonymous, cookie, query) = match &route.access {
            file::Access::None {} => return Ok(None),
            file::Access::Ticket(it) => return self.ticket(it, route, key).map(Some),
            file::Access::Token(it) => {
                let tokens = Tokens::load(self.source.resolve(&it.file))
                    .map_err(|error| self.fail(Problem::Access(error), &key.name("file")))?;
                let rule = Rule::Tokens(tokens);
                (rule, &it.rights, it.anonymous, &it.cookie, &it.danger_query)
            }
            file::Access::Jwt(it) => {
                let rule = Rule::Jwt(Box::new(self.jwt(it, key)?));
                (rule, &it.rights, it.anonymous, &it.cookie, &it.danger_query)
            }
        };
        if route.service.is_none() {
            return Err(self.fail(Problem::AccessWithoutService, key));
        }
        // A cookie comes by itself: whose page asked must then be known.
        if cookie.is_some() && route.danger_accept_any_origin {
            return Err(self.fail(Problem::CookieOfAnyOrigin, &key.name("cookie")));
        }
        for (name, at) in [(cookie, "cookie"), (query, "danger_query")] {
            if let Some(name) = name.as_ref().filter(|name| !is_token(name.as_bytes())) {
                return Err(self.fail(Problem::Name(name.clone()), &key.name(at)));
            }
        }
        // As OAuth has it (RFC 6749 §3.3), for they are told to whoever lacks one.
        let is_right = |right: &str| {
            !right.is_empty()
                && right.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
        };
        if let Some(at) = rights.iter().position(|right| !is_right(right)) {
            let problem = Problem::Name(rights[at].clone());
            return Err(self.fail(problem, &key.name("rights").index(at)));
        }
        if anonymous && !rights.is_empty() {
            return Err(self.fail(Problem::AnonymousAndRights, &key.name("anonymous")));
        }
        let sources = Sources { cookie: cookie.clone(), query: query.clone() };
        Ok(Some(Arc::new(auth::Access {
            rule,
            sources,
            rights: rights.clone(),
            anonymous,
            standing: self.standing.clone(),
        })))
    }

    fn ticket(
        &self,
        written: &TicketAccess,
        route: &Route,
        key: &Key,
    ) -> Result<Arc<auth::Access>, ConfigError> {
        if route.service.is_none() {
            return Err(self.fail(Problem::AccessWithoutService, key));
        }
        if route.danger_accept_any_origin {
            return Err(self.fail(Problem::CookieOfAnyOrigin, key));
        }
        // Cookies know whole seconds.
        self.time_in_range(written.expires, SECOND, YEAR, &key.name("expires"))?;
        let tickets = Arc::clone(self.tickets.get_or_init(|| Arc::new(Tickets::new())));
        let rule = Rule::Ticket(Ticketed { tickets, expires: written.expires.get() });
        let (sources, rights) = (Sources::default(), Vec::new());
        let standing = self.standing.clone();
        Ok(Arc::new(auth::Access { rule, sources, rights, anonymous: false, standing }))
    }

    fn jwt(&self, written: &JwtAccess, key: &Key) -> Result<Jwt, ConfigError> {
        if written.algorithms.is_empty() {
            return Err(self.fail(Problem::NoAlgorithm, &key.name("algorithms")));
        }
        let file::ClaimNames { user, expires, rights } = written.claims.clone();
        Ok(Jwt {
            keys: self.keys(written, key)?,
            algorithms: written.algorithms.clone(),
            audience: written.audience.clone(),
            issuer: written.issuer.clone(),
            leeway: written.leeway.get(),
            claims: Claims { user, expires, rights },
            needs_expiry: !written.danger_accept_no_expiry,
        })
    }

    fn keys(&self, written: &JwtAccess, key: &Key) -> Result<Keys, ConfigError> {
        let has_files = written.secret_file.is_some() || !written.key_files.is_empty();
        if written.jwks.is_some() && has_files {
            return Err(self.fail(Problem::KeysTwice, &key.name("jwks")));
        }
        // Each algorithm has its key, and each key its algorithm.
        let wants_secret = written.algorithms.contains(&Algorithm::HS256);
        let wants_public = written.algorithms.iter().any(|it| *it != Algorithm::HS256);
        let has_public = written.jwks.is_some() || !written.key_files.is_empty();
        if wants_secret != written.secret_file.is_some() {
            return Err(self.fail(Problem::SecretAndAlgorithm, &key.name("secret_file")));
        }
        if wants_public != has_public {
            return Err(self.fail(Problem::KeysAndAlgorithms, &key.name("key_files")));
        }
        if let Some(address) = &written.jwks {
            let key = key.name("jwks");
            let reach = reach(address, written.danger_jwks_over_http)
                .map_err(|problem| self.fail(problem, &key))?;
            return Jwks::new(address.clone(), reach, written.jwks_refresh.get())
                .map(|jwks| Keys::Fetched(Arc::new(jwks)))
                .map_err(|error| self.fail(Problem::Client(error), &key));
        }
        let at = |error: &auth::AccessError| {
            let is_it = |path| error.path() == self.source.resolve(path);
            match written.key_files.iter().position(|path| is_it(path)) {
                Some(index) => key.name("key_files").index(index),
                None => key.name("secret_file"),
            }
        };
        let files = KeyFiles {
            secret: written.secret_file.as_ref().map(|path| self.source.resolve(path)),
            public: written.key_files.iter().map(|path| self.source.resolve(path)).collect(),
            algorithms: written.algorithms.clone(),
        };
        Keys::load(files).map_err(|error| {
            let key = at(&error);
            self.fail(Problem::Access(error), &key)
        })
    }
}

/// Where an address of keys may lead. Keys that come over plain HTTP may be anybody's, unless they do
/// not leave the machine.
fn reach(address: &str, danger_over_http: bool) -> Result<Reach, Problem> {
    let not_an_address = || Problem::Jwks(address.to_owned());
    let url: Url = address.parse().map_err(|_| not_an_address())?;
    // The log names the address: no place for a password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(not_an_address());
    }
    let (literal, reach) = match url.host().ok_or_else(not_an_address)? {
        Host::Domain("localhost") => (None, Reach::Loopback),
        // Who issues tokens is often inside.
        Host::Domain(_) => (None, Reach::Private),
        Host::Ipv4(ip) => (Some(IpAddr::from(ip)), Reach::Private),
        Host::Ipv6(ip) => (Some(IpAddr::from(ip).to_canonical()), Reach::Private),
    };
    if let Some(refused) = literal.filter(|ip| is_refused(*ip)) {
        return Err(Problem::BackendAddress(refused));
    }
    let is_local = reach == Reach::Loopback || literal.is_some_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(reach),
        "http" if danger_over_http || is_local => Ok(reach),
        _ => Err(not_an_address()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine_and_never_from_metadata() {
        for (address, expected) in [
            ("https://id.example/keys", Some(Reach::Private)),
            ("https://10.1.2.3/keys", Some(Reach::Private)),
            ("https://localhost/keys", Some(Reach::Loopback)),
            ("http://LOCALHOST:9000/keys", Some(Reach::Loopback)),
            ("http://127.0.0.1:9000/keys", Some(Reach::Private)),
            ("http://[::1]:9000/keys", Some(Reach::Private)),
            ("http://[::ffff:127.0.0.1]/keys", Some(Reach::Private)),
            ("http://id.example/keys", None),
            ("http://localhost.example/keys", None),
            ("http://10.1.2.3/keys", None),
            ("https://169.254.169.254/keys", None),
            ("http://169.254.169.254/keys", None),
            ("https://[fd00:ec2::254]/keys", None),
            ("https://name:word@id.example/keys", None),
            ("file:///etc/keys", None),
            ("id.example/keys", None),
            ("", None),
        ] {
            assert_eq!(reach(address, false).ok(), expected, "{address}");
        }
        assert_eq!(reach("http://id.example/keys", true).ok(), Some(Reach::Private));
        let metadata = reach("http://169.254.169.254/keys", true);
        assert!(matches!(metadata, Err(Problem::BackendAddress(_))));
    }
}
