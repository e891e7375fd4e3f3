//! Lines of real files and commands over real lines: rotation, truncation, links, filters, floods.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tieline::{CloseCode, Limits, Message};

use crate::server::{PATIENCE, Server, Socket, close_code, folder, next, run};

/// A server with one tail at `/`, of these sources, and settings more of the service. A peer that does
/// not read for a while is not given up.
fn serve(sources: &str, more: &str) -> Server {
    Server::with_routes(&format!(
        "[[route]]\npath = '/'\nlimits = {{ ping_after = '0s' }}\n\
         service = {{ kind = 'tail', source = [{sources}]{more} }}\n"
    ))
}

fn append(path: &Path, text: &str) {
    let file = OpenOptions::new().append(true).create(true).open(path);
    file.unwrap().write_all(text.as_bytes()).unwrap();
}

/// The next message as JSON.
async fn next_json(socket: &mut Socket) -> Value {
    serde_json::from_str(&next(socket).await).unwrap()
}

/// The next lines, at least so many; gaps among them as `gap: reason`, and names left out.
pub(crate) async fn lines(socket: &mut Socket, count: usize) -> Vec<String> {
    let mut lines = Vec::new();
    while lines.len() < count {
        let message = next_json(socket).await;
        match message["type"].as_str() {
            Some("gap") => lines.push(format!("gap: {}", message["reason"].as_str().unwrap())),
            Some("sources") => {}
            Some(other) => panic!("{other}"),
            None => {
                let texts = message["lines"].as_array().unwrap().iter();
                lines.extend(texts.map(|line| line.as_str().unwrap().to_owned()));
            }
        }
    }
    lines
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "not {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn log_in(folder: &Path) -> (PathBuf, String) {
    let path = folder.join("log");
    let source = format!("{{ path = '{}' }}", path.display());
    (path, source)
}

