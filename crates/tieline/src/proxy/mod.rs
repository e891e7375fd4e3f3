//! Proxies: asking one for a line to somebody else.
//!
//! | proxy     | how it is asked                | names are resolved by |
//! |-----------|--------------------------------|-----------------------|
//! | HTTP      | `CONNECT host:port` (RFC 9110) | the proxy             |
//! | SOCKS 5   | RFC 1928, RFC 1929             | the proxy             |
//!
//! What is said to the proxy itself is not encrypted; a `wss` line through it is, from end to end.

mod environment;
mod error;
mod http;
mod socks5;

use std::fmt;

pub use error::ProxyError;
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Host, Url};

use crate::url::{Target, UrlError, credentials};

/// A proxy that a client goes through.
///
/// # Example
///
/// ```
/// use tieline::{Connect, Proxy};
///
/// let request = Connect::to("wss://example.com/")
///     .proxy(Proxy::socks5("socks5://user:password@127.0.0.1:1080"));
/// ```
#[derive(Clone)]
pub struct Proxy(Choice);

#[derive(Clone)]
enum Choice {
    Environment,
    Given(Option<Kind>, String),
}

/// What the proxy speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Http,
    Socks5,
}

impl Proxy {
    /// An HTTP proxy: `http://host:port`, perhaps with `user:password@`, port 80 by default.
    pub fn http(url: impl Into<String>) -> Self {
        Self(Choice::Given(Some(Kind::Http), url.into()))
    }

    /// A SOCKS 5 proxy: `socks5://host:port`, perhaps with `user:password@`, port 1080 by default.
    pub fn socks5(url: impl Into<String>) -> Self {
        Self(Choice::Given(Some(Kind::Socks5), url.into()))
    }

    /// The proxy that the URL's scheme says it is: `http`, `socks5` or `socks5h`.
    pub fn from_url(url: impl Into<String>) -> Self {
        Self(Choice::Given(None, url.into()))
    }

    /// The proxy that the environment names, if it does, when the connection is opened.
    ///
    /// | for      | the first of these that is set                                    |
    /// |----------|-------------------------------------------------------------------|
    /// | `ws`     | `ws_proxy`, `http_proxy`, `all_proxy`, `ALL_PROXY`                |
    /// | `wss`    | `wss_proxy`, `https_proxy`, `HTTPS_PROXY`, `all_proxy`, `ALL_PROXY` |
    /// | no proxy | `no_proxy`, `NO_PROXY`: `*`, or names (with what is below them), addresses and networks, each perhaps with a port, separated by commas |
    ///
    /// `HTTP_PROXY` is not read: where a program serves CGI requests, a client can set it.
    pub const fn from_env() -> Self {
        Self(Choice::Environment)
    }

    /// The proxy's address for this target; `None` where there is no proxy for it.
    pub(crate) fn server(&self, target: &Target) -> Result<Option<Server>, ProxyError> {
        match &self.0 {
            Choice::Given(kind, url) => Server::parse(url, *kind).map(Some),
            Choice::Environment => {
                let variable = |name: &str| std::env::var(name).ok();
                match environment::proxy_for(target, variable) {
                    Some(url) => Server::parse(&url, None).map(Some),
                    None => Ok(None),
                }
            }
        }
    }
}

/// Without the user and password that the URL may hold.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Choice::Environment => f.write_str("Proxy(environment)"),
            Choice::Given(kind, url) => match Server::parse(url, *kind) {
                Ok(Server { kind, host, port, .. }) => write!(f, "Proxy({kind:?} {host}:{port})"),
                Err(error) => write!(f, "Proxy({error})"),
            },
        }
    }
}

/// A proxy's address, and who asks.
pub(crate) struct Server {
    kind: Kind,
    pub(crate) host: Host,
    pub(crate) port: u16,
    user: Option<(String, String)>,
}

impl Server {
    /// Parses `[scheme://][user[:password]@]host[:port][/]`. The scheme must be one of `kind`, or
    /// decides it; without either it is HTTP.
    fn parse(text: &str, kind: Option<Kind>) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.split_once("://").map_or((None, text), |(s, r)| (Some(s), r));
        let named = match scheme.map(str::to_ascii_lowercase).as_deref() {
            None => kind.unwrap_or(Kind::Http),
            Some("http") => Kind::Http,
            Some("socks5" | "socks5h") => Kind::Socks5,
            Some(other) => return Err(ProxyError::Scheme(other.to_owned())),
        };
        let kind = kind.unwrap_or(named);
        if kind != named {
            return Err(ProxyError::Scheme(scheme.unwrap_or_default().to_owned()));
        }
        // The rules for hosts are those of `http`, whatever the scheme.
        let malformed = |error| ProxyError::Url(UrlError::Malformed(error));
        let url = Url::parse(&format!("http://{rest}")).map_err(malformed)?;
        let host = url.host().ok_or(url::ParseError::EmptyHost).map_err(malformed)?.to_owned();
        let user = credentials(&url).map_err(ProxyError::Url)?;
        let default = match kind {
            Kind::Http => 80,
            Kind::Socks5 => 1080,
        };
        Ok(Self { kind, host, port: written_port(rest).unwrap_or(default), user })
    }

    /// Asks for a line to `host`.
    pub(crate) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        host: &Host,
        port: u16,
    ) -> Result<S, ProxyError> {
        let user = self.user.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
        match self.kind {
            Kind::Http => http::open(&mut stream, host, port, user).await?,
            Kind::Socks5 => socks5::open(&mut stream, host, port, user).await?,
        }
        Ok(stream)
    }
}

/// The port as it is written: the parser drops one that is its scheme's own.
fn written_port(rest: &str) -> Option<u16> {
    let authority = rest.split(['/', '?', '#']).next()?;
    authority.rsplit('@').next()?.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, kind: Option<Kind>) -> Option<(Kind, String, u16, Option<String>)> {
        let server = Server::parse(text, kind).ok()?;
        let user = server.user.map(|(user, password)| format!("{user}:{password}"));
        Some((server.kind, server.host.to_string(), server.port, user))
    }

    #[test]
    fn an_address_may_leave_out_all_but_the_host() {
        let http = |host: &str, port| Some((Kind::Http, host.to_owned(), port, None));
        assert_eq!(parsed("proxy", None), http("proxy", 80));
        assert_eq!(parsed("http://Proxy:3128/", Some(Kind::Http)), http("proxy", 3128));
        assert_eq!(parsed("[::1]", None), http("[::1]", 80));
        let socks = Some((Kind::Socks5, "127.0.0.1".into(), 80, Some("me:p@ss".into())));
        assert_eq!(parsed("socks5h://me:p%40ss@127.0.0.1:80", None), socks);
        let socks = Some((Kind::Socks5, "proxy".into(), 1080, None));
        assert_eq!(parsed("proxy", Some(Kind::Socks5)), socks);
    }

    #[test]
    fn a_scheme_that_is_not_the_proxys_is_refused() {
        assert_eq!(parsed("https://proxy", None), None);
        assert_eq!(parsed("socks4://proxy", None), None);
        assert_eq!(parsed("http://proxy", Some(Kind::Socks5)), None);
        assert_eq!(parsed("http://", None), None);
    }

    #[test]
    fn a_password_is_not_printed() {
        let proxy = Proxy::http("http://me:secret@proxy:3128");
        assert_eq!(format!("{proxy:?}"), "Proxy(Http proxy:3128)");
    }
}
