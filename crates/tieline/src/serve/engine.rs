//! One worker: all its sockets behind one poll, all its links in one slab, driven by one task.
//!
//! ```text
//! tokio ─▶ poll ─▶ turn ─┬─ accept ─▶ visit ─▶ open              visit.rs
//!                        ├─ read ─▶ receive ─▶ handler            open.rs
//!                        ├─ orders from other threads
//!                        ├─ write what was said                   lines.rs
//!                        └─ what is due                           wheel.rs
//! ```
//!
//! The poll is edge-triggered, and is itself registered with the worker's runtime: while it is
//! busy it is asked again and again, and once it is empty the runtime waits for it. A socket that
//! was not read to its end is remembered and read again before anything is waited for.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use mio::event::Event;
use mio::{Events, Token};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;

use super::arrival::Arrival;
use super::handler::{Handler, Trouble};
use super::id::LinkId;
use super::inbox::Order;
use super::link::{Link, Worker};
use super::listen::{Accepted, Acceptor};
use super::memory::Memory;
use super::seat::Seat;
use super::slab::Slab;
use super::transport::Transport;
use super::wheel::Wheel;

/// What is read at once, in bytes.
const READ_BYTES: usize = 512 << 10;

/// What TLS reads at once before it is decrypted, in bytes.
pub(super) const RAW_BYTES: usize = 64 << 10;

/// Events that one look at the poll brings.
const EVENTS: usize = 1_024;

/// Turns after which other tasks of the worker have theirs.
const TURNS: usize = 16;

/// Connections that are accepted in one turn at one listener.
const ACCEPTS: usize = 64;

/// Orders that are carried out in one turn.
const ORDERS: usize = 1_024;

/// How long nothing is accepted when the system has no room for another connection.
const REST: Duration = Duration::from_millis(100);

/// How long memory for large messages is kept that nobody needs.
const TRIM: Duration = Duration::from_secs(1);

/// Tokens from here on are listeners: no slab has so many places.
const LISTENERS: usize = (u32::MAX - 65_536) as usize;

/// One worker at work.
pub(super) struct Engine<H: Handler> {
    pub(super) poll: AsyncFd<mio::Poll>,
    events: Events,
    acceptors: Vec<Acceptor>,
    /// Listeners where connections may wait, in the order of their turns.
    crowded: VecDeque<usize>,
    pub(super) handler: H,
    pub(super) worker: Worker,
    pub(super) seats: Slab<Seat<H>>,
    /// Seats that are taken.
    pub(super) taken: usize,
    pub(super) wheel: Wheel,
    /// Links that may have more to read than was read.
    pub(super) readable: VecDeque<LinkId>,
    pub(super) buffer: Vec<u8>,
    /// Made with the first TLS connection.
    pub(super) raw: Vec<u8>,
    pub(super) memory: Memory,
    /// When memory that was not needed is let go of.
    trim_at: Instant,
    orders: UnboundedReceiver<Order>,
    pub(super) now: Instant,
    /// Until when nothing is accepted, because the system has no room.
    rest: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
    stop: Stop,
    /// Connections that were handed over and still live.
    pub(super) handed: Arc<AtomicUsize>,
}

/// When and how a worker ends.
pub(super) struct Stop {
    /// Becomes ready when the server stops.
    pub(super) asked: Pin<Box<dyn Future<Output = ()>>>,
    /// How long open links may then take to end.
    pub(super) drain: Duration,
    /// When the rest is cut off; `None` while nobody asked.
    pub(super) over_at: Option<Instant>,
}

