//! What the system says of the processes that live below this one.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::str::FromStr;
use std::sync::LazyLock;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Whether the system lists children at all.
static IS_LISTED: LazyLock<bool> = LazyLock::new(|| {
    let own = std::process::id();
    fs::exists(format!("/proc/{own}/task/{own}/children")).unwrap_or(false)
});

/// A process, as it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    pub(super) pid: i32,
    /// When it began, in ticks since the system did: with its number it names one process for ever.
    pub(super) start: u64,
    pub(super) group: i32,
    pub(super) is_zombie: bool,
}

/// How children are found.
pub(super) enum Look {
    /// The system lists the children of each process.
    Listed,
    /// It does not: every process was asked for its parent.
    Scanned(HashMap<i32, Vec<i32>>),
}

impl Look {
    /// A look at the moment.
    pub(super) fn now() -> Self {
        if *IS_LISTED { Self::Listed } else { Self::Scanned(scan()) }
    }

    /// The children of this process that no thread but the first has: those that it was given when
    /// their parents ended are always among them.
    pub(super) fn adopted(&self) -> Vec<i32> {
        let own = std::process::id() as i32;
        match self {
            Self::Listed => listed(own, own),
            Self::Scanned(children) => children.get(&own).cloned().unwrap_or_default(),
        }
    }

    /// The children of a process.
    pub(super) fn children(&self, pid: i32) -> Vec<i32> {
        match self {
            Self::Listed => {
                let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
                    return Vec::new();
                };
                let names =
                    threads.filter_map(|thread| thread.ok()?.file_name().into_string().ok());
                names.filter_map(|name| name.parse().ok()).flat_map(|id| listed(pid, id)).collect()
            }
            Self::Scanned(children) => children.get(&pid).cloned().unwrap_or_default(),
        }
    }

    /// Everything below a process.
    pub(super) fn below(&self, pid: i32) -> Vec<Seen> {
        let mut below = HashSet::new();
        let mut parents = vec![pid];
        while let Some(parent) = parents.pop() {
            for seen in self.children(parent).into_iter().filter_map(Seen::of) {
                // A number that was given again must not lead in a circle.
                if below.insert(seen) {
                    parents.push(seen.pid);
                }
            }
        }
        below.into_iter().collect()
    }
}

impl Seen {
    /// A process by its number, if there is one.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Stat::of(pid)?.seen(pid))
    }

    /// What tells it from every other process.
    pub(super) const fn name(&self) -> (i32, u64) {
        (self.pid, self.start)
    }

    /// The value of a variable with which it was started; `None` also where that is not told.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).ok()?;
        let mut variables = environment.split(|byte| *byte == 0);
        let value = variables.find_map(|it| it.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        String::from_utf8(value?.to_vec()).ok()
    }

    /// Sends it a signal, and no other process that has its number by now.
    pub(super) fn signal(&self, signal: Signal) {
        let Some(pid) = Pid::from_raw(self.pid) else { return };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
        if Self::of(self.pid).is_some_and(|seen| seen.start == self.start) {
            // Who has gone in between needs no signal; who may not be sent one is tried again.
            let _ = pidfd_send_signal(handle, signal);
        }
    }
}

/// What a line of `/proc/PID/stat` says.
struct Stat {
    is_zombie: bool,
    parent: i32,
    group: i32,
    start: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        // The name in it is whatever bytes the process likes.
        Self::parse(&String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/stat")).ok()?))
    }

    fn parse(stat: &str) -> Option<Self> {
        // The name before it may hold anything, parentheses too.
        let (_, rest) = stat.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        Some(Self {
            is_zombie: matches!(*fields.first()?, "Z" | "X"),
            parent: number(&fields, 1)?,
            group: number(&fields, 2)?,
            start: number(&fields, 19)?,
        })
    }

    const fn seen(&self, pid: i32) -> Seen {
        Seen { pid, start: self.start, group: self.group, is_zombie: self.is_zombie }
    }
}

fn number<T: FromStr>(fields: &[&str], at: usize) -> Option<T> {
    fields.get(at)?.parse().ok()
}

/// The children that one thread of a process has.
fn listed(pid: i32, thread: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"));
    list.unwrap_or_default().split_ascii_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// The children of every process.
fn scan() -> HashMap<i32, Vec<i32>> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    let Ok(processes) = fs::read_dir("/proc") else { return children };
    for process in processes.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if let Some(stat) = Stat::of(pid) {
            children.entry(stat.parent).or_default().push(pid);
        }
    }
    children
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_line_of_a_process_with_a_wicked_name_is_read() {
        let line = "42 (a) S 1 (b) Z 7 9 9 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 12345 1 2";
        let stat = Stat::parse(line).unwrap();
        assert!(stat.is_zombie);
        assert_eq!((stat.parent, stat.group, stat.start), (7, 9, 12_345));
        assert!(Stat::parse("").is_none());
    }

    #[test]
    fn a_process_whose_name_is_no_text_is_seen() {
        let folder = tieline_store::Scratch::new();
        fs::create_dir(&*folder).unwrap();
        let program = folder.join(OsStr::from_bytes(b"\xff\xfe"));
        // Not a copy: what is open for writing while another test forks cannot be executed.
        symlink("/bin/cat", &program).unwrap();
        let mut child = Command::new(&program).stdin(Stdio::piped()).spawn().unwrap();
        let pid = child.id() as i32;
        assert!(Seen::of(pid).is_some());
        assert!(Look::Scanned(scan()).children(std::process::id() as i32).contains(&pid));
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn both_ways_to_find_children_find_the_same() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let own = std::process::id() as i32;
        let pid = child.id() as i32;
        assert!(Look::Scanned(scan()).children(own).contains(&pid));
        if let Look::Listed = Look::now() {
            assert!(Look::Listed.children(own).contains(&pid));
        }
        let seen = Seen::of(pid).unwrap();
        assert!(!seen.is_zombie);
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(Seen::of(pid).is_none_or(|later| later.name() != seen.name()));
    }
}
