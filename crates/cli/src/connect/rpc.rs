//! A call of JSON-RPC 2.0: one question, and its answer.

use std::io::{IsTerminal, Write, stdout};
use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tieline::{CloseCode, Connect};

use super::Failure;
use super::heard::Heard;
use super::pretty::pretty;
use crate::printable::printable;

/// Messages that are no answer, after which none is waited for any longer.
const MAX_OTHERS: usize = 10_000;

/// The id of the one call.
const ID: u64 = 1;

/// An answer, or anything else.
#[derive(Deserialize)]
struct Answer<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Fault<'a>>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    code: i64,
    message: String,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Calls `method`, and prints what it gives.
pub(super) async fn call(
    url: &str,
    request: Connect,
    method: &str,
    params: Option<&str>,
    within: Duration,
) -> anyhow::Result<()> {
    let params =
        params.map(serde_json::from_str::<Box<RawValue>>).transpose().map_err(|error| {
            Failure::Usage(format!(
                "the parameters are no JSON ({error}): write '[1, \"a\"]' or '{{\"name\": 1}}'"
            ))
        })?;
    let mut call = json!({ "jsonrpc": "2.0", "id": ID, "method": method });
    if let Some(params) = params {
        call["params"] = serde_json::to_value(params)?;
    }
    let mut heard = Heard::open(url, request).await?;
    heard.say(call.to_string().into()).await;
    for others in 0..MAX_OTHERS {
        if !heard.until(others + 1, within).await {
            break;
        }
        let text = heard.messages[others].text().unwrap_or_default().to_owned();
        let Ok(answer) = serde_json::from_str::<Answer<'_>>(&text) else { continue };
        if answer.id != Some(ID) || (answer.result.is_none() && answer.error.is_none()) {
            continue;
        }
        heard.close(CloseCode::NORMAL);
        heard.until_end(within).await;
        return tell(&answer);
    }
    match heard.end {
        Some(why) => Err(Failure::ended(url, why).into()),
        None => Err(Failure::Unmet(format!("no answer to {method} came within {within:?}")).into()),
    }
}

fn tell(answer: &Answer<'_>) -> anyhow::Result<()> {
    if let Some(Fault { code, message, data }) = &answer.error {
        let data = data.map(|data| format!(" {}", printable(data.get()))).unwrap_or_default();
        let refused = format!("the server refused: {} ({code}){data}", printable(message));
        return Err(Failure::Refused(refused).into());
    }
    let result = answer.result.map_or("null", RawValue::get);
    let text = match stdout().is_terminal() {
        true => pretty(result).unwrap_or_else(|| printable(result)),
        false => result.to_owned(),
    };
    Ok(writeln!(stdout(), "{text}")?)
}
