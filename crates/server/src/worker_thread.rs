//! A worker's thread: its runtime, its listening sockets, its beginning and its end.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{LocalSet, spawn_local};
use tokio::time;
use tracing::{debug, warn};

use crate::admission::Entrance;
use crate::config::PlannedListener;
use crate::connection;
use crate::listen::Acceptor;
use crate::worker::{Shared, Worker};

/// How long a worker rests when the system has no room for another connection.
const REST: Duration = Duration::from_millis(100);

/// Serves until the server stops and every connection has ended, or the time to drain is over.
pub(crate) fn run(
    shared: Arc<Shared>,
    acceptors: Vec<(impl FnOnce() -> io::Result<Acceptor>, Arc<PlannedListener>)>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let acceptors = acceptors
            .into_iter()
            .map(|(acceptor, listener)| Ok((acceptor()?, listener)))
            .collect::<io::Result<Vec<_>>>()?;
        serve(shared, acceptors).await;
        Ok(())
    })
}

async fn serve(shared: Arc<Shared>, acceptors: Vec<(Acceptor, Arc<PlannedListener>)>) {
    let mut stopping = shared.stopping.clone();
    let worker = Rc::new(Worker::new(shared));
    let delivering = Rc::clone(&worker);
    spawn_local(async move { delivering.deliver_always().await });
    let accepting: Vec<_> = acceptors
        .into_iter()
        .map(|(acceptor, listener)| spawn_local(accept(Rc::clone(&worker), acceptor, listener)))
        .collect();

    // An error means that the server itself is gone: the same end.
    let _ = stopping.wait_for(|stops| *stops).await;
    for task in accepting {
        task.abort();
    }
    worker.drain().await;
}

async fn accept(worker: Rc<Worker>, acceptor: Acceptor, listener: Arc<PlannedListener>) {
    let mut is_warned = false;
    loop {
        match acceptor.accept().await {
            Ok((stream, from)) => {
                is_warned = false;
                let entrance = Entrance { listener: Arc::clone(&listener), from };
                worker.spawn(connection::serve(Rc::clone(&worker), entrance, stream));
            }
            Err(error) if is_the_peers(&error) => debug!(%error, "connection lost before it began"),
            // Out of descriptors or memory: those who are here go on, and one may leave.
            Err(error) => {
                if !std::mem::replace(&mut is_warned, true) {
                    warn!(%error, place = %listener.place, "cannot accept a connection");
                }
                time::sleep(REST).await;
            }
        }
    }
}

fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}
