//! `tieline inspect`: what is in a capture, or passes on an interface.

mod filter;
mod har;
mod source;
mod statistics;
mod table;

use std::io::{self, Write};
use std::path::PathBuf;

#[cfg(feature = "tls")]
use anyhow::Context;
#[cfg(feature = "tls")]
use tieline_inspect::Keys;
use tieline_inspect::{Bounds, Inspector, Room, Seen, json};

use self::filter::Filter;
use self::har::Archive;
use self::source::Source;
use self::statistics::Statistics;
use self::table::Table;
use crate::exit_code::Exit;

pub(crate) const EXAMPLES: &str = "\
FILE is a capture in the form pcap or pcapng, - is standard input. Each connection of TCP is put
together again; of WebSockets every frame is shown, of others nothing.

A line of the table: the number of the connection, seconds since the first line, → from the client
or ← from the server, the opcode, the length, F for FIN and 1 for RSV1, and what comes of it.

A filter is conditions, all of which have to hold: FIELD and = != < <= > >= or (of text) ~ !~, such as
opcode=text from=client length>100 text~regex. Fields: event (connection, request, response, frame,
gap, note, closed, end), connection, from, opcode, length, fin, compressed, code, status, text.

Examples:
  tieline inspect traffic.pcapng
  tieline inspect traffic.pcapng --filter 'opcode=text from=client text~\"user\"' --connection 3
  tieline inspect traffic.pcapng --json | jq 'select(.event == \"closed\")'
  tieline inspect traffic.pcapng --har > traffic.har
  tieline inspect traffic.pcapng --keys keys.log
  tcpdump -i lo -U -w - tcp port 8080 | tieline inspect -
  tieline inspect --live lo

Exit codes: 0 all was read, 1 it is no capture, it is cut off, or bytes are missing in it (all that
could be read was shown), 2 wrong usage.";

/// What is looked into.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// A capture, or - for standard input
    #[arg(value_name = "FILE", required_unless_present = "live", conflicts_with = "live")]
    file: Option<PathBuf>,

    /// Captures on this interface, until it is interrupted
    #[arg(long, value_name = "INTERFACE")]
    live: Option<String>,

    /// Prints each event as JSON, in a line
    #[arg(long)]
    json: bool,

    /// Prints an HTTP archive at the end, as the developer tools of Chrome do
    #[arg(long, conflicts_with = "json")]
    har: bool,

    /// Shows only what fulfils these conditions
    #[arg(long, value_name = "CONDITIONS")]
    filter: Option<Filter>,

    /// Shows only the connection of this number
    #[arg(long, value_name = "N")]
    connection: Option<u64>,

    /// Decrypts TLS by the secrets in this file, as browsers log them (SSLKEYLOGFILE)
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Largest message that is put together, after inflation, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Bounds::default().max_message_bytes)]
    max_message: usize,
}

/// What was looked into was not all there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} bytes are missing in the capture")]
    Gaps(u64),
    #[error("{0} messages were left out of the archive: choose some by --connection or --filter")]
    LeftOut(u64),
    #[error(
        "no packet is of a link that is known, but of link {0}; known are Ethernet (1), raw IP (101, 12, \
         14, 228, 229), loopback (0, 108) and Linux' cooked ones (113, 276)"
    )]
    UnknownLink(i32),
    /// Nothing was begun.
    #[error("{0}")]
    Usage(String),
}

impl Failure {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Gaps(_) | Self::LeftOut(_) | Self::UnknownLink(_) => Exit::Failed,
        }
    }
}

/// How it is shown.
enum Form {
    Har(Archive),
    Json,
    Table(Table),
}

/// Where events go.
struct Output<'i> {
    options: &'i Inspect,
    form: Form,
    statistics: Statistics,
    out: io::BufWriter<io::StdoutLock<'static>>,
    /// What went wrong with it: nobody reads it any more, mostly.
    broken: Option<io::Error>,
}

