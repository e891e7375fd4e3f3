//! Lines of another machine: an OpenSSH server of each test's own, on loopback.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{PATIENCE, Server, folder};
use crate::tail::{lines, until};

/// An OpenSSH server, with keys made for it and for who comes.
struct Sshd {
    child: Option<Child>,
    folder: PathBuf,
    port: u16,
    user: String,
}

/// Where Debian and others have it.
const PATHS: &[&str] = &["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];

fn sh(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Sshd {
    fn start() -> Self {
        let folder = folder();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let file = |name: &str| folder.join(name).display().to_string();
        for name in ["host", "user"] {
            sh("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file(name)]);
        }
        fs::copy(folder.join("user.pub"), folder.join("authorized")).unwrap();
        let key = fs::read_to_string(folder.join("host.pub")).unwrap();
        fs::write(folder.join("known"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\n\
             KbdInteractiveAuthentication no\nPidFile none\nMaxStartups 100\n",
            file("host"),
            file("authorized")
        );
        fs::write(folder.join("sshd_config"), config).unwrap();
        let mut sshd = Self { child: None, folder, port, user: sh("id", &["-un"]) };
        sshd.run();
        sshd
    }

    fn run(&mut self) {
        // Where it runs as root it wants this folder, which the system makes when it starts its own.
        let _ = fs::create_dir("/run/sshd");
        let path = PATHS.iter().find(|path| Path::new(path).exists());
        let path = path.expect("there is no sshd: scripts/setup installs openssh-server");
        let log = fs::File::create(self.folder.join("sshd.log")).unwrap();
        let mut command = Command::new(path);
        command.args(["-D", "-e", "-f"]).arg(self.folder.join("sshd_config"));
        self.child = Some(command.stdin(Stdio::null()).stderr(log).spawn().unwrap());
        // Who comes before it listens is told that it is not reached.
        let since = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(since.elapsed() < PATIENCE, "sshd does not listen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, and the connections that it has.
    fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let all = descendants(child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        for id in all {
            // One that has ended meanwhile is not there any more.
            let _ = Command::new("kill").args(["-s", "KILL", &id.to_string()]).output();
        }
    }

    /// What it has started, of which each connection has at least one.
    fn connections(&self) -> usize {
        descendants(self.child.as_ref().unwrap().id()).len()
    }

    /// A source: a file of this "other machine", reached with these settings more.
    fn source(&self, path: &Path, more: &str) -> String {
        let Self { folder, port, user, .. } = self;
        format!(
            "{{ host = '{user}@127.0.0.1', path = '{}', name = 'far', ssh = {{ config = '/dev/null', \
             port = {port}, identity_file = '{}'{more} }} }}",
            path.display(),
            folder.join("user").display()
        )
    }

    fn known(&self) -> String {
        format!(", known_hosts = '{}'", self.folder.join("known").display())
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// All processes below this one.
fn descendants(pid: u32) -> Vec<u32> {
    let parent = |entry: fs::DirEntry| -> Option<(u32, u32)> {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        Some((id, parent))
    };
    let all: Vec<_> = fs::read_dir("/proc").unwrap().flatten().filter_map(parent).collect();
    let mut found = vec![pid];
    let mut at = 0;
    while at < found.len() {
        let of = found[at];
        found.extend(all.iter().filter(|(_, parent)| *parent == of).map(|(id, _)| id));
        at += 1;
    }
    found.split_off(1)
}

/// The processes of a server that are called `ssh`.
fn clients(server: &Server) -> usize {
    let name = |id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    descendants(server.pid()).iter().filter(|id| name(id).trim() == "ssh").count()
}

fn serve(source: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/'\nservice = {{ kind = 'tail', source = [{source}], last = 2 }}\n"
    ))
}

fn append(path: &Path, text: &str) {
    let file = fs::OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn twenty_viewers_of_a_file_elsewhere_cost_one_ssh_which_ends_with_the_last() {
    let sshd = Sshd::start();
    let path = sshd.folder.join("-it's $(touch x) log");
    append(&path, "1\n2\n3\n");
    // Quotes of the path for TOML.
    let source = sshd.source(&path, &sshd.known());
    let source =
        source.replacen(&format!("'{}'", path.display()), &format!("\"{}\"", path.display()), 1);
    let server = serve(&source);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let mut socket = server.connect("/").await;
        assert_eq!(lines(&mut socket, 2).await, ["2", "3"]);
        sockets.push(socket);
    }
    append(&path, "4\n");
    for socket in &mut sockets {
        assert_eq!(lines(socket, 1).await, ["4"]);
    }
    assert_eq!(clients(&server), 1);
    let old = path.with_file_name("old");
    fs::rename(&path, &old).unwrap();
    append(&old, "5\n");
    append(&path, "6\n");
    assert_eq!(lines(&mut sockets[0], 2).await, ["5", "6"]);
    fs::write(&path, "").unwrap();
    let gap = "gap: the file was shortened: what was not read by then is lost";
    assert_eq!(lines(&mut sockets[0], 1).await, [gap]);
    append(&path, "7\n");
    assert_eq!(lines(&mut sockets[0], 1).await, ["7"]);
    assert!(sshd.connections() > 0);
    drop(sockets);
    until("ended here", || clients(&server) == 0).await;
    until("ended there", || sshd.connections() == 0).await;
}

#[tokio::test]
async fn no_line_is_lost_or_doubled_when_the_connection_was_and_the_gap_is_told() {
    let mut sshd = Sshd::start();
    let path = sshd.folder.join("log");
    append(&path, "1\n");
    let server = serve(&sshd.source(&path, &sshd.known()));
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["1"]);
    sshd.stop();
    append(&path, "2\n");
    fs::rename(&path, path.with_file_name("log.1")).unwrap();
    append(&path, "3\n");
    let lost = "gap: the connection to the host was lost";
    assert_eq!(lines(&mut socket, 1).await, [lost]);
    sshd.run();
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("3") {
        let more = lines(&mut socket, 1).await;
        seen.extend(more.into_iter().filter(|line| line != "gap: the host is not reached"));
    }
    assert_eq!(seen, ["2", "3"]);
    append(&path, "4\n");
    assert_eq!(lines(&mut socket, 1).await, ["4"]);
}

#[tokio::test]
async fn the_key_of_an_unknown_host_is_refused_and_its_fingerprint_logged_or_it_is_remembered() {
    let sshd = Sshd::start();
    let path = sshd.folder.join("log");
    append(&path, "1\n");
    let none = sshd.folder.join("none");
    let known = format!(", known_hosts = '{}'", none.display());
    let server = serve(&sshd.source(&path, &known));
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["gap: the host's key is not known"]);
    let print = sh("ssh-keygen", &["-lf", sshd.folder.join("host.pub").to_str().unwrap()]);
    let print = print.split(' ').find(|word| word.starts_with("SHA256:")).unwrap();
    server.wait_for_log(&["the host's key is not known", print]);

    let server = serve(&sshd.source(&path, &format!("{known}, accept_new_host = true")));
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["1"]);
    assert!(fs::read_to_string(none).unwrap().contains("ssh-ed25519"));
}

#[tokio::test]
async fn names_of_the_configuration_of_ssh_are_taken() {
    let sshd = Sshd::start();
    let path = sshd.folder.join("log");
    append(&path, "1\n");
    let file = |name: &str| sshd.folder.join(name).display().to_string();
    let config = format!(
        "Host logs\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n \
         UserKnownHostsFile {}\n",
        sshd.port,
        sshd.user,
        file("user"),
        file("known")
    );
    fs::write(file("config"), config).unwrap();
    let ssh = format!("ssh = {{ config = '{}' }}", file("config"));
    let server = serve(&format!("{{ host = 'logs', path = '{}', {ssh} }}", path.display()));
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["1"]);
}

#[tokio::test]
async fn a_host_that_does_not_let_us_in_is_told() {
    let sshd = Sshd::start();
    fs::write(sshd.folder.join("authorized"), "").unwrap();
    let server = serve(&sshd.source(Path::new("/etc/hostname"), &sshd.known()));
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["gap: the host does not let this server in"]);
}

#[tokio::test]
async fn a_host_that_says_nothing_is_told_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let ssh = format!("{{ config = '/dev/null', port = {port}, connect_within = '1s' }}");
    let server = serve(&format!("{{ host = '127.0.0.1', path = '/log', ssh = {ssh} }}"));
    let mut socket = server.connect("/").await;
    let told = lines(&mut socket, 1).await;
    assert_eq!(told, ["gap: not connected to the host within 1s"]);
}
