//! Where a conversation is told.

use std::io::{self, Write, stdout};
use std::time::Duration;

use tieline::Message;
use tokio::sync::mpsc;

use super::framing::Framing;
use super::happening::Happening;
use super::json;
use super::shown::{Shown, chain};
use crate::printable::printable;
use crate::style::{self, BOLD};

/// Where a conversation is told, and how.
#[derive(Debug)]
pub(super) enum Out {
    /// To a person, above the line that is being typed.
    Console(mpsc::Sender<String>),
    /// To a program, everything.
    Json,
    /// To a program, the messages alone; on a terminal nothing in them is obeyed.
    Messages { framing: Framing, is_terminal: bool, is_verbose: bool },
}

impl Out {
    pub(super) async fn tell(
        &self,
        shown: &Shown,
        at: Duration,
        happening: &Happening,
    ) -> io::Result<()> {
        match self {
            Self::Console(printer) => {
                let Some(text) = shown.text(at, happening) else { return Ok(()) };
                // Where the terminal has gone there is nobody to tell.
                printer.send(text).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
            }
            Self::Json => match json::line(at, happening) {
                Some(line) => write(line.as_bytes()),
                None => Ok(()),
            },
            Self::Messages { framing, is_terminal, is_verbose } => match happening {
                Happening::Received(message) if *is_terminal => {
                    write(format!("{}\n", harmless(message)).as_bytes())
                }
                Happening::Received(message) => framing.write(&mut stdout().lock(), message),
                Happening::Ended { why, retry_in: Some(retry_in) } => {
                    eprintln!("line lost: {}; tries again in {retry_in:.1?}", chain(why));
                    Ok(())
                }
                Happening::Sent(_) => Ok(()),
                happening if *is_verbose => {
                    if let Some(text) = shown.text(at, happening) {
                        eprint!("{text}");
                    }
                    Ok(())
                }
                Happening::Note(note) => {
                    eprintln!("{} {note}", style::on_stderr("note:", BOLD));
                    Ok(())
                }
                _ => Ok(()),
            },
        }
    }
}

fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A message that a terminal shows and does not obey.
fn harmless(message: &Message) -> String {
    match message {
        Message::Text(text) => text.split('\n').map(printable).collect::<Vec<_>>().join("\n"),
        Message::Binary(bytes) => data_encoding::HEXLOWER.encode(bytes),
    }
}
