//! Carrying out the orders of a worker's inbox, for the peers that they are for.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::task::{Context, Poll};

use tieline::Message;
use tieline::serve::{Traffic, Worker};
use tokio::sync::mpsc;

use crate::ask::{Ask, Fault, LineId};
use crate::auth::Expiries;
use crate::config::Slow;
use crate::inbox::{Inbox, Order, Topic};
use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::survey::Question;
use crate::tally::Counted;
use crate::target::Target;

/// The receiving side of an inbox, on the worker itself, with the peers that are no links. The
/// links and their topics are the engine's.
#[derive(Debug)]
pub(crate) struct Delivery {
    inbox: Inbox,
    orders: mpsc::UnboundedReceiver<Order>,
    topics: HashMap<Topic, BTreeMap<PeerId, (Peer, Slow)>>,
    expiries: Expiries,
    /// Where the emulated lines are asked.
    emulated: HashMap<LineId, mpsc::UnboundedSender<Ask>>,
    /// What went over the lines that are no links.
    lines: Rc<Cell<Traffic>>,
    /// What is asked about the links, until the engine shows them.
    questions: Vec<Question>,
}

impl Delivery {
    /// Both ends of a new inbox.
    pub(crate) fn new() -> (Inbox, Self) {
        let (inbox, orders) = Inbox::new();
        let delivery = Self {
            inbox: inbox.clone(),
            orders,
            topics: HashMap::new(),
            expiries: Expiries::default(),
            emulated: HashMap::new(),
            lines: Rc::default(),
            questions: Vec::new(),
        };
        (inbox, delivery)
    }

    /// The next order, once there is one.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Order>> {
        self.orders.poll_recv(cx)
    }

    /// The next order that is already there.
    pub(crate) fn try_next(&mut self) -> Option<Order> {
        self.orders.try_recv().ok()
    }

    /// When the identities of its peers end.
    pub(crate) const fn expiries(&mut self) -> &mut Expiries {
        &mut self.expiries
    }

    /// Where the emulated lines of the worker are asked.
    pub(crate) const fn emulated(&mut self) -> &mut HashMap<LineId, mpsc::UnboundedSender<Ask>> {
        &mut self.emulated
    }

    /// What is asked about the links.
    pub(crate) fn take_questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.questions)
    }

    /// What went over the lines that are no links, for these to add to.
    pub(crate) const fn lines(&self) -> &Rc<Cell<Traffic>> {
        &self.lines
    }

    /// Does what was asked; `peers` are those that are no links.
    pub(crate) fn carry_out(
        &mut self,
        order: Order,
        engine: Option<&Worker>,
        peers: &HashMap<PeerId, Peer>,
    ) {
        self.inbox.taken(&order);
        match order {
            Order::Ask(ask) => match self.emulated.get(&ask.line) {
                // Where the line ends just now, who asks hears so by the end of its answer.
                Some(asks) => drop(asks.send(*ask)),
                None => ask.refuse(Fault::Unknown),
            },
            Order::Close(Target::Link(id), code, reason) => {
                engine.into_iter().for_each(|engine| engine.link(id).close(code, &reason));
            }
            Order::Close(Target::Line(id), code, reason) => {
                peers.get(&id).into_iter().for_each(|peer| peer.close(code, &reason));
            }
            Order::Expire(peer, target, at) => self.expiries.set(peer, target, at),
            Order::Publish(topic, message) => {
                self.publish(&topic, &message);
                engine.into_iter().for_each(|engine| engine.publish_here(topic.name(), &message));
            }
            Order::Send(Target::Link(id), message) => {
                engine.into_iter().for_each(|engine| engine.link(id).send(&message));
            }
            Order::Send(Target::Line(id), message) => {
                peers.get(&id).into_iter().for_each(|peer| peer.send(&message));
            }
            Order::Subscribe(topic, Target::Link(id), slow) => {
                let link = engine.map(|engine| engine.link(id));
                link.into_iter().for_each(|link| match slow {
                    Slow::Close => link.subscribe(topic.name()),
                    Slow::Skip => link.subscribe_skipping(topic.name()),
                });
            }
            Order::Subscribe(topic, Target::Line(id), slow) => {
                if let Some(peer) = peers.get(&id) {
                    self.topics.entry(topic).or_default().insert(id, (peer.clone(), slow));
                }
            }
            Order::Survey(question) if question.is_about_one_of(peers) => question.answer_task(),
            Order::Survey(question) => {
                if let Some(engine) = engine {
                    self.questions.push(*question);
                    engine.survey();
                }
            }
            Order::Tap(id, tap) => {
                if let Some(engine) = engine {
                    engine.link(id).tap(*tap);
                }
            }
            Order::Tally(tally, said) => {
                let mut counted = engine.map(Counted::of).unwrap_or_default();
                counted.traffic.add(&self.lines.get());
                let outboxes = peers.values().filter_map(Peer::line);
                counted.waiting_bytes +=
                    outboxes.map(|outbox| outbox.borrow().waiting_bytes()).sum::<usize>();
                tally.set(counted);
                // Whoever asked may have gone.
                let _ = said.send(());
            }
            Order::Unsubscribe(topic, Target::Link(id)) => {
                engine.into_iter().for_each(|engine| engine.link(id).unsubscribe(topic.name()));
            }
            Order::Unsubscribe(topic, Target::Line(id)) => {
                if let Some(outbox) = peers.get(&id).and_then(Peer::line) {
                    outbox.borrow_mut().forget_skipped(topic.name());
                }
                self.let_go(&topic, id);
            }
        }
    }

    /// Has all hear it that are no links. Who is too slow, and may skip it, hears the topic no more.
    fn publish(&mut self, topic: &Topic, message: &Message) {
        let Some(hearers) = self.topics.get(topic) else { return };
        let mut behind = Vec::new();
        for (&id, (peer, slow)) in hearers {
            if *slow == Slow::Skip && falls_behind(peer, topic, message) {
                behind.push(id);
            } else {
                peer.send(message.clone());
            }
        }
        behind.into_iter().for_each(|id| self.let_go(topic, id));
    }

    /// A peer that is no link hears a topic no more.
    fn let_go(&mut self, topic: &Topic, id: PeerId) {
        let Some(hearers) = self.topics.get_mut(topic) else { return };
        hearers.remove(&id);
        if hearers.is_empty() {
            self.topics.remove(topic);
        }
    }
}

/// Whether a peer has so much waiting that it skips a topic from here on.
fn falls_behind(peer: &Peer, topic: &Topic, message: &Message) -> bool {
    let Some(outbox) = peer.line() else { return false };
    let mut outbox = outbox.borrow_mut();
    let is_behind = !outbox.keeps_up(message);
    if is_behind {
        outbox.skip(topic.name());
    }
    is_behind
}
