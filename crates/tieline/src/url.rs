//! `ws` and `wss` URLs, taken apart into what a connection needs.
//!
//! ```text
//! ws-URI  = "ws:"  "//" [ user [ ":" password ] "@" ] host [ ":" port ] path [ "?" query ]
//! wss-URI = "wss:" …                            port: 80, and 443 for wss; no fragment
//! ```
//!
//! Spec: RFC 6455 §3; RFC 7617 for the user and password.

use std::fmt;

use data_encoding::BASE64;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
pub use url::Host;
use url::Url;

/// A URL that cannot be connected to: our caller's fault, or a redirect's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlError {
    /// It has a fragment, which means nothing on a WebSocket (§3).
    Fragment,
    /// It is no URL.
    Malformed(url::ParseError),
    /// Its scheme is neither `ws` nor `wss`.
    Scheme(String),
    /// Its user name has a colon, or it or the password has a control character.
    UserInfo,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fragment => {
                f.write_str("fragment (`#…`) is not allowed in the URL: leave it out")
            }
            Self::Malformed(url::ParseError::RelativeUrlWithoutBase) => {
                f.write_str("URL has no scheme: write `ws://host/path` or `wss://host/path`")
            }
            Self::Malformed(_) => f.write_str("URL is malformed"),
            Self::Scheme(scheme) => match scheme.as_str() {
                "http" => f.write_str("scheme `http` is for pages: write `ws://`"),
                "https" => f.write_str("scheme `https` is for pages: write `wss://`"),
                // `host:8080/path` parses as a scheme and a path.
                other => write!(f, "scheme `{other}` is neither `ws` nor `wss`: write `ws://…`"),
            },
            Self::UserInfo => f.write_str("user name or password cannot be sent"),
        }
    }
}

impl std::error::Error for UrlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Malformed(error) => Some(error),
            _ => None,
        }
    }
}

/// Where to connect, and what to ask for there: for programs that open lines of their own.
/// [`Connect`](crate::Connect) takes the URL as it is.
///
/// The user and password are apart from the rest, and never printed.
///
/// # Example
///
/// ```
/// use tieline::url::Target;
///
/// let target = Target::parse("wss://Example.com/chat?room=1")?;
/// assert!(target.is_secure());
/// assert_eq!((target.host().to_string().as_str(), target.port()), ("example.com", 443));
/// assert_eq!(target.authority(), "example.com");
/// assert_eq!(target.resource(), "/chat?room=1");
/// # Ok::<_, tieline::UrlError>(())
/// ```
#[derive(Clone)]
pub struct Target {
    url: Url,
    host: Host,
    port: u16,
    authorization: Option<HeaderValue>,
}

impl Target {
    /// Parses a `ws` or `wss` URL; its user and password become an `Authorization`.
    ///
    /// # Errors
    ///
    /// [`UrlError::Malformed`] where it is no URL or has no host, then [`UrlError::Scheme`],
    /// [`UrlError::Fragment`] and [`UrlError::UserInfo`], in this order.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        Self::new(Url::parse(text).map_err(UrlError::Malformed)?)
    }

    /// Where a redirect leads: relative to this URL, with `http` and `https` read as `ws` and `wss`.
    pub(crate) fn join(&self, location: &str) -> Result<Self, UrlError> {
        let mut url = self.url.join(location).map_err(UrlError::Malformed)?;
        // RFC 9110 §10.2.2: a Location may have a fragment, which is for the page that asked.
        url.set_fragment(None);
        match url.scheme() {
            "http" => set_scheme(&mut url, "ws"),
            "https" => set_scheme(&mut url, "wss"),
            _ => {}
        }
        Self::new(url)
    }

    fn new(mut url: Url) -> Result<Self, UrlError> {
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(UrlError::Scheme(url.scheme().to_owned()));
        }
        if url.fragment().is_some() {
            return Err(UrlError::Fragment);
        }
        let authorization = credentials(&url)?.map(|(user, password)| basic(&user, &password));
        // The setters fail only on URLs that have no host; `ws` URLs have one.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let host = url.host().map(|host| host.to_owned());
        let host = host.ok_or(UrlError::Malformed(url::ParseError::EmptyHost))?;
        let port = url.port_or_known_default().expect("ws and wss have default ports");
        Ok(Self { url, host, port, authorization })
    }

    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The host: a name in lower case, or an address.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, given or by default.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The `Host` header: the port only where it is not the scheme's own (§4.1).
    pub fn authority(&self) -> String {
        match self.url.port() {
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.to_string(),
        }
    }

    /// What stands in the request line: path and query.
    pub fn resource(&self) -> String {
        match self.url.query() {
            Some(query) => format!("{}?{query}", self.url.path()),
            None => self.url.path().to_owned(),
        }
    }

    /// The `Authorization` that the URL's user and password make.
    pub const fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The URL without user and password.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Whether both are the same scheme, host and port, so that secrets may follow.
    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        (self.url.scheme(), &self.host, self.port) == (other.url.scheme(), &other.host, other.port)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.as_str()).finish()
    }
}

