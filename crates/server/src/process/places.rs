//! Room for the processes of one route.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::unix::pipe;
use tokio::task::spawn_blocking;
use tracing::warn;

use super::Processes;
use super::cgroup::Cgroup;
use super::counts::RouteCounts;
use super::environment::{Environment, Variables};
use super::error::NotStarted;
use super::keeper::{self, Ward};
use super::program::{Ending, Program, Stderr};
use super::running::{Kept, Running};
use super::whereabouts::Whereabouts;

/// Room for so many processes at a time. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    processes: Processes,
    counts: RouteCounts,
    max: usize,
    taken: AtomicUsize,
    whereabouts: Whereabouts,
}

/// A place for one process, given back once the process and all that it has started are gone.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    /// The number of the process, unique in this program.
    id: u64,
}

/// What was started, before a runtime knows of its pipes.
struct Started {
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: Option<OwnedFd>,
    kept: Kept,
}

impl Places {
    pub(super) fn new(processes: Processes, counts: RouteCounts, max: usize) -> Self {
        let (taken, whereabouts) = (AtomicUsize::new(0), Whereabouts::default());
        Self(Arc::new(Inner { processes, counts, max, taken, whereabouts }))
    }

    /// Starts a program, with these variables beside those of its environment. Inside a runtime with
    /// a reactor only, whose thread is not blocked.
    ///
    /// # Errors
    ///
    /// [`NotStarted`] where there is no room, and where the system says no.
    ///
    /// # Cancel safety
    ///
    /// Dropping it ends what was started by then.
    pub(crate) async fn start(
        &self,
        program: &Program,
        variables: &[(OsString, OsString)],
        stderr: Stderr,
    ) -> Result<Running, NotStarted> {
        let place = self.take()?;
        let program = program.clone();
        let variables = place.variables(&program.environment, variables);
        let counts = self.0.counts.clone();
        let started = spawn_blocking(move || place.start(&program, variables, stderr)).await;
        let started = started.unwrap_or_else(|error| Err(io::Error::other(error)));
        started.and_then(Started::run).map_err(|error| {
            warn!(%error, "a command could not be started");
            let error = NotStarted::System(error);
            counts.not_started(&error);
            error
        })
    }

    /// Takes a place, for who starts a process in another way. From here on the server takes in who
    /// loses its parent.
    ///
    /// # Errors
    ///
    /// [`NotStarted::Full`] where none is left; what the system says where there can be no keeper.
    pub(crate) fn take(&self) -> Result<Place, NotStarted> {
        keeper::begin()?;
        let Inner { taken, max, .. } = &*self.0;
        let more = |taken| (taken < *max).then_some(taken + 1);
        if taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            let error = NotStarted::Full;
            self.0.counts.not_started(&error);
            return Err(error);
        }
        self.0.counts.running.inc();
        self.0.processes.came();
        Ok(Place { places: self.clone(), id: keeper::next_id() })
    }
}

impl Place {
    /// What the process finds in its environment: also the variable by which the keeper knows what
    /// it has started.
    pub(crate) fn variables(
        &self,
        environment: &Environment,
        start: &[(OsString, OsString)],
    ) -> Variables {
        let mut variables = environment.variables(start);
        variables.push((keeper::MARKER.into(), keeper::marker(self.id).into()));
        variables
    }

    /// Has the keeper look after a process that was started with the [variables](Self::variables) of
    /// this place, and leads a group. Nobody may wait for it but `reap`, which is called when it has
    /// ended and all that it has started is gone.
    ///
    /// # Errors
    ///
    /// A number that no process has.
    pub(crate) fn keep(
        self,
        pid: u32,
        ending: Ending,
        reap: impl FnOnce() + Send + 'static,
    ) -> io::Result<Kept> {
        self.places.0.counts.started.inc();
        let id = self.id;
        let state = keeper::keep(Ward {
            id,
            server: self.places.0.processes.0.server,
            pid,
            ending,
            cgroup: Cgroup::of(pid, &keeper::marker(id)),
            killed: self.places.0.counts.killed.clone(),
            gone: Box::new(move || {
                reap();
                drop(self);
            }),
        })?;
        Ok(Kept::new(id, state))
    }

    fn start(self, program: &Program, variables: Variables, stderr: Stderr) -> io::Result<Started> {
        let (mut command, merged) =
            program.command(variables, stderr, &self.places.0.whereabouts)?;
        let mut child = command.spawn()?;
        // What is merged has its end only when nobody here can write to it.
        drop(command);
        let missing = || io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?.into();
        let stdout = match merged {
            Some(reader) => reader.into(),
            None => child.stdout.take().ok_or_else(missing)?.into(),
        };
        let stderr = child.stderr.take().map(OwnedFd::from);
        let kept = self.keep(child.id(), program.ending, move || reap(child))?;
        Ok(Started { stdin, stdout, stderr, kept })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.0.taken.fetch_sub(1, Ordering::Relaxed);
        self.places.0.counts.running.dec();
        self.places.0.processes.went();
    }
}

impl Started {
    fn run(self) -> io::Result<Running> {
        let stderr = self.stderr.map(pipe::Receiver::from_owned_fd).transpose()?;
        Ok(Running {
            stdin: pipe::Sender::from_owned_fd(self.stdin)?,
            stdout: pipe::Receiver::from_owned_fd(self.stdout)?,
            stderr,
            kept: self.kept,
        })
    }
}

/// Waits for a child that has ended.
fn reap(mut child: Child) {
    // Where somebody else has waited for it, there is nothing left to wait for.
    let _ = child.try_wait();
}
