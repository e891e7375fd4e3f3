//! `tieline connect`: a WebSocket in the terminal, by hand or from a script; and `tieline replay`.
//!
//! ```text
//!  keys, standard input, --send ─▶ Input ─▶ Talk ─▶ Line ─▶ the peer
//!  screen, standard output, --record ◀─ Happening ◀┘
//! ```

mod channel;
mod command;
mod console;
mod event;
mod failure;
mod framing;
mod goal;
mod happening;
mod heard;
mod input;
mod json;
mod line;
mod listening;
mod out;
mod pings;
mod pretty;
mod record;
mod replay;
mod request;
mod rpc;
mod script;
mod shown;
mod talk;

use std::io::{IsTerminal, stdin, stdout};
use std::path::PathBuf;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use regex::Regex;
use tieline::http::uri::Authority;
use tieline::{AcceptOptions, Client};

use self::console::Console;
pub(crate) use self::failure::Failure;
use self::framing::Framing;
use self::goal::Goal;
use self::input::Input;
use self::line::Line;
use self::listening::Listening;
use self::out::Out;
use self::record::{End, Recorder};
pub(crate) use self::replay::{EXAMPLES as REPLAY_EXAMPLES, Replay};
use self::request::Request;
use self::shown::Shown;
use self::talk::{Inputs, Talk};
use crate::channels;
use crate::quantity::span;

pub(crate) const EXAMPLES: &str = "\
On a terminal each line that is typed is a message, and /help lists the commands (/ping, /close,
/binary @FILE, /headers …). In a script each line of standard input is a message, and each message
is a line of standard output; when the input has ended, and nothing comes any more (--linger), the
line is closed. --expect and --count wait for messages instead.

Examples:
  tieline connect ws://127.0.0.1:8080/echo
  echo hello | tieline connect ws://127.0.0.1:8080/echo
  tieline connect wss://example.com/chat --token-file token -s chat.v2
  tieline connect ws://127.0.0.1:8080/echo --send ping --expect '^ping$' --timeout 2s
  tieline connect ws://127.0.0.1:8080/tieline --channel demo:lobby
  tieline connect ws://127.0.0.1:8545 --rpc eth_getBlockByNumber '[\"latest\", false]'
  tieline connect wss://example.com/feed --stay --reconnect --json | jq .text
  tieline connect ws://127.0.0.1:8080/chat --record chat.jsonl
  tieline connect --listen 127.0.0.1:9000

Exit codes: 0 done, 1 what was expected did not come or the line was lost, 2 wrong usage, 3 could
not connect, 4 the peer broke the protocol.";

/// What is said over a line, and what is shown of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// The server: ws://HOST:PORT/PATH or wss://…
    #[arg(value_name = "URL", required_unless_present = "listen")]
    url: Option<String>,

    /// Is the server instead, for one peer, at HOST:PORT; with --reconnect for one after the other
    #[arg(long, value_name = "ADDRESS", conflicts_with = "url")]
    listen: Option<String>,

    /// Talks on a channel of a Tieline server: what is typed is published
    #[arg(long, value_name = "CHANNEL", conflicts_with_all = ["listen", "rpc", "record"])]
    channel: Option<String>,

    /// Calls a method of JSON-RPC 2.0 with these parameters, as JSON, and prints what it gives; behind the URL
    #[arg(long, num_args = 1..=2, value_names = ["METHOD", "PARAMS"])]
    #[arg(conflicts_with_all = ["listen", "record", "send", "expect", "count"])]
    rpc: Vec<String>,

    /// Comes back when the line is lost
    #[arg(long)]
    reconnect: bool,

    /// Writes down what is said, for `tieline replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    #[command(flatten)]
    script: Script,

    #[command(flatten)]
    show: Show,

    #[command(flatten)]
    request: Request,
}

/// What a script says and waits for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Script")]
struct Script {
    /// Says this instead of standard input; may be given more than once
    #[arg(long, short = 'm', value_name = "TEXT")]
    send: Vec<String>,

    /// Ends when a text matches this regular expression, and with 1 where none does; may be given
    /// more than once, for one after the other
    #[arg(long, short, value_name = "REGEX")]
    expect: Vec<Regex>,

    /// Ends after so many messages, and with 1 where fewer come
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    /// How long --expect and --count wait, once the line is open
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span)]
    timeout: Duration,

    /// How long it listens on when the input has ended and nothing comes; then it closes
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = span)]
    linger: Duration,

    /// Listens on until the server closes, or Ctrl-C
    #[arg(long, conflicts_with = "linger")]
    stay: bool,

    /// Sends standard input as binary messages
    #[arg(long, short)]
    binary: bool,

    /// Where a message ends on standard input and output
    #[arg(long, value_name = "FRAMING", default_value = "lines")]
    framing: Framing,
}

/// What is shown.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
struct Show {
    /// Prints everything that happens, each as a JSON object in a line
    #[arg(long, conflicts_with = "framing")]
    json: bool,

    /// Shows when each thing happened, in seconds since the start
    #[arg(long)]
    times: bool,

    /// Shows pings and pongs
    #[arg(long)]
    pings: bool,

