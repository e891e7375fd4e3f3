//! Ordinary HTTP beside the lines: pages, `/healthz`, and answers that say what would be right.
//!
//! hyper serves it on the worker's own thread, with keep-alive. A later request on the same
//! connection may still ask for a WebSocket; it becomes a peer like every other.
//!
//! ```text
//!            ┌─▶ http1 ─┐             ┌─▶ answer            a page
//! serve ─────┤          ├─▶ lead_to ──┼─▶ a refusal
//!            └─▶ http2 ─┘             ├─▶ Service::answer   what a service says
//!                                     └─▶ carrier::carry    a line
//! ```

mod answer;
mod console;
mod cors;
mod disk;
mod harden;
mod http1;
mod http2;
mod kind;
mod requests;
mod tasks;

use std::rc::Rc;

pub(crate) use harden::{harden, harden_console};

use tieline::serve::Handoff;

use crate::admission::Entrance;
use crate::patient::Patient;
use crate::worker::Worker;

/// A file of the page that is built in, and its type.
pub(crate) fn console_asset(name: &str) -> Option<(&'static [u8], &'static str)> {
    console::asset(name).map(|asset| (asset.bytes, kind::content_type(name)))
}

/// Serves requests until the client leaves, keeps silent too long, or the server stops.
pub(crate) async fn serve(worker: Rc<Worker>, entrance: Entrance, stream: Patient<Handoff>) {
    if stream.stream().is_h2() {
        http2::serve(worker, entrance, stream).await;
    } else {
        http1::serve(worker, entrance, stream).await;
    }
}
