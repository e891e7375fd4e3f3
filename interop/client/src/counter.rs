//! A client of the shared counter.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tieline::{ClientStream, CloseCode, WebSocket};
use tokio::time::timeout;

use crate::report::Report;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(20);

/// Joins a counter, counts one up and one down again.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The counter's URL
    url: String,
}

pub(crate) async fn run(arguments: &Arguments, report: &mut Report) -> Result<()> {
    let mut socket = tieline::connect(&arguments.url).await.context("connect")?;
    let users = number(&mut socket, "users", "count").await?;
    report.check("users", users > 0, users);
    let start = number(&mut socket, "state", "value").await?;
    report.check("state", true, "");
    for (action, expected) in [("plus", start + 1), ("minus", start)] {
        socket.send(format!(r#"{{"action":"{action}"}}"#)).await?;
        let value = number(&mut socket, "state", "value").await?;
        report.check(action, value == expected, value);
    }
    socket.close(CloseCode::NORMAL, "").await.context("close")?;
    Ok(())
}

/// The number in the next message of this type; others are passed over.
async fn number(socket: &mut WebSocket<ClientStream>, kind: &str, field: &str) -> Result<i64> {
    loop {
        let Ok(next) = timeout(WITHIN, socket.next()).await else {
            bail!("no message of type `{kind}` within {WITHIN:?}");
        };
        let message = next.context("server closed")??;
        // Servers differ in the spaces of their JSON.
        let text: String = message.text().context("binary")?.split_whitespace().collect();
        if !text.contains(&format!(r#""type":"{kind}""#)) {
            continue;
        }
        let (_, value) = text.split_once(&format!(r#""{field}":"#)).context("no such field")?;
        let end = value.find([',', '}']).context("JSON is cut off")?;
        return Ok(value[..end].parse()?);
    }
}
