//! Running a session: from the start of its program until that and all that it has started is gone.
//!
//! The task reads what the program writes and shows it, types what it is given, and sees to the ends
//! that a session can have. A program that writes more than the rate allows waits for its terminal.

use std::ffi::OsString;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use pty_process::{Pty, ReadPty, WritePty};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

use super::audit::{Audit, Why};
use super::pace::Pace;
use super::pty;
use super::recorder::Recorder;
use super::recordings::Recordings;
use super::session::{Fault, Session};
use super::sessions::Sessions;
use super::words::{Ended, Size};
use crate::causes::Causes;
use crate::process::{Exit, Kept, NotStarted, Places, Program};

/// Most of the output that is read at once, in bytes.
const READ_BYTES: usize = 16 << 10;

/// How long what a program has written last is read for after its end, where others still have its
/// terminal.
const REST_WITHIN: Duration = Duration::from_millis(250);

/// What a session is run by.
pub(super) struct Run {
    pub(super) session: Arc<Session>,
    /// The list that it is on.
    pub(super) sessions: Arc<Sessions>,
    pub(super) program: Program,
    pub(super) places: Places,
    pub(super) recordings: Option<Recordings>,
    pub(super) typed: mpsc::Receiver<Bytes>,
    pub(super) pace: Pace,
    /// How long it lives when nobody watches.
    pub(super) keep: Duration,
    /// How long it lives when nobody types.
    pub(super) idle: Option<Duration>,
    /// How long it lives at all.
    pub(super) lifetime: Option<Duration>,
    pub(super) audit: Audit,
}

/// A program that runs in its terminal.
struct Running {
    pty: Pty,
    kept: Kept,
    /// The leader of its session, and of its first group.
    leader: Pid,
}

/// Takes the session off the list and tells those who watch that it is over, at the latest when its
/// worker ends.
struct EndOnDrop {
    session: Arc<Session>,
    sessions: Arc<Sessions>,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.sessions.remove(&self.session);
        self.session.end(Exit::Unknown.into());
    }
}

/// Runs a session to its end.
pub(super) async fn run(mut run: Run) {
    let (session, sessions) = (Arc::clone(&run.session), Arc::clone(&run.sessions));
    let over = EndOnDrop { session, sessions };
    let (mut running, mut recorder) = match begin(&run).await {
        Ok(begun) => begun,
        Err(error) => {
            let fault = Fault::from(&error);
            let (session, error) = (run.session.label(), Causes(&error));
            warn!(session, %error, "a terminal could not be started");
            run.audit.ended(&run.session, Why::NotStarted, &Exit::Unknown.into());
            return run.session.fail(fault);
        }
    };
    run.session.begin();
    let why = drive(&mut run, &mut running, &mut recorder).await;
    let ended = Ended::from(running.kept.wait().await);
    // What it has started goes as well, in the background.
    drop(running);
    if let Some(recorder) = recorder {
        recorder.finish().await;
    }
    run.audit.ended(&run.session, why, &ended);
    // Who asks for it from now on is told that it is not there.
    run.sessions.remove(&run.session);
    run.session.end(ended);
    drop(over);
}

/// Starts the program, and its recording where there is to be one.
async fn begin(run: &Run) -> Result<(Running, Option<Recorder>), NotStarted> {
    let running = start(&run.places, &run.program, run.session.terms().size).await?;
    let Some(recordings) = run.recordings.clone() else { return Ok((running, None)) };
    let terms = run.session.terms().clone();
    let begun = spawn_blocking(move || recordings.begin(&terms)).await;
    // Without it there is no session: the program ends again.
    let recorder = begun.unwrap_or_else(|error| Err(io::Error::other(error)))?;
    Ok((running, Some(recorder)))
}

/// Starts the program, where its start blocks nobody.
async fn start(places: &Places, program: &Program, size: Size) -> Result<Running, NotStarted> {
    let place = places.take()?;
    let program = program.clone();
    let (pty, pts) = pty::open(size)?;
    let started = spawn_blocking(move || -> io::Result<_> {
        let terminal: [(OsString, OsString); 2] =
            [("TERM".into(), "xterm-256color".into()), ("COLORTERM".into(), "truecolor".into())];
        let variables = place.variables(&program.environment, &terminal);
        let child = pty::start(&program, variables, pts)?;
        let id = child.id().ok_or(io::ErrorKind::NotFound)?;
        let leader = i32::try_from(id).ok().and_then(Pid::from_raw);
        // Dropping it waits for it, as it has ended by then.
        let kept = place.keep(id, program.ending, move || drop(child))?;
        Ok((kept, leader.ok_or(io::ErrorKind::InvalidData)?))
    });
    let (kept, leader) = started.await.unwrap_or_else(|error| Err(io::Error::other(error)))?;
    Ok(Running { pty, kept, leader })
}

