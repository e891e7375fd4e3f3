//! How a process has ended.

use std::fmt;

use rustix::process::WaitIdStatus;

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By the signal with this number.
    Signal(i32),
    /// Somebody else has waited for it.
    Unknown,
}

/// What is known of the end of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// How it ended, once it has.
    pub(super) exit: Option<Exit>,
    /// Whether it and all that it has started are gone.
    pub(super) is_gone: bool,
}

impl Exit {
    pub(super) fn of(status: &WaitIdStatus) -> Self {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Unknown,
        }
    }
}

/// The name of a signal, without `SIG`; `None` for those that hardly end anything.
pub(crate) const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        6 => "ABRT",
        8 => "FPE",
        9 => "KILL",
        11 => "SEGV",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        _ => return None,
    })
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exited with {code}"),
            Self::Signal(signal) => match signal_name(signal) {
                Some(name) => write!(f, "ended by SIG{name}"),
                None => write!(f, "ended by signal {signal}"),
            },
            Self::Unknown => f.write_str("ended"),
        }
    }
}