    /// Says on standard error how the line opens and ends, where standard output has messages
    #[arg(long, short)]
    verbose: bool,
}

/// What is talked on.
enum Place {
    Channel(Client, String),
    Line(Line, Option<Recorder>),
}

impl Connect {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let result = runtime.block_on(self.talk());
        // Somebody may still be waiting for standard input, which nobody needs any more.
        runtime.shutdown_background();
        match result {
            // Who reads the output has had enough.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            result => result,
        }
    }

    async fn talk(&self) -> anyhow::Result<()> {
        if let [method, params @ ..] = &*self.rpc {
            let (url, params) = (self.url(), params.first().map(String::as_str));
            return rpc::call(url, self.request.to(url)?, method, params, self.script.timeout)
                .await;
        }
        let Script { send, expect, count, timeout, linger, stay, binary, framing } = &self.script;
        let goal = Goal::new(expect, *count, *timeout);
        let is_for_people = goal.is_none()
            && send.is_empty()
            && !self.show.json
            && stdin().is_terminal()
            && stdout().is_terminal();
        if is_for_people {
            // Before the terminal is taken: what is wrong is told on a screen as it was.
            let place = self.place().await?;
            let (mut console, prints) = Console::open().context("cannot use the terminal")?;
            let result = self.run_at(place, Out::Console(prints), goal, None, &mut console).await;
            console.close();
            return result;
        }
        let out = match self.show.json {
            true => Out::Json,
            false => Out::Messages {
                framing: *framing,
                is_terminal: stdout().is_terminal(),
                is_verbose: self.show.verbose,
            },
        };
        let mut inputs = match send.is_empty() {
            true => script::of_stdin(*framing, *binary),
            false => script::of(send),
        };
        let linger = (!stay).then_some(*linger);
        self.run_at(self.place().await?, out, goal, linger, &mut inputs).await
    }

    async fn place(&self) -> anyhow::Result<Place> {
        if let Some(channel) = &self.channel {
            return Ok(Place::Channel(self.client().await?, channel.clone()));
        }
        let recorder = match &self.record {
            Some(path) => Some(Recorder::create(path, self.end())?),
            None => None,
        };
        Ok(Place::Line(self.line().await?, recorder))
    }

    async fn run_at(
        &self,
        place: Place,
        out: Out,
        goal: Option<Goal>,
        linger: Option<Duration>,
        inputs: &mut dyn Inputs,
    ) -> anyhow::Result<()> {
        match place {
            Place::Channel(client, channel) => {
                let console = match out {
                    Out::Console(prints) => Some(prints),
                    _ => None,
                };
                let (is_json, stays) = (self.show.json, linger.is_none());
                channel::Talk { client, channel, console, is_json, goal, stays }.run(inputs).await
            }
            Place::Line(line, recorder) => {
                let shown = Shown { pings: self.show.pings, pretty: true, times: self.show.times };
                let (url, state) = (self.url().to_owned(), talk::State::default());
                Talk { url, line, out, shown, goal, recorder, linger, state }.run(inputs).await
            }
        }
    }

    /// A client of the channels at the URL.
    async fn client(&self) -> anyhow::Result<Client> {
        // What is wrong with the flags is said before anything is sent.
        let request = self.request.to(self.url())?;
        let client = Client::to(self.url()).request(|_| request);
        let client = client.name(concat!("tieline ", env!("CARGO_PKG_VERSION")));
        let client = match std::env::var(channels::TOKEN) {
            Ok(token) if !token.is_empty() && !self.request.says_who() => client.token(token),
            _ => client,
        };
        let fail = |error| channels::Failure::connecting(self.url(), error);
        Ok(client.connect().await.map_err(fail)?)
    }

    async fn line(&self) -> anyhow::Result<Line> {
        let (request, comes_back) = (&self.request, self.reconnect);
        let Some(address) = &self.listen else {
            return Ok(Line::asking(request.to(self.url())?, comes_back));
        };
        if address.parse::<Authority>().map_or(true, |address| address.port().is_none()) {
            let wrong =
                format!("`{address}` is no address: write HOST:PORT, such as 127.0.0.1:9000");
            return Err(Failure::Usage(wrong).into());
        }
        let options = AcceptOptions {
            deflate: request.deflate(),
            limits: request.limits(),
            protocols: request.protocols().to_vec(),
            ..AcceptOptions::default()
        };
        let listening = Listening::at(address, options, comes_back);
        let listening = listening.await.with_context(|| format!("cannot listen at {address}"))?;
        eprintln!("listening at ws://{}", listening.address()?);
        Ok(Line::Listening(Box::new(listening)))
    }

    /// Where the server is; empty where this is the server.
    fn url(&self) -> &str {
        self.url.as_deref().unwrap_or_default()
    }

    const fn end(&self) -> End {
        if self.listen.is_some() { End::Server } else { End::Client }
    }
}

impl Inputs for Console {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Input>> {
        let polled = self.inputs.poll_recv(cx);
        if let Poll::Ready(Some(input)) = &polled {
            self.taken(input);
        }
        polled
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
