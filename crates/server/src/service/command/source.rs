//! What a process writes, out of one of its pipes.

use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::time::sleep;

use super::framer::Framer;
use crate::process::Kept;

/// How long nothing may come of a process that has ended with all that it has started: somebody else
/// may hold its pipe.
const REST_WITHIN: Duration = Duration::from_secs(1);

/// What a process writes, out of one of its pipes.
pub(super) struct Source {
    pipe: pipe::Receiver,
    kept: Kept,
}

impl Source {
    pub(super) fn new(pipe: pipe::Receiver, kept: &Kept) -> Self {
        Self { pipe, kept: kept.clone() }
    }

    /// Reads more of it; whether there was any. It ends when nobody writes to it any more.
    pub(super) async fn fill(&self, framer: &mut Framer) -> bool {
        let is_left = async {
            self.kept.gone().await;
            sleep(REST_WITHIN).await;
        };
        tokio::select! {
            biased;
            read = framer.fill(&self.pipe) => read.is_ok_and(|read| read > 0),
            () = is_left => false,
        }
    }
}
