//! The server under test: started on core 0, looked at from outside.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::options::Options;

/// The key by which the backend signs.
pub(crate) const KEY: &str = "bench-backend";

/// And its secret.
pub(crate) const SECRET: &str = "only for this measurement";

/// A server that runs.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    port: u16,
    folder: PathBuf,
}

impl Server {
    /// Starts the program with one worker, and waits until it listens.
    pub(crate) async fn start(options: &Options, backend: u16) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("tieline-devices-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("secret"), SECRET)?;
        let config = folder.join("tieline.toml");
        fs::write(&config, configuration(options, backend))?;
        let mut child = Command::new("taskset")
            .args(["--cpu-list", "0"])
            .arg(&options.server)
            .args(["serve", "--workers", "1", "--listen", "127.0.0.1:0", "--config"])
            .arg(&config)
            .stdout(Stdio::piped())
            .stderr(fs::File::create(folder.join("log"))?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the server")?;
        let pid = child.id().context("the server has ended")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let line = lines.next_line().await?;
        let port = line.as_deref().and_then(|line| line.rsplit(':').next()?.parse().ok());
        let port = port.with_context(|| {
            format!("the server does not listen: {line:?}; its log is in {}", folder.display())
        })?;
        Ok(Self { child, pid, port, folder })
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// Bytes of memory that are its own now.
    pub(crate) fn resident_bytes(&self) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib << 10)
    }

    /// CPU time that it has used so far.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.pid))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos += text.split(' ').next().context("schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Ends it, and sees that it ends well.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid as i32).context("a pid")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait().await?;
        ensure!(
            status.success(),
            "the server ended with {status}; its log is in {}",
            self.folder.display()
        );
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

fn configuration(options: &Options, backend: u16) -> String {
    let keep_alive = options.keep_alive;
    format!(
        r#"
[log]
level = "warn"

[[backend]]
name = "bench"
url = "http://127.0.0.1:{backend}"

[[route]]
path = "/"

[route.service]
kind = "gateway"
keep_alive = "{keep_alive}s"

[[route.service.app]]
key = "{KEY}"
secret_file = "secret"

[[route.service.api]]
type = "register"
path = "/register"
backend = "bench"
signed = false

[[route.service.api]]
type = "notify"
path = "/notify"
apps = ["{KEY}"]
"#
    )
}
