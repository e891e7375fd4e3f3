//! Checking who may come to a route.

use std::net::IpAddr;
use std::sync::Arc;

use http::Uri;
use tieline_proto::http::is_token;

use super::Check;
use crate::auth::{self, Algorithm, Claims, Jwks, Jwt, KeyFiles, Keys, Rule, Sources, Tokens};
use crate::config::access::{self as file, JwtAccess};
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
        let (rule, rights, cookie, query) = match &route.access {
            file::Access::None {} => return Ok(None),
            file::Access::Token(it) => {
                let tokens = Tokens::load(self.source.resolve(&it.file))
                    .map_err(|error| self.fail(Problem::Access(error), &key.name("file")))?;
                (Rule::Tokens(tokens), &it.rights, &it.cookie, &it.danger_query)
            }
            file::Access::Jwt(it) => {
                (Rule::Jwt(Box::new(self.jwt(it, key)?)), &it.rights, &it.cookie, &it.danger_query)
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
        let sources = Sources { cookie: cookie.clone(), query: query.clone() };
        Ok(Some(Arc::new(auth::Access { rule, sources, rights: rights.clone() })))
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
        match &written.jwks {
            Some(_) if has_files => return Err(self.fail(Problem::KeysTwice, &key.name("jwks"))),
            Some(address) => {
                let key = key.name("jwks");
                if !is_fetchable(address, written.danger_jwks_over_http) {
                    return Err(self.fail(Problem::Jwks(address.clone()), &key));
                }
                return Jwks::new(address.clone(), written.jwks_refresh.get())
                    .map(|jwks| Keys::Fetched(Arc::new(jwks)))
                    .map_err(|error| self.fail(Problem::Client(error), &key));
            }
            None => {}
        }
        // Each algorithm has its key, and each key its algorithm.
        let wants_secret = written.algorithms.contains(&Algorithm::HS256);
        let wants_public = written.algorithms.iter().any(|it| *it != Algorithm::HS256);
        if wants_secret != written.secret_file.is_some() {
            return Err(self.fail(Problem::SecretAndAlgorithm, &key.name("secret_file")));
        }
        if wants_public == written.key_files.is_empty() {
            return Err(self.fail(Problem::KeysAndAlgorithms, &key.name("key_files")));
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

/// Keys that come over plain HTTP may be anybody's, unless they do not leave the machine.
fn is_fetchable(address: &str, danger_over_http: bool) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let Some(host) = uri.host() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let is_local = host == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => danger_over_http || is_local,
        _ => false,
    }
}
