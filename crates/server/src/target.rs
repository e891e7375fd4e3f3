//! How a worker finds one of its peers.

use tieline::serve::LinkId;

use crate::peer_id::PeerId;

/// How a worker finds one of its peers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    Line(PeerId),
    Link(LinkId),
}
