//! What one worker has counted of its messages, as it last said.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tieline::serve::Traffic;

/// What one worker has last said of its messages.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) messages_in: AtomicU64,
    pub(crate) messages_out: AtomicU64,
}

impl Tally {
    /// What the worker has counted since it began.
    pub(crate) fn set(&self, traffic: &Traffic) {
        self.bytes_in.store(traffic.bytes_in, Relaxed);
        self.bytes_out.store(traffic.bytes_out, Relaxed);
        self.messages_in.store(traffic.messages_in, Relaxed);
        self.messages_out.store(traffic.messages_out, Relaxed);
    }
}
