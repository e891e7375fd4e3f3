//! Headers that keep browsers from doing more with an answer than was meant.

use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Response};

use crate::exchange::Foreign;

/// What the built-in page may load, and that nobody may frame it.
const CONSOLE_POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/// What the page of a bridge may load: the same, and styles of its own making, for the terminal writes the
/// colours of its theme into a style sheet.
const BRIDGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
                             connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; \
                             frame-ancestors 'none'; object-src 'none'";

/// For every answer but another server's.
pub(super) fn harden_own<B>(response: &mut Response<B>) {
    if response.extensions().get::<Foreign>().is_none() {
        harden(response.headers_mut());
    }
}

/// For every answer: types are not guessed, addresses not passed on, and nothing is framed by
/// other sites.
pub(crate) fn harden(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(X_FRAME_OPTIONS).or_insert(HeaderValue::from_static("SAMEORIGIN"));
}

/// For the built-in page, which is known to need no more.
pub(crate) fn harden_console(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONSOLE_POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

/// For the page of a bridge.
pub(super) fn harden_bridge(headers: &mut HeaderMap) {
    harden_console(headers);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(BRIDGE_POLICY));
}
