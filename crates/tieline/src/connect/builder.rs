//! A client's request, put together and then sent.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use tieline_proto::Limits;
use tieline_proto::deflate::Config as Deflate;
use tieline_proto::handshake::Origin;
use tieline_proto::http::is_token;

use super::RequestError;
use crate::proxy::Proxy;
#[cfg(feature = "tls")]
use crate::tls::ClientTls;
use crate::url::Target;

/// What to connect to and how; nothing happens before [`open`](Self::open).
///
/// Values are checked as they are given, and the first that is wrong is what `open` answers.
///
/// # Example
///
/// ```no_run
/// use tieline::{Connect, Deflate};
///
/// # async fn example() -> Result<(), tieline::ConnectError> {
/// let socket = Connect::to("wss://example.com/chat")
///     .header("Authorization", "Bearer 3f2a")
///     .subprotocol("chat.v2")
///     .subprotocol("chat.v1")
///     .deflate(Deflate::default())
///     .open()
///     .await?;
/// assert!(matches!(socket.protocol(), "chat.v1" | "chat.v2" | ""));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "nothing is opened before `open`"]
pub struct Connect {
    pub(crate) url: String,
    pub(super) headers: HeaderMap,
    pub(super) host: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) protocols: Vec<String>,
    pub(super) version: u8,
    pub(super) deflate: Option<Deflate>,
    pub(super) must_deflate: bool,
    pub(super) limits: Limits,
    pub(super) within: Option<Duration>,
    pub(super) proxy: Option<Proxy>,
    pub(super) redirects: usize,
    #[cfg(feature = "tls")]
    pub(super) tls: ClientTls,
    invalid: Option<RequestError>,
}

impl Connect {
    /// A request to a `ws` or `wss` URL.
    ///
    /// A user and password in it are sent as Basic `Authorization`, unless that header is given,
    /// and never appear in `Host`, in errors, or in [`WebSocket::url`](crate::WebSocket::url).
    pub fn to(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: HeaderMap::new(),
            host: None,
            origin: None,
            protocols: Vec::new(),
            version: 13,
            deflate: None,
            must_deflate: false,
            limits: Limits::default(),
            within: None,
            proxy: None,
            redirects: 0,
            #[cfg(feature = "tls")]
            tls: ClientTls::default(),
            invalid: None,
        }
    }

    /// The same request to another URL.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// Adds a header; given twice, it is sent twice. `Host` and `Origin` replace what is sent
    /// otherwise; the handshake's own headers are refused.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let text = name.as_ref();
        let Ok(name) = HeaderName::try_from(text) else {
            return self.refuse(RequestError::HeaderName(text.to_owned()));
        };
        let Ok(mut value) = HeaderValue::from_bytes(value.as_ref()) else {
            return self.refuse(RequestError::HeaderValue(name.to_string()));
        };
        match (&name, value.to_str()) {
            (&header::ORIGIN, Ok(origin)) => {
                let origin = origin.to_owned();
                return self.origin(origin);
            }
            (&header::HOST, Ok(host)) => self.host = Some(host.to_owned()),
            _ => {
                value.set_sensitive(is_secret(&name));
                self.headers.append(name, value);
            }
        }
        self
    }

    /// Offers a subprotocol; the one given first is liked best.
    ///
    /// Spec: RFC 6455 §1.9.
    pub fn subprotocol(mut self, protocol: impl Into<String>) -> Self {
        let protocol = protocol.into();
        if !is_token(protocol.as_bytes()) || self.protocols.contains(&protocol) {
            return self.refuse(RequestError::Subprotocol(protocol));
        }
        self.protocols.push(protocol);
        self
    }

    /// Sends an `Origin`, for servers that want one: `https://example.com`. Default none, as it is
    /// for what is no browser.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        let origin = origin.into();
        if origin.parse::<Origin>().is_err() {
            return self.refuse(RequestError::Origin(origin));
        }
        self.origin = Some(origin);
        self
    }

    /// Offers permessage-deflate; whether the server agreed, [`WebSocket::extensions`](crate::WebSocket::extensions) says.
    /// Default not offered.
    ///
    /// Spec: RFC 7692.
    pub fn deflate(mut self, deflate: Deflate) -> Self {
        self.deflate = Some(deflate);
        self
    }

    /// Offers permessage-deflate and gives the connection up, with code 1010, where the server
    /// does not agree.
    ///
    /// Spec: RFC 6455 §7.4.1.
    pub fn require_deflate(mut self) -> Self {
        self.must_deflate = true;
        self.deflate.get_or_insert_default();
        self
    }

    /// The bounds of the connection. Default [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long everything together may take: name, TCP, proxy, TLS, handshake, redirects.
    /// Default [`Limits::handshake_within`].
    pub fn timeout(mut self, within: Duration) -> Self {
        self.within = Some(within);
        self
    }

    /// Goes through a proxy. Default none, whatever the environment says;
    /// [`Proxy::from_env`] asks it.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// How TLS is spoken: a [`TlsOptions`](crate::tls::TlsOptions), or a whole
    /// `rustls::ClientConfig`. Default what the system trusts.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: impl Into<ClientTls>) -> Self {
        self.tls = tls.into();
        self
    }

    /// Most redirects that are followed. Default 0: a redirect is a refusal.
    ///
    /// None leads from `wss` to `ws`; `Authorization`, `Cookie` and a `Host` that was given do not
    /// go to another origin.
    pub fn redirects(mut self, limit: usize) -> Self {
        self.redirects = limit;
        self
    }

    /// Speaks an older version: 8 or 7 for servers of 2011. Default 13.
    pub fn version(mut self, version: u8) -> Self {
        if !matches!(version, 13 | 8 | 7) {
            return self.refuse(RequestError::Version(version));
        }
        self.version = version;
        self
    }

    /// Says at once what [`open`](Self::open) would say of the values that were given; the URL is
    /// [`Target::parse`](crate::url::Target::parse)'s to judge.
    ///
    /// # Errors
    ///
    /// The first value that was wrong.
    pub fn check(&self) -> Result<(), RequestError> {
        self.invalid.clone().map_or(Ok(()), Err)
    }

    fn refuse(mut self, error: RequestError) -> Self {
        self.invalid.get_or_insert(error);
        self
    }
}

/// What must not be printed by accident.
fn is_secret(name: &HeaderName) -> bool {
    [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION].contains(name)
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL as it was given may hold a password.
        f.debug_struct("Connect")
            .field("target", &Target::parse(&self.url))
            .field("headers", &self.headers)
            .field("protocols", &self.protocols)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
