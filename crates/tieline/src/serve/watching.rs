//! Links that somebody looks at, from outside of their handler.

use tieline_proto::deflate::Agreed;
use tieline_proto::handshake::Agreement;

use super::engine::Engine;
use super::handler::Handler;
use super::id::LinkId;
use super::link::Link;
use super::seat::Seat;
use super::tap::{Direction, Tap};

impl<H: Handler> Engine<H> {
    /// Has somebody see what goes over a link, unless it is over.
    pub(super) fn tap(&mut self, id: LinkId, mut tap: Tap) {
        let Some(Seat::Open(open)) = self.seats.get(id.index()) else { return };
        let mut lines = self.worker.lines().borrow_mut();
        let Some(line) = lines.line(id) else { return };
        let Some(dialect) = open.incoming.dialect() else { return };
        let windows = line.outgoing.window().zip(open.incoming.window());
        let deflate = windows.map(|(ours, theirs)| Agreed { ours, theirs, level: 1, min_bytes: 0 });
        let agreement = Agreement { dialect, deflate, ..Agreement::default() };
        tap.begin(agreement, open.incoming.cut(), line.begun());
        // Read already, and not taken: the peer has to read first.
        if let Some(spill) = &open.spill {
            tap.take(Direction::In, spill);
        }
        line.transport.tap(tap);
    }

    /// Shows its handler all links that are open.
    pub(super) fn survey(&mut self) {
        let Self { handler, seats, worker, .. } = self;
        let mut links = seats.iter().enumerate().filter_map(|(slot, seat)| match seat {
            Seat::Open(open) => {
                let slot = u32::try_from(slot).expect("places have small numbers");
                let id = LinkId { generation: open.generation, slot };
                Some((worker.link(id), &open.state))
            }
            _ => None,
        });
        handler.survey(&mut links as &mut dyn Iterator<Item = (Link, &H::State)>);
    }
}
