//! The devices that a client is, and whether the server has them on this line.
//!
//! ```text
//! Due ── a line ─▶ Asked ── the answer ─▶ On ── to be forgotten ─▶ Leaving ── the answer ─▶ gone
//!  ▲                 │ may do better later │                          │
//!  └── a while ◀─────┘                     │                          │
//!  └────────────── the line is lost ◀──────┴──────────────────────────┘
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::calls::{Calls, Kind};
use super::channels::{AGAIN_AFTER, Asker, First};
use crate::client::error::{Advice, Error};
use crate::client::mailbox::{DeviceMessage, Mailbox};
use crate::client::words::OfDevice;

/// All of them, by their ids.
#[derive(Debug, Default)]
pub(super) struct Devices {
    devices: HashMap<Arc<str>, Device>,
    /// Whether one of them is to be asked for, or let go.
    has_work: bool,
}

#[derive(Debug)]
struct Device {
    mailbox: Arc<Mailbox>,
    state: State,
    first: Option<First>,
    has_begun: bool,
    /// Who wants it to be forgotten.
    leaver: Option<Asker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be registered, not before that time.
    Due(Option<Instant>),
    /// By this call.
    Asked(u64),
    On,
    /// To be forgotten by this call.
    Leaving(u64),
}

impl Devices {
    pub(super) fn add(
        &mut self,
        id: &Arc<str>,
        mailbox: &Arc<Mailbox>,
        asker: Asker,
        until: Instant,
    ) {
        if self.devices.contains_key(id) {
            // Who dropped its call does not want to know.
            let _ = asker.send(Err(Error::Registered));
            return;
        }
        let device = Device {
            mailbox: Arc::clone(mailbox),
            state: State::Due(None),
            first: Some(First { asker, until }),
            has_begun: false,
            leaver: None,
        };
        self.devices.insert(Arc::clone(id), device);
        self.has_work = true;
    }

    /// Its owner has gone: it is not registered again.
    pub(super) fn quit(&mut self, id: &str, mailbox: &Arc<Mailbox>) {
        // A newer owner of the same is not meant, nor one who waits until it is forgotten.
        if self.own(id, mailbox).is_some_and(|device| device.leaver.is_none()) {
            self.devices.remove(id);
        }
    }

    /// It is to be forgotten.
    pub(super) fn forget(&mut self, id: &str, mailbox: &Arc<Mailbox>, leaver: Asker) {
        let Some(device) = self.own(id, mailbox) else {
            // Who dropped its call does not want to know.
            let _ = leaver.send(Err(mailbox.error().unwrap_or(Error::Closed)));
            return;
        };
        device.leaver = Some(leaver);
        self.has_work = true;
    }

    /// The line is lost: all are to be registered again.
    pub(super) fn lost(&mut self) {
        for device in self.devices.values_mut() {
            device.state = State::Due(None);
        }
        self.has_work = true;
    }

    /// Registers those that are due, and has those forgotten that are to be.
    pub(super) fn ask(&mut self, calls: &mut Calls) {
        if !std::mem::take(&mut self.has_work) {
            return;
        }
        for (id, device) in &mut self.devices {
            let named = OfDevice { device: (&**id).into() };
            let mut ask = |method| calls.ask(method, &named, Kind::Device(Arc::clone(id)), None);
            device.state = match device.state {
                // Whoever is to be forgotten says on this line who it is.
                State::Due(None) => State::Asked(ask("register")),
                State::On if device.leaver.is_some() => State::Leaving(ask("unregister")),
                state => state,
            };
        }
    }

    /// Takes the answer to the call with this number.
    pub(super) fn answered(
        &mut self,
        id: &str,
        call: u64,
        answer: Result<(), Error>,
        now: Instant,
    ) {
        let Some(device) = self.devices.get_mut(id) else { return };
        let is_again = |error: &Error| error.advice() == Advice::Again;
        match (device.state, answer) {
            (State::Asked(asked), Ok(())) if asked == call => {
                (device.state, device.has_begun) = (State::On, true);
                if let Some(first) = device.first.take()
                    && first.asker.send(Ok(())).is_err()
                {
                    // Nobody owns it.
                    self.devices.remove(id);
                }
            }
            (State::Asked(asked), Err(error)) if asked == call => {
                if device.has_begun && is_again(&error) {
                    device.state = State::Due(Some(now + AGAIN_AFTER));
                } else {
                    self.ended(id, error);
                }
            }
            (State::Leaving(asked), answer) if asked == call => {
                if let Some(device) = self.devices.remove(id) {
                    device.mailbox.end(None);
                    device.tell_leaver(answer);
                }
            }
            // It was asked on another line.
            _ => {}
        }
        self.has_work = true;
    }

    /// A message came; whether it is to be acknowledged once more. One that comes before the answer to
    /// `register` is an earlier owner's: it comes again behind that, in its order.
    pub(super) fn told(&self, id: &str, message: DeviceMessage) -> bool {
        let device = self.devices.get(id).filter(|device| device.is_registered());
        device.is_some_and(|device| device.mailbox.push(message))
    }

    /// Whether the server has it on this line.
    pub(super) fn is_on(&self, id: &str) -> bool {
        self.devices.get(id).is_some_and(|device| device.state == State::On)
    }

    /// It is this client's no more.
    pub(super) fn ended(&mut self, id: &str, error: Error) {
        if let Some(device) = self.devices.remove(id) {
            device.end(error);
        }
    }

    pub(super) fn end(&mut self, error: &Error) {
        for device in std::mem::take(&mut self.devices).into_values() {
            device.end(error.clone());
        }
    }

    /// When the first is to be registered again, or was not in time.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.devices.values().filter_map(Device::deadline).min()
    }

    pub(super) fn give_up_late(&mut self, now: Instant) {
        let mut late = Vec::new();
        for (id, device) in &mut self.devices {
            if let State::Due(Some(at)) = device.state
                && at <= now
            {
                device.state = State::Due(None);
                self.has_work = true;
            }
            if device.first.as_ref().is_some_and(|first| first.until <= now) {
                late.push(Arc::clone(id));
            }
        }
        for id in late {
            self.ended(&id, Error::TimedOut);
        }
    }

    fn own(&mut self, id: &str, mailbox: &Arc<Mailbox>) -> Option<&mut Device> {
        self.devices.get_mut(id).filter(|device| Arc::ptr_eq(&device.mailbox, mailbox))
    }
}

impl Device {
    const fn is_registered(&self) -> bool {
        matches!(self.state, State::On | State::Leaving(_))
    }

    fn deadline(&self) -> Option<Instant> {
        let again = match self.state {
            State::Due(again) => again,
            State::Asked(_) | State::Leaving(_) | State::On => None,
        };
        again.into_iter().chain(self.first.as_ref().map(|first| first.until)).min()
    }

    fn end(mut self, error: Error) {
        self.mailbox.end(Some(error.clone()));
        if let Some(first) = self.first.take() {
            // Who dropped its call does not want to know.
            let _ = first.asker.send(Err(error.clone()));
        }
        self.tell_leaver(Err(error));
    }

    fn tell_leaver(self, answer: Result<(), Error>) {
        if let Some(leaver) = self.leaver {
            // Who dropped its call does not want to know.
            let _ = leaver.send(answer);
        }
    }
}
