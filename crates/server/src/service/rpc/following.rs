//! A subscription at a node, told to one client.

use super::feed::Feed;
use super::methods::Begin;
use super::upstream::{Push, Subscription};

/// Tells a client what a subscription brings, once the client knows its id.
pub(crate) fn follow(subscription: Subscription) -> Begin {
    Box::new(|feed| Box::pin(tell(subscription, feed)))
}

async fn tell(mut subscription: Subscription, feed: Feed) {
    while let Some(push) = subscription.next().await {
        match push {
            Push::Gap(gap) => feed.say(gap.notification(feed.id())),
            Push::Result(result) => feed.push_raw(&result),
        }
    }
    feed.end();
}