impl<H: Handler> Engine<H> {
    /// A worker that listens. Inside its runtime only.
    pub(super) fn new(
        worker: Worker,
        orders: UnboundedReceiver<Order>,
        mut acceptors: Vec<Acceptor>,
        handler: H,
        stop: Stop,
    ) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        for (index, acceptor) in acceptors.iter_mut().enumerate() {
            acceptor.register(poll.registry(), Token(LISTENERS + index))?;
        }
        #[expect(
            deprecated,
            reason = "its heir is `unsafe`, because a type may lie about its descriptor: \
                      mio's poll owns one and gives it for as long as it lives"
        )]
        let poll = AsyncFd::with_interest(poll, Interest::READABLE)?;
        let now = Instant::now();
        Ok(Self {
            poll,
            events: Events::with_capacity(EVENTS),
            acceptors,
            crowded: VecDeque::new(),
            handler,
            worker,
            seats: Slab::default(),
            taken: 0,
            wheel: Wheel::new(now),
            readable: VecDeque::new(),
            buffer: vec![0; READ_BYTES],
            raw: Vec::new(),
            memory: Memory::default(),
            trim_at: now + TRIM,
            orders,
            now,
            rest: None,
            sleep: None,
            stop,
            handed: Arc::default(),
        })
    }

    /// Serves until the server stops and every link has ended, or the time for that is over.
    pub(super) async fn run(mut self) -> io::Result<()> {
        let worker = self.worker.clone();
        self.handler.start(&worker);
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.worker.lines().borrow_mut().set_waker(None);
        for _ in 0..TURNS {
            let busy = self.turn()?;
            self.expire();
            if self.stop.over_at.is_none() && self.stop.asked.as_mut().poll(cx).is_ready() {
                self.drain();
            }
            if self.is_over() {
                self.cut_off();
                return Poll::Ready(Ok(()));
            }
            if !busy && self.waits(cx)? {
                return Poll::Pending;
            }
        }
        self.worker.lines().borrow_mut().set_waker(Some(cx.waker().clone()));
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One look at every socket that has something to say; whether there was any.
    fn turn(&mut self) -> io::Result<bool> {
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.get_mut().poll(&mut events, Some(Duration::ZERO)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        self.now = Instant::now();
        let again = std::mem::take(&mut self.readable);
        let mut busy = !events.is_empty() || !again.is_empty();
        for event in &events {
            self.ready(event);
        }
        self.events = events;
        for id in again {
            // The poll tells of an end only once, and may have done so already.
            self.look(id, true);
        }
        self.accept();
        busy |= self.carry_out();
        self.settle();
        Ok(busy || self.has_more())
    }

    fn ready(&mut self, event: &Event) {
        match event.token() {
            Token(listener) if (LISTENERS..LISTENERS + 65_536).contains(&listener) => {
                let listener = listener - LISTENERS;
                if !self.crowded.contains(&listener) {
                    self.crowded.push_back(listener);
                }
            }
            token => {
                let id = LinkId::of(token);
                if event.is_writable() {
                    self.worker.lines().borrow_mut().flush_waiting(id);
                }
                self.look(id, event.is_read_closed() || event.is_error());
            }
        }
    }

    /// Looks at what a connection has to say; `ends` when it will say nothing after that.
    fn look(&mut self, id: LinkId, ends: bool) {
        match self.seats.get(id.index()) {
            Some(seat) if seat.generation() != Some(id.generation) => {}
            Some(Seat::Open(_)) => self.read(id, ends),
            Some(Seat::Leaving(_)) => self.leave(id),
            Some(Seat::Visit(_)) => self.visit(id, ends),
            Some(Seat::Refused(_)) => self.dismiss(id),
            Some(Seat::Vacant) | None => {}
        }
    }

    /// Whether something waits of which the poll tells no second time.
    fn has_more(&self) -> bool {
        !self.readable.is_empty() || (self.rest.is_none() && !self.crowded.is_empty())
    }

    /// Gives each crowded listener its turn.
    fn accept(&mut self) {
        for _ in 0..self.crowded.len() {
            if self.rest.is_some() {
                return;
            }
            let Some(listener) = self.crowded.pop_front() else { return };
            self.accept_at(listener);
        }
    }

    fn accept_at(&mut self, listener: usize) {
        for before in 0..ACCEPTS {
            let Some(acceptor) = self.acceptors.get(listener) else { return };
            match acceptor.accept() {
                Ok(accepted) => self.welcome(listener, accepted),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    // Out of descriptors or memory: those who are here go on, and one may leave.
                    self.handler.trouble(&Trouble::Accept(&error));
                    self.rest = Some(self.now + REST);
                    // Then all have a turn, and who had one now has the last.
                    let count = self.acceptors.len();
                    let first = listener + usize::from(before > 0);
                    self.crowded = (first..first + count).map(|next| next % count).collect();
                    return;
                }
            }
        }
        self.crowded.push_back(listener);
    }

    fn welcome(&mut self, listener: usize, accepted: Accepted) {
        let acceptor = &self.acceptors[listener];
        let arrival = Arrival {
            listener,
            from: accepted.from,
            is_secure: acceptor.is_secure(),
            options: acceptor.admission(),
        };
        if acceptor.is_raw() {
            let transport = Transport::plain(accepted.socket);
            return self.hand_over(arrival, transport, Bytes::new());
        }
        match acceptor.transport(accepted.socket) {
            Ok(transport) => self.begin_visit(arrival, transport),
            Err(error) => self.handler.trouble(&Trouble::Handshake(&arrival, &error)),
        }
    }

    /// Does what other threads asked for; whether they did.
    fn carry_out(&mut self) -> bool {
        for done in 0..ORDERS {
            let Ok(order) = self.orders.try_recv() else { return done > 0 };
            self.obey(order);
        }
        true
    }

    fn obey(&mut self, order: Order) {
        self.worker.inbox().taken(&order);
        let mut lines = match order {
            Order::Survey => return self.survey(),
            Order::Tap(id, tap) => return self.tap(id, *tap),
            _ => self.worker.lines().borrow_mut(),
        };
        match order {
            Order::Close(id, code, reason) => lines.close(id, code, &reason),
            Order::Look | Order::Survey | Order::Tap(..) => {}
            Order::Publish(topic, message) => lines.publish(&topic, message, None),
            Order::Send(id, message) => lines.send(id, message),
        }
    }

    /// Writes what was said, and lets those speak again who had to wait for their peers.
    pub(super) fn settle(&mut self) {
        loop {
            let mut ending = Vec::new();
            let (relieved, resumed) = {
                let mut lines = self.worker.lines().borrow_mut();
                if lines.is_quiet() {
                    return;
                }
                lines.flush(&mut ending);
                lines.take_resumed()
            };
            for id in ending {
                self.begin_end(id);
            }
            for id in relieved {
                self.relieve(id);
            }
            for id in resumed {
                self.resume(id);
            }
        }
    }

    /// Does what is due.
    fn expire(&mut self) {
        while let Some((tick, places)) = self.wheel.take(self.now) {
            for slot in places {
                self.time_out(slot, tick);
            }
            self.settle();
        }
        if self.trim_at <= self.now {
            self.memory.trim();
            self.trim_at = self.now + TRIM;
        }
        if self.rest.is_some_and(|until| until <= self.now) {
            self.rest = None;
        }
    }

    /// Has the task woken by whatever comes next; whether it can wait for that.
    fn waits(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        if self.has_more() {
            return Ok(false);
        }
        // The poll was found empty after this readiness was told: it is an old one, and what has
        // come since makes a new one.
        if let Poll::Ready(guard) = self.poll.poll_read_ready(cx) {
            guard?.clear_ready();
            if let Poll::Ready(guard) = self.poll.poll_read_ready(cx) {
                drop(guard?);
                return Ok(false);
            }
        }
        if let Poll::Ready(Some(order)) = self.orders.poll_recv(cx) {
            self.obey(order);
            return Ok(false);
        }
        let trim_at = (!self.memory.is_empty()).then_some(self.trim_at);
        let next = [self.wheel.next(), self.rest, trim_at, self.stop.over_at];
        let next = next.into_iter().flatten().min();
        if let Some(at) = next {
            let at = tokio::time::Instant::from_std(at);
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
            if sleep.deadline() != at {
                sleep.as_mut().reset(at);
            }
            if sleep.as_mut().poll(cx).is_ready() {
                self.sleep = None;
                return Ok(false);
            }
        }
        self.worker.lines().borrow_mut().set_waker(Some(cx.waker().clone()));
        Ok(true)
    }

    /// Stops accepting, and tells everybody.
    fn drain(&mut self) {
        self.stop.over_at = Some(self.now + self.stop.drain);
        self.crowded.clear();
        for mut acceptor in self.acceptors.drain(..) {
            // A socket that goes takes its registration with it.
            let _ = acceptor.deregister(self.poll.get_ref().registry());
        }
        for slot in 0..self.seats.len() {
            let Some(id) = self.id(slot) else { continue };
            match &self.seats[slot] {
                Seat::Open(_) => self.drain_link(id),
                Seat::Visit(_) => self.send_away(id),
                Seat::Leaving(_) | Seat::Refused(_) | Seat::Vacant => {}
            }
        }
        self.settle();
    }

    /// Whether the server stops: nothing new begins.
    pub(super) const fn is_stopping(&self) -> bool {
        self.stop.over_at.is_some()
    }

    fn is_over(&self) -> bool {
        let Some(over_at) = self.stop.over_at else { return false };
        let all_gone = self.taken == 0 && self.handed.load(Ordering::Relaxed) == 0;
        all_gone || self.now >= over_at
    }

    /// The time is over for whoever is still there.
    fn cut_off(&mut self) {
        let left = self.taken + self.handed.load(Ordering::Relaxed);
        if left > 0 {
            self.handler.trouble(&Trouble::CutOff(left));
        }
        for slot in 0..self.seats.len() {
            if let Some(id) = self.id(slot) {
                self.lose(id);
            }
        }
    }

    /// What is at a place.
    pub(super) fn id(&self, slot: usize) -> Option<LinkId> {
        let generation = self.seats.get(slot)?.generation()?;
        Some(LinkId { generation, slot: u32::try_from(slot).expect("places have small numbers") })
    }

    pub(super) fn link(&self, id: LinkId) -> Link {
        self.worker.link(id)
    }
}

/// Whether it is the peer who went, and not the system that has no room.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
