//! `tieline publish`: what is said on the command line, or line by line on standard input.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Write};
use std::pin::Pin;

use anyhow::Context;
use serde_json::value::{RawValue, to_raw_value};
use tieline::Client;
use tieline::client::{Error, Published};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

use super::failure::Failure;
use super::show;
use super::to::To;
use crate::printable::printable;

pub(crate) const EXAMPLES: &str = "\
Each DATA is a publication; without one, each line of standard input is. It is text, unless
--json says that it is JSON already. Where it is now is printed, OFFSET@EPOCH, once the server
has it. What was under way when a line was lost is sent again, and published once.

Examples:
  tieline publish demo:lobby 'hello, all'
  tieline publish --json sensors:7 '{\"celsius\": 21.5}'
  tail -f app.log | tieline publish --quiet logs:app
  TIELINE_TOKEN=$(cat token) tieline publish --url wss://example.com/tieline chat:lobby hello

Exit codes: 0 all is published, 1 something was not, 2 wrong usage, 3 could not connect,
4 the server broke the protocol.";

/// Most publications that are on their way at once.
const MAX_UNDER_WAY: usize = 64;

/// What is published, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Publish {
    /// The channel
    channel: String,

    /// What is said; behind -- where it begins with -
    #[arg(value_name = "DATA")]
    data: Vec<String>,

    /// DATA, or each line, is JSON already
    #[arg(long)]
    json: bool,

    /// Names the publication: the same key is published once, however often this is run
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// Does not print where each publication is
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    to: To,
}

type UnderWay<'a> = Pin<Box<dyn Future<Output = Result<Published, Error>> + 'a>>;

impl Publish {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if self.key.is_some() && self.data.len() != 1 {
            let what = "a --key names one publication: give one DATA with it";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let given: Vec<_> =
            self.data.iter().map(|data| self.value(data)).collect::<anyhow::Result<_>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = self.to.connect().await?;
            let published = match given.is_empty() {
                true => self.publish_lines(&client).await,
                false => self.publish_all(&client, given).await,
            };
            client.close().await;
            published
        })
    }

    async fn publish_all(&self, client: &Client, given: Vec<Box<RawValue>>) -> anyhow::Result<()> {
        let mut under_way = VecDeque::new();
        for data in given {
            under_way.push_back(self.start(client, data).await);
            if under_way.len() >= MAX_UNDER_WAY {
                self.finish_first(&mut under_way).await?;
            }
        }
        while !under_way.is_empty() {
            self.finish_first(&mut under_way).await?;
        }
        Ok(())
    }

    /// Reads on while the first is under way, as long as there are few.
    async fn publish_lines(&self, client: &Client) -> anyhow::Result<()> {
        let mut lines = BufReader::new(stdin()).lines();
        let mut under_way = VecDeque::new();
        let mut is_open = true;
        while is_open || !under_way.is_empty() {
            let may_read = is_open && under_way.len() < MAX_UNDER_WAY;
            tokio::select! {
                line = lines.next_line(), if may_read => {
                    match line.context("cannot read standard input")? {
                        Some(line) => {
                            let data = self.value(&line)?;
                            under_way.push_back(self.start(client, data).await);
                        }
                        None => is_open = false,
                    }
                }
                published = first(&mut under_way), if !under_way.is_empty() => {
                    under_way.pop_front();
                    self.finish(published)?;
                }
            }
        }
        Ok(())
    }

    /// Has it on its way: behind those that were started before.
    async fn start<'a>(&'a self, client: &'a Client, data: Box<RawValue>) -> UnderWay<'a> {
        let mut publishing: UnderWay<'a> = Box::pin(async move {
            match &self.key {
                Some(key) => client.publish_with_key(&self.channel, &data, key).await,
                None => client.publish(&self.channel, &data).await,
            }
        });
        // The first look at it sends it.
        let looked = std::future::poll_fn(|cx| {
            std::task::Poll::Ready(match publishing.as_mut().poll(cx) {
                std::task::Poll::Ready(done) => Some(done),
                std::task::Poll::Pending => None,
            })
        });
        match looked.await {
            Some(done) => Box::pin(std::future::ready(done)),
            None => publishing,
        }
    }

    async fn finish_first(&self, under_way: &mut VecDeque<UnderWay<'_>>) -> anyhow::Result<()> {
        let published = first(under_way).await;
        under_way.pop_front();
        self.finish(published)
    }

    fn finish(&self, published: Result<Published, Error>) -> anyhow::Result<()> {
        let published = published.map_err(|error| {
            Failure::server(format!("cannot publish on {:?}", self.channel), error)
        })?;
        if self.quiet {
            return Ok(());
        }
        let again = if published.is_repeat { " (published before)" } else { "" };
        show::written(writeln!(io::stdout(), "{}{again}", published.position))
    }

    fn value(&self, text: &str) -> anyhow::Result<Box<RawValue>> {
        if !self.json {
            return Ok(to_raw_value(text)?);
        }
        serde_json::from_str(text).map_err(|error| {
            let text = printable(text);
            Failure::Usage(format!("`{text}` is no JSON ({error}): without --json it is text"))
                .into()
        })
    }
}

async fn first(under_way: &mut VecDeque<UnderWay<'_>>) -> Result<Published, Error> {
    under_way.front_mut().expect("there is one").await
}
