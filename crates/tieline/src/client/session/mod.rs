//! What a client says and hears, without a socket: its calls, its subscriptions, and what both ends have seen.
//!
//! | after …                    | call                                                      |
//! |----------------------------|-----------------------------------------------------------|
//! | a line is open             | [`Session::opened`]                                       |
//! | a message came             | [`Session::receive`]                                      |
//! | the line is lost           | [`Session::lost`]                                         |
//! | the deadline passed        | [`Session::handle_timeout`]                               |
//! | any of these, or an order  | say what [`Session::take_text`] gives, and arm a timer for |
//! |                            | [`Session::deadline`]                                     |
//!
//! ```text
//! Away ── opened ─▶ Asking: connect ── its answer ─▶ On
//!  ▲                                                  │ subscribes again, from each position
//!  └───────────────────── lost ◀──────────────────────┘ asks again what was not taken
//! ```

mod calls;
mod channels;
mod devices;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use serde_json::value::RawValue;
use tieline_proto::CloseCode;
use tokio::time::Instant;

pub(super) use self::calls::Answer;
use self::calls::{Calls, Kind};
pub(super) use self::channels::Asker;
use self::channels::Channels;
use self::devices::Devices;
use super::error::{Error, Fault};
use super::mailbox::{DeviceMessage, Mailbox};
use super::queue::Queue;
use super::words::{
    Ack, Connect, Connected, Disconnect, Heard, Lost, Message, Moved, Received, Resume, Told,
    Unregistered, Unsubscribed, ask,
};

/// How long the answer to `connect` may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// After so many answers, so many bytes of them, or so long the server is told that they have come.
const ACK_AFTER: u64 = 32;
const ACK_AFTER_BYTES: usize = 64 << 10;
const ACK_WITHIN: Duration = Duration::from_secs(1);

/// A client's side of a session, over any number of lines.
#[derive(Debug)]
pub(super) struct Session {
    name: Option<String>,
    phase: Phase,
    /// The session of the server that goes on, by its id and secret.
    resume: Option<(String, String)>,
    /// Answers and messages of it that have come.
    seen: u64,
    unsaid: Unsaid,
    calls: Calls,
    channels: Channels,
    devices: Devices,
    texts: VecDeque<ByteString>,
    news: VecDeque<News>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away,
    /// `connect` was said with this id, and is to be answered until then.
    Asking(u64, Instant),
    On,
}

/// What has come and the server was not told of.
#[derive(Debug, Default)]
struct Unsaid {
    count: u64,
    bytes: usize,
    due: Option<Instant>,
}

/// What the client has to know.
#[derive(Debug)]
pub(super) enum News {
    Connected {
        client: Arc<str>,
        user: Option<Arc<str>>,
        recovered: bool,
    },
    /// Nothing more comes of it.
    Failed(Error),
    /// Something was said to this client alone.
    Message(u64, Box<RawValue>),
    /// The line is to be opened anew.
    Restart,
    /// The server ends the line: come back after that time.
    Leave(Duration),
    /// The server ends the line, for good.
    SentAway(Error),
}

impl Session {
    /// One that calls itself so, with this much time for a call.
    pub(super) fn new(name: Option<String>, call_within: Duration) -> Self {
        Self {
            name,
            phase: Phase::Away,
            resume: None,
            seen: 0,
            unsaid: Unsaid::default(),
            calls: Calls::new(call_within),
            channels: Channels::default(),
            devices: Devices::default(),
            texts: VecDeque::new(),
            news: VecDeque::new(),
        }
    }

    /// Makes a call, once there is a line. One that is done once, however often it is asked, may be asked again.
    pub(super) fn call(
        &mut self,
        method: &str,
        params: &RawValue,
        may_repeat: bool,
        answer: Answer,
        now: Instant,
    ) {
        let kind = Kind::Call { answer, may_repeat };
        let until = now + self.calls.within;
        self.calls.ask(method, &params, kind, Some(until));
        self.say();
    }

    /// Subscribes, and again on every line that follows.
    pub(super) fn subscribe(
        &mut self,
        channel: &Arc<str>,
        queue: &Arc<Queue>,
        asker: Asker,
        now: Instant,
    ) {
        let until = now + self.calls.within;
        self.channels.add(channel, queue, asker, until);
        self.say();
    }

    /// The reader of a subscription has gone.
    pub(super) fn leave(&mut self, channel: &str, queue: &Arc<Queue>) {
        self.channels.leave(channel, queue);
        self.say();
    }

