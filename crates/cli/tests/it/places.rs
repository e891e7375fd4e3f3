//! Where the server listens: several places, Unix sockets, ports in use.

use std::net::TcpListener;

use tieline::Connect;
use tokio::net::UnixStream;

use crate::server::{Server, folder, run, tieline};

#[tokio::test]
async fn a_unix_socket_is_listened_at_and_its_guests_are_numbered() {
    let path = folder().join("t.sock");
    let place = format!("unix:{}", path.display());
    let mut server = Server::start_as_told(&["--listen", &place, "--workers", "2"], 1);
    assert_eq!(server.addresses, [place.as_str()]);
    let chat = async || {
        let stream = UnixStream::connect(&path).await.unwrap();
        Connect::to("ws://localhost/chat").over(stream).await.unwrap()
    };
    let mut socket = chat().await;
    let welcome = socket.next().await.unwrap().unwrap();
    assert_eq!(welcome.text(), Some("Welcome, guest-1 !"));
    let _second = chat().await;
    let welcome = socket.next().await.unwrap().unwrap();
    assert_eq!(welcome.text(), Some("Welcome, guest-2 !"));

    server.signal("TERM");
    while let Some(Ok(_)) = socket.next().await {}
    drop(_second);
    drop(socket);
    assert!(server.wait().success());
    assert!(!path.exists(), "the socket's file is left");
}

#[test]
fn a_socket_file_that_a_crash_left_is_replaced_and_one_in_use_is_not() {
    let path = folder().join("t.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let place = format!("unix:{}", path.display());
    let _server = Server::start_as_told(&["--listen", &place], 1);
    let second = run(&["serve", "--listen", &place]);
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("another program listens there"), "{error}");
}

#[test]
fn each_listener_prints_its_line_in_order() {
    let path = folder().join("t.sock");
    let place = format!("unix:{}", path.display());
    let server = Server::start_as_told(
        &["--listen", "127.0.0.1:0", "--listen", &place, "--listen", "localhost:0"],
        3,
    );
    assert!(server.addresses[0].starts_with("http://127.0.0.1:"));
    assert_eq!(server.addresses[1], place);
    assert!(server.addresses[2].starts_with("http://127.0.0.1:"));
}

#[test]
fn a_port_in_use_is_a_clear_error_with_the_next_step() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with(&format!("error: cannot listen on {address}: ")), "{error}");
    assert!(error.contains("choose another port with --listen 127.0.0.1:"), "{error}");
}

#[test]
fn a_variable_stands_for_a_flag_and_an_unknown_one_is_warned_of() {
    let mut command = tieline();
    command.arg("serve").env("TIELINE_LISTEN", "127.0.0.1:0,127.0.0.1:0");
    command.env("TIELINE_LISTN", "x").env("TIELINE_LOG_FORMAT", "json");
    let server = Server::spawn(&mut command, 2);
    let line = server.wait_for_log(&["unknown environment variable", "TIELINE_LISTN"]);
    assert!(line.contains(r#""level":"WARN""#), "{line}");
}
