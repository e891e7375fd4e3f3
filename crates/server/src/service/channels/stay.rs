//! Being present: until somebody leaves, or nobody says any more that it is still there.

use std::rc::{Rc, Weak};
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

/// How long somebody is present without that being said again.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// How often it is said again.
const SAY_EVERY: Duration = Duration::from_secs(20);

/// Has `say` say from time to time that somebody is still present: for as long as `who` is there, and it
/// answers that there is anything to say.
pub(super) fn stay<T: 'static>(
    who: Weak<T>,
    say: impl AsyncFn(Rc<T>) -> bool + 'static,
) -> JoinHandle<()> {
    spawn_local(async move {
        loop {
            sleep(SAY_EVERY).await;
            let Some(who) = who.upgrade() else { return };
            if !say(who).await {
                return;
            }
        }
    })
}
