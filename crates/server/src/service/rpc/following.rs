//! A subscription at a node, told to one client.

use super::feed::{Begin, Feed};
use super::upstream::{OnGap, Push, Subscription};

/// Tells a client what a subscription brings, once the client knows its id.
pub(crate) fn follow(subscription: Subscription, on_gap: OnGap) -> Begin {
    Box::new(move |feed| Box::pin(tell(subscription, feed, on_gap)))
}

async fn tell(mut subscription: Subscription, feed: Feed, on_gap: OnGap) {
    while let Some(push) = subscription.next().await {
        match push {
            Push::Gap(gap) if feed.hears_gaps() => feed.say(gap.notification(feed.id())),
            Push::Gap(_) if on_gap == OnGap::Close => break,
            Push::Gap(_) => {}
            Push::Result(result) => feed.push_raw(&result),
        }
    }
    feed.end();
}
