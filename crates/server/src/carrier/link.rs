//! Peers carried by the engine: one handler for all links of a worker.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use tieline::serve::{Arrival, Decision, Grant, Handler, Handoff, Link, Message, Trouble};
use tieline::{Agreement, Closed};
use tokio::task::spawn_local;
use tracing::{debug, error, warn};

use super::limited::Limited;
use super::{ipc, log};
use crate::admission::{Admission, Admitted, Entrance, admit};
use crate::auth::End;
use crate::causes::Causes;
use crate::counts::Open;
use crate::http as pages;
use crate::patient::Patient;
use crate::peer::Peer;
use crate::service::{Conversation, channels};
use crate::survey::{OpenLine, Question};
use crate::worker::{Shared, Worker};

/// What brings the peers of one worker to their services.
pub(crate) struct Carrier(Rc<Worker>);

/// A peer and its conversation.
pub(crate) struct Carried {
    peer: Peer,
    conversation: Box<dyn Conversation>,
    /// When it came, by the worker's age.
    since_ms: u64,
    open: Open,
}

impl Carrier {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Rc::new(Worker::new(shared)))
    }

    fn entrance(&self, arrival: &Arrival) -> Entrance {
        let listener = Arc::clone(&self.0.listeners()[arrival.listener]);
        Entrance { listener, from: arrival.from }
    }

    fn carry(&self, admitted: Admitted, link: &Link, agreement: &Agreement) -> Carried {
        let Admitted { route, request, held, listener, .. } = admitted;
        let peer = Peer::of_link(link.id(), self.0.reach());
        log::connected(&peer, &request, agreement);
        let service = route.service.as_ref().expect("admitted only where there is a service");
        let mut conversation = service.open(&peer, &request);
        let flow = route.flow(&request);
        let listed = request.list(peer.id(), || End::Peer(peer.remote()));
        if flow.is_some() || !held.is_empty() || listed.is_some() {
            let worker = Rc::clone(&self.0);
            conversation = Box::new(Limited::new(conversation, flow, held, listed, worker));
        }
        if let Some(expires) = request.identity().and_then(|identity| identity.expires) {
            peer.renew(Some(expires));
        }
        self.0.deliver();
        Carried {
            peer,
            conversation,
            since_ms: self.0.age_ms(),
            open: self.0.opened(&listener, &route, StatusCode::SWITCHING_PROTOCOLS),
        }
    }
}

impl Handler for Carrier {
    type State = Carried;

    fn start(&mut self, worker: &tieline::serve::Worker) {
        self.0.reach().begin(worker);
        self.0.routes().attend(worker.number()).for_each(|attendance| {
            spawn_local(attendance);
        });
        if worker.number() == 0 {
            let hub = self.0.hub().clone();
            spawn_local(async move { channels::attend(&hub).await });
        }
        let worker = Rc::clone(&self.0);
        spawn_local(async move { worker.deliver_always().await });
        let worker = Rc::clone(&self.0);
        spawn_local(async move { worker.drain_when_it_stops().await });
        let worker = Rc::clone(&self.0);
        spawn_local(async move { worker.end_expired().await });
    }

    fn decide(&mut self, head: http::Request<()>, arrival: &Arrival) -> Decision<Self> {
        // Everything about it is decided by who serves its connection from then on.
        if self.0.routes().tunnels(head.uri().path()) {
            return Decision::HandOff;
        }
        let entrance = self.entrance(arrival);
        let admitted = match admit(&head, &entrance, self.0.routes(), self.0.counts(), false) {
            Err(refusal) => return Decision::Refuse(Box::new(refusal.map(Bytes::from))),
            // Where there is something to wait for, it is looked at again by who can.
            Ok(Admission::Ordinary | Admission::Waits(_)) => return Decision::HandOff,
            Ok(Admission::Reset(refused)) => {
                let (status, reason) = (refused.status().as_u16(), refused.body().trim_end());
                debug!(from = ?arrival.from, status, reason, "refused by a reset");
                return Decision::Reset;
            }
            Ok(Admission::Line(admitted))
                if self.0.is_stopping() && admitted.refuses_by_reset() =>
            {
                return Decision::Reset;
            }
            Ok(Admission::Line(admitted)) => *admitted,
        };
        Decision::Accept(Box::new(Grant {
            upgrade: admitted.upgrade.clone(),
            accept: admitted.accept.clone(),
            limits: Arc::clone(&admitted.route.plan.limits),
            backlog: Arc::clone(&admitted.route.backlog),
            open: Box::new(move |carrier: &mut Self, link, agreement| {
                carrier.carry(admitted, link, agreement)
            }),
        }))
    }