impl Inspect {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut source = Source::open(self.file.as_deref(), self.live.as_deref())?;
        let bounds = Bounds { max_message_bytes: self.max_message, ..Bounds::default() };
        let mut inspector = self.inspector(Room { bounds, ..Room::default() })?;
        let form = match (self.json, self.har) {
            (true, _) => Form::Json,
            (_, true) => Form::Har(Archive::default()),
            _ => Form::Table(Table::default()),
        };
        let out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
        let statistics = Statistics::default();
        let mut output = Output { options: self, form, statistics, out, broken: None };
        let read = source.each(&mut |packet| {
            match packet {
                Some(packet) => inspector.packet(&packet, &mut |seen| output.take(&seen)),
                // Nothing more comes for now: what there is may be read.
                None => output.flush(),
            }
            output.broken.is_none()
        });
        inspector.finish(&mut |seen| output.take(&seen));
        let counts = *inspector.counts();
        let left_out = output.finish(&inspector)?;
        read?;
        match (counts.unknown_link, counts.gap_bytes, left_out) {
            (Some(link), ..) if counts.unknown_links == counts.packets => {
                Err(Failure::UnknownLink(link).into())
            }
            (_, 0, 0) => Ok(()),
            (_, 0, left_out) => Err(Failure::LeftOut(left_out).into()),
            (_, gaps, _) => Err(Failure::Gaps(gaps).into()),
        }
    }

    #[cfg(feature = "tls")]
    fn inspector(&self, room: Room) -> anyhow::Result<Inspector> {
        let Some(path) = &self.keys else { return Ok(Inspector::new(room)) };
        let keys = Keys::open(path).with_context(|| format!("cannot read {path:?}"))?;
        Ok(Inspector::new(room).with_keys(keys))
    }

    #[cfg(not(feature = "tls"))]
    fn inspector(&self, room: Room) -> anyhow::Result<Inspector> {
        match self.keys {
            None => Ok(Inspector::new(room)),
            Some(_) => {
                let what = "this build cannot decrypt: it was built without the feature tls";
                Err(Failure::Usage(what.to_owned()).into())
            }
        }
    }

    fn shows(&self, seen: &Seen) -> bool {
        self.connection.is_none_or(|number| number == seen.connection)
            && self.filter.as_ref().is_none_or(|filter| filter.lets(seen))
    }
}

impl Output<'_> {
    fn take(&mut self, seen: &Seen) {
        if self.broken.is_some() {
            return;
        }
        self.statistics.count(seen);
        let is_shown = self.options.shows(seen);
        let written = match &mut self.form {
            Form::Har(archive) => {
                if self.options.connection.is_none_or(|number| number == seen.connection) {
                    archive.take(seen, is_shown);
                }
                Ok(())
            }
            _ if !is_shown => Ok(()),
            Form::Json => writeln!(self.out, "{}", json::seen(seen)),
            Form::Table(table) => self.out.write_all(table.lines(seen).as_bytes()),
        };
        self.broken = written.err();
    }

    fn flush(&mut self) {
        if self.broken.is_none() {
            self.broken = self.out.flush().err();
        }
    }

    /// Says what is said at the end; answers how many messages were left out.
    fn finish(mut self, inspector: &Inspector) -> io::Result<u64> {
        let counts = inspector.counts();
        let mut left_out = 0;
        if self.broken.is_none() {
            match self.form {
                Form::Har(archive) => {
                    left_out = archive.left_out();
                    serde_json::to_writer_pretty(&mut self.out, &archive.json())?;
                    writeln!(self.out)?;
                }
                Form::Json => writeln!(self.out, "{}", self.statistics.json(counts))?,
                Form::Table(_) => write!(self.out, "{}", self.statistics.text(counts))?,
            }
            self.broken = self.out.flush().err();
        }
        match self.broken {
            // Whoever has read enough closes the pipe.
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(left_out),
        }
    }
}
