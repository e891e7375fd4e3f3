//! What is kept of sessions, and from whom: recordings, notes, ids.

use std::fs;

use super::{Viewer, body, sessions, shell};
use crate::server::{Server, folder};

#[tokio::test]
async fn sessions_are_recorded_and_nothing_else_is_fetched() {
    let casts = folder().join("casts");
    let server = shell(&format!(
        "typing = 'first'\nrecord = {{ folder = '{}', input = true }}",
        casts.display()
    ));
    assert_eq!(body(&server.get("/t/recordings")), "[]");
    let mut viewer = Viewer::join(&server, "/t").await;
    assert_eq!(sessions(&server)[0]["recorded"], true);
    viewer.says(r#"{"type":"size","columns":100,"rows":30}"#).await;
    viewer.is_told(r#""columns":100"#).await;
    viewer.types("echo cast-$((5+5)); exit\n").await;
    viewer.is_told(r#"{"type":"ended","code":0}"#).await;
    let list: serde_json::Value = serde_json::from_str(body(&server.get("/t/recordings"))).unwrap();
    let name = list[0]["name"].as_str().unwrap();
    assert!(!name.contains(&viewer.id[..8]), "a name opens no session");
    let answer = server.get(&format!("/t/recordings/{name}"));
    assert!(answer.contains("application/x-asciicast"), "{answer}");
    let cast = body(&answer);
    assert_eq!(cast.len() as u64, list[0]["bytes"].as_u64().unwrap());
    let lines: Vec<serde_json::Value> =
        cast.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["version"], &lines[0]["width"]), (&2.into(), &80.into()));
    let of = |kind: &str| -> String {
        let events = lines[1..].iter().filter(|line| line[1] == kind);
        events.map(|line| line[2].as_str().unwrap()).collect()
    };
    assert!(of("o").contains("cast-10"), "{cast}");
    assert_eq!(of("i"), "echo cast-$((5+5)); exit\n");
    assert_eq!(of("r"), "100x30");

    fs::write(casts.join("../secret"), "canary-secret").unwrap();
    fs::write(casts.join("secret"), "canary-secret").unwrap();
    for path in [
        "/t/recordings/secret",
        "/t/recordings/../secret",
        "/t/recordings/..%2fsecret",
        "/t/recordings/%2e%2e/secret",
        "/t/recordings/..%5csecret",
        "/t/recordings//etc/passwd",
        "/t/recordings/%2fetc%2fpasswd",
        "/t/recordings/",
        "/t/recordingsx",
        &format!("/t/recordings/{name}/"),
        &format!("/t/recordings/{name}%00"),
    ] {
        let answer = server.get(path);
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("canary"), "{path}");
    }
}

