//! A line through a tunnel: agreed on with the upstream, answered to the client, carried to its end.

use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Response, StatusCode};
use tieline::CloseCode;
use tieline_proto::handshake::server::Accept;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::select;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tracing::info;

use super::Tunnel;
use super::copy::{Bounds, Side, copy};
use super::handshake;
use super::pace::Pace;
use crate::admission::Admitted;
use crate::auth::End;
use crate::causes::Causes;
use crate::exchange::{Body, Foreign};
use crate::patient::{Patient, silence};
use crate::peer_id::PeerId;
use crate::request::Request;
use crate::worker::{EXPIRED, EXPIRED_REASON, Worker};

/// A line whose upstream waits for the client's transport.
pub(crate) struct Agreed {
    upstream: handshake::Agreed,
    admitted: Admitted,
    bounds: Bounds,
    /// How long either side may take nothing.
    silence: Duration,
}

impl Tunnel {
    /// Agrees with an upstream on what the client asks for; answers what the client is to be told,
    /// and the line that is carried once that is written.
    ///
    /// # Errors
    ///
    /// The answer where there is no line.
    pub(crate) async fn open(
        &self,
        admitted: Admitted,
    ) -> Result<(Response<Body>, Agreed), Response<Body>> {
        let mut upstream = self.agree(&admitted).await?;
        let accept = Accept {
            protocol: upstream.protocol.clone(),
            secure: admitted.request.is_secure(),
            ..Accept::default()
        };
        let answered = admitted.upgrade.respond(&accept);
        let (mut response, _) = answered.map_err(|error| error.response().map(Body::from))?;
        response.headers_mut().extend(std::mem::take(&mut upstream.headers));
        response.extensions_mut().insert(Foreign);
        let limits = &admitted.route.plan.limits;
        let bounds = Bounds { idle_within: self.plan.idle_within, linger: limits.close_within };
        let silence = silence(limits);
        Ok((response.map(|()| Body::empty()), Agreed { upstream, admitted, bounds, silence }))
    }
}

impl Agreed {
    /// Carries the line to its end; `ahead` was read of the client already.
    pub(crate) async fn carry<S>(self, worker: Rc<Worker>, stream: S, ahead: Bytes)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Self { upstream, admitted, bounds, silence } = self;
        let handshake::Agreed { side, open, .. } = upstream;
        // Its places among the lines that may be open are its own until it has ended.
        let Admitted { route, request, held: _held, listener, .. } = admitted;
        let _counted = worker.opened(&listener, &route, StatusCode::SWITCHING_PROTOCOLS);
        let path = request.path();
        let (name, began) = (&open.0.target.name, Instant::now());
        info!(path, upstream = name, name = %request.name(), via = request.via(), "tunnel opened");
        // Whoever takes nothing for that long is lost, on either side.
        let client = Side { stream: Patient::new(stream, silence), ahead };
        let upstream = Side { stream: Patient::new(side.stream, silence), ahead: side.ahead };
        let flow = route.flow(&request);
        let pace = flow.map(|flow| Pace::new(flow, worker.counts()));
        let ended = copy(client, upstream, bounds, pace, ending(&worker, &request)).await;
        let counts = &open.0.counts;
        counts.sent_bytes.inc_by(ended.up);
        counts.received_bytes.inc_by(ended.down);
        info!(
            path,
            upstream = name,
            how = %Causes(&ended.why),
            duration_ms = began.elapsed().as_millis() as u64,
            bytes_in = ended.up,
            bytes_out = ended.down,
            "tunnel ended"
        );
    }
}

/// When a line ends from here: the server stops, or whose it is may not have it any more.
async fn ending(worker: &Worker, request: &Request) -> (CloseCode, &'static str) {
    let expired = async {
        match request.identity().and_then(|identity| identity.expires) {
            None => std::future::pending().await,
            Some(at) => sleep(at.duration_since(SystemTime::now()).unwrap_or_default()).await,
        }
    };
    let (end, is_ended) = oneshot::channel();
    let _listed = request.list(PeerId::next(), || End::Tunnel(Some(end)));
    let ended = async {
        // Of nobody who is known, nothing is told.
        match is_ended.await {
            Ok(code) => code,
            Err(_) => std::future::pending().await,
        }
    };
    select! {
        code = ended => (code, "ended by the operator"),
        () = worker.stopping() => (CloseCode::GOING_AWAY, "the server stops"),
        () = expired => (EXPIRED, EXPIRED_REASON),
    }
}
