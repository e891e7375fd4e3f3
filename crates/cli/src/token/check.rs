//! What a token holds, and whether a route would let it in.

use std::io::{self, Read};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::{Header, TokenData};
use serde_json::{Map, Value, json};
use tieline_server::config::{Overrides, Plan, PlannedRoute};
use tieline_server::{Identity, Refusal};

use super::Check;
use super::keys::say;
use crate::printable::printable;
use crate::{load, style};

/// Longest text that is read as a token.
const MAX_BYTES: u64 = 64 << 10;

/// A route would not let the token in; that was said already.
#[derive(Debug, thiserror::Error)]
#[error("{path} would not let it in: {status}, {reason}")]
struct NotLetIn {
    path: String,
    status: u16,
    reason: String,
}

/// Shows a token.
pub(super) fn run(options: &Check) -> anyhow::Result<()> {
    let token = read(&options.token)?;
    let held = insecure_decode::<Map<String, Value>>(&token).ok();
    let asked = match &options.config {
        None => None,
        Some(path) => {
            let (file, source) = load::config(Some(path))?;
            let plan = Plan::new(file, &source, &Overrides::default())?;
            let route = route(&plan, options.route.as_deref())?;
            Some((route.path.clone(), ask(route, &token)?))
        }
    };
    if options.json {
        say(&as_json(held.as_ref(), asked.as_ref()).to_string())?;
    } else {
        show(&token, held.as_ref(), asked.as_ref())?;
    }
    match asked {
        Some((path, Err(Refusal { status, reason, .. }))) => {
            Err(NotLetIn { path, status: status.as_u16(), reason }.into())
        }
        _ => Ok(()),
    }
}

fn read(token: &str) -> anyhow::Result<String> {
    let mut text = token.to_owned();
    if token == "-" {
        text.clear();
        let read = io::stdin().take(MAX_BYTES).read_to_string(&mut text);
        read.context("cannot read the token from standard input")?;
    }
    let token = text.trim();
    if token.is_empty() {
        bail!("there is no token: write it to standard input");
    }
    Ok(token.to_owned())
}

fn route<'p>(plan: &'p Plan, path: Option<&str>) -> anyhow::Result<&'p PlannedRoute> {
    let mut routes = plan.routes.iter().filter(|route| match path {
        Some(path) => route.path == path,
        None => route.access.is_some(),
    });
    match (routes.next(), routes.next(), path) {
        (Some(route), None, _) => Ok(route),
        (None, _, Some(path)) => bail!("no route has the path {path:?}"),
        (None, _, None) => bail!("no route has access: every one lets everybody in"),
        (Some(_), Some(_), _) => bail!("several routes have access: name one with --route"),
    }
}

fn ask(route: &PlannedRoute, token: &str) -> anyhow::Result<Result<Option<Identity>, Refusal>> {
    let Some(access) = &route.access else { return Ok(Ok(None)) };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(access.fetch_keys());
    Ok(access.try_token(token).map(Some))
}

type Held = TokenData<Map<String, Value>>;
type Asked = (String, Result<Option<Identity>, Refusal>);

fn as_json(held: Option<&Held>, asked: Option<&Asked>) -> Value {
    let held =
        held.map(|TokenData { header, claims, .. }| json!({ "header": header, "claims": claims }));
    let route = asked.map(|(path, answer)| match answer {
        Ok(identity) => json!({
            "path": path,
            "lets_in": true,
            "user": identity.as_ref().map(|identity| &identity.user),
            "rights": identity.as_ref().map(|identity| &identity.rights),
        }),
        Err(refusal) => json!({
            "path": path,
            "lets_in": false,
            "status": refusal.status.as_u16(),
            "reason": refusal.reason,
        }),
    });
    json!({ "jwt": held, "route": route })
}

fn show(token: &str, held: Option<&Held>, asked: Option<&Asked>) -> anyhow::Result<()> {
    match held {
        None => say(&format!("token    {} bytes, not a JWT: one that is shared", token.len()))?,
        Some(TokenData { header, claims, .. }) => {
            say(&printable(&format!("token    {}", kind(header))))?;
            for (name, value) in claims {
                say(&printable(&format!("{name:<8} {}", shown(name, value))))?;
            }
        }
    }
    let Some((path, Ok(identity))) = asked else { return Ok(()) };
    let answer = match identity {
        None => format!("{path} lets everybody in"),
        Some(Identity { user, rights, .. }) if rights.is_empty() => {
            format!("{path} lets it in as {user}")
        }
        Some(Identity { user, rights, .. }) => {
            format!("{path} lets it in as {user}, who may: {}", rights.join(" "))
        }
    };
    say(&style::on_stdout(&printable(&answer), style::BOLD))
}

fn kind(header: &Header) -> String {
    match &header.kid {
        None => format!("JWT, {:?}", header.alg),
        Some(kid) => format!("JWT, {:?}, key {}", header.alg, json!(kid)),
    }
}

fn shown(name: &str, value: &Value) -> String {
    match (name, value.as_f64()) {
        ("exp" | "iat" | "nbf", Some(seconds)) => format!("{value}, {}", relative(seconds)),
        _ => value.to_string(),
    }
}

fn relative(seconds: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let left = seconds - now;
    let whole = left.abs().round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60);
    let span = match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", whole % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    };
    if left < 0.0 { format!("{span} ago") } else { format!("in {span}") }
}
