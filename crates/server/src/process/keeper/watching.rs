//! Hearing of the end of one process.

use std::io;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::task::spawn_local;

use super::{Order, Orders};

/// Tells the keeper, once the process has ended.
///
/// # Errors
///
/// What the system says where it has no descriptor for it: then every end is a reason to look.
pub(super) fn begin(id: u64, pid: Pid, keeper: &Orders) -> io::Result<()> {
    let handle = pidfd_open(pid, PidfdFlags::empty())?;
    #[expect(
        deprecated,
        reason = "its heir is `unsafe`, because a type may lie about its descriptor: this one owns it"
    )]
    let handle = AsyncFd::with_interest(handle, Interest::READABLE)?;
    let keeper = keeper.clone();
    spawn_local(async move {
        // Readable or broken, it is worth a look.
        let _ = handle.readable().await;
        // The keeper holds a sender itself: it is there.
        let _ = keeper.send(Order::Exited(id));
    });
    Ok(())
}
