//! `tieline decode`: frames, bit by bit, from what somebody has at hand.

mod input;
mod show;

use std::io::{self, Write};

use tieline_inspect::{Deflate, Frames, Outcome, Sender, json};

use self::input::Form;
pub(crate) use self::show::said;
use crate::exit_code::Exit;

pub(crate) const EXAMPLES: &str = "\
INPUT is hexadecimal in any dress (81 86 af, 0x81,0x86, \\x81, <Buffer 81 86 …>), base64, a file of
either or of bytes as they are, or - for standard input. Who has sent the frames their first says
by its mask, unless --from does.

Examples:
  tieline decode 81 86 af 87 53 b4 4b 3a f3 51 0a 3a
  tieline decode gYavh1O0SzrzUQo6
  tieline decode --deflate c1 07 f2 48 cd c9 c9 07 00
  tieline decode --json frames.bin | jq .message
  xxd -p frames.bin | tieline decode -

Exit codes: 0 all frames are whole, 1 the last is cut off, 2 wrong usage, 4 a frame breaks the
protocol.";

/// What is taken apart.
#[derive(Debug, clap::Args)]
pub(crate) struct Decode {
    /// Hexadecimal, base64, a file, or - for standard input
    #[arg(required = true, value_name = "INPUT")]
    input: Vec<String>,

    /// How the bytes are written [default: as they look]
    #[arg(long, value_name = "FORM")]
    form: Option<Form>,

    /// Who has sent them [default: as the first frame is masked or not]
    #[arg(long, value_name = "END")]
    from: Option<End>,

    /// Messages may be compressed, each with the window of the one before (permessage-deflate)
    #[arg(long)]
    deflate: bool,

    /// The same, each message on its own (no_context_takeover)
    #[arg(long, conflicts_with = "deflate")]
    deflate_alone: bool,

    /// Prints each frame as JSON, in a line
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum End {
    Client,
    Server,
}

/// What was decoded was not all as it should be; that was said already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("the last frame is cut off")]
    CutOff,
    #[error("a frame breaks the protocol")]
    Protocol,
    /// There is nothing, or nothing that can be read.
    #[error("{0}")]
    Usage(&'static str),
}

impl Failure {
    pub(crate) const fn exit(self) -> Exit {
        match self {
            Self::CutOff => Exit::Failed,
            Self::Protocol => Exit::Protocol,
            Self::Usage(_) => Exit::Usage,
        }
    }
}

impl Decode {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let bytes = input::read(&self.input, self.form)?;
        let from = self.from.map(|end| match end {
            End::Client => Sender::Client,
            End::Server => Sender::Server,
        });
        let deflate = match (self.deflate, self.deflate_alone) {
            (true, _) => Deflate::WithContext,
            (_, true) => Deflate::WithoutContext,
            _ => Deflate::Off,
        };
        let mut out = io::stdout().lock();
        let mut frames = Frames::of(&bytes, from, deflate);
        let mut last = None;
        for (number, frame) in (1..).zip(frames.by_ref()) {
            let text = match self.json {
                true => format!("{}\n", json::frame(&frame)),
                false => show::frame(number, &frame, deflate),
            };
            out.write_all(text.as_bytes())?;
            last = Some(frame.outcome);
        }
        let rest = frames.rest().len();
        match rest {
            0 => {}
            _ if self.json => {}
            1 => writeln!(out, "1 byte behind it is not read")?,
            rest => writeln!(out, "{rest} bytes behind it are not read")?,
        }
        match last {
            Some(Outcome::CutOff(_)) => Err(Failure::CutOff.into()),
            Some(Outcome::Wrong(_)) => Err(Failure::Protocol.into()),
            _ => Ok(()),
        }
    }
}
