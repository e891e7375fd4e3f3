//! What a line has to do.

use std::rc::Rc;

use tokio::time::Instant;

use super::api::Meant;
use super::envelope::Request;

/// Something to do.
#[derive(Debug)]
pub(super) enum Job {
    /// The line is this device's.
    Bind(Rc<str>),
    Call(Box<Asked>),
    /// The line has ended, for this reason.
    Leave(String),
}

/// A call that may be made.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) meant: Meant,
    pub(super) request: Request,
    pub(super) id: String,
    pub(super) arrived: Instant,
}
