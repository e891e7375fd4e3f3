//! The line that lives while a run goes on: on a terminal, and nowhere else.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::common::{Common, Phase};
use super::plan::Plan;
use super::report::{thousands, time};

/// How often it changes.
const EVERY: Duration = Duration::from_millis(250);

/// The live line, on standard error.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    last: Option<(Instant, u64)>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>4} {msg}") {
            bar.set_style(style);
        }
        Self { bar, last: None }
    }

    /// Shows where the run is, not too often.
    pub(super) fn show(&mut self, plan: &Plan, common: &Common, phase: Phase) {
        let now = Instant::now();
        let (then, received) = self.last.unwrap_or((now, 0));
        if self.bar.is_hidden() || (self.last.is_some() && now - then < EVERY) {
            return;
        }
        let counts = common.counts();
        self.last = Some((now, counts.received));
        let connections = thousands(counts.alive as f64);
        let text = match phase {
            Phase::Connecting => {
                format!("{connections} of {} connections", thousands(plan.connections as f64))
            }
            _ => {
                let elapsed = (now - then).as_secs_f64().max(1e-3);
                let rate = (counts.received - received) as f64 / elapsed;
                let p99 = common.shown.iter().map(|shown| shown.p99.load(Ordering::Relaxed));
                let p99 = match p99.max().unwrap_or_default() {
                    0 => String::new(),
                    p99 => format!(", p99 {}", time(p99)),
                };
                let stage = if phase == Phase::Measuring { "" } else { "warming up, " };
                format!("{stage}{connections} connections, {} a second{p99}", thousands(rate))
            }
        };
        self.bar.set_message(text);
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
