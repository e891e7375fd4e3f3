//! Events as programs see them, and who keeps their memory.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_char;
use std::sync::Arc;

use crate::event::{self, Kind, MessageKind};

/// Something that happened. It belongs to the library and is never written to; it is valid until
/// the same thread polls the same client again or frees it, or ends.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a struct of a C header, made by the library alone")]
#[repr(C)]
pub struct Event {
    /// Whose event it is.
    pub client: u64,
    /// What it is about, and thereby which of the fields below mean something.
    pub kind: Kind,
    /// MESSAGE: text or binary.
    pub message: MessageKind,
    /// OPEN: the subprotocol, empty for none. MESSAGE: the payload. CLOSE: the reason. ERROR: what
    /// went wrong, in words. PONG: the payload. Never NULL, and one NUL stands behind it, which
    /// `len` does not count; a payload may have others within.
    pub data: *const c_char,
    /// Length of `data` in bytes.
    pub len: usize,
    /// CLOSE: the server's close code, 1005 where it gave none, 1006 where the line was lost or did
    /// not open. ERROR: a `tieline_ws_error`.
    pub code: i32,
    /// CLOSE: 1 where both ends said goodbye, else 0.
    pub clean: i32,
    /// CLOSE: in how many milliseconds the next attempt is made; -1 where there is none, and this
    /// is the client's last event.
    pub retry_in_ms: i64,
}

/// An event and the memory that it points to.
#[derive(Debug)]
pub(super) struct Delivered {
    event: Event,
    /// Behind `event.data`; it is not touched while this lives.
    _memory: event::Event,
}

impl Delivered {
    pub(super) fn new(client: u64, memory: event::Event) -> Arc<Self> {
        let data = memory.data();
        let event = Event {
            client,
            kind: memory.kind,
            message: memory.message,
            data: data.as_ptr().cast(),
            len: data.len(),
            code: memory.code,
            clean: memory.clean.into(),
            retry_in_ms: memory.retry_in_ms,
        };
        // The bytes are on the heap: they stay where they are when their owner moves.
        #[expect(clippy::arc_with_non_send_sync, reason = "it never leaves its thread")]
        Arc::new(Self { event, _memory: memory })
    }

    pub(super) const fn event(&self) -> &Event {
        &self.event
    }
}

thread_local! {
    static HELD: RefCell<Held> = RefCell::default();
}

/// The last event of each client that this thread polls: another thread that polls the same client,
/// or frees it, takes nothing away from under this one.
#[derive(Debug, Default)]
struct Held {
    events: HashMap<u64, Arc<Delivered>>,
    /// From how many on those of clients that are gone are looked for.
    many: usize,
}

/// Keeps an event until this thread [lets go](let_go) of its client's. Those of clients that other
/// threads have freed go when there are twice as many as there were clients.
pub(super) fn hold(delivered: Arc<Delivered>, is_alive: impl Fn(u64) -> bool) {
    // A thread that ends holds nothing any more.
    let _ = HELD.try_with(|held| {
        let held = &mut *held.borrow_mut();
        if held.events.len() >= held.many {
            held.events.retain(|client, _| is_alive(*client));
            held.many = 2 * held.events.len() + 8;
        }
        held.events.insert(delivered.event.client, delivered);
    });
}

/// Frees this thread's last event of a client.
pub(super) fn let_go(client: u64) {
    // As above.
    let _ = HELD.try_with(|held| held.borrow_mut().events.remove(&client));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count() -> usize {
        HELD.with(|held| held.borrow().events.len())
    }

    #[test]
    fn events_of_clients_that_others_have_freed_do_not_pile_up() {
        for client in 1..10_000 {
            let event = event::Event::message("x".into());
            // Every hundredth client lives.
            hold(Delivered::new(client, event), |client| client % 100 == 0);
        }
        assert!((99..=2 * 100 + 8).contains(&count()), "{}", count());
        (1..10_000).for_each(let_go);
        assert_eq!(count(), 0);
    }
}
