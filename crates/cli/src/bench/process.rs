//! The server's process: what it used of the CPU, and what it holds in memory.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use super::failure::Failure;

/// A process on this machine, looked at through `/proc`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
}

/// What a process used and holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// Time on a CPU of all threads that it has, in nanoseconds.
    pub(super) cpu_ns: u64,
    /// Memory that is resident.
    pub(super) resident_bytes: u64,
}

/// Processor time that this program used so far, in nanoseconds.
pub(super) fn own_cpu_ns() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as u64 * 1_000_000_000 + used.tv_nsec as u64
}

impl Process {
    /// Looks whether there is such a process.
    pub(super) fn find(pid: u32) -> Result<Self, Failure> {
        let process = Self { pid };
        process.usage()?;
        Ok(process)
    }

    /// What it used so far, and holds now.
    pub(super) fn usage(self) -> Result<Usage, Failure> {
        let usage = self.cpu_ns().zip(self.resident_bytes());
        let (cpu_ns, resident_bytes) = usage.ok_or_else(|| {
            let pid = self.pid;
            Failure::Usage(format!("/proc tells nothing of a process {pid}: is --pid right?"))
        })?;
        Ok(Usage { cpu_ns, resident_bytes })
    }

    fn cpu_ns(self) -> Option<u64> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid)).ok()?;
        let clock = |task: fs::DirEntry| {
            // A thread that ends meanwhile has nothing more to say.
            let clock = fs::read_to_string(task.path().join("schedstat")).ok()?;
            clock.split_whitespace().next()?.parse::<u64>().ok()
        };
        Some(tasks.filter_map(Result::ok).filter_map(clock).sum())
    }

    fn resident_bytes(self) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid)).ok()?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
        let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
        Some(kib * 1_024)
    }
}
