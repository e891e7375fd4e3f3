//! Asks upstreams, now and then, whether they live.

use std::sync::Arc;

use http::header::HOST;
use http::{HeaderValue, Request};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{info, warn};

use super::dial::connect;
use super::plan::{Health, Plan};
use super::upload::Upload;
use super::upstream::Upstream;
use crate::causes::Causes;

/// Asks one upstream for ever.
pub(super) async fn watch(upstream: Arc<Upstream>, plan: Arc<Plan>, health: Health) {
    let mut ticks = interval(health.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = Count::default();
    loop {
        ticks.tick().await;
        let answered = timeout(health.within, ask(&upstream, &plan, &health)).await;
        let answered = answered.unwrap_or_else(|_| Err("no answer in time".into()));
        let Some(is_out) = count.next(answered.is_ok(), &health) else { continue };
        upstream.set_out(is_out);
        match answered {
            Ok(()) => info!(upstream = upstream.target.name, "the upstream is healthy again"),
            Err(error) => warn!(
                upstream = upstream.target.name,
                error = %Causes(&*error),
                "the upstream fails its health checks: it is not asked"
            ),
        }
    }
}

type Problem = Box<dyn std::error::Error>;

/// One question, on a connection of its own: that one can be opened is half of the answer.
async fn ask(upstream: &Upstream, plan: &Plan, health: &Health) -> Result<(), Problem> {
    let mut sender = connect(&upstream.target, plan.connect_within, health.within).await?;
    let host = match &plan.host {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(upstream.target.authority.as_str())?,
    };
    let path = format!("{}{}", upstream.target.base, health.path);
    let request = Request::get(path).header(HOST, host).body(Upload::empty())?;
    let status = sender.send_request(request).await?.status();
    if status.is_success() { Ok(()) } else { Err(format!("it answers {status}").into()) }
}

/// Answers in a row.
#[derive(Debug, Default)]
struct Count {
    is_out: bool,
    /// Those that speak against what it is.
    against: u32,
}

impl Count {
    /// Whether the upstream is out from now on, where that changes.
    fn next(&mut self, is_good: bool, health: &Health) -> Option<bool> {
        if is_good != self.is_out {
            self.against = 0;
            return None;
        }
        self.against += 1;
        let needed = if self.is_out { health.rise } else { health.fall };
        if self.against < needed {
            return None;
        }
        *self = Self { is_out: !self.is_out, against: 0 };
        Some(self.is_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn it_takes_some_answers_in_a_row_to_change_its_mind() {
        let health = Health {
            path: "/".into(),
            every: Duration::from_secs(10),
            within: Duration::from_secs(1),
            rise: 2,
            fall: 3,
        };
        let mut count = Count::default();
        let mut hear = |answers: &str| -> Vec<Option<bool>> {
            answers.chars().map(|answer| count.next(answer == '+', &health)).collect()
        };
        assert_eq!(hear("+--+--"), [None; 6]);
        assert_eq!(hear("-"), [Some(true)]);
        assert_eq!(hear("-+-+"), [None; 4]);
        assert_eq!(hear("+"), [Some(false)]);
    }
}
