//! `tieline bench`: makes load on a WebSocket server, and tells how it bore it.
//!
//! ```text
//! options ─▶ plan ─▶ threads: Connecting ─▶ Running ─▶ Measuring ─▶ Done ─▶ report ─▶ exit code
//!                    (one event loop each)           └ counters and CPU clocks ┘
//! ```

mod common;
mod connecting;
mod descriptors;
mod failure;
mod incoming;
mod line;
mod opening;
mod options;
mod outgoing;
mod pace;
mod payload;
mod plan;
mod process;
mod progress;
mod report;
mod tally;
mod target;
mod traffic;
mod transport;
mod worker;

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
pub(crate) use failure::Failure;
use mio::{Poll, Waker};
pub(crate) use options::Options;

use self::common::{Common, Phase};
use self::options::Judgement;
use self::plan::Plan;
use self::process::{Process, Usage};
use self::progress::Progress;
use self::report::{Report, Server};
use self::tally::{Counts, ErrorKind, Errors};
use self::worker::{Outcome, WAKER, Worker};

/// How often the state of a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Measures, tells, and judges.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    descriptors::reserve(options.load.connections)?;
    let plan = Plan::new(options)?;
    let process = options.judgement.pid.map(Process::find).transpose()?;
    let report = measure(&plan, process)?;
    tell(&report, options.judgement.json)?;
    judge(&report, &options.judgement).map_err(Into::into)
}

/// One end of the time that is measured.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    /// Processor time that this program had used, in nanoseconds.
    own_cpu_ns: u64,
    usage: Option<Usage>,
    counts: Counts,
}

impl Mark {
    fn set(common: &Common, process: Option<Process>) -> Result<Self, Failure> {
        let usage = process.map(Process::usage).transpose()?;
        let at = Instant::now();
        Ok(Self { at, own_cpu_ns: process::own_cpu_ns(), usage, counts: common.counts() })
    }
}

fn measure(plan: &Plan, process: Option<Process>) -> anyhow::Result<Report<'_>> {
    let before = process.map(Process::usage).transpose()?;
    let mut polls = Vec::new();
    let mut wakers = Vec::new();
    for _ in 0..plan.threads {
        let poll = Poll::new().context("cannot poll sockets")?;
        wakers.push(Waker::new(poll.registry(), WAKER).context("cannot poll sockets")?);
        polls.push(poll);
    }
    let common = Common::new(wakers);
    let begun = Instant::now();
    let (conducted, outcomes) = thread::scope(|scope| {
        let workers: Vec<_> = polls
            .into_iter()
            .enumerate()
            .map(|(at, poll)| {
                let common = &common;
                scope.spawn(move || Worker::new(plan, common, at, poll).run())
            })
            .collect();
        let conducted = conduct(plan, &common, process);
        common.enter(Phase::Done);
        let outcomes: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
        (conducted, outcomes)
    });
    let mut all = Outcome::default();
    for outcome in outcomes {
        let outcome =
            outcome.map_err(|_| anyhow::anyhow!("a thread panicked: please report it"))?;
        all.merge(outcome.context("cannot poll sockets")?);
    }
    let (connected, marks) = conducted?;
    let Some((start, end)) = marks else {
        return Err(not_connected(&all.errors).into());
    };
    let server = process.zip(before).zip(start.usage.zip(end.usage));
    Ok(Report {
        plan,
        seconds: (end.at - start.at).as_secs_f64(),
        connect_seconds: (connected - begun).as_secs_f64(),
        opened: start.counts.opened,
        failed: start.counts.failed,
        deflated: all.deflated,
        counts: end.counts.since(start.counts),
        times: all.times,
        opening: all.opening,
        errors: all.errors,
        own_cpu_ns: end.own_cpu_ns - start.own_cpu_ns,
        server: server.map(|((process, before), (start, end))| {
            let pid = process.pid;
            Server { pid, before, start, end }
        }),
    })
}

/// When all was connected, and the two ends of the time that was measured.
type Marks = (Instant, Option<(Mark, Mark)>);

/// Leads the threads from phase to phase. There are no marks where nothing was opened.
fn conduct(plan: &Plan, common: &Common, process: Option<Process>) -> Result<Marks, Failure> {
    let mut progress = Progress::new();
    let marks = lead(plan, common, process, &mut progress);
    progress.clear();
    marks
}

fn lead(
    plan: &Plan,
    common: &Common,
    process: Option<Process>,
    progress: &mut Progress,
) -> Result<Marks, Failure> {
    let all = plan.connections as u64;
    let mut stay = |phase: Phase, is_over: &dyn Fn(Counts) -> bool| loop {
        if let Some(why) = common.fatal() {
            return Err(Failure::NotConnected(why));
        }
        if is_over(common.counts()) {
            return Ok(Instant::now());
        }
        progress.show(plan, common, phase);
        thread::sleep(LOOK_EVERY);
    };
    let connected = stay(Phase::Connecting, &|counts| counts.opened + counts.failed >= all)?;
    if common.counts().opened == 0 {
        return Ok((connected, None));
    }
    let until = |end: Instant| {
        move |counts: Counts| counts.alive == 0 || common.is_cut_short() || Instant::now() >= end
    };
    common.enter(Phase::Running);
    stay(Phase::Running, &until(Instant::now() + plan.warm_up))?;
    let start = Mark::set(common, process)?;
    common.enter(Phase::Measuring);
    stay(Phase::Measuring, &until(start.at + plan.duration))?;
    Ok((connected, Some((start, Mark::set(common, process)?))))
}

/// Whose fault it is that nothing was opened.
fn not_connected(errors: &Errors) -> Failure {
    if let Some(why) = errors.first_of(&[ErrorKind::Protocol]) {
        return Failure::Protocol(why.to_owned());
    }
    let why = errors.first_of(&[ErrorKind::Connect, ErrorKind::Handshake, ErrorKind::Lost]);
    Failure::NotConnected(why.unwrap_or("the server closed at once").to_owned())
}

fn tell(report: &Report<'_>, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json { writeln!(out, "{}", report.to_json()) } else { write!(out, "{report}") }
}

/// Holds the report against what was asked for.
fn judge(report: &Report<'_>, limits: &Judgement) -> Result<(), Failure> {
    if let Some(why) = report.violation() {
        return Err(Failure::Protocol(why.to_owned()));
    }
    let mut missed = Vec::new();
    let errors = report.errors.total();
    if errors > limits.max_errors {
        let kinds: Vec<_> = report
            .errors
            .iter()
            .map(|(kind, count, _)| format!("{count} {}", kind.name()))
            .collect();
        missed.push(format!("{errors} errors ({})", kinds.join(", ")));
    }
    if let Some(limit) = limits.max_p99 {
        let p99 = Duration::from_nanos(report.times.quantile(0.99));
        if report.times.is_empty() || p99 > limit {
            missed.push(format!("p99 is {p99:.0?}, above {limit:?}"));
        }
    }
    if let Some(least) = limits.min_rate
        && report.rate() < least
    {
        missed.push(format!("{:.0} messages a second, below {least}", report.rate()));
    }
    if missed.is_empty() { Ok(()) } else { Err(Failure::Missed(missed)) }
}