    /// Registers as a device, and again on every line that follows.
    pub(super) fn register(
        &mut self,
        device: &Arc<str>,
        mailbox: &Arc<Mailbox>,
        asker: Asker,
        now: Instant,
    ) {
        let until = now + self.calls.within;
        self.devices.add(device, mailbox, asker, until);
        self.say();
    }

    /// The owner of a device has gone.
    pub(super) fn quit(&mut self, device: &str, mailbox: &Arc<Mailbox>) {
        self.devices.quit(device, mailbox);
    }

    /// A device is to be forgotten.
    pub(super) fn unregister(&mut self, device: &str, mailbox: &Arc<Mailbox>, asker: Asker) {
        self.devices.forget(device, mailbox, asker);
        self.say();
    }

    /// A message of a device was dealt with. Where there is no line it comes again, and is known.
    pub(super) fn received(&mut self, device: &str, id: u64) {
        if self.phase == Phase::On && self.devices.is_on(device) {
            self.texts.push_back(ask(None, "received", &Received { ids: [id] }));
        }
    }

    /// A line is open: it begins with who this is.
    pub(super) fn opened(&mut self, now: Instant) {
        let id = self.calls.next_id();
        let session = self.resume.as_ref();
        let session = session.map(|(id, secret)| Resume { id, secret, seen: self.seen });
        let connect = Connect { session, name: self.name.as_deref() };
        self.texts.push_back(ask(Some(id), "connect", &connect));
        self.phase = Phase::Asking(id, now + CONNECT_WITHIN);
    }

    /// The line is lost, or was closed with this code.
    pub(super) fn lost(&mut self, code: Option<CloseCode>) {
        self.phase = Phase::Away;
        self.texts.clear();
        self.unsaid = Unsaid::default();
        self.channels.lost();
        self.devices.lost();
        self.calls.lost(code == Some(CloseCode::TOO_BIG));
    }

    /// Nothing is asked or told any more, because of that.
    pub(super) fn end(&mut self, error: &Error) {
        self.calls.end(error);
        self.channels.end(error);
        self.devices.end(error);
    }

    /// A message came.
    pub(super) fn receive(&mut self, text: &str, now: Instant) {
        if self.hear(text, now).is_none() {
            self.news.push_back(News::Failed(Error::Answer));
        }
        self.say();
    }

    /// What is to be said next, where the line takes more.
    pub(super) fn take_text(&mut self) -> Option<ByteString> {
        self.texts.pop_front()
    }

    pub(super) fn has_text(&self) -> bool {
        !self.texts.is_empty()
    }

