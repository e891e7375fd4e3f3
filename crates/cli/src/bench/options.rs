//! What may stand behind `tieline bench`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;

use crate::quantity::{size, span};
use crate::trust::Trust;

/// What is measured, with what, and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server: ws://HOST:PORT/PATH or wss://…
    #[arg(value_name = "URL")]
    pub(super) url: String,
    #[command(flatten)]
    pub(super) load: Load,
    #[command(flatten)]
    pub(super) message: Message,
    #[command(flatten)]
    pub(super) opening: Opening,
    #[command(flatten)]
    pub(super) judgement: Judgement,
}

/// How much, for how long, and in which manner.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(super) struct Load {
    /// Connections
    #[arg(long, short, value_name = "N", default_value_t = 64, value_parser = at_least_one())]
    pub(super) connections: usize,

    /// Messages that each connection has under way at once; with --fan-out, those of a round
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = at_least_one())]
    pub(super) in_flight: usize,

    /// How long is measured, such as 500ms, 10s or 2m
    #[arg(long, short, value_name = "TIME", default_value = "10s", value_parser = span)]
    pub(super) duration: Duration,

    /// How long the load lasts before it is measured
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = span)]
    pub(super) warm_up: Duration,

    /// Sends so many messages a second in all by the clock, whether answers come or not; latency
    /// counts from the moment at which a message was due
    #[arg(long, short, value_name = "N", value_parser = rate)]
    #[arg(conflicts_with_all = ["idle", "fan_out", "in_flight"])]
    pub(super) rate: Option<f64>,

    /// Only connects, and holds the connections: for their memory
    #[arg(long, conflicts_with_all = ["fan_out", "in_flight"])]
    pub(super) idle: bool,

    /// The first connection speaks and all hear it, for servers that pass on what they are told;
    /// the next round begins when all have heard the last
    #[arg(long)]
    pub(super) fan_out: bool,

    /// With --fan-out: the server does not send a message back to who spoke it
    #[arg(long, requires = "fan_out")]
    pub(super) speaker_excluded: bool,

    /// So many of the connections read slowly; nobody waits for them, and their latency does not count
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) slow_readers: usize,

    /// How fast these read, in bytes a second, such as 10K
    #[arg(long, value_name = "BYTES", default_value = "1K", value_parser = size)]
    pub(super) slow_rate: usize,

    /// Threads that make the load
    #[arg(long, short, value_name = "N", default_value_t = 1, value_parser = at_least_one())]
    pub(super) threads: usize,
}

/// What is sent, and what is looked at in the answer.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Message")]
pub(super) struct Message {
    /// Payload of a message, in bytes, such as 128, 16K or 1M
    #[arg(long, short, value_name = "BYTES", default_value = "128", value_parser = size)]
    pub(super) size: usize,

    /// Sends text: printable ASCII
    #[arg(long, group = "payload")]
    pub(super) text: bool,

    /// Sends binary messages, of noise: the default
    #[arg(long, group = "payload")]
    pub(super) binary: bool,

    /// Sends text of two, three and four bytes a character
    #[arg(long, group = "payload")]
    pub(super) non_ascii: bool,

    /// Sends text that is JSON as an application would send it: for what compression does
    #[arg(long, group = "payload")]
    pub(super) json_text: bool,

    /// Sends this file as a text message
    #[arg(long, value_name = "FILE", group = "payload", conflicts_with = "size")]
    pub(super) text_file: Option<PathBuf>,

    /// Sends this file as a binary message
    #[arg(long, value_name = "FILE", group = "payload", conflicts_with = "size")]
    pub(super) file: Option<PathBuf>,

    /// Compares what the answers hold, byte by byte, not only their kind and length
    #[arg(long, conflicts_with_all = ["fan_out", "any_reply", "idle"])]
    pub(super) verify: bool,

    /// Takes any message for the answer, not only what was sent
    #[arg(long, conflicts_with = "fan_out")]
    pub(super) any_reply: bool,

