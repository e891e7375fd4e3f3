//! A request as the caller's closure sees it.

use http::header;
use tieline_proto::handshake::HandshakeError;
use tieline_proto::handshake::server::Upgrade;

use super::AcceptOptions;

/// A request: the head, and what it says about the line it asks for.
#[derive(Clone, Debug)]
pub struct Request {
    head: http::Request<()>,
    upgrade: Option<Upgrade>,
}

impl Request {
    /// Understands a head, and refuses what the options do not let in.
    pub(crate) fn understand(
        head: http::Request<()>,
        options: &AcceptOptions,
    ) -> Result<Self, HandshakeError> {
        let upgrade = Upgrade::of(&head, options.legacy.into())?;
        match &upgrade {
            Some(upgrade) => {
                options.admit(upgrade, Some(options.scheme()))?;
            }
            None if !options.hosts.allows(header_of(&head, header::HOST.as_str())) => {
                return Err(HandshakeError::HostNotAllowed);
            }
            None => {}
        }
        Ok(Self { head, upgrade })
    }

    /// The head as it was sent: method, target and all headers.
    pub const fn head(&self) -> &http::Request<()> {
        &self.head
    }

    /// The path that was asked for, percent-encoded as it was sent.
    pub fn path(&self) -> &str {
        self.head.uri().path()
    }

    /// What follows the `?`, percent-encoded as it was sent.
    pub fn query(&self) -> Option<&str> {
        self.head.uri().query()
    }

    /// The first header of this name, in any case, where it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        header_of(&self.head, name)
    }

    /// What is asked for beyond the path: dialect, origin, extensions; `None` for an ordinary
    /// request.
    pub const fn upgrade(&self) -> Option<&Upgrade> {
        self.upgrade.as_ref()
    }

    /// The subprotocols offered, in order.
    pub fn protocols(&self) -> &[String] {
        self.upgrade().map_or(&[], Upgrade::protocols)
    }
}

/// The URL of the line that a request asks for.
pub(crate) fn url_of<B>(request: &http::Request<B>, secure: bool) -> String {
    let scheme = if secure { "wss" } else { "ws" };
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => header_of(request, header::HOST.as_str()).unwrap_or_default(),
    };
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    format!("{scheme}://{host}{target}")
}

fn header_of<'a, B>(head: &'a http::Request<B>, name: &str) -> Option<&'a str> {
    head.headers().get(name)?.to_str().ok()
}
