//! A channel, talked on by hand or from a script: what is typed is published.

use std::io::{Write, stdout};

use serde_json::value::RawValue;
use tieline::client::{Event, Publication};
use tieline::{Client, Message};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Failure;
use super::goal::Goal;
use super::input::Input;
use super::talk::{Inputs, Stop, next};
use crate::channels::{Failure as Refused, show};
use crate::style::{self, DIM};

/// Somebody who listens to a channel and says something now and then.
pub(super) struct Talk {
    pub(super) client: Client,
    pub(super) channel: String,
    /// Where a person is told; a program on standard output.
    pub(super) console: Option<mpsc::Sender<String>>,
    pub(super) is_json: bool,
    pub(super) goal: Option<Goal>,
    /// Goes on when nobody has anything more to say.
    pub(super) stays: bool,
}

impl Talk {
    pub(super) async fn run(mut self, inputs: &mut dyn Inputs) -> anyhow::Result<()> {
        let mut stop = Stop::listen()?;
        let channel = self.channel.clone();
        let fail = |what: &str, error| Refused::server(format!("cannot {what} {channel:?}"), error);
        let subscribed = self.client.subscribe(&*channel).await;
        let mut subscription = subscribed.map_err(|error| fail("subscribe to", error))?;
        let deadline = self.goal.as_ref().map(|goal| Instant::now() + goal.within);
        let mut inputs = Some(inputs);
        if self.console.is_some() {
            self.note(&format!("on {channel}: what is typed is published")).await?;
        }
        loop {
            tokio::select! {
                event = subscription.next() => match event {
                    Some(event) => if self.told(&event).await? { break },
                    None => match subscription.error() {
                        Some(error) => return Err(fail("go on with", error).into()),
                        None => break,
                    },
                },
                input = next(&mut inputs), if inputs.is_some() => match input {
                    Some(Input::Message(Message::Text(text))) => {
                        let published = self.client.publish(&channel, &*text).await;
                        match published {
                            Ok(_) => {}
                            Err(error) if self.console.is_some() => {
                                self.note(&format!("not published: {error}")).await?;
                            }
                            Err(error) => return Err(fail("publish on", error).into()),
                        }
                    }
                    Some(Input::Quit | Input::Abort | Input::Close(..)) => break,
                    Some(Input::Wrong(why)) if self.console.is_none() => {
                        return Err(Failure::Usage(why).into());
                    }
                    Some(Input::Wrong(why)) => self.note(&why).await?,
                    Some(_) => {
                        self.note("a channel takes texts: /quit leaves it").await?;
                    }
                    None if self.goal.is_none() && !self.stays => break,
                    None => inputs = None,
                },
                () = stop.next() => break,
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    let goal = self.goal.as_ref().expect("a deadline is a goal's");
                    return Err(goal.unmet(&format!("within {:?}", goal.within)).into());
                }
            }
        }
        self.client.close().await;
        Ok(())
    }

    /// Tells an event; whether nothing is left to wait for.
    async fn told(&mut self, event: &Event) -> anyhow::Result<bool> {
        let text = match self.is_json {
            true => show::json(&self.channel, event),
            false => show::text(&self.channel, event),
        };
        self.tell(text).await?;
        let (Event::Publication(publication), Some(goal)) = (event, &mut self.goal) else {
            return Ok(false);
        };
        Ok(goal.received(&said(publication)))
    }

    async fn note(&self, note: &str) -> anyhow::Result<()> {
        self.tell(style::on_stdout(note, DIM)).await
    }

    async fn tell(&self, text: String) -> anyhow::Result<()> {
        match &self.console {
            Some(console) => Ok(console.send(format!("{text}\n")).await?),
            None => show::written(writeln!(stdout(), "{text}")),
        }
    }
}

/// A text as it is, and any other value as JSON.
fn said(publication: &Publication) -> Message {
    let data: &RawValue = &publication.data;
    serde_json::from_str::<String>(data.get()).unwrap_or_else(|_| data.get().to_owned()).into()
}
