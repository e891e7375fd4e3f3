//! A control group of its own for each process, where the server was given one to divide: whoever has
//! left every other trace is still in it, and all in it are killed at once.
//!
//! It is the net below the others. A process is put into its group once it runs; what it has started
//! before that is found by its group of processes, by its tree and by its variable alone. Where the
//! server was given nothing, there are these three.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::fs::getxattr;
use rustix::process::geteuid;

use super::look::Seen;

/// Where groups are: alone, or beside those of the first version.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

/// What systemd says of a group that it leaves to who is in it (`Delegate=yes`).
const DELEGATED: [&str; 2] = ["user.delegate", "trusted.delegate"];

/// The group of the server; `None` where that is not its own to divide.
static OWN: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let told = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = path(&told)?;
    ROOTS.iter().map(|root| Path::new(root).join(path)).find(|group| is_delegated(group))
});

/// The group of one process, and of all that it starts. Dropping it kills whoever is left in it, and
/// removes it.
#[derive(Debug)]
pub(super) struct Cgroup(PathBuf);

impl Cgroup {
    /// A group with this name, and this process in it. `None` where there can be none.
    pub(super) fn of(pid: u32, name: &str) -> Option<Self> {
        Self::below(OWN.as_deref()?, pid, name)
    }

    fn below(own: &Path, pid: u32, name: &str) -> Option<Self> {
        let folder = own.join(name);
        fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        fs::write(group.0.join("cgroup.procs"), pid.to_string()).ok()?;
        Some(group)
    }

    /// All that live in it.
    pub(super) fn members(&self) -> Vec<Seen> {
        let list = fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default();
        list.lines().filter_map(|pid| Seen::of(pid.parse().ok()?)).collect()
    }

    /// Sends SIGKILL to all in it, and to all that they start meanwhile.
    pub(super) fn kill(&self) {
        // Linux before 5.14 cannot: then those that are listed are killed one by one.
        let _ = fs::write(self.0.join("cgroup.kill"), "1");
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        // Who has made groups below it keeps it in being, empty.
        let _ = fs::remove_dir(&self.0);
    }
}

/// The path of a group below the root, out of what the system says of a process.
fn path(told: &str) -> Option<&str> {
    told.lines().find_map(|line| line.strip_prefix("0::/"))
}

fn is_delegated(group: &Path) -> bool {
    let is_said = |name| {
        let mut value = [0; 8];
        getxattr(group, name, &mut value).is_ok_and(|len| value.get(..len) == Some(b"1"))
    };
    let is_given = || {
        let user = geteuid();
        !user.is_root() && fs::metadata(group).is_ok_and(|it| it.uid() == user.as_raw())
    };
    DELEGATED.into_iter().any(is_said) || is_given()
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn the_group_of_the_second_version_is_found_among_others() {
        let told = "4:memory:/a\n1:name=systemd:/b\n0::/system.slice/tieline.service\n";
        assert_eq!(path(told), Some("system.slice/tieline.service"));
        assert_eq!(path("0::/\n"), Some(""));
        assert_eq!(path("4:memory:/a\n"), None);
    }

    #[test]
    fn a_folder_of_which_nobody_says_so_is_not_divided() {
        assert!(!is_delegated(Path::new("/nonexistent")));
        assert!(!is_delegated(Path::new("/")));
    }

    /// With a real group, where this machine lets the test make one: mostly where it runs as root. Where
    /// it does not, that is said.
    #[test]
    fn whoever_left_every_other_trace_is_in_the_group_and_killed_with_it() {
        let name = format!("tieline-test-{}", std::process::id());
        let Some(root) =
            ROOTS.map(Path::new).into_iter().find(|it| it.join("cgroup.procs").exists())
        else {
            return eprintln!("SKIPPED: there are no control groups of the second version here");
        };
        let own = root.join(&name);
        if let Err(error) = fs::create_dir(&own) {
            return eprintln!(
                "SKIPPED: no control group can be made in {}: {error}",
                root.display()
            );
        }
        let lost = "env -i setsid sh -c '(sh -c \"echo \\$\\$; exec sleep 1000\" &)'";
        let mut child = Command::new("sh")
            .args(["-c", &format!("read go; {lost}; read go")])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let group = Cgroup::below(&own, child.id(), "one").unwrap();
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"go\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let lost: i32 = line.trim().parse().unwrap();
        assert!(group.members().iter().any(|seen| seen.pid == lost));
        group.kill();
        child.wait().unwrap();
        let began = Instant::now();
        while !group.members().is_empty() {
            assert!(began.elapsed() < Duration::from_secs(60), "they are still there");
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(group);
        // Empty, so that it can be removed.
        fs::remove_dir(own).unwrap();
    }
}