    /// Offers permessage-deflate; the message is compressed once, answers are not inflated but
    /// with --verify
    #[arg(long)]
    pub(super) deflate: bool,
}

/// How the connections are opened.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Opening")]
pub(super) struct Opening {
    /// Opens so many connections a second [default: as fast as the server answers]
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(super) ramp: Option<f64>,

    /// Connects from these addresses in turn, such as 127.0.0.2-127.0.0.9; may be given more than
    /// once: one address has some 28,000 ports to connect from, half of them found quickly
    #[arg(long, value_name = "IP[-IP]", value_delimiter = ',', value_parser = sources)]
    pub(super) source: Vec<Sources>,

    /// A header of the request, such as 'Authorization: Bearer …'; may be given more than once
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    pub(super) header: Vec<String>,

    /// A subprotocol to offer; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub(super) subprotocol: Vec<String>,

    /// Says this text as soon as a connection is open, {n} being its number; may be given more than
    /// once. The connection counts as open when it has heard as many messages
    #[arg(long, value_name = "TEXT")]
    pub(super) first: Vec<String>,

    /// The origin to name, as a page's browser would
    #[arg(long, value_name = "ORIGIN")]
    pub(super) origin: Option<String>,

    #[command(flatten)]
    pub(super) trust: Trust,
}

/// What is told, and when it is not good enough.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Result")]
pub(super) struct Judgement {
    /// Prints one JSON object instead of the summary
    #[arg(long)]
    pub(super) json: bool,

    /// The server's process: its CPU time and memory are read from /proc (Linux)
    #[arg(long, value_name = "PID")]
    pub(super) pid: Option<u32>,

    /// Ends with 1 where the 99th percentile of the latency is above, such as 500us or 5ms
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(super) max_p99: Option<Duration>,

    /// Ends with 1 where fewer messages a second were received
    #[arg(long, value_name = "N", value_parser = rate)]
    pub(super) min_rate: Option<f64>,

    /// Ends with 1 where more errors were counted
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_errors: u64,
}

/// Addresses from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sources {
    first: IpAddr,
    count: u32,
}

impl Sources {
    /// Each of them.
    pub(super) fn addresses(self) -> impl Iterator<Item = IpAddr> {
        (0..self.count).map(move |at| match self.first {
            IpAddr::V4(first) => IpAddr::V4((u32::from(first) + at).into()),
            IpAddr::V6(first) => IpAddr::V6((u128::from(first) + u128::from(at)).into()),
        })
    }
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=10_000_000)
}

/// So many a second, more than none.
fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or_else(|| "write a number above 0".to_owned())
}

fn sources(text: &str) -> Result<Sources, String> {
    let parse = |text: &str| text.parse().map_err(|_| format!("`{text}` is no IP address"));
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (parse(first)?, parse(last)?),
        None => (parse(text)?, parse(text)?),
    };
    let beyond = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            u32::from(last).checked_sub(first.into()).map(u128::from)
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => u128::from(last).checked_sub(first.into()),
        _ => None,
    };
    match beyond.and_then(|beyond| u32::try_from(beyond).ok()) {
        Some(beyond) if beyond < 1 << 16 => Ok(Sources { first, count: beyond + 1 }),
        _ => Err("the last address is before the first, of another kind, or far away".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_sources_is_each_address_in_it() {
        let range = sources("127.0.0.254-127.0.1.1").unwrap();
        let addresses: Vec<_> = range.addresses().map(|ip| ip.to_string()).collect();
        assert_eq!(addresses, ["127.0.0.254", "127.0.0.255", "127.0.1.0", "127.0.1.1"]);
        assert_eq!(sources("::1").unwrap().addresses().count(), 1);
        for text in ["127.0.0.2-127.0.0.1", "::1-127.0.0.1", "localhost", "10.0.0.0-11.0.0.0"] {
            assert!(sources(text).is_err(), "{text}");
        }
    }
}
