//! Whom to connect to: the URL taken apart, its addresses, and the request that asks for a line.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tieline::http::{HeaderMap, HeaderName, HeaderValue};
use tieline::url::{self, Host};
use tieline::{Deflate, UrlError};
use tieline_proto::handshake::client::Request;

use super::failure::Failure;
use super::options::Options;

/// How long one address may take to answer before the next is tried.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What every connection is opened with.
#[derive(Debug)]
pub(super) struct Target {
    /// The address that all connect to.
    pub(super) address: SocketAddr,
    /// Addresses to connect from, in turn; none for what the system takes.
    pub(super) sources: Vec<IpAddr>,
    /// How to encrypt, for `wss`.
    pub(super) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// The request; each connection puts a key of its own in.
    pub(super) request: Request,
}

impl Target {
    /// Reads the options, and asks for the host's addresses.
    pub(super) fn find(options: &Options) -> anyhow::Result<Self> {
        let url = parse(&options.url)?;
        let sources: Vec<_> =
            options.opening.source.iter().flat_map(|range| range.addresses()).collect();
        let request = request(&url, options)?;
        let tls = if url.is_secure() {
            Some((Arc::new(tls(options)?), server_name(url.host())?))
        } else {
            None
        };
        Ok(Self { address: address(&url, &sources)?, sources, tls, request })
    }
}

fn parse(text: &str) -> Result<url::Target, Failure> {
    match url::Target::parse(text) {
        Ok(url) if url.authorization().is_none() => Ok(url),
        Ok(_) | Err(UrlError::UserInfo) => {
            let instead =
                "leave user and password out of the URL: --header 'Authorization: Basic …'";
            Err(Failure::Usage(instead.to_owned()))
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            Err(Failure::Usage(format!("{error}{}", cause.unwrap_or_default())))
        }
    }
}

fn request(url: &url::Target, options: &Options) -> Result<Request, Failure> {
    let mut request = Request::new(url.authority(), url.resource(), [0; 16]);
    request.origin.clone_from(&options.opening.origin);
    request.protocols.clone_from(&options.opening.subprotocol);
    request.headers = headers(&options.opening.header)?;
    request.deflate =
        options.message.deflate.then(|| Deflate { min_bytes: 0, ..Deflate::default() });
    // What cannot stand in a head is said now, and not by every connection.
    request.encode().map_err(|error| Failure::Usage(error.to_string()))?;
    Ok(request)
}

fn headers(lines: &[String]) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    for line in lines {
        let parsed = line.split_once(':').and_then(|(name, value)| {
            let name: HeaderName = name.trim().parse().ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        });
        let Some((name, value)) = parsed else {
            let wrong = format!("`{line}` is no header: write 'Name: value'");
            return Err(Failure::Usage(wrong));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

fn tls(options: &Options) -> anyhow::Result<ClientConfig> {
    let mut config = options.opening.trust.tls()?.config()?;
    // Each connection stands for a client of its own, which has no session to resume.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn server_name(host: &Host) -> Result<ServerName<'static>, Failure> {
    match host {
        Host::Domain(name) => ServerName::try_from(name.clone())
            .map_err(|_| Failure::Usage(format!("`{name}` cannot be a server's name in TLS"))),
        Host::Ipv4(address) => Ok(IpAddr::from(*address).into()),
        Host::Ipv6(address) => Ok(IpAddr::from(*address).into()),
    }
}

/// The address to take: where a name has several, the first that answers.
fn address(url: &url::Target, sources: &[IpAddr]) -> Result<SocketAddr, Failure> {
    let name = url.host().to_string();
    let name = name.trim_matches(['[', ']']);
    let found = (name, url.port()).to_socket_addrs();
    let found = found.map_err(|error| Failure::NotConnected(format!("{name}: {error}")))?;
    let is_reachable =
        |address: &SocketAddr| sources.iter().all(|source| source.is_ipv4() == address.is_ipv4());
    let candidates: Vec<_> = found.filter(is_reachable).collect();
    match candidates.as_slice() {
        [] => {
            let wrong = format!("{name} has no address of the kind that --source has");
            Err(Failure::Usage(wrong))
        }
        [only] => Ok(*only),
        [first, ..] => {
            let answers =
                |address: &&SocketAddr| TcpStream::connect_timeout(address, ANSWER_WITHIN).is_ok();
            // Where none does, the first says why.
            Ok(*candidates.iter().find(answers).unwrap_or(first))
        }
    }
}
