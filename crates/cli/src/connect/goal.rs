//! What a script waits for.

use std::collections::VecDeque;
use std::time::Duration;

use regex::Regex;
use tieline::Message;

use super::Failure;

/// What has to come before the conversation has done its work.
#[derive(Debug)]
pub(super) struct Goal {
    expected: VecDeque<Regex>,
    /// Messages that are still to come.
    left: Option<u64>,
    /// How long it may take once the line is open.
    pub(super) within: Duration,
}

impl Goal {
    /// Messages that match these, one after the other, and so many messages in all; `None` where
    /// neither is asked for.
    pub(super) fn new(expected: &[Regex], count: Option<u64>, within: Duration) -> Option<Self> {
        let goal = Self { expected: expected.iter().cloned().collect(), left: count, within };
        (!goal.expected.is_empty() || count.is_some()).then_some(goal)
    }

    /// Takes note of a message; whether nothing is left to wait for.
    pub(super) fn received(&mut self, message: &Message) -> bool {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
        }
        let text = message.text().unwrap_or_default();
        self.expected.pop_front_if(|expected| expected.is_match(text));
        self.expected.is_empty() && self.left.is_none_or(|left| left == 0)
    }

    /// What is missing when it is over: `after 5s`, `when the line ended`.
    pub(super) fn unmet(&self, when: &str) -> Failure {
        let what = match (self.expected.front(), self.left) {
            (Some(expected), _) => format!("no message matched /{expected}/"),
            (None, Some(1)) => "1 message was missing".to_owned(),
            (None, left) => format!("{} messages were missing", left.unwrap_or_default()),
        };
        Failure::Unmet(format!("{what} {when}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(expected: &[&str], count: Option<u64>) -> Goal {
        let expected: Vec<_> = expected.iter().map(|text| Regex::new(text).unwrap()).collect();
        Goal::new(&expected, count, Duration::ZERO).unwrap()
    }

    #[test]
    fn expectations_are_met_one_after_the_other() {
        let mut goal = goal(&["^a", "b$"], None);
        assert!(!goal.received(&"b".into()), "its turn has not come");
        assert!(!goal.received(&"ab".into()), "a message meets one");
        assert!(goal.unmet("after 1s").to_string().contains("/b$/ after 1s"));
        assert!(goal.received(&"bb".into()));
    }

    #[test]
    fn a_count_counts_every_message() {
        let mut goal = goal(&["b"], Some(3));
        assert!(!goal.received(&"b".into()));
        assert!(!goal.received(&vec![0].into()));
        assert!(goal.received(&"c".into()));
    }

    #[test]
    fn nothing_asked_for_is_no_goal() {
        assert!(Goal::new(&[], None, Duration::ZERO).is_none());
    }
}
