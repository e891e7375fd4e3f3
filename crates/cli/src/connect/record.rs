//! A conversation in a file: JSON, a line for each thing that was said.
//!
//! ```text
//! {"tieline":1,"url":"ws://127.0.0.1:8080/chat","protocol":""}
//! {"at":0.0021,"from":"server","text":"Welcome, 127.0.0.1 !"}
//! {"at":1.5034,"from":"client","text":"hello"}
//! {"at":2.0010,"from":"client","hex":"00ff"}
//! {"at":3.2500,"from":"server","close":{"code":1000,"reason":""}}
//! ```

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};
use tieline::reconnect::Why;
use tieline::{CloseCode, Message};

use super::happening::Happening;

/// The form of a recording.
const VERSION: u32 = 1;

/// Longest line that is read.
const MAX_LINE_BYTES: u64 = 256 << 20;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    tieline: u32,
    url: String,
    protocol: String,
}

/// A thing that was said.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// Seconds since the line was open.
    pub(super) at: f64,
    pub(super) from: End,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    close: Option<Close>,
}

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    Client,
    Server,
}

/// How the line was closed.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Close {
    code: u16,
    reason: String,
}

/// What an entry says.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Close(CloseCode),
    Message(Message),
}

/// Writes a conversation down.
#[derive(Debug)]
pub(super) struct Recorder {
    file: File,
    /// When the line was opened.
    since: Duration,
    /// Which end this is.
    here: End,
    /// Whether it was this end that closed.
    is_closing: bool,
}

impl Recorder {
    /// Writes into this file, which must not be there yet.
    pub(super) fn create(path: &Path, here: End) -> anyhow::Result<Self> {
        let file = File::create_new(path)
            .with_context(|| format!("cannot write a recording to {}", path.display()))?;
        Ok(Self { file, since: Duration::ZERO, here, is_closing: false })
    }

    pub(super) fn note(&mut self, at: Duration, happening: &Happening) -> io::Result<()> {
        let there = match self.here {
            End::Client => End::Server,
            End::Server => End::Client,
        };
        let (from, text, hex, close) = match happening {
            Happening::Opened(opened) => {
                self.since = at;
                let (url, protocol) = (opened.url.clone(), opened.protocol.clone());
                return self.write(&Head { tieline: VERSION, url, protocol });
            }
            Happening::Received(message) => {
                let (text, hex) = written(message);
                (there, text, hex, None)
            }
            Happening::Sent(message) => {
                let (text, hex) = written(message);
                (self.here, text, hex, None)
            }
            Happening::Closing { code, reason } => {
                self.is_closing = true;
                (self.here, None, None, Some(Close { code: code.get(), reason: reason.clone() }))
            }
            Happening::Ended { why: Why::Closed { code, reason }, .. } if !self.is_closing => {
                (there, None, None, Some(Close { code: code.get(), reason: reason.clone() }))
            }
            _ => return Ok(()),
        };
        let at = at.saturating_sub(self.since).as_micros() as f64 / 1e6;
        self.write(&Entry { at, from, text, hex, close })
    }

    /// One write for a line: what was said is in the file even where the program is killed.
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }
}

fn written(message: &Message) -> (Option<String>, Option<String>) {
    match message {
        Message::Text(text) => (Some(text.to_string()), None),
        Message::Binary(bytes) => (None, Some(data_encoding::HEXLOWER.encode(bytes))),
    }
}

impl Entry {
    pub(super) fn said(&self) -> Result<Said, &'static str> {
        Ok(match (&self.text, &self.hex, &self.close) {
            (Some(text), None, None) => Said::Message(text.as_str().into()),
            (None, Some(hex), None) => match HEXLOWER_PERMISSIVE.decode(hex.as_bytes()) {
                Ok(bytes) => Said::Message(bytes.into()),
                Err(_) => return Err("`hex` is not two hexadecimal digits for each byte"),
            },
            (None, None, Some(close)) => Said::Close(CloseCode::new(close.code)),
            _ => return Err("one of `text`, `hex` and `close` says what was said"),
        })
    }
}

/// What a recording says, in order; of one line, the first where there are several.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<(Duration, End, Said)>> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
    let mut from = BufReader::new(file);
    let mut entries = Vec::new();
    for number in 1.. {
        let mut line = Vec::new();
        io::Read::take(&mut from, MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .with_context(|| format!("cannot read {name}"))?;
        if line.is_empty() {
            break;
        }
        let head = serde_json::from_slice::<Head>(&line);
        match (number, head) {
            (1, Ok(Head { tieline: VERSION, .. })) => continue,
            (1, Ok(Head { tieline, .. })) => bail!(
                "{name} is a recording of form {tieline}, and this program reads form {VERSION}"
            ),
            (1, Err(_)) => bail!("{name} is no recording: tieline connect --record FILE makes one"),
            (_, Ok(_)) => break,
            (_, Err(_)) => {}
        }
        let entry: Entry = serde_json::from_slice(&line)
            .with_context(|| format!("line {number} of {name} is not as a recording has it"))?;
        let said = entry.said().map_err(|why| anyhow::anyhow!("line {number} of {name}: {why}"))?;
        let at = Duration::try_from_secs_f64(entry.at)
            .with_context(|| format!("line {number} of {name}: `at` is no time"))?;
        entries.push((at, entry.from, said));
    }
    Ok(entries)
}
