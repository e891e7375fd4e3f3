//! What one line may say.

use std::time::Duration;

use super::gcra::Gcra;
use super::shared::Share;
use crate::config::{Excess, Rate};

/// The limits of a line, and what it has said, by itself and together with others.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    messages: Option<(Rate, Gcra)>,
    bytes: Option<(Rate, Gcra)>,
    shares: Vec<Share>,
    excess: Excess,
}

/// Longest pause. Whoever would have to wait longer is closed: while nothing is read from a peer,
/// nobody knows whether it is still there.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// What becomes of a line after a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It ends for this setting, with this reason.
    Close(&'static str, String),
    /// It goes on.
    Go,
    /// Nothing is read from it for so long, for this setting.
    Pause(&'static str, Duration),
}

impl Flow {
    pub(super) fn new(
        messages: Option<Rate>,
        bytes: Option<Rate>,
        shares: Vec<Share>,
        excess: Excess,
    ) -> Option<Self> {
        if messages.is_none() && bytes.is_none() && shares.is_empty() {
            return None;
        }
        let begin = |rate: Option<Rate>| rate.map(|rate| (rate, Gcra::default()));
        Some(Self { messages: begin(messages), bytes: begin(bytes), shares, excess })
    }

    /// Counts a message of so many bytes, at a time in nanoseconds since the worker began. One
    /// that is too much is taken all the same: it is there already.
    #[inline]
    pub(crate) fn take(&mut self, bytes: usize, now: u64) -> Verdict {
        self.take_part(1, bytes as u64, now)
    }

    /// The same for a part of a message, which is not counted as one twice.
    #[inline]
    pub(crate) fn take_part(&mut self, messages: u64, bytes: u64, now: u64) -> Verdict {
        // The first of those that are exceeded most.
        let mut exceeded: Option<(&'static str, Rate, Duration)> = None;
        let mut look = |setting, rate, wait: Duration| {
            if wait > exceeded.map_or(Duration::ZERO, |(.., longest)| longest) {
                exceeded = Some((setting, rate, wait));
            }
        };
        if let Some((rate, gcra)) = &mut self.messages {
            look("messages", *rate, gcra.take(messages, *rate, now));
        }
        if let Some((rate, gcra)) = &mut self.bytes {
            look("bytes", *rate, gcra.take(bytes, *rate, now));
        }
        for share in &self.shares {
            look(share.setting(), share.rate(), share.take(messages, bytes));
        }
        match (exceeded, self.excess) {
            (None, _) => Verdict::Go,
            (Some((setting, _, longest)), Excess::Pause) if longest <= MAX_PAUSE => {
                Verdict::Pause(setting, longest)
            }
            (Some((setting, rate, _)), _) => {
                Verdict::Close(setting, format!("more than {rate} (setting limits.{setting})"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whichever_limit_is_exceeded_more_decides() {
        let rate = |text: &str| Some(text.parse().unwrap());
        let flow = |excess| Flow::new(rate("2/1s"), rate("100/1s"), Vec::new(), excess).unwrap();
        let mut paused = flow(Excess::Pause);
        assert_eq!(paused.take(50, 0), Verdict::Go);
        assert_eq!(paused.take(50, 0), Verdict::Go);
        assert_eq!(paused.take(10, 0), Verdict::Pause("messages", Duration::from_millis(500)));
        let mut closed = flow(Excess::Close);
        let reason = "more than 100/1s (setting limits.bytes)";
        assert_eq!(closed.take(101, 0), Verdict::Close("bytes", reason.into()));
        let mut owing = Flow::new(None, rate("1/1s"), Vec::new(), Excess::Pause).unwrap();
        assert!(matches!(owing.take(61, 0), Verdict::Pause("bytes", _)));
        assert!(matches!(owing.take(1, 0), Verdict::Close("bytes", _)));
        assert!(Flow::new(None, None, Vec::new(), Excess::Pause).is_none());
    }
}