    pub(super) fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When something is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let connect = match self.phase {
            Phase::Asking(_, until) => Some(until),
            Phase::Away | Phase::On => None,
        };
        let asked = [self.calls.deadline(), self.channels.deadline(), self.devices.deadline()];
        [connect, self.unsaid.due].into_iter().chain(asked).flatten().min()
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Phase::Asking(id, until) = self.phase
            && until <= now
        {
            // It is not waited for any more; the line is.
            self.phase = Phase::Asking(id, now + CONNECT_WITHIN);
            self.news.push_back(News::Restart);
        }
        if self.unsaid.due.is_some_and(|due| due <= now) {
            self.acknowledge();
        }
        self.calls.give_up_late(now);
        self.channels.give_up_late(now);
        self.devices.give_up_late(now);
        self.say();
    }

    /// Asks what is to be asked, where there is somebody to ask.
    fn say(&mut self) {
        if self.phase != Phase::On {
            return;
        }
        self.channels.ask(&mut self.calls);
        self.devices.ask(&mut self.calls);
        while let Some(text) = self.calls.send_next() {
            self.texts.push_back(text);
        }
    }

    /// Takes what the server says; `None` where it is not of the language.
    fn hear(&mut self, text: &str, now: Instant) -> Option<()> {
        let heard: Heard<'_> = serde_json::from_str(text).ok()?;
        if heard.jsonrpc != "2.0" {
            return None;
        }
        let Some(method) = &heard.method else {
            return match self.phase {
                Phase::On => self.answered(&heard, text.len(), now),
                Phase::Asking(id, _) if heard.is_for(id) => self.connected(&heard),
                Phase::Asking(..) | Phase::Away => None,
            };
        };
        let Some(params) = heard.params.map(RawValue::get) else { return Some(()) };
        match &**method {
            "disconnect" => self.sent_away(&serde_json::from_str(params).ok()?),
            "gap" => self.channels.missed(&serde_json::from_str::<Lost<'_>>(params).ok()?)?,
            "join" => self.channels.joined(serde_json::from_str::<Moved<'_>>(params).ok()?),
            "leave" => self.channels.left(serde_json::from_str::<Moved<'_>>(params).ok()?),
            "message" => {
                let Message { device, id, data } = serde_json::from_str(params).ok()?;
                match device {
                    Some(device) => self.told(&device, DeviceMessage { id, data }),
                    None => {
                        self.count(text.len(), now);
                        self.news.push_back(News::Message(id, data));
                    }
                }
            }
            "publication" => self.channels.told(serde_json::from_str::<Told<'_>>(params).ok()?),
            "unregistered" => {
                let Unregistered { device, code, reason } = serde_json::from_str(params).ok()?;
                let fault = Fault { code, message: reason, data: None };
                self.devices.ended(&device, Error::Fault(fault));
            }
            "unsubscribed" => {
                let Unsubscribed { channel, code, reason } = serde_json::from_str(params).ok()?;
                self.channels
                    .ended(&channel, Error::Fault(Fault { code, message: reason, data: None }));
            }
            // A word that is newer than this client.
            _ => {}
        }
        Some(())
    }

    fn connected(&mut self, heard: &Heard<'_>) -> Option<()> {
        if let Some(refused) = &heard.error {
            self.news.push_back(News::Failed(Error::Fault(refused.fault())));
            return Some(());
        }
        let answer: Connected = serde_json::from_str(heard.result?.get()).ok()?;
        let Connected { client, user, session, recovered, seen } = answer;
        if recovered {
            self.calls.go_on_behind(seen);
        } else {
            self.seen = 0;
            self.calls.begin_anew();
        }
        self.resume = Some((session.id, session.secret));
        self.phase = Phase::On;
        self.news.push_back(News::Connected { client, user, recovered });
        Some(())
    }

    fn answered(&mut self, heard: &Heard<'_>, bytes: usize, now: Instant) -> Option<()> {
        self.count(bytes, now);
        let answer = match &heard.error {
            Some(refused) => Err(Error::Fault(refused.fault())),
            None => Ok(heard.result?),
        };
        let Some(id) = heard.id() else { return Some(()) };
        match self.calls.take(id) {
            Some(Kind::Call { answer: asked, .. }) => {
                // Who dropped its call does not want to know.
                let _ = asked.send(answer.map(ToOwned::to_owned));
            }
            Some(Kind::Device(device)) => {
                self.devices.answered(&device, id, answer.map(|_| ()), now);
            }
            Some(Kind::Subscribe(channel)) => self.channels.answered(&channel, id, answer, now)?,
            // It has left, whatever the server says; or it was asked on another line.
            Some(Kind::Unsubscribe) | None => {}
        }
        Some(())
    }

    /// A message came to a device.
    fn told(&mut self, device: &str, message: DeviceMessage) {
        let id = message.id;
        if self.devices.told(device, message) {
            self.received(device, id);
        }
    }

    fn sent_away(&mut self, disconnect: &Disconnect) {
        let Disconnect { code, reason, reconnect, after } = disconnect;
        self.news.push_back(if *reconnect {
            News::Leave(Duration::from_millis(after.unwrap_or_default()))
        } else {
            let (code, reason) = (CloseCode::new(*code), Arc::clone(reason));
            News::SentAway(Error::Disconnected { code, reason })
        });
    }

    /// One more answer or message has come.
    fn count(&mut self, bytes: usize, now: Instant) {
        self.seen += 1;
        self.unsaid.count += 1;
        self.unsaid.bytes += bytes;
        self.unsaid.due.get_or_insert(now + ACK_WITHIN);
        if self.unsaid.count >= ACK_AFTER || self.unsaid.bytes >= ACK_AFTER_BYTES {
            self.acknowledge();
        }
    }

    fn acknowledge(&mut self) {
        self.unsaid = Unsaid::default();
        self.texts.push_back(ask(None, "ack", &Ack { seen: self.seen }));
    }
}

impl Heard<'_> {
    /// Whose answer it is, by our own counting.
    fn id(&self) -> Option<u64> {
        self.id?.get().parse().ok()
    }

    fn is_for(&self, id: u64) -> bool {
        self.id() == Some(id)
    }
}
