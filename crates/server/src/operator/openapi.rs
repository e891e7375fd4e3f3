//! The description of the operator's side, for programs that make clients of it.

use axum::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{self, OpenApi as Document};
use utoipa::{Modify, OpenApi};

use super::problem::Problem;
use super::{capture, channels, dead_events, devices, health, lines, open_lines};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tieline, the operator's side", description = "Health, metrics, channels and devices."),
    paths(
        health::live,
        health::ready,
        health::metrics,
        channels::publish,
        channels::broadcast,
        channels::list,
        channels::presence,
        channels::history,
        channels::tell,
        capture::inspect,
        open_lines::watch_client,
        open_lines::list,
        open_lines::watch,
        lines::disconnect,
        lines::revoke,
        lines::list,
        lines::take_back,
        devices::list,
        devices::find,
        devices::forget,
        devices::disconnect,
        devices::send,
        devices::send_to_several,
        dead_events::list,
        dead_events::redeliver,
        dead_events::forget,
    ),
    components(schemas(Problem)),
    modifiers(&Key),
)]
struct Description;

/// The key that most of it wants.
struct Key;

impl Modify for Key {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}

/// The description.
pub(super) async fn document() -> Json<openapi::OpenApi> {
    Json(Description::openapi())
}
