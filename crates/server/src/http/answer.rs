//! What a request that asks for no WebSocket is answered.

use std::path::Path;

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tieline_proto::handshake::VERSIONS;

use super::console;
use super::disk::{self, Below, Found};
use super::harden::{harden_bridge, harden_console};
use super::kind::content_type;
use crate::admission::{refusal, stopping};
use crate::config::{HEALTH_PATH, PlannedPage};
use crate::exchange::Body;
use crate::routes::Routes;

type Refused = Box<Response<String>>;

/// Answers a request for a page, or for whether the server lives.
pub(super) fn answer<B>(
    request: &Request<B>,
    routes: &Routes,
    is_stopping: bool,
) -> Response<Body> {
    let path = request.uri().path();
    let response = match find(path, routes, is_stopping) {
        Ok(found) => found,
        Err(response) => return text(*response),
    };
    match *request.method() {
        Method::GET | Method::HEAD => unless_known(request, response),
        _ => {
            let mut response = text(refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are answered at this path",
            ));
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
    }
}

/// A refusal, or anything else that is a line of text.
pub(super) fn text(response: Response<String>) -> Response<Body> {
    let mut response = response.map(Body::from);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn find(path: &str, routes: &Routes, is_stopping: bool) -> Result<Response<Body>, Refused> {
    if path == HEALTH_PATH {
        let healthy = || text(Response::new("ok\n".to_owned()));
        return if is_stopping { Err(stopping().into()) } else { Ok(healthy()) };
    }
    if let Some(route) = routes.find(path) {
        return match &route.plan.page {
            None => Err(speaks_websocket()),
            Some(PlannedPage::File(file)) => from_disk(file),
            Some(page) => below(page, path, ""),
        };
    }
    let (route, rest) = routes.find_below(path).ok_or_else(nothing)?;
    match &route.plan.page {
        Some(page) => below(page, path, rest),
        None => Err(nothing()),
    }
}

/// A file of the page whose path, without `rest`, is that of a route.
fn below(page: &PlannedPage, path: &str, rest: &str) -> Result<Response<Body>, Refused> {
    // Without the slash at its end, the page's own links would lead beside it.
    if rest.is_empty() && !path.ends_with('/') {
        return Ok(redirect(path));
    }
    match page {
        PlannedPage::Bridge(about) => bridge(about, rest),
        PlannedPage::Console => {
            let name = if rest.is_empty() { "index.html" } else { rest };
            // The other pages have nobody to speak to here.
            let asset =
                console::asset(name).filter(|_| !matches!(name, "bridge.html" | "operator.html"));
            let asset = asset.ok_or_else(nothing)?;
            let mut response = file(Body::from(Bytes::from_static(asset.bytes)), name, asset.etag);
            harden_console(response.headers_mut());
            Ok(response)
        }
        PlannedPage::File(path) => from_disk(path),
        PlannedPage::Folder(folder) => match disk::open_below(folder, rest) {
            Below::File(found) => {
                let name = if rest.is_empty() || rest.ends_with('/') { "index.html" } else { rest };
                Ok(found_file(found, name))
            }
            Below::Folder => Ok(redirect(path)),
            Below::Nothing => Err(nothing()),
        },
    }
}

/// A file of the page of a bridge, or what it is told of its route.
fn bridge(about: &str, rest: &str) -> Result<Response<Body>, Refused> {
    let mut response = match rest {
        "bridge.json" => {
            let mut response = Response::new(Body::from(about.to_owned()));
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        "index.html" | "operator.html" => return Err(nothing()),
        name => {
            let name = if name.is_empty() { "bridge.html" } else { name };
            // Without the page there is the plain one, which says so.
            let plain = || console::asset("index.html").filter(|_| rest.is_empty());
            let asset = console::asset(name).or_else(plain).ok_or_else(nothing)?;
            file(Body::from(Bytes::from_static(asset.bytes)), name, asset.etag)
        }
    };
    harden_bridge(response.headers_mut());
    Ok(response)
}

fn from_disk(path: &Path) -> Result<Response<Body>, Refused> {
    let found = disk::open(path).map_err(|_| nothing())?;
    Ok(found_file(found, &path.to_string_lossy()))
}

fn found_file(found: Found, name: &str) -> Response<Body> {
    file(Body::file(found.file, found.len), name, &found.etag)
}

fn file(body: Body, name: &str, etag: &str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    // Kept, but asked for again each time: a new program brings a new page.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let etag = HeaderValue::from_str(etag).expect("hexadecimal digits in quotes");
    headers.insert(ETAG, etag);
    response
}

/// 304 where the client has this version already.
fn unless_known<B>(request: &Request<B>, response: Response<Body>) -> Response<Body> {
    let Some(etag) = response.headers().get(ETAG).and_then(|etag| etag.to_str().ok()) else {
        return response;
    };
    let known = request.headers().get_all(IF_NONE_MATCH).iter().any(|list| {
        let list = list.to_str().unwrap_or_default();
        list.split(',').map(str::trim).any(|known| known == etag || known == "*")
    });
    if !known {
        return response;
    }
    let mut response = response.map(|_| Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response.headers_mut().remove(CONTENT_TYPE);
    response
}

fn redirect(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    // Relative, so that it holds behind a proxy, and `//host` cannot be made of it.
    let name = path.rsplit('/').next().unwrap_or_default();
    if let Ok(location) = HeaderValue::from_str(&format!("./{name}/")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

fn nothing() -> Refused {
    refusal(StatusCode::NOT_FOUND, "there is nothing at this path").into()
}

fn speaks_websocket() -> Refused {
    let reason = "this path speaks WebSocket: ask for an upgrade";
    let mut response = refusal(StatusCode::UPGRADE_REQUIRED, reason);
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSIONS));
    response.into()
}
