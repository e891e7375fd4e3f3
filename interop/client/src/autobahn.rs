//! The client role of the Autobahn test suite: every case is a connection on which all is echoed.

use std::io::{IsTerminal, Write, stderr};
use std::ops::RangeInclusive;

use anyhow::{Context, Result, bail};
use tieline::{Connect, Deflate, Limits};

/// Runs the cases of an Autobahn fuzzing server.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the fuzzing server listens, such as ws://127.0.0.1:9001
    url: String,
    /// The name under which it files its report
    agent: String,
    /// Only these cases, counted from 1 in the order of the server: 1-50,60
    #[arg(long, value_delimiter = ',', value_parser = range)]
    cases: Vec<RangeInclusive<usize>>,
}

fn range(text: &str) -> Result<RangeInclusive<usize>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Ok(first.parse()?..=last.parse()?)
}

pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { url, agent, cases } = arguments;
    let url = url.trim_end_matches('/');
    let count = case_count(url).await?;
    let wanted = |case: &usize| cases.is_empty() || cases.iter().any(|range| range.contains(case));
    for case in (1..=count).filter(wanted) {
        progress(case, count);
        let case_url = format!("{url}/runCase?case={case}&agent={agent}");
        run_case(&case_url).await.with_context(|| format!("case {case} of {count}"))?;
    }
    progress_ended();
    run_case(&format!("{url}/updateReports?agent={agent}")).await.context("updateReports")
}

async fn case_count(url: &str) -> Result<usize> {
    let mut socket = tieline::connect(&format!("{url}/getCaseCount")).await?;
    let Some(message) = socket.next().await else { bail!("server told no number of cases") };
    let count = message?.text().context("number of cases is no text")?.parse()?;
    // Whatever the server does once it told the number.
    while socket.next().await.is_some() {}
    Ok(count)
}

/// Most cases end in an error on purpose; the server's report is the judge of them.
async fn run_case(url: &str) -> Result<()> {
    let limits =
        Limits { max_message_bytes: 16 << 20, max_fragments: 1 << 18, ..Limits::default() };
    let request = Connect::to(url).deflate(Deflate::default()).limits(limits);
    let mut socket = request.open().await?;
    while let Some(Ok(message)) = socket.next().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// On one line of a terminal; nothing in a log.
fn progress(case: usize, count: usize) {
    let mut stderr = stderr();
    if stderr.is_terminal() {
        // A terminal that is gone needs no progress.
        let _ = write!(stderr, "\r{case}/{count} ").and_then(|()| stderr.flush());
    }
}

fn progress_ended() {
    if stderr().is_terminal() {
        eprintln!();
    }
}
