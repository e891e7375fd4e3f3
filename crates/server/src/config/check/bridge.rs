//! Checking the page of a bridge: what stands behind it.

use serde_json::{Value, json};

use super::Check;
use crate::config::File;
use crate::config::access::Access;
use crate::config::error::{ConfigError, Problem};
use crate::config::source::Key;

/// The kinds of service that the page can show.
const KINDS: [&str; 4] = ["command", "shell", "tail", "terminal"];

impl Check<'_> {
    /// What the page is told of the route that it speaks to, in JSON: of what is written there, as
    /// much as changes what the page does.
    pub(super) fn bridge(&self, path: &str, file: &File, key: &Key) -> Result<String, ConfigError> {
        let route = file.route.iter().find(|route| route.path == path);
        let service = serde_json::to_value(route.and_then(|route| route.service.as_ref()))
            .expect("every value of a configuration has its JSON");
        if !service["kind"].as_str().is_some_and(|kind| KINDS.contains(&kind)) {
            return Err(self.fail(Problem::NoBridge(path.to_owned()), &key.name("route")));
        }
        let is_shared = service["shared"] == Value::Bool(true);
        let about = json!({
            "kind": service["kind"],
            "route": path,
            "frame": service["frame"],
            "tagged": service["stderr"] == "tag",
            "input": service["input"].as_bool().unwrap_or(!is_shared),
            "format": service["format"],
            "audit": service["audit_notes"].as_u64().is_some_and(|notes| notes > 0),
            "recordings": service["record"].is_object(),
            "ticket": route.is_some_and(|route| matches!(route.access, Access::Ticket(_))),
        });
        Ok(about.to_string())
    }
}
