//! The line to a target: TCP, through a proxy where one is set, and TLS where the URL says so.

use tokio::net::TcpStream;

use super::dial::dial;
use super::{Connect, ConnectError, Stage};
use crate::stream::ClientStream;
use crate::url::Target;

/// Opens the line.
pub(super) async fn open(
    request: &Connect,
    target: &Target,
    stage: &mut Stage,
) -> Result<ClientStream, ConnectError> {
    // Before anything is sent: what cannot be is said at once.
    #[cfg(not(feature = "tls"))]
    if target.is_secure() {
        return Err(ConnectError::TlsFeature);
    }
    #[cfg(feature = "tls")]
    let tls = target.is_secure().then(|| request.tls.config()).transpose()?;

    let stream = through(request, target, stage).await?;
    #[cfg(feature = "tls")]
    if let Some(config) = tls {
        *stage = Stage::Tls;
        let stream = crate::tls::wrap(stream, target.host(), config).await?;
        return Ok(ClientStream::Tls(Box::new(stream)));
    }
    Ok(ClientStream::Plain(stream))
}

async fn through(
    request: &Connect,
    target: &Target,
    stage: &mut Stage,
) -> Result<TcpStream, ConnectError> {
    let server = match &request.proxy {
        Some(proxy) => proxy.server(target)?,
        None => None,
    };
    let Some(server) = server else {
        return dial(target.host(), target.port(), stage).await;
    };
    let stream = dial(&server.host, server.port, stage).await?;
    *stage = Stage::Proxy;
    Ok(server.open(stream, target.host(), target.port()).await?)
}
