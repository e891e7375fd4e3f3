//! Channels of the real server, through the library's client and the operator's side.
#![expect(clippy::unwrap_used, reason = "what helps tests is a test, too")]

mod access;
mod calls;
mod devices;
mod losses;
mod operator;
mod readers;
mod server;
mod slow;
mod watching;
mod wire;

use std::time::Duration;

use tieline::client::{Event, Publication, Subscription};
use tokio::time::timeout;

/// Longest time that anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// The next event of a subscription.
async fn next(subscription: &mut Subscription) -> Event {
    timeout(PATIENCE, subscription.next()).await.unwrap().unwrap()
}

/// The next event, which is a publication.
async fn publication(subscription: &mut Subscription) -> Publication {
    match next(subscription).await {
        Event::Publication(publication) => publication,
        event => panic!("{event:?} instead of a publication"),
    }
}

/// The numbers that are published next.
async fn numbers(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(publication(subscription).await.parse().unwrap());
    }
    numbers
}