/// Between two special schemes with the port kept, the setter cannot fail.
fn set_scheme(url: &mut Url, scheme: &str) {
    url.set_scheme(scheme).expect("from one special scheme to another");
}

/// The user and password of a URL, decoded; `None` where it has neither.
pub(crate) fn credentials(url: &Url) -> Result<Option<(String, String)>, UrlError> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decode = |text| match percent_decode_str(text).decode_utf8() {
        Ok(text) if !text.contains(|char: char| char.is_control()) => Ok(text.into_owned()),
        _ => Err(UrlError::UserInfo),
    };
    let (user, password) = (decode(url.username())?, decode(url.password().unwrap_or_default())?);
    // RFC 7617 §2: the first colon ends the user's name.
    if user.contains(':') {
        return Err(UrlError::UserInfo);
    }
    Ok(Some((user, password)))
}

/// The value of `Authorization` or `Proxy-Authorization` for a user and password.
pub(crate) fn basic(user: &str, password: &str) -> HeaderValue {
    let encoded = BASE64.encode(format!("{user}:{password}").as_bytes());
    let mut value =
        HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is visible ASCII");
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16, String) {
        let target = Target::parse(text).unwrap();
        (target.authority(), target.port(), target.resource())
    }

    fn complaint(text: &str) -> String {
        Target::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn the_port_is_the_schemes_own_where_none_is_given() {
        assert_eq!(parsed("ws://example.com"), ("example.com".into(), 80, "/".into()));
        assert_eq!(parsed("wss://example.com/a"), ("example.com".into(), 443, "/a".into()));
        assert_eq!(parsed("wss://example.com:443/"), ("example.com".into(), 443, "/".into()));
        assert_eq!(parsed("ws://Example.COM:443?b"), ("example.com:443".into(), 443, "/?b".into()));
    }

    #[test]
    fn an_ipv6_address_keeps_its_brackets_in_the_host_header() {
        assert_eq!(parsed("ws://[::1]:9001/"), ("[::1]:9001".into(), 9001, "/".into()));
        assert!(matches!(Target::parse("ws://[::1]").unwrap().host(), Host::Ipv6(_)));
    }

    #[test]
    fn what_cannot_stand_in_a_request_line_is_encoded() {
        assert_eq!(parsed("ws://bücher.example/ä b?ö"), {
            ("xn--bcher-kva.example".into(), 80, "/%C3%A4%20b?%C3%B6".into())
        });
    }

    /// RFC 7617 §2.
    #[test]
    fn user_and_password_become_an_authorization_and_nothing_else() {
        let target = Target::parse("ws://Aladdin:open%20sesame@example.com/").unwrap();
        assert_eq!(target.authorization().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(target.as_str(), "ws://example.com/");
        assert_eq!(target.authority(), "example.com");
        assert_eq!(format!("{target:?}"), "Target(\"ws://example.com/\")");
        assert!(Target::parse("ws://a%3Ab:c@example.com").is_err());
        assert!(Target::parse("ws://a:%0D@example.com").is_err());
    }

    #[test]
    fn a_complaint_says_what_would_be_right() {
        assert!(complaint("http://example.com").contains("`ws://`"));
        assert!(complaint("https://example.com").contains("`wss://`"));
        assert!(complaint("example.com/chat").contains("`ws://host/path`"));
        assert!(complaint("localhost:8080").contains("`ws://…`"));
        assert!(complaint("ws://example.com/#top").contains("fragment"));
        assert!(Target::parse("ws://").is_err());
        assert!(Target::parse("ws://example.com:65536").is_err());
    }

    #[test]
    fn a_location_is_relative_and_may_speak_of_http() {
        let here = Target::parse("ws://user:secret@example.com/a/b?c").unwrap();
        assert_eq!(here.join("d").unwrap().as_str(), "ws://example.com/a/d");
        assert_eq!(here.join("http://other/").unwrap().as_str(), "ws://other/");
        assert_eq!(here.join("https://other:444/#x").unwrap().as_str(), "wss://other:444/");
        assert_eq!(here.join("//other").unwrap().as_str(), "ws://other/");
        assert!(here.join("ftp://other/").is_err());
        assert!(here.join("/x").unwrap().has_origin_of(&here));
        assert!(!here.join("wss://example.com/").unwrap().has_origin_of(&here));
    }
}
