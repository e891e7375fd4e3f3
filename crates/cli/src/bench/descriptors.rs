//! A connection needs a descriptor: as many are taken as the system gives.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::failure::Failure;

/// Descriptors that are not connections: the standard streams, the polls, files of /proc.
const OTHERS: u64 = 64;

/// Raises the soft limit to the hard one, and says so where that is not enough.
pub(super) fn reserve(connections: usize) -> Result<(), Failure> {
    let limits = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limits.maximum, maximum: limits.maximum };
    // Where it cannot be raised, what there is may do.
    let available =
        if setrlimit(Resource::Nofile, raised).is_ok() { limits.maximum } else { limits.current };
    let needed = connections as u64 + OTHERS;
    match available {
        Some(available) if available < needed => Err(Failure::Usage(format!(
            "{connections} connections need {needed} descriptors, and the limit is {available} \
             (RLIMIT_NOFILE)\n  help: raise it with `ulimit -n {needed}` as root, or with LimitNOFILE= \
             in a systemd unit, or take fewer --connections"
        ))),
        _ => Ok(()),
    }
}