#[tokio::test]
async fn the_last_lines_come_first_and_then_what_is_appended() {
    let (path, source) = log_in(&folder());
    append(&path, "1\n2\n3\nhal");
    let server = serve(&source, ", last = 2");
    let mut socket = server.connect("/").await;
    assert_eq!(next(&mut socket).await, r#"{"type":"sources","names":["log"]}"#);
    assert_eq!(next(&mut socket).await, r#"{"source":"log","lines":["2","3"]}"#);
    append(&path, "f\n");
    assert_eq!(next(&mut socket).await, r#"{"source":"log","lines":["half"]}"#);
    // Escape sequences are left in, and what is not UTF-8 is told.
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"\x1b[31mr\xff\n").unwrap();
    assert_eq!(
        next(&mut socket).await,
        "{\"source\":\"log\",\"lines\":[\"\\u001b[31mr\u{fffd}\"],\"lossy\":true}"
    );
    let mut other = server.connect("/").await;
    assert_eq!(next(&mut other).await, r#"{"type":"sources","names":["log"]}"#);
    assert_eq!(
        next(&mut other).await,
        "{\"source\":\"log\",\"lines\":[\"half\",\"\\u001b[31mr\u{fffd}\"],\"lossy\":true}"
    );
}

#[tokio::test]
async fn as_text_each_line_is_a_message_and_quit_is_answered_close_connect() {
    let (path, source) = log_in(&folder());
    append(&path, "1\n2\n");
    let server = serve(&source, ", format = 'text'");
    let mut socket = server.connect("/").await;
    assert_eq!([next(&mut socket).await, next(&mut socket).await], ["1", "2"]);
    append(&path, "3\n");
    assert_eq!(next(&mut socket).await, "3");
    socket.send("please quit now").await.unwrap();
    assert_eq!(next(&mut socket).await, "close connect");
    assert_eq!(close_code(&mut socket).await, 1000);
}

#[tokio::test]
async fn a_filter_is_the_viewers_and_one_that_is_no_filter_is_refused() {
    let (path, source) = log_in(&folder());
    append(&path, "begin\n");
    let server = serve(&source, "");
    let (mut all, mut some) = (server.connect("/").await, server.connect("/").await);
    assert_eq!(lines(&mut all, 1).await, ["begin"]);
    assert_eq!(lines(&mut some, 1).await, ["begin"]);
    some.send(r#"{"type":"filter","regex":"("}"#).await.unwrap();
    assert_eq!(next_json(&mut some).await["type"], "refused");
    some.send(r#"{"type":"filter","contains":"quit"}"#).await.unwrap();
    // What is refused is answered behind what was set before it.
    some.send(r#"{"type":"filter","regex":"("}"#).await.unwrap();
    assert_eq!(next_json(&mut some).await["type"], "refused");
    append(&path, "one\nto quit\ntwo\n");
    assert_eq!(lines(&mut some, 1).await, ["to quit"]);
    assert_eq!(lines(&mut all, 3).await, ["one", "to quit", "two"]);
    some.send(r#"{"type":"filter"}"#).await.unwrap();
    some.send(r#"{"type":"filter","regex":"("}"#).await.unwrap();
    assert_eq!(next_json(&mut some).await["type"], "refused");
    append(&path, "three\n");
    assert_eq!(lines(&mut some, 1).await, ["three"]);
}

#[tokio::test]
async fn a_log_that_is_rotated_while_it_is_written_loses_no_line_and_doubles_none() {
    const LINES: usize = 5_000;
    let (path, source) = log_in(&folder());
    append(&path, "begin\n");
    let server = serve(&source, "");
    let limits = Limits { max_message_bytes: 16 << 20, ..Limits::default() };
    let request = tieline::Connect::to(server.url("/")).limits(limits);
    let mut socket = request.open().await.unwrap();
    assert_eq!(lines(&mut socket, 1).await, ["begin"]);
    let all_seen = Arc::new(AtomicUsize::new(0));
    let seen_by_now = Arc::clone(&all_seen);
    let writing = std::thread::spawn(move || {
        let open = || OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let mut log = open();
        for number in 0..LINES {
            if number % 1_000 == 500 {
                // Nobody can know of a file that had the name between two looks only.
                while seen_by_now.load(Ordering::Relaxed) < number {
                    std::thread::sleep(Duration::from_millis(1));
                }
                // As logrotate does it: renamed and made anew, and only then opened by who writes.
                for old in (1..6).rev() {
                    let name = |number: usize| path.with_file_name(format!("log.{number}"));
                    let _ = fs::rename(name(old), name(old + 1));
                }
                fs::rename(&path, path.with_file_name("log.1")).unwrap();
                File::create(&path).unwrap();
            }
            if number % 1_000 == 600 {
                log = open();
            }
            writeln!(log, "line {number}").unwrap();
        }
    });
    let mut seen = HashSet::new();
    while seen.len() < LINES {
        for line in lines(&mut socket, 1).await {
            assert!(line.starts_with("line ") && seen.insert(line.clone()), "{line}");
        }
        all_seen.store(seen.len(), Ordering::Relaxed);
    }
    writing.join().unwrap();
}

#[tokio::test]
async fn truncation_and_being_made_anew_are_followed() {
    let (path, source) = log_in(&folder());
    append(&path, "1\n");
    let server = serve(&source, "");
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["1"]);
    append(&path, "2\n");
    assert_eq!(lines(&mut socket, 1).await, ["2"]);
    File::create(&path).unwrap();
    append(&path, "3\n");
    let gap = "gap: the file was shortened: what was not read by then is lost";
    assert_eq!(lines(&mut socket, 2).await, [gap, "3"]);
    fs::remove_file(&path).unwrap();
    append(&path, "4\n");
    assert_eq!(lines(&mut socket, 1).await, ["4"]);
}

#[tokio::test]
async fn new_files_that_match_come_and_are_named() {
    let folder = folder();
    let server = serve(&format!("{{ path = '*.log', root = '{}' }}", folder.display()), "");
    append(&folder.join("a.log"), "1\n");
    let mut socket = server.connect("/").await;
    assert_eq!(next(&mut socket).await, r#"{"type":"sources","names":["a.log"]}"#);
    assert_eq!(next(&mut socket).await, r#"{"source":"a.log","lines":["1"]}"#);
    append(&folder.join("other"), "not this\n");
    append(&folder.join("b.log"), "2\n3\n");
    assert_eq!(next(&mut socket).await, r#"{"type":"sources","names":["a.log","b.log"]}"#);
    // The file may be found before all of it is written.
    assert_eq!(lines(&mut socket, 2).await, ["2", "3"]);
}

#[tokio::test]
async fn a_link_that_leads_out_is_refused() {
    let folder = folder();
    fs::create_dir(folder.join("root")).unwrap();
    append(&folder.join("secret"), "canary-8b1f\n");
    for (name, target) in [("relative", "../secret"), ("environ", "/proc/self/environ")] {
        symlink(target, folder.join("root").join(name)).unwrap();
    }
    let root = folder.join("root").display().to_string();
    let server = serve(
        &format!(
            "{{ path = '{root}/relative' }}, {{ path = 'environ', root = '{root}' }}, \
             {{ path = '*', root = '{root}', name = 'all' }}"
        ),
        "",
    );
    let mut socket = server.connect("/").await;
    let refused = "gap: it leads out of the folder: it is not read";
    assert_eq!(lines(&mut socket, 4).await, [refused; 4]);
    append(&folder.join("root/good"), "good\n");
    assert_eq!(lines(&mut socket, 1).await, ["good"]);
}

#[test]
fn a_path_that_leads_up_is_refused_at_configuration() {
    let file = folder().join("tieline.toml");
    for path in ["../../etc/passwd", "/var/log/../../etc/passwd", "*/../x"] {
        let source = format!("service = {{ kind = 'tail', source = [{{ path = '{path}' }}] }}");
        fs::write(&file, format!("[[route]]\npath = '/'\n{source}\n")).unwrap();
        let checked = run(&["config", "check", file.to_str().unwrap()]);
        assert!(!checked.status.success(), "{path}");
        let report = String::from_utf8(checked.stderr).unwrap();
        assert!(report.contains("route[0].service.source[0].path"), "{report}");
    }
}

#[tokio::test]
async fn a_hundred_viewers_cost_one_open_file_which_is_closed_with_the_last() {
    let (path, source) = log_in(&folder());
    append(&path, "1\n");
    let server = serve(&source, "");
    let open = || {
        let links = fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap();
        links
            .filter(|link| {
                fs::read_link(link.as_ref().unwrap().path()).ok().as_ref() == Some(&path)
            })
            .count()
    };
    let mut sockets = Vec::new();
    for _ in 0..100 {
        let mut socket = server.connect("/").await;
        assert_eq!(lines(&mut socket, 1).await, ["1"]);
        sockets.push(socket);
    }
    append(&path, "2\n");
    for socket in &mut sockets {
        assert_eq!(lines(socket, 1).await, ["2"]);
    }
    assert_eq!(open(), 1);
    drop(sockets);
    until("closed", || open() == 0).await;
}

#[tokio::test]
async fn a_viewer_that_does_not_read_loses_the_oldest_and_is_told_and_memory_is_bounded() {
    let (path, source) = log_in(&folder());
    append(&path, "begin\n");
    let server = serve(&source, "");
    let (mut slow, mut quick) = (server.connect("/").await, server.connect("/").await);
    assert_eq!(lines(&mut slow, 1).await, ["begin"]);
    assert_eq!(lines(&mut quick, 1).await, ["begin"]);
    let before = server.resident_kib();
    let flood = format!("{}\n", "x".repeat(999)).repeat(1_000);
    for _ in 0..100 {
        append(&path, &flood);
    }
    append(&path, "end\n");
    // Whoever reads gets to the end while the other one waits.
    while lines(&mut quick, 1).await.last().unwrap() != "end" {}
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 48 << 10, "{grown} KiB");
    let (mut has_gap, mut count) = (false, 0);
    loop {
        let some = lines(&mut slow, 1).await;
        has_gap |= some.iter().any(|line| line.starts_with("gap: the line is too slow"));
        count += some.len();
        if some.last().unwrap() == "end" {
            break;
        }
    }
    assert!(has_gap && count < 100_000, "{count}");
}

#[tokio::test]
async fn a_command_is_read_by_all_and_ends_with_the_last() {
    let command = "{ command = ['sh', '-c', 'echo $$; exec sleep 1000'], name = 'c' }";
    let server = serve(command, "");
    let (mut a, mut b) = (server.connect("/").await, server.connect("/").await);
    let pid = lines(&mut a, 1).await.remove(0);
    assert_eq!(lines(&mut b, 1).await, [pid.as_str()]);
    let process = PathBuf::from("/proc").join(&pid);
    a.close(CloseCode::NORMAL, "").await.unwrap();
    assert!(process.exists());
    b.close(CloseCode::NORMAL, "").await.unwrap();
    until("ended", || !process.exists()).await;
}

#[tokio::test]
async fn a_command_that_ends_is_told_and_started_again() {
    let path = folder().join("runs");
    let command = format!("echo x >>{0}; wc -l <{0}; printf rest", path.display());
    let server = serve(&format!("{{ command = ['sh', '-c', '{command}'], name = 'c' }}"), "");
    let mut socket = server.connect("/").await;
    let ended = "gap: the command has ended: it is started again";
    assert_eq!(lines(&mut socket, 5).await[..5], ["1", "rest", ended, "2", "rest"]);
}

#[tokio::test]
async fn a_command_that_cannot_start_is_told_without_its_path_and_tried_again() {
    let path = folder().join("canary-77aa");
    let server = serve(&format!("{{ command = ['{}'], name = 'c' }}", path.display()), "");
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["gap: the command could not be started"]);
    let mut later = server.connect("/").await;
    assert_eq!(lines(&mut later, 1).await, ["gap: the command could not be started"]);
    let made = path.with_extension("new");
    fs::write(&made, "#!/bin/sh\necho here\nexec sleep 1000\n").unwrap();
    fs::set_permissions(&made, fs::Permissions::from_mode(0o700)).unwrap();
    fs::rename(made, path).unwrap();
    assert_eq!(lines(&mut socket, 1).await, ["here"]);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_and_read_once_it_is() {
    let (path, source) = log_in(&folder());
    let server = serve(&source, "");
    let mut socket = server.connect("/").await;
    assert_eq!(lines(&mut socket, 1).await, ["gap: it is not there"]);
    append(&path, "1\n2\n");
    assert_eq!(lines(&mut socket, 2).await, ["1", "2"]);
}

#[tokio::test]
async fn a_binary_message_closes_with_1003() {
    let (_path, source) = log_in(&folder());
    let server = serve(&source, "");
    let mut socket = server.connect("/").await;
    socket.send(Message::from(vec![1])).await.unwrap();
    assert_eq!(close_code(&mut socket).await, 1003);
}
