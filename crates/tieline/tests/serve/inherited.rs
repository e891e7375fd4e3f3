//! Does a server listen at what systemd has opened for it?

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use tieline::serve::{self, ListenOptions, Place, Server, ServerOptions};
use tieline::{CloseCode, Connect};
use tokio::net::UnixStream;
use tokio::sync::mpsc::unbounded_channel;

use crate::served::*;

/// Says to the process below that it is one, and which sockets it is to find.
const CHILD: &str = "TIELINE_TEST_INHERITS";

/// Starts this program again, with two sockets and in the way of systemd: the process id stays the
/// same when a shell becomes another program.
fn started_by_systemd(web: TcpListener, local: UnixListener, names: &str) -> Child {
    let script = "exec 3<&0 4>&1 </dev/null >&2; LISTEN_PID=$$ exec \"$0\" \"$@\"";
    Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "inherited::the_process_that_systemd_starts", "--nocapture"])
        .env("LISTEN_FDS", "2")
        .env("LISTEN_FDNAMES", names)
        .env(CHILD, names)
        .stdin(Stdio::from(OwnedFd::from(web)))
        .stdout(Stdio::from(OwnedFd::from(local)))
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn sockets_of_systemd_are_served_by_their_names() {
    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap();
    let path = std::env::temp_dir().join(format!("tieline-inherited-{}", std::process::id()));
    let local = UnixListener::bind(&path).unwrap();
    let mut child = started_by_systemd(web, local, "web:local");

    // Whoever comes before the server runs waits for it.
    let mut socket = tieline::connect(&format!("ws://{address}/")).await.unwrap();
    socket.send("over TCP").await.unwrap();
    expect(&mut socket, &["over TCP"]).await;
    let stream = UnixStream::connect(&path).await.unwrap();
    let mut local = Connect::to("ws://localhost/").over(stream).await.unwrap();
    local.send("over a file").await.unwrap();
    let echo = soon(local.next()).await.unwrap().unwrap();
    assert_eq!(echo.text(), Some("over a file"));

    socket.send("stop").await.unwrap();
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code()), Some(CloseCode::GOING_AWAY));
    assert!(soon(local.next()).await.is_none());
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    assert!(soon(ended).await.unwrap().success());
    // The file is systemd's: it stays.
    assert!(path.exists());
    std::fs::remove_file(path).unwrap();
}

/// Runs in the process that was started above, and has nothing to do in any other.
#[tokio::test]
async fn the_process_that_systemd_starts() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let place = |name: &str| Place::Systemd(name.to_owned());
    let mut server = Server::new(ServerOptions { workers: 2, ..ServerOptions::default() });
    let error = server.listen(&place("other"), ListenOptions::default()).unwrap_err();
    assert_eq!(error.advice().unwrap(), "systemd passed: web, local");
    server.listen(&place("web"), ListenOptions::default()).unwrap();
    server.listen(&place("local"), ListenOptions::default()).unwrap();
    server.listen(&place("web"), ListenOptions::default()).unwrap_err();
    assert_eq!(server.places(), [&place("web"), &place("local")]);

    let (stop, mut stopping) = unbounded_channel();
    let mut running = server
        .start(move || {
            let stop = stop.clone();
            serve::messages(move |link, message| match message.text() {
                Some("stop") => stop.send(()).unwrap(),
                _ => link.send(message),
            })
        })
        .unwrap();
    heard(&mut stopping).await;
    soon(running.stop()).await.unwrap();
}

#[test]
fn without_systemd_the_advice_is_to_start_by_the_socket_unit() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let place = Place::Systemd("web".to_owned());
    let error = Server::default().listen(&place, ListenOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "cannot listen on systemd:web");
    assert!(error.advice().unwrap().contains("socket unit"), "{:?}", error.advice());
}
