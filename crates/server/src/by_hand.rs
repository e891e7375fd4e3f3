//! Peers without a carrier and a worker without a thread, for the tests of services.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use tieline::serve::Backlog;
use tieline::{CloseCode, Message};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::config::{File, Overrides, Plan, Source};
use crate::delivery::Delivery;
use crate::inbox::Inbox;
use crate::peer::Peer;
use crate::peer_id::PeerId;
use crate::request::Request;
use crate::resources::Resources;
use crate::routes::{Route, Routes};
use crate::worker::Shared;

/// A worker that does its work when it is told to.
pub(crate) struct Bench {
    inbox: Inbox,
    delivery: Delivery,
    peers: HashMap<PeerId, Peer>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let (inbox, delivery) = Delivery::new();
        Self { inbox, delivery, peers: HashMap::new() }
    }

    pub(crate) const fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Another peer.
    pub(crate) fn peer(&mut self) -> Peer {
        let peer = Peer::of_line(&self.inbox, &Backlog::default());
        self.peers.insert(peer.id(), peer.clone());
        peer
    }

    /// Carries out every order that waits.
    pub(crate) fn deliver(&mut self) {
        while let Some(order) = self.delivery.try_next() {
            self.delivery.carry_out(order, None, &self.peers);
        }
    }

    /// What the peer has heard since the last call, binary messages as `<N bytes>`.
    pub(crate) fn heard(&mut self, peer: &Peer) -> Vec<String> {
        self.deliver();
        let mut outbox = peer.line().unwrap().borrow_mut();
        std::iter::from_fn(|| outbox.pop())
            .map(|message| match message {
                Message::Text(text) => text.to_string(),
                Message::Binary(bytes) => format!("<{} bytes>", bytes.len()),
            })
            .collect()
    }

    /// What the peer has heard since the last call, once that is something.
    pub(crate) fn poll_heard(&mut self, peer: &Peer, cx: &mut Context<'_>) -> Poll<Vec<String>> {
        self.poll_deliver(cx);
        let heard = self.heard(peer);
        if heard.is_empty() {
            peer.line().unwrap().borrow_mut().listen(cx);
            return Poll::Pending;
        }
        Poll::Ready(heard)
    }

    /// How the peer's line was ended, once it is.
    pub(crate) fn poll_ended(&mut self, peer: &Peer, cx: &mut Context<'_>) -> Poll<CloseCode> {
        self.poll_deliver(cx);
        self.heard(peer);
        if let Some(code) = self.ended(peer) {
            return Poll::Ready(code);
        }
        peer.line().unwrap().borrow_mut().listen(cx);
        Poll::Pending
    }

    /// Carries out every order that waits, and has the task woken by the next.
    fn poll_deliver(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(order)) = self.delivery.poll_next(cx) {
            self.delivery.carry_out(order, None, &self.peers);
        }
    }

    /// When the first identity of its peers ends.
    pub(crate) fn next_expiry(&mut self) -> Option<Instant> {
        self.deliver();
        self.delivery.expiries().next()
    }

    /// How the peer's line was ended, once all was heard.
    pub(crate) fn ended(&mut self, peer: &Peer) -> Option<CloseCode> {
        self.deliver();
        peer.line().unwrap().borrow_mut().take_end().map(|(code, _)| code)
    }
}

/// A request for `/` from this IP address, or from a Unix socket for an empty one.
pub(crate) fn request(address: &str) -> Request {
    let from = address.parse().ok().map(|ip| SocketAddr::new(ip, 4_711));
    let (head, ()) = http::Request::get("/").body(()).unwrap().into_parts();
    Request::new(&head, &[], from, false)
}

/// A file with this text, new for each call.
pub(crate) fn file(text: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(format!("tieline-file-{process}-{number}"));
    std::fs::write(&path, text).unwrap();
    path
}

/// What the workers of a server without routes share.
pub(crate) fn shared() -> Arc<Shared> {
    let (_, stopping) = watch::channel(false);
    let resources = Arc::new(Resources::default());
    let routes = Routes::new(Vec::new(), &resources);
    Arc::new(Shared { routes, listeners: Vec::new(), resources, stopping })
}

/// The route that is written like this, with its service running.
pub(crate) fn route(lines: &str) -> Arc<Route> {
    let source = Source::new("by-hand.toml", format!("[[route]]\n{lines}\n"));
    let plan = File::parse(&source)
        .and_then(|file| Plan::new(file, &source, &Overrides::default()))
        .unwrap_or_else(|error| panic!("{}", error.report()));
    let path = plan.routes[0].path.clone();
    let routes = Routes::new(plan.routes, &Arc::new(Resources::default()));
    Arc::clone(routes.find(&path).expect("it was just made"))
}
