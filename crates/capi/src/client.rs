//! A client as its program has it: two queues, and the task between them and the line.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tieline::ReadyState;
use tokio::task::AbortHandle;

use crate::background;
use crate::code::Failure;
use crate::event::{Event, Kind};
use crate::inbox::{Inbox, Taken};
use crate::outbox::{Order, Outbox};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::task;

/// A client. Dropped, it breaks its line off.
#[derive(Debug)]
pub(crate) struct Client {
    shared: Arc<Shared>,
    task: AbortHandle,
    /// In words; empty for none.
    last_error: Mutex<String>,
}

impl Client {
    /// Starts to connect, and waits for nothing.
    ///
    /// # Errors
    ///
    /// What the system said when it gave no thread.
    pub(crate) fn connect(settings: Settings) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            inbox: Inbox::new(settings.event_queue_bytes, settings.event_queue_events),
            outbox: Outbox::new(settings.send_queue_bytes),
            task: AtomicWaker::new(),
        });
        let task = background::spawn(task::run(Arc::clone(&shared), settings))?;
        Ok(Self { shared, task, last_error: Mutex::default() })
    }

    pub(crate) fn send(&self, order: Order) -> Result<(), Failure> {
        self.shared.outbox.push(order)?;
        self.shared.task.wake();
        Ok(())
    }

    pub(crate) fn close(&self, code: u32, reason: &str) -> Result<(), Failure> {
        self.shared.outbox.close(code, reason)?;
        self.shared.task.wake();
        Ok(())
    }

    /// The next event; waits for one, without `within` for ever.
    pub(crate) fn take(&self, within: Option<Duration>) -> Taken {
        let taken = self.shared.inbox.take(within);
        if let Taken::Event(event) = &taken {
            self.took(event);
            self.shared.task.wake();
        }
        taken
    }

    fn took(&self, event: &Event) {
        match event.kind {
            Kind::Open => self.shared.outbox.seen(event.line),
            Kind::Close => self.shared.outbox.seen(0),
            Kind::Error => self.failed(&String::from_utf8_lossy(event.data())),
            Kind::Message | Kind::Pong => {}
        }
        if event.is_last() {
            self.shared.outbox.over();
        }
    }

    pub(crate) fn ready_state(&self) -> ReadyState {
        self.shared.outbox.ready_state()
    }

    pub(crate) fn buffered_amount(&self) -> usize {
        self.shared.outbox.buffered_amount()
    }

    /// Keeps what went wrong, in words.
    pub(crate) fn failed(&self, text: &str) {
        text.clone_into(&mut self.last_error.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn last_error(&self) -> String {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Breaks the line off, and sends home who waits for an event.
    pub(crate) fn free(&self) {
        // First, so that nobody hears of the end of a task that was broken off.
        self.shared.inbox.free();
        self.task.abort();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.free();
        background::release();
    }
}
