//! Whose pages may ask a service from another origin, and read what it answers: those that may open
//! a line there.
//!
//! | request                                           | answer                                    |
//! |---------------------------------------------------|-------------------------------------------|
//! | OPTIONS with `Access-Control-Request-Method`      | 204, with what the page may send; nothing |
//! |                                                   | is asked of it, since it knows no token   |
//! | any other of such a page                          | its own, a refusal too, for it to read    |
//! | whatever comes from elsewhere                     | as it would be, without a word of this    |
//!
//! Spec: Fetch, "CORS protocol".

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::admission::{Entrance, allows_origin};
use crate::exchange::Body;
use crate::routes::Route;

/// For how many seconds a browser need not ask again.
const MAX_AGE: &str = "600";

/// What browsers are told of the answers of one service to one request.
#[derive(Clone, Debug)]
pub(super) struct Cors {
    methods: &'static str,
    /// Whose page asks, where it may.
    page: Option<HeaderValue>,
    /// Whether a cookie says who asks.
    with_cookies: bool,
}

impl Cors {
    /// For a request to what carries a route's lines: its cookie holds a secret of the line.
    pub(super) fn of_carrier(head: &Request<()>, entrance: &Entrance, route: &Route) -> Self {
        let page = page(head, entrance, route);
        Self { methods: "GET, POST", page, with_cookies: true }
    }

    /// For a request; `None` where the service is not for pages of other origins.
    pub(super) fn of(head: &Request<()>, entrance: &Entrance, route: &Route) -> Option<Self> {
        let methods = route.service.as_ref()?.cross_origin_methods()?;
        let page = page(head, entrance, route);
        let access = route.plan.access.as_ref();
        let with_cookies = access.is_some_and(|access| access.sources.cookie.is_some());
        Some(Self { methods, page, with_cookies })
    }

    /// The answer to a browser that asks before its page does.
    pub(super) fn preflight(&self, head: &Request<()>) -> Option<Response<Body>> {
        let asks = head.method() == Method::OPTIONS
            && head.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.page.is_none() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(self.methods));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        // A page that may open a line may say whatever it wants.
        if let Some(asked) = head.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        self.tell(&mut response);
        Some(response)
    }

    /// Says of an answer who may read it.
    pub(super) fn tell<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(page) = &self.page else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
        if self.with_cookies {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Whose page asks, where it may.
fn page(head: &Request<()>, entrance: &Entrance, route: &Route) -> Option<HeaderValue> {
    head.headers().get(ORIGIN).filter(|_| allows_origin(head, entrance, route)).cloned()
}
