//! Ordinary requests: asked of an upstream, and answered as it answers.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, Response, StatusCode};
use hyper::body::{Body as _, Incoming};

use super::Tunnel;
use super::asking::{Answered, Asking};
use super::download::Download;
use super::fault::Fault;
use super::headers::{of_request, strip_hop_by_hop};
use super::upload::Upload;
use crate::exchange::{Body, Foreign};
use crate::request::Request;

impl Tunnel {
    /// What an upstream answers, its body streamed.
    pub(super) async fn respond(
        &self,
        method: Method,
        request: &Request,
        body: Incoming,
    ) -> Response<Body> {
        let limit = self.plan.max_body_bytes;
        let asked = if body.size_hint().lower() > limit {
            Err(Fault::BodyTooLarge { limit })
        } else {
            let asking = Asking {
                headers: of_request(request, &self.plan.trusted),
                body: Some(Upload::new(body, limit)),
                method: method.clone(),
                is_upgrade: false,
            };
            self.ask(asking, request).await
        };
        match asked {
            Ok(answered) if answered.response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                answered.open.0.failed(&Fault::BadSwitch, std::time::Instant::now());
                self.refuse(&Fault::BadSwitch)
            }
            Ok(answered) => self.hand_on(answered, &method),
            Err(fault) => self.refuse(&fault),
        }
    }

    fn hand_on(&self, answered: Answered, method: &Method) -> Response<Body> {
        let Answered { response, sender, open } = answered;
        open.0.succeeded();
        open.0.counts.requests.inc();
        let (mut parts, body) = response.into_parts();
        strip_hop_by_hop(&mut parts.headers);
        let has_no_body = *method == Method::HEAD || parts.status == StatusCode::NOT_MODIFIED;
        if !has_no_body {
            // Its length as it was understood here; a 204 MUST NOT have one (RFC 9110 §8.6).
            parts.headers.remove(CONTENT_LENGTH);
            let len = body.size_hint().exact();
            if let Some(len) = len.filter(|_| parts.status != StatusCode::NO_CONTENT) {
                parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
            }
        }
        let body = Download::new(body, sender, open, self.plan.idle_within);
        let mut response = Response::from_parts(parts, Body::stream(body));
        response.extensions_mut().insert(Foreign);
        *response.version_mut() = http::Version::HTTP_11;
        response
    }
}
