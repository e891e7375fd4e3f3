//! What hyper starts for the streams of one HTTP/2 connection, on the worker's own thread.
//!
//! | task       | does                          | is given up                                  |
//! |------------|-------------------------------|----------------------------------------------|
//! | a stream's | answers one request           | when nothing of the answer is taken for long |
//! | a line's   | writes what its carrier sends | when the carrier has let go of the line      |
//!
//! Whatever is given up is reset. hyper itself would wait for ever, with the file or the frames
//! that nobody takes.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::rt::Executor;
use tokio::select;
use tokio::sync::{Notify, oneshot};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep};

/// The tasks of one connection. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Tasks(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    /// How long a stream may be stuck.
    patience: Duration,
    running: Cell<usize>,
    changed: Notify,
    /// Set by a stream that was granted a line: the next task it starts is that line's.
    granted: RefCell<Option<oneshot::Receiver<()>>>,
}

/// Keeps the task of a line alive; held by its carrier.
#[derive(Debug)]
pub(super) struct Held {
    _dropped_with_it: oneshot::Sender<()>,
}

/// Counts a task while it runs.
struct Running(Tasks);

impl Tasks {
    pub(super) fn new(patience: Duration) -> Self {
        let (running, changed, granted) = (Cell::new(0), Notify::new(), RefCell::default());
        Self(Rc::new(Inner { patience, running, changed, granted }))
    }

    /// Says that the stream which is answered now becomes a line, until the answer is dropped.
    pub(super) fn grant(&self) -> Held {
        let (held, released) = oneshot::channel();
        self.0.granted.replace(Some(released));
        Held { _dropped_with_it: held }
    }

    /// Waits until nothing has run for that long. For one caller at a time.
    pub(super) async fn idle(&self, within: Duration) {
        loop {
            while self.0.running.get() > 0 {
                self.0.changed.notified().await;
            }
            select! {
                biased;
                () = self.0.changed.notified() => {}
                () = sleep(within) => return,
            }
        }
    }

    /// Runs a stream's task until it ends or is stuck: it is polled only when something moved.
    async fn run_stream(&self, task: impl Future<Output = ()>) {
        let (mut task, mut stuck) = (pin!(task), pin!(sleep(self.0.patience)));
        poll_fn(|cx| {
            if stuck.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let polled = task.as_mut().poll(cx);
            // Where the answer could not be sent, the line's task never came.
            self.0.granted.take();
            stuck.as_mut().reset(Instant::now() + self.0.patience);
            polled
        })
        .await;
    }
}

impl<F: Future<Output = ()> + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let running = Running::new(self.clone());
        match self.0.granted.take() {
            None => spawn_local(async move { running.0.run_stream(task).await }),
            Some(released) => spawn_local(async move {
                let _running = running;
                select! {
                    biased;
                    () = task => {}
                    _ = released => {}
                }
            }),
        };
    }
}

impl Running {
    fn new(tasks: Tasks) -> Self {
        tasks.0.running.set(tasks.0.running.get() + 1);
        tasks.0.changed.notify_one();
        Self(tasks)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Inner { running, changed, .. } = &*self.0.0;
        running.set(running.get() - 1);
        changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::task::{LocalSet, yield_now};

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn with_tasks(test: impl AsyncFnOnce(Tasks)) {
        LocalSet::new().run_until(test(Tasks::new(PATIENCE))).await;
    }

    async fn ends_within(tasks: &Tasks) -> Duration {
        let began = Instant::now();
        tasks.idle(Duration::ZERO).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_stuck_is_given_up() {
        with_tasks(async |tasks| {
            tasks.execute(pending());
            assert_eq!(ends_within(&tasks).await.as_secs(), PATIENCE.as_secs());
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_moves_is_waited_for() {
        with_tasks(async |tasks| {
            tasks.execute(async {
                for _ in 0..10 {
                    sleep(PATIENCE - Duration::from_secs(1)).await;
                }
            });
            assert_eq!(ends_within(&tasks).await.as_secs(), 90);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_lives_as_long_as_its_carrier_holds_it() {
        with_tasks(async |tasks| {
            let streams = tasks.clone();
            let (give, mut held) = oneshot::channel();
            tasks.execute(async move {
                give.send(streams.grant()).unwrap();
                streams.execute(pending());
            });
            let held = loop {
                match held.try_recv() {
                    Ok(held) => break held,
                    Err(_) => yield_now().await,
                }
            };
            sleep(PATIENCE * 10).await;
            assert_eq!(tasks.0.running.get(), 1);
            drop(held);
            assert!(ends_within(&tasks).await < PATIENCE);
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_never_began_leaves_nothing_behind() {
        with_tasks(async |tasks| {
            let streams = tasks.clone();
            tasks.execute(async move { drop(streams.grant()) });
            ends_within(&tasks).await;
            tasks.execute(async { sleep(Duration::from_secs(1)).await });
            assert_eq!(ends_within(&tasks).await.as_secs(), 1, "an ordinary stream");
        })
        .await;
    }
}
