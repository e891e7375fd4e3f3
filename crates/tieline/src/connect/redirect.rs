//! Where a refusal sends a client that follows redirects.

use http::StatusCode;
use http::header::{AUTHORIZATION, COOKIE, LOCATION};

use super::refused::Refused;
use super::{Connect, RedirectError};
use crate::url::Target;

/// Whether the status sends the client elsewhere (RFC 9110 §15.4).
pub(super) const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The next target. What is secret stays behind where it is of another origin.
pub(super) fn follow(
    request: &mut Connect,
    from: &Target,
    refused: &Refused,
) -> Result<Target, RedirectError> {
    let location = refused.headers.get(LOCATION).ok_or(RedirectError::Missing)?;
    let location = std::str::from_utf8(location.as_bytes()).map_err(|_| RedirectError::Missing)?;
    let to = from.join(location).map_err(RedirectError::Location)?;
    if from.is_secure() && !to.is_secure() {
        return Err(RedirectError::Downgrade);
    }
    if !to.has_origin_of(from) {
        request.headers.remove(AUTHORIZATION);
        request.headers.remove(COOKIE);
        request.host = None;
    }
    Ok(to)
}