    fn open(&mut self, _: &Link, _: &tieline::Request, _: &Agreement) -> Carried {
        unreachable!("every grant of this handler opens its link itself")
    }

    fn message(&mut self, carried: &mut Carried, _link: &Link, message: Message<'_>) {
        carried.conversation.message(&carried.peer, message);
        self.0.deliver();
    }

    fn writable(&mut self, carried: &mut Carried, _link: &Link) {
        carried.conversation.writable(&carried.peer);
        self.0.deliver();
    }

    fn drain(&mut self, carried: &mut Carried, _link: &Link) {
        carried.conversation.drain(&carried.peer);
        self.0.deliver();
    }

    fn lingers(&self, carried: &Carried, _link: &Link) -> bool {
        carried.conversation.lingers(&carried.peer)
    }

    fn survey(&mut self, links: &mut dyn Iterator<Item = (Link, &Carried)>) {
        let mut questions = self.0.take_questions();
        if questions.is_empty() {
            return;
        }
        let now_ms = self.0.age_ms();
        for (link, carried) in links {
            let id = carried.peer.id();
            for question in &mut questions {
                question.see(id, || OpenLine {
                    id,
                    link: link.id(),
                    inbox: self.0.inbox().clone(),
                    listener: Arc::clone(carried.open.listener()),
                    route: Arc::clone(carried.open.route()),
                    from: link.address(),
                    age_ms: now_ms - carried.since_ms,
                    traffic: link.traffic(),
                    waiting_bytes: link.buffered_amount(),
                });
            }
        }
        questions.into_iter().for_each(Question::answer);
    }

    fn close(&mut self, carried: Carried, link: &Link, how: &Closed) {
        let Carried { peer, mut conversation, since_ms, .. } = carried;
        self.0.forget(peer.id());
        peer.forget_holds();
        self.0.counts().closed(log::sent_or_heard(how));
        conversation.close(&peer, how);
        self.0.deliver();
        let duration_ms = self.0.age_ms() - since_ms;
        log::disconnected(peer.id(), how, duration_ms, &link.traffic());
    }

    fn hand_off(&mut self, handoff: Handoff) {
        let (worker, entrance) = (Rc::clone(&self.0), self.entrance(&handoff.arrival));
        if let Some(path) = &entrance.listener.ipc {
            if let Some(route) = worker.routes().serving(path).map(Arc::clone) {
                spawn_local(ipc::carry(worker, route, handoff));
            }
            return;
        }
        let within = entrance.listener.limits.handshake_within;
        let stream = Patient::new(handoff, within);
        spawn_local(pages::serve(worker, entrance, stream));
    }

    fn harden(&mut self, response: &mut Response<Bytes>) {
        pages::harden(response.headers_mut());
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        match trouble {
            Trouble::Accept(error) => self.0.warn_of_full_system(error),
            Trouble::CutOff(left) => {
                warn!(left, "the time to drain is over: the rest is cut off");
            }
            Trouble::Handshake(arrival, error) => {
                let is_invalid = error.kind() == io::ErrorKind::InvalidData;
                let error: &(dyn std::error::Error + 'static) = *error;
                let (from, error) = (arrival.from, Causes(error));
                if is_invalid && arrival.is_secure {
                    debug!(?from, %error, "TLS handshake failed");
                } else {
                    debug!(?from, %error, "connection lost in its handshake");
                }
            }
            Trouble::Panicked(link) => {
                error!(link = ?link.id(), "a service panicked: its line ends with 1011");
            }
            Trouble::Refused(arrival, response) => {
                self.0.counts().handshake(response.status());
                let status = response.status().as_u16();
                let reason = String::from_utf8_lossy(response.body());
                debug!(from = ?arrival.from, status, reason = reason.trim_end(), "refused");
            }
            _ => {}
        }
    }
}
