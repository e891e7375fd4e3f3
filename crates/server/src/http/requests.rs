//! What a request leads to, in whichever version it came.

use http::{Request, Response};
use tieline::HandshakeError;

use super::answer::answer;
use super::body::Body;
use crate::admission::{Admitted, Entrance, admit, stopping};
use crate::worker::Worker;

/// Where a request leads.
pub(super) enum Lead {
    Line(Box<Admitted>),
    Page(Response<Body>),
    Refusal(Response<String>),
}

/// Looks at a request and decides.
pub(super) fn lead_to(head: &Request<()>, worker: &Worker, entrance: &Entrance) -> Lead {
    match admit(head, entrance, worker.routes()) {
        Err(refused) => Lead::Refusal(*refused),
        Ok(Some(_)) if worker.is_stopping() => Lead::Refusal(stopping()),
        Ok(Some(admitted)) => Lead::Line(admitted),
        Ok(None) if !entrance.allows_host(head) => {
            Lead::Refusal(HandshakeError::HostNotAllowed.response())
        }
        Ok(None) => Lead::Page(answer(head, worker.routes(), worker.is_stopping())),
    }
}
