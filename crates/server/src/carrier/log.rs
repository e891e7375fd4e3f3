//! What the log says of every line, whatever carries it.

use tieline::serve::Traffic;
use tieline::{Agreement, CloseCode, Closed};
use tracing::info;

use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::request::Request;

/// A line is open.
pub(super) fn connected(peer: &Peer, request: &Request, agreement: &Agreement) {
    info!(
        peer = %peer.id(),
        name = %request.name(),
        path = request.path(),
        via = request.via(),
        dialect = %agreement.dialect,
        protocol = agreement.protocol,
        extensions = agreement.extensions,
        "connected"
    );
}

/// A line without a handshake is open.
pub(super) fn attached(peer: &Peer, request: &Request, via: &str) {
    info!(peer = %peer.id(), name = %request.name(), path = request.path(), via, "connected");
}

/// A line has ended.
pub(super) fn disconnected(peer: PeerId, how: &Closed, duration_ms: u64, traffic: &Traffic) {
    let Traffic { messages_in, bytes_in, messages_out, bytes_out } = *traffic;
    info!(
        %peer,
        code = sent_or_heard(how).get(),
        how = how.to_string(),
        duration_ms,
        messages_in,
        bytes_in,
        messages_out,
        bytes_out,
        "disconnected"
    );
}

/// The code that was on the wire: the peer's, or the one it was failed with.
pub(super) fn sent_or_heard(closed: &Closed) -> CloseCode {
    match closed {
        Closed::Failed(error) => error.close_code(),
        closed => closed.code(),
    }
}
