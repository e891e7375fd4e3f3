//! The one thread behind all clients of the process: started with the first, ended with the last.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

static THREAD: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    runtime: Handle,
    /// Dropped, it ends the thread.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
    /// How many tasks were started and not yet [released](release).
    tasks: usize,
}

/// Runs a task on the thread; [`release`] is to be called once for each.
///
/// # Errors
///
/// What the system said when it gave no thread, or nothing to wait with.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> io::Result<AbortHandle> {
    let mut running = lock();
    let running = match &mut *running {
        Some(running) => running,
        none => none.insert(start()?),
    };
    running.tasks += 1;
    Ok(running.runtime.spawn(task).abort_handle())
}

/// A task is not needed any more; the last one ends the thread, and that is waited for: it takes
/// as long as the step a task is in, and a process that ends now leaves no thread behind.
pub(crate) fn release() {
    let mut running = lock();
    let Some(tasks) = running.as_mut().map(|running| &mut running.tasks) else { return };
    *tasks -= 1;
    if *tasks > 0 {
        return;
    }
    let ended = running.take();
    drop(running);
    if let Some(Running { stop, thread, .. }) = ended {
        drop(stop);
        // It does not panic outside of tasks, and a panic of a task was told as an event.
        let _ = thread.join();
    }
}

fn start() -> io::Result<Running> {
    let (stop, stopped) = oneshot::channel::<()>();
    let started = Arc::new(OnceLock::new());
    let told = Arc::clone(&started);
    // Made on its own thread: tokio asks who the current thread is, and what the standard library
    // then keeps of a thread that is not its own, such as a C program's first, it does not free.
    let thread = thread::Builder::new().name("tieline-ws".to_owned()).spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(told.set(Err(error.to_string()))),
        };
        let is_told = told.set(Ok(runtime.handle().clone()));
        debug_assert!(is_told.is_ok(), "it is told once");
        // Nothing is ever sent: it ends when the other half is dropped.
        let _ = runtime.block_on(stopped);
        // A name that is still being resolved is not waited for.
        runtime.shutdown_background();
    })?;
    let runtime = started.wait().clone().map_err(io::Error::other)?;
    Ok(Running { runtime, stop, thread, tasks: 0 })
}

fn lock() -> MutexGuard<'static, Option<Running>> {
    THREAD.lock().unwrap_or_else(PoisonError::into_inner)
}
