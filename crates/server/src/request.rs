//! What a peer asked for when it came.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderMap, Uri, Version, request};

use crate::auth::{Access, End, Identity, Listed, Renewal};
use crate::host::host;
use crate::name::Name;
use crate::peer_id::PeerId;

/// The request that opened, or asks to open, a line.
#[derive(Clone, Debug)]
pub struct Request {
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    protocols: Vec<String>,
    from: Option<SocketAddr>,
    name: Name,
    is_secure: bool,
    /// Who it is, and who said so.
    known: Option<(Arc<Identity>, Arc<Access>)>,
}

impl Request {
    /// A request from its parts: its head, the subprotocols it offers, where it comes from
    /// (`None` for a Unix socket), and whether TLS carries it.
    pub(crate) fn new(
        head: &request::Parts,
        protocols: &[String],
        from: Option<SocketAddr>,
        is_secure: bool,
    ) -> Self {
        let (uri, headers) = (head.uri.clone(), head.headers.clone());
        let (version, protocols) = (head.version, protocols.to_vec());
        let name = Name::of(from.map(|address| address.ip()));
        Self { uri, version, headers, protocols, from, name, is_secure, known: None }
    }

    /// The same request, of somebody who is known.
    pub(crate) fn of(self, identity: Arc<Identity>, access: &Arc<Access>) -> Self {
        let name = Name::User(identity.user.as_str().into());
        Self { known: Some((identity, Arc::clone(access))), name, ..self }
    }

    /// Who it is, where the route asks.
    pub fn identity(&self) -> Option<&Identity> {
        self.known.as_ref().map(|(identity, _)| &**identity)
    }

    /// Lists its line where it is known who it is, so that an operator can end it.
    pub(crate) fn list(&self, peer: PeerId, end: impl FnOnce() -> End) -> Option<Listed> {
        let (identity, access) = self.known.as_ref()?;
        Some(access.standing.list(peer, identity, end()))
    }

    /// For a conversation to keep whose peer may show a newer token in band.
    pub fn renewal(&self) -> Option<Renewal> {
        let (identity, access) = self.known.as_ref()?;
        Some(Renewal::new(access, &identity.user))
    }

    /// What others may know the peer by; for a conversation to keep that tells it to them.
    pub fn name(&self) -> Name {
        self.name.clone()
    }

    /// The path, as it was asked for.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// What follows the `?`.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// The host that was asked for: in the target where that is whole, in `Host` otherwise.
    pub fn host(&self) -> Option<&str> {
        host(&self.uri, &self.headers)
    }

    /// Every header, `Cookie` and `Origin` among them.
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The subprotocols offered, in order.
    pub fn protocols(&self) -> &[String] {
        &self.protocols
    }

    /// Address and port it comes from; `None` over a Unix socket.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.from
    }

    /// The HTTP it came by, as ALPN names it: `h2` or `http/1.1`.
    pub fn via(&self) -> &'static str {
        if self.version == Version::HTTP_2 { "h2" } else { "http/1.1" }
    }

    /// Whether TLS carries it.
    pub const fn is_secure(&self) -> bool {
        self.is_secure
    }
}
