//! How sessions end, and which never begin.

use std::fs;

use super::{Viewer, is_running, sessions, shell, wait_until};
use crate::server::{Server, close_code};

#[tokio::test]
async fn the_end_of_a_program_is_told_with_its_code() {
    let server = shell("typing = 'all'");
    for (command, told) in [
        ("exit 3\n", r#"{"type":"ended","code":3}"#),
        ("kill -9 $$\n", r#"{"type":"ended","signal":"KILL"}"#),
    ] {
        let mut viewer = Viewer::join(&server, "/t").await;
        viewer.types(command).await;
        viewer.is_told(told).await;
        assert!(!viewer.step().await, "it is the last");
        assert_eq!(close_code(&mut viewer.socket).await, 1000);
        assert_eq!(sessions(&server), serde_json::json!([]));
        server.wait_for_log(&[r#""audit":"ended""#, &viewer.id[..8]]);
    }
}

#[tokio::test]
async fn who_may_type_can_end_a_session_whatever_runs_in_it() {
    let server =
        shell("typing = 'first'\nending = { stdin_within = '50ms', term_within = '50ms' }");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    // One that ignores every signal it can, and one that has left the session.
    viewer.types("trap '' HUP TERM INT; setsid -f sleep 1234; echo ready-$((1+1))\n").await;
    viewer.sees("ready-2").await;
    viewer.says(r#"{"type":"end"}"#).await;
    viewer.is_told(r#"{"type":"ended","signal":"KILL"}"#).await;
    assert!(!viewer.step().await);
    wait_until("the shell is gone", || !is_running(shell));
    let left = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let own = format!("PPid:\t{}\n", server.pid());
        line == b"sleep\x001234\0"
            && fs::read_to_string(entry.path().join("status")).is_ok_and(|it| it.contains(&own))
    };
    wait_until("who left it is gone", || {
        !fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(left)
    });
    server.wait_for_log(&[r#""audit":"asked_to_end""#]);
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"asked for""#]);
}

#[tokio::test]
async fn a_session_ends_when_nobody_watches_for_too_long() {
    let server = shell("typing = 'first'\nkeep = '200ms'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    let id = viewer.id.clone();
    viewer.leave().await;
    wait_until("the shell is gone", || !is_running(shell));
    wait_until("it is not listed", || sessions(&server) == serde_json::json!([]));
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"nobody watched""#]);
    let mut socket = server.connect(&format!("/t?session={id}")).await;
    assert_eq!(close_code(&mut socket).await, 4404);
}

#[tokio::test]
async fn a_session_ends_when_nobody_types_for_too_long() {
    let server = shell("typing = 'first'\nidle = '300ms'");
    let mut viewer = Viewer::join(&server, "/t").await;
    viewer.is_told(r#"{"type":"ended""#).await;
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"nobody typed""#]);
}

#[tokio::test]
async fn a_session_lives_no_longer_than_it_may() {
    let server = shell("lifetime = '300ms'");
    let mut viewer = Viewer::join(&server, "/t").await;
    viewer.is_told(r#"{"type":"ended""#).await;
    server.wait_for_log(&[r#""audit":"ended""#, r#""why":"lifetime""#]);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    let server = Server::with_routes(
        "[[route]]\npath = '/t'\nservice = { kind = 'terminal', argv = ['cat'], max_sessions = 2, max_viewers = 1 }\n\
         [[route]]\npath = '/broken'\nservice = { kind = 'terminal', argv = ['/not/there/canary'] }\n",
    );
    for (path, code, reason) in [
        ("/t?session=", 4404, "there is no such session"),
        ("/t?session=0123456789abcdef0123456789abcdef", 4404, "there is no such session"),
        ("/t?session=../../etc/passwd", 4404, "there is no such session"),
        ("/broken", 1011, "the program was not started"),
    ] {
        let mut socket = server.connect(path).await;
        assert_eq!(close_code(&mut socket).await, code, "{path}");
        let said = socket.closed().unwrap().reason().to_owned();
        assert!(said.contains(reason) && !said.contains("canary"), "{path}: {said}");
    }
    let first = Viewer::join(&server, "/t").await;
    let _second = Viewer::join(&server, "/t").await;
    let mut third = server.connect("/t").await;
    assert_eq!(close_code(&mut third).await, 1013);
    assert!(third.closed().unwrap().reason().contains("max_sessions"));
    let mut third = server.connect(&format!("/t?session={}", first.id)).await;
    assert_eq!(close_code(&mut third).await, 1013);
    assert!(third.closed().unwrap().reason().contains("max_viewers"));
    let upgrade = tieline::Connect::to(server.url("/t/sessions"));
    assert_eq!(crate::server::status(upgrade).await, 404);
    assert!(server.get("/t").starts_with("HTTP/1.1 426"));
    assert!(server.get("/t/other").starts_with("HTTP/1.1 404"));
    assert!(server.get("/t/recordings").starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn when_the_server_stops_its_sessions_end() {
    let mut server = shell("typing = 'first'");
    let mut viewer = Viewer::join(&server, "/t").await;
    let shell = viewer.shell().await;
    server.signal("TERM");
    assert_eq!(close_code(&mut viewer.socket).await, 1001);
    assert!(server.wait().success());
    assert!(!is_running(shell), "the shell has outlived the server");
}
