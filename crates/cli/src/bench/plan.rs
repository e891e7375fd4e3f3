//! What a run does: the options, checked. Nothing in it can be wrong.

use std::time::Duration;

use super::failure::Failure;
use super::incoming::Expected;
use super::options::Options;
use super::payload::Payload;
use super::target::Target;

/// A run, ready to start.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) url: String,
    pub(super) mode: Mode,
    pub(super) target: Target,
    pub(super) payload: Payload,
    /// Whether answers are compared byte by byte.
    pub(super) verify: bool,
    /// Whether any message is an answer.
    pub(super) any_reply: bool,
    pub(super) connections: usize,
    pub(super) in_flight: usize,
    pub(super) threads: usize,
    pub(super) slow: Slow,
    /// What each connection says first, and is answered, before it counts as open.
    pub(super) first: Vec<String>,
    /// Connections opened in a second; `None` for as fast as it goes.
    pub(super) ramp: Option<f64>,
    pub(super) warm_up: Duration,
    pub(super) duration: Duration,
}

/// Who sends when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// Each connection sends when it was answered.
    Closed,
    /// The first connection sends when all have heard it.
    FanOut {
        /// Whether it hears itself, too.
        hears_itself: bool,
    },
    /// Nobody sends.
    Idle,
    /// The clock says when.
    Open {
        /// Messages a second, over all connections.
        rate: f64,
    },
}

/// The connections that read slowly: the last ones.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slow {
    pub(super) readers: usize,
    pub(super) bytes_per_second: usize,
}

impl Plan {
    /// Reads files, asks for addresses, and checks what the options say together.
    pub(super) fn new(options: &Options) -> anyhow::Result<Self> {
        let load = &options.load;
        let mode = match load.rate {
            Some(rate) => Mode::Open { rate },
            None if load.idle => Mode::Idle,
            None if load.fan_out => Mode::FanOut { hears_itself: !load.speaker_excluded },
            None => Mode::Closed,
        };
        let slow = Slow { readers: load.slow_readers, bytes_per_second: load.slow_rate };
        let quick = load.connections.saturating_sub(slow.readers);
        let needed = match mode {
            Mode::FanOut { hears_itself: false } => 2,
            _ => 1,
        };
        if quick < needed {
            let wrong = format!("of {} connections {quick} read quickly", load.connections);
            return Err(Failure::Usage(format!("{wrong}: {needed} are needed")).into());
        }
        Ok(Self {
            url: options.url.clone(),
            mode,
            target: Target::find(options)?,
            payload: Payload::new(&options.message)?,
            verify: options.message.verify,
            any_reply: options.message.any_reply,
            connections: load.connections,
            in_flight: load.in_flight,
            threads: load.threads.min(load.connections),
            slow,
            first: options.opening.first.clone(),
            ramp: options.opening.ramp,
            warm_up: load.warm_up,
            duration: load.duration,
        })
    }

    /// What counts as an answer.
    pub(super) const fn expected(&self) -> Expected<'_> {
        match self.mode {
            Mode::FanOut { .. } => Expected::AtLeast(&self.payload),
            _ if self.any_reply => Expected::Anything,
            _ if self.verify => Expected::Same(&self.payload),
            _ => Expected::Like(&self.payload),
        }
    }

    /// Whether a round of a fan-out waits for the connection with this number.
    pub(super) const fn listens(&self, number: usize) -> bool {
        match self.mode {
            Mode::FanOut { hears_itself } => !self.is_slow(number) && (hears_itself || number > 0),
            _ => false,
        }
    }

    /// Whether the connection with this number, counted over all threads, reads slowly.
    pub(super) const fn is_slow(&self, number: usize) -> bool {
        number >= self.connections - self.slow.readers
    }
}

impl Mode {
    /// The name in the report.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::FanOut { .. } => "fan-out",
            Self::Idle => "idle",
            Self::Open { .. } => "open",
        }
    }
}