#[tokio::test]
async fn everything_is_behind_the_routes_access_and_origins() {
    let tokens = folder().join("tokens");
    fs::write(&tokens, "alice alice-0123456789\nbob bob-0123456789ab\n").unwrap();
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/t'\naccess = {{ kind = 'token', file = '{}' }}\n\
         service = {{ kind = 'terminal', argv = ['cat'], typing = 'first' }}\n",
        tokens.display()
    ));
    for path in ["/t", "/t/sessions", "/t/recordings"] {
        assert!(server.get(path).starts_with("HTTP/1.1 401"), "{path}");
    }
    assert_eq!(server.status_for_origin("/t", "https://evil.test").await, 403);
    let join = async |token: &str, path: &str| {
        let request = tieline::Connect::to(server.url(path));
        let request = request.header("authorization", format!("Bearer {token}"));
        let mut socket = request.open().await.unwrap();
        (crate::server::next(&mut socket).await, socket)
    };
    let (first, _alice) = join("alice-0123456789", "/t").await;
    assert!(first.contains(r#""may_type":true"#));
    let id = serde_json::from_str::<serde_json::Value>(&first).unwrap()["id"].clone();
    let path = format!("/t?session={}", id.as_str().unwrap());
    let (second, _bob) = join("bob-0123456789ab", &path).await;
    assert!(second.contains(r#""may_type":false"#), "{second}");
    server.wait_for_log(&[r#""audit":"opened""#, r#""name":"alice""#]);
    server.wait_for_log(&[r#""audit":"joined""#, r#""name":"bob""#]);
    assert!(!server.log().contains(id.as_str().unwrap()), "an id is not in the log");
}

#[tokio::test]
async fn what_is_typed_is_logged_only_where_that_is_wanted() {
    for (setting, is_logged) in [("", false), ("audit_input = true", true)] {
        let server = shell(&format!("typing = 'first'\n{setting}"));
        let mut viewer = Viewer::join(&server, "/t").await;
        viewer.types("echo canary-$((6+6))\n").await;
        viewer.sees("canary-12").await;
        viewer.leave().await;
        server.wait_for_log(&[r#""audit":"left""#]);
        assert_eq!(server.log().contains(r"echo canary-$((6+6))\\n"), is_logged, "{setting}");
        assert!(!server.log().contains("canary-12"));
    }
}

#[tokio::test]
async fn the_newest_notes_are_told_with_what_was_typed_only_where_that_is_wanted() {
    for (setting, is_told) in
        [("audit_notes = 4", false), ("audit_notes = 4\naudit_input = true", true)]
    {
        let server = shell(&format!("typing = 'first'\n{setting}"));
        assert_eq!(body(&server.get("/t/audit")), "[]");
        let mut viewer = Viewer::join(&server, "/t").await;
        for key in ["e", "c", "h", "o", " ", "canary-$((6+6))", "\r", "q"] {
            viewer.types(key).await;
        }
        viewer.sees("canary-12").await;
        let id = viewer.id[..8].to_owned();
        viewer.leave().await;
        server.wait_for_log(&[r#""audit":"left""#]);
        let notes: serde_json::Value = serde_json::from_str(body(&server.get("/t/audit"))).unwrap();
        let notes = notes.as_array().unwrap();
        let whats: Vec<_> = notes.iter().map(|note| note["audit"].as_str().unwrap()).collect();
        let typed: Vec<_> = notes.iter().filter_map(|note| note["input"].as_str()).collect();
        match is_told {
            true => {
                assert_eq!(whats, ["left", "typed", "typed", "opened"]);
                assert_eq!(typed, ["q", r"echo canary-$((6+6))\r"], "line by line");
            }
            false => assert_eq!((whats, typed.len()), (vec!["left", "opened"], 0)),
        }
        for note in notes {
            assert_eq!(
                (&note["session"], &note["name"]),
                (&id.as_str().into(), &"127.0.0.1".into())
            );
            assert_eq!(note["command"], "bash");
        }
        let _joined = Viewer::join(&server, "/t").await;
        let notes: serde_json::Value = serde_json::from_str(body(&server.get("/t/audit"))).unwrap();
        assert!(notes.as_array().unwrap().len() <= 4 && notes[0]["audit"] == "opened");
    }
    let server = shell("audit_input = true");
    assert!(server.get("/t/audit").starts_with("HTTP/1.1 404"), "off unless it is written");
}

#[tokio::test]
async fn a_page_at_the_same_path_hides_nothing_of_a_terminal() {
    let pages = folder().join("pages");
    fs::create_dir_all(&pages).unwrap();
    fs::write(pages.join("index.html"), "the page").unwrap();
    fs::write(pages.join("other"), "beside it").unwrap();
    fs::write(pages.join("sessions"), "hidden").unwrap();
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/t/'\npage = {{ kind = 'folder', path = '{}' }}\n\
         service = {{ kind = 'terminal', argv = ['cat'], audit_notes = 1 }}\n",
        pages.display()
    ));
    assert_eq!(body(&server.get("/t/")), "the page");
    assert_eq!(body(&server.get("/t/other")), "beside it");
    assert_eq!(body(&server.get("/t/sessions")), "[]");
    assert_eq!(body(&server.get("/t/audit")), "[]");
    assert!(server.get("/t/recordings").starts_with("HTTP/1.1 404"));
    let viewer = Viewer::join(&server, "/t/").await;
    assert!(server.get("/t/sessions").contains(&viewer.id));
}
