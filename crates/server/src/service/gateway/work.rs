//! What a line does one after the other: it is bound, asks backends, and leaves.
//!
//! A task lives as long as there is something to do. What was received before the end is done, too:
//! a device that unregisters and leaves at once has unregistered.

use std::rc::Rc;

use http::StatusCode;
use tieline::CloseCode;
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{error, info};

use super::call::{self, Caller};
use super::envelope::Response;
use super::error::GatewayError;
use super::job::{Asked, Job};
use super::line::{Line, Phase};
use super::word::Word;
use crate::causes::Causes;
use crate::config::ApiKind;
use crate::devices::Unbound;
use crate::events::EventKind;

impl Line {
    /// Asks a backend, in turn or at once.
    pub(super) fn ask(self: &Rc<Self>, asked: Asked) {
        let max_running = self.shared.plan.limits.max_running;
        let mut state = self.state.borrow_mut();
        let is_bound = matches!(state.phase, Phase::Bound { .. });
        if !asked.meant.api.is_ordered && is_bound && state.running < max_running {
            state.running += 1;
            drop(state);
            let line = Rc::clone(self);
            spawn_local(async move {
                line.call(asked).await;
                line.state.borrow_mut().running -= 1;
            });
            return;
        }
        state.waiting += 1;
        state.queue.push_back(Job::Call(Box::new(asked)));
        drop(state);
        self.pause_or_resume();
        self.work();
    }

    /// Has somebody do what is to be done.
    pub(super) fn work(self: &Rc<Self>) {
        if std::mem::replace(&mut self.state.borrow_mut().is_working, true) {
            return;
        }
        let line = Rc::clone(self);
        spawn_local(async move {
            while let Some(job) = line.next_job() {
                match job {
                    Job::Bind(device) => line.become_line_of(device).await,
                    Job::Call(asked) => {
                        line.call(*asked).await;
                        line.state.borrow_mut().waiting -= 1;
                        line.pause_or_resume();
                    }
                    Job::Leave(reason) => line.leave(&reason).await,
                }
            }
        });
    }

    fn next_job(&self) -> Option<Job> {
        let mut state = self.state.borrow_mut();
        let job = state.queue.pop_front();
        state.is_working = job.is_some();
        job
    }

    /// Binds the line to its device, in its turn among all devices.
    async fn become_line_of(&self, device: Rc<str>) {
        let turn = {
            let mut binds = self.shared.binds.lock().unwrap_or_else(|broken| broken.into_inner());
            binds.turn(Instant::now())
        };
        let Some(turn) = turn else { return self.turn_away() };
        sleep_until(turn).await;
        let is_there = || matches!(self.state.borrow().phase, Phase::Binding(_));
        if !is_there() {
            return;
        }
        let (devices, rules) = (&self.shared.devices, &self.shared.rules);
        match devices.bind(&device, &self.peer.remote(), self.user.as_deref(), rules) {
            Ok(()) => {}
            Err(Unbound::OfAnother) => {
                self.enter(Phase::New);
                return self.say(Word::BindFailed("DeviceOfAnotherUser"));
            }
            Err(Unbound::TooMany) => return self.turn_away(),
        }
        if let Some(events) = &self.shared.events {
            match events.open(&device).await {
                Ok(session) => self.state.borrow_mut().session = Some(session),
                Err(error) => {
                    error!(error = %Causes(&error), "a device cannot connect: it cannot be recorded");
                    devices.left(&device, self.peer.id());
                    self.enter(Phase::New);
                    return self.say(Word::BindFailed("ServerError"));
                }
            }
        }
        if !is_there() {
            return devices.left(&device, self.peer.id());
        }
        info!(peer = %self.peer.id(), device = %device, "device bound");
        let is_ready = !self.shared.apis.has_register();
        self.enter(Phase::Bound { device: Rc::clone(&device), is_ready });
        self.say_bound();
        if is_ready {
            devices.ready(&device, self.peer.id());
        }
    }

    /// There is no room: the device comes back later. An error would be the end for some clients.
    fn turn_away(&self) {
        self.enter(Phase::New);
        self.send_off(Word::Overloaded, CloseCode::TRY_AGAIN);
    }

    /// Makes a call and answers it, in time.
    async fn call(&self, asked: Asked) {
        let within = self.shared.plan.answer_within.get();
        let (seq, id, deadline) = (asked.request.seq(), asked.id.clone(), asked.arrived + within);
        let answered = timeout_at(deadline, self.answer(asked)).await;
        let answer = answered.unwrap_or(Err(GatewayError::Overdue(within)));
        let answer =
            answer.unwrap_or_else(|error| (call::refusal(&error, seq.as_ref(), &id), None));
        let (response, then) = answer;
        self.peer.send(response.print());
        // Behind the answer: what waits for the device comes after it.
        if let (Some(ApiKind::Register), Some(device)) = (then, self.device()) {
            self.shared.devices.ready(&device, self.peer.id());
        }
    }

    /// What the backend makes of a call, and what the line has become by it.
    async fn answer(
        &self,
        asked: Asked,
    ) -> Result<(Response<'static>, Option<ApiKind>), GatewayError> {
        let Asked { meant, request, id, .. } = asked;
        let device = self.device().ok_or(GatewayError::NotBound)?;
        let target = meant.api.target.as_ref().ok_or(GatewayError::NotFound)?;
        let turn = meant.api.is_ordered.then(|| self.shared.devices.turn(&device));
        let _held = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let seq = request.seq();
        let caller = Caller { device: &device, address: self.address, id: &id };
        let call = call::call(target, &meant, request, &caller);
        let reply = target.backend.call(call).await?;
        let response = call::answer(target, reply, seq.as_ref(), &id)?;
        let kind = meant.api.kind;
        if response.status == StatusCode::OK && kind != ApiKind::Common {
            self.become_registered(&device, kind).await?;
            return Ok((response, Some(kind)));
        }
        Ok((response, None))
    }

    /// The backend has agreed that the device is registered, or is not any more.
    async fn become_registered(&self, device: &Rc<str>, kind: ApiKind) -> Result<(), GatewayError> {
        let is_register = kind == ApiKind::Register;
        let event = if is_register {
            self.shared.devices.register(device).await?;
            EventKind::Registered
        } else {
            self.shared.devices.forget(device).await?;
            EventKind::Unregistered
        };
        let session = self.state.borrow().session.clone();
        if let (Some(events), Some(session)) = (&self.shared.events, session) {
            events.record(&session, event).await?;
        }
        let is_bound = matches!(self.state.borrow().phase, Phase::Bound { .. });
        if is_register && is_bound {
            self.enter(Phase::Bound { device: Rc::clone(device), is_ready: true });
        }
        Ok(())
    }

    /// The line has ended.
    async fn leave(&self, reason: &str) {
        let session = self.state.borrow_mut().session.take();
        if let (Some(events), Some(session)) = (&self.shared.events, session)
            && let Err(error) = events.close(session, reason).await
        {
            error!(error = %Causes(&error), "a device has left: that cannot be recorded");
        }
    }
}