/// Carries bytes both ways until the program has ended; answers why it has.
async fn drive(run: &mut Run, running: &mut Running, recorder: &mut Option<Recorder>) -> Why {
    let Running { pty, kept, leader } = running;
    let (mut reader, mut writer) = pty.split();
    let session = &run.session;
    let mut heard = Instant::now();
    let until = run.lifetime.map(|lifetime| Instant::now() + lifetime);
    let mut buffer = vec![0; READ_BYTES];
    let mut pending = Bytes::new();
    let mut is_open = true;
    let mut why = Why::Program;
    let mut exit = std::pin::pin!(kept.wait());
    loop {
        let is_ending = why != Why::Program;
        let unwatched = session.unwatched_since().map(|since| since + run.keep);
        let untyped = run.idle.map(|idle| heard + idle);
        let (free, has_pending) = (run.pace.free(), !pending.is_empty());
        let mut wants = None;
        tokio::select! {
            _ = &mut exit => break,
            read = paced(&mut reader, &mut buffer, free), if is_open => match read {
                Ok(0) | Err(_) => is_open = false,
                Ok(len) => {
                    run.pace.take(len);
                    show(session, recorder.as_mut(), &buffer[..len]).await;
                }
            },
            written = writer.write(&pending), if has_pending => match written {
                Ok(len) => pending.advance(len),
                // Its program hears nothing any more.
                Err(_) => pending.clear(),
            },
            typed = run.typed.recv(), if !has_pending => {
                // The session holds a sender itself: there is always another.
                pending = typed.unwrap_or_default();
                heard = Instant::now();
                if let Some(recorder) = recorder.as_mut() {
                    recorder.typed(&pending).await;
                }
            }
            () = session.stirred() => {
                let wishes = session.take_wishes();
                if let Some(size) = wishes.size {
                    resize(session, &writer, recorder.as_mut(), size).await;
                }
                wants = wishes.end.then_some(Why::Asked);
            }
            () = at(unwatched), if !is_ending => wants = Some(Why::Unwatched),
            () = at(untyped), if !is_ending => wants = Some(Why::Idle),
            () = at(until), if !is_ending => wants = Some(Why::Lifetime),
        }
        if let Some(wanted) = wants.filter(|_| !is_ending) {
            why = wanted;
            // As when the line of a terminal is lost: a shell hands it on to what it runs.
            let _ = kill_process_group(*leader, Signal::HUP);
            kept.end();
        }
    }
    let rest = async {
        while is_open {
            match pty::read(&mut reader, &mut buffer).await {
                Ok(0) | Err(_) => is_open = false,
                Ok(len) => show(session, recorder.as_mut(), &buffer[..len]).await,
            }
        }
    };
    // Where others still have the terminal, it has no end.
    let _ = timeout(REST_WITHIN, rest).await;
    why
}

/// Reads, once the rate allows it.
async fn paced(pty: &mut ReadPty<'_>, buffer: &mut [u8], free: Instant) -> io::Result<usize> {
    if free > Instant::now() {
        sleep_until(free).await;
    }
    pty::read(pty, buffer).await
}

async fn show(session: &Session, recorder: Option<&mut Recorder>, output: &[u8]) {
    let whole = session.show(output);
    if let Some(recorder) = recorder {
        recorder.shown(&whole).await;
    }
}

async fn resize(
    session: &Session,
    pty: &WritePty<'_>,
    recorder: Option<&mut Recorder>,
    size: Size,
) {
    // The screen first: what the program writes for its new size comes after it.
    if !session.resize(size) {
        return;
    }
    if let Err(error) = pty.resize(size.into()) {
        warn!(session = session.label(), %error, "a terminal has not changed its size");
    }
    if let Some(recorder) = recorder {
        recorder.resized(size).await;
    }
}

/// Waits for a moment, or for ever.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
