//! `tieline subscribe`: what is published, one line each.

use std::io::{self, Write};
use std::time::Duration;

use tieline::Client;
use tieline::client::{Error, Event, Position, State, Subscription};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::show;
use super::to::To;
use crate::style::{self, BOLD};

pub(crate) const EXAMPLES: &str = "\
Prints CHANNEL OFFSET USER: what was said, a line each, or with --json an object each. When the
connection is lost it comes back by itself, with what was missed; where that is gone a line says
so. At its end it says where to go on: --since.

Examples:
  tieline subscribe demo:lobby
  tieline subscribe --json chat:lobby news:sport | jq .data
  tieline subscribe 'news:*'
  tieline subscribe --since 42@AAAAAAAAAAA chat:lobby
  tieline subscribe --presence chat:lobby

Exit codes: 0 ended by a signal, by --count, or by its reader, 1 the server ended it, 2 wrong usage,
3 could not connect, 4 the server broke the protocol.";

/// Most lines that wait to be printed.
const MAX_LINES: usize = 64;

/// What is listened to, and how it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Subscribe {
    /// The channels, or patterns such as 'news:*'
    #[arg(value_name = "CHANNEL", required = true)]
    channels: Vec<String>,

    /// Prints each event as a JSON object
    #[arg(long)]
    json: bool,

    /// Begins behind this position, with what is kept since; for one channel
    #[arg(long, value_name = "OFFSET@EPOCH")]
    since: Option<Position>,

    /// Prints who is there, and who comes and goes, where the server tells
    #[arg(long)]
    presence: bool,

    /// Ends after so many publications
    #[arg(long, short = 'n', value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,

    #[command(flatten)]
    to: To,
}

/// What one of the subscriptions has to say.
enum Said {
    Event(String, Event),
    Ended(String, Error),
}

impl Subscribe {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if self.since.is_some() && self.channels.len() > 1 {
            let what = format!("--since is in one channel: name one, not {}", self.channels.len());
            return Err(Failure::Usage(what).into());
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = self.to.connect().await?;
            let listened = self.listen(&client).await;
            client.close().await;
            listened
        })
    }

    async fn listen(&self, client: &Client) -> anyhow::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (says, mut said) = mpsc::channel(MAX_LINES);
        let mut readers = JoinSet::new();
        for channel in &self.channels {
            let subscription = self.subscribe(client, channel).await?;
            readers.spawn(read(subscription, says.clone()));
        }
        drop(says);
        readers.spawn(tell_of_losses(client.clone()));
        let mut last = None;
        let mut left = self.count;
        let ended = loop {
            let event = tokio::select! {
                event = said.recv() => event,
                _ = interrupt.recv() => break Ok(()),
                _ = terminate.recv() => break Ok(()),
            };
            let (channel, event) = match event {
                Some(Said::Event(channel, event)) => (channel, event),
                Some(Said::Ended(channel, error)) => {
                    break Err(Failure::server(format!("{channel:?} has ended"), error).into());
                }
                None => break Ok(()),
            };
            last = position(&event).or(last);
            self.print(&channel, &event)?;
            if let (Event::Publication(_), Some(left)) = (&event, &mut left) {
                *left -= 1;
                if *left == 0 {
                    break Ok(());
                }
            }
        };
        if let (Some(position), [_]) = (last, &*self.channels) {
            eprintln!("{} --since {position}", style::on_stderr("goes on from here:", BOLD));
        }
        ended
    }

    async fn subscribe(&self, client: &Client, channel: &str) -> anyhow::Result<Subscription> {
        let subscribed = match &self.since {
            Some(since) => client.subscribe_since(channel, since.clone()).await,
            None => client.subscribe(channel).await,
        };
        let fail = |error| Failure::server(format!("cannot subscribe to {channel:?}"), error);
        let subscription = subscribed.map_err(fail)?;
        if self.presence && !channel.ends_with('*') {
            let members = client.presence(channel).await;
            let fail = |error| Failure::server(format!("cannot tell who is in {channel:?}"), error);
            for member in members.map_err(fail)? {
                let line = match self.json {
                    true => show::moved_json(channel, show::PRESENT, &member),
                    false => show::moved(channel, show::PRESENT, &member),
                };
                show::written(writeln!(io::stdout(), "{line}"))?;
            }
        }
        Ok(subscription)
    }

    fn print(&self, channel: &str, event: &Event) -> anyhow::Result<()> {
        if !self.presence && matches!(event, Event::Joined(_) | Event::Left(_)) {
            return Ok(());
        }
        let line = match self.json {
            true => show::json(channel, event),
            false => show::text(channel, event),
        };
        show::written(writeln!(io::stdout(), "{line}"))
    }
}

/// Hands on what a subscription tells; where it is not printed as fast, the subscription makes the gap.
async fn read(mut subscription: Subscription, says: mpsc::Sender<Said>) {
    let channel = subscription.channel().to_owned();
    while let Some(event) = subscription.next().await {
        if says.send(Said::Event(channel.clone(), event)).await.is_err() {
            return;
        }
    }
    if let Some(error) = subscription.error() {
        // Where nobody prints any more, nobody wants to know.
        let _ = says.send(Said::Ended(channel, error)).await;
    }
}

/// Says on standard error when the line is lost, and when it is back.
async fn tell_of_losses(mut client: Client) {
    let mut is_away = false;
    loop {
        match client.state_changed().await {
            State::Away { why, retry_in } => {
                is_away = true;
                let retry_in = Duration::from_millis(retry_in.as_millis() as u64);
                eprintln!("line lost: {why}; tries again in {retry_in:?}");
            }
            State::Connected { .. } if std::mem::take(&mut is_away) => eprintln!("line is back"),
            State::Ended(_) => return,
            _ => {}
        }
    }
}

fn position(event: &Event) -> Option<Position> {
    match event {
        Event::Publication(publication) => publication.position(),
        Event::Gap(gap) => gap.position.clone(),
        _ => None,
    }
}
