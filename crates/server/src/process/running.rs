//! A process that runs, as who started it holds it.

use std::sync::Arc;

use tokio::net::unix::pipe;
use tokio::sync::watch;

use super::exit::{Exit, State};
use super::keeper;

/// A process and its pipes. Dropping it ends the process, in the background.
#[derive(Debug)]
pub(crate) struct Running {
    /// What the process reads. Dropping it is the end of its input.
    pub(crate) stdin: pipe::Sender,
    /// What it writes; its standard error, too, where that is merged.
    pub(crate) stdout: pipe::Receiver,
    /// Its standard error, where that is apart.
    pub(crate) stderr: Option<pipe::Receiver>,
    /// The process itself.
    pub(crate) kept: Kept,
}

/// A process that the keeper looks after. Clones are the same; the last one that is dropped ends it.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    state: watch::Receiver<State>,
    handle: Arc<Handle>,
}

/// Ends the process when nobody holds it any more.
#[derive(Debug)]
struct Handle(u64);

impl Kept {
    pub(super) fn new(id: u64, state: watch::Receiver<State>) -> Self {
        Self { state, handle: Arc::new(Handle(id)) }
    }

    /// Has it ended, in the background: its input should be closed by now. Asking twice is asking
    /// once.
    pub(crate) fn end(&self) {
        keeper::end(self.handle.0);
    }

    /// Waits until the process itself has ended, and says how.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing.
    pub(crate) async fn wait(&self) -> Exit {
        self.until(|state| state.exit.is_some()).await.exit.unwrap_or(Exit::Unknown)
    }

    /// Waits until all that it has started is gone as well.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing.
    pub(crate) async fn gone(&self) {
        self.until(|state| state.is_gone).await;
    }

    async fn until(&self, is_it: impl Fn(&State) -> bool) -> State {
        let mut state = self.state.clone();
        match state.wait_for(is_it).await {
            Ok(state) => *state,
            // The keeper tells the end before it forgets a process.
            Err(_) => *self.state.borrow(),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        keeper::end(self.0);
    }
}
