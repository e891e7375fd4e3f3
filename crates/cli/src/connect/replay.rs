//! `tieline replay`: says again what a recorded client said, and compares the answers.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use regex::Regex;
use serde_json::json;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use tieline::reconnect::Why;
use tieline::{CloseCode, Message};
use tokio::time::Instant;

use super::Failure;
use super::heard::Heard;
use super::record::{self, End, Said};
use super::request::Request;
use crate::printable::printable;
use crate::quantity::span;
use crate::style::{self, GREEN, RED};

pub(crate) const EXAMPLES: &str = "\
Says what the client of the recording said, and ends with 1 where the answers are others than they
were. What changes from time to time, such as ids and times, is left out with --ignore.

Examples:
  tieline connect ws://127.0.0.1:8080/chat --record chat.jsonl
  tieline replay chat.jsonl ws://127.0.0.1:8080/chat
  tieline replay chat.jsonl ws://127.0.0.1:9000/chat --fast --ignore '\"id\":\"[^\"]*\"'

Exit codes: 0 the answers are the same, 1 they differ, 2 wrong usage, 3 could not connect, 4 the
server broke the protocol.";

/// Most bytes of a message that are shown.
const MAX_SHOWN: usize = 512;

/// What is said again, and to whom.
#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The recording, made by `tieline connect --record`
    file: PathBuf,

    /// The server: ws://HOST:PORT/PATH or wss://…
    url: String,

    /// Says each thing as soon as what was answered before it has come, not at its time
    #[arg(long)]
    fast: bool,

    /// Leaves out what matches when answers are compared; may be given more than once
    #[arg(long, value_name = "REGEX")]
    ignore: Vec<Regex>,

    /// How long an answer is waited for
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span)]
    within: Duration,

    /// Prints the result as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    request: Request,
}

impl Replay {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let recorded = record::read(&self.file)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let heard = runtime.block_on(self.replay(&recorded))?;
        let expected = recorded.iter().filter_map(|(_, from, said)| match (from, said) {
            (End::Server, Said::Message(message)) => Some(message),
            _ => None,
        });
        let expected: Vec<_> = expected.map(|message| self.compared(message)).collect();
        let heard: Vec<_> = heard.iter().map(|message| self.compared(message)).collect();
        self.judge(&expected, &heard)
    }

    /// Says what was said; what is answered.
    async fn replay(&self, recorded: &[(Duration, End, Said)]) -> anyhow::Result<Vec<Message>> {
        let mut heard = Heard::open(&self.url, self.request.to(&self.url)?).await?;
        let progress = self.progress(recorded.len());
        let start = Instant::now();
        let mut answers = 0;
        let mut is_closed = false;
        for (at, from, said) in recorded {
            progress.inc(1);
            if *from == End::Server {
                match said {
                    Said::Message(_) => answers += 1,
                    Said::Close(_) => heard.until_end(self.within).await,
                }
                continue;
            }
            match self.fast {
                true if !heard.until(answers, self.within).await => break,
                true => {}
                false => heard.for_a_while(start + *at).await,
            }
            if heard.end.is_some() {
                break;
            }
            match said {
                Said::Message(message) => heard.say(message.clone()).await,
                Said::Close(code) => {
                    heard.until(answers, self.within).await;
                    heard.close(*code);
                    is_closed = true;
                }
            }
        }
        heard.until(answers, self.within).await;
        if !is_closed {
            heard.close(CloseCode::NORMAL);
        }
        heard.until_end(self.within).await;
        progress.finish_and_clear();
        match heard.end {
            Some(why @ Why::Line(_)) => Err(Failure::ended(&self.url, why).into()),
            _ => Ok(heard.messages),
        }
    }

    fn progress(&self, entries: usize) -> ProgressBar {
        let target =
            if self.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(entries as u64), target);
        match ProgressStyle::with_template("{elapsed:>4} {wide_bar} {pos} of {len}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// A message as it is compared and shown.
    fn compared(&self, message: &Message) -> String {
        let Message::Text(text) = message else {
            return format!("binary {}", data_encoding::HEXLOWER.encode(message.as_bytes()));
        };
        self.ignore
            .iter()
            .fold(text.to_string(), |text, ignored| ignored.replace_all(&text, "…").into_owned())
    }

    /// Shows the differences; an error where there are some.
    fn judge(&self, expected: &[String], heard: &[String]) -> anyhow::Result<()> {
        let differences = capture_diff_slices(Algorithm::Myers, expected, heard);
        let differences: Vec<_> =
            differences.into_iter().filter(|op| !matches!(op, DiffOp::Equal { .. })).collect();
        let (mut missing, mut unexpected) = (Vec::new(), Vec::new());
        for difference in &differences {
            let (old, new) = (difference.old_range(), difference.new_range());
            missing.extend(old.clone().map(|at| (at, &expected[at])));
            unexpected.extend(new.clone().map(|at| (at, &heard[at])));
            if !self.json {
                println!("answer {}:", old.start + 1);
                for at in old {
                    println!("{}", style::on_stdout(&format!("- {}", short(&expected[at])), RED));
                }
                for at in new {
                    println!("{}", style::on_stdout(&format!("+ {}", short(&heard[at])), GREEN));
                }
            }
        }
        let (count, is_same) = (expected.len(), differences.is_empty());
        if self.json {
            let listed = |list: &[(usize, &String)]| -> Vec<_> {
                list.iter().map(|(at, text)| json!({ "answer": at + 1, "text": text })).collect()
            };
            let (missing, unexpected) = (listed(&missing), listed(&unexpected));
            println!(
                "{}",
                json!({ "same": is_same, "recorded": count, "heard": heard.len(),
                "missing": missing, "unexpected": unexpected })
            );
        } else if is_same {
            println!("all {count} answers are the same");
        }
        match is_same {
            true => Ok(()),
            false => {
                let (missing, unexpected) = (missing.len(), unexpected.len());
                let what = format!(
                    "the answers differ: of {count} that were recorded {missing} did not come, and {unexpected} \
                     others did"
                );
                Err(Failure::Different(what).into())
            }
        }
    }
}

/// Text of one line, as much of it as is shown.
fn short(text: &str) -> String {
    let end = text.char_indices().nth(MAX_SHOWN).map_or(text.len(), |(end, _)| end);
    let more = if end < text.len() { " …" } else { "" };
    format!("{}{more}", printable(&text[..end]))
}
