//! `tieline publish` and `tieline subscribe` against `tieline serve`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, folder, tieline};

const CHANNELS: &str = "
[namespace.chat]
history = 1000
presence = true
publish = 'all'
[namespace.quiet]
[[route]]
path = '/tieline'
service = { kind = 'channels' }
[[route]]
path = '/echo'
service = { kind = 'echo' }
";

/// The program with a command, for the channels at this path.
fn at(server: &Server, path: &str, args: &[&str]) -> Command {
    let mut command = tieline();
    command.args(args).env("TIELINE_URL", server.url(path));
    command
}

fn stdout(output: &Output) -> Vec<&str> {
    assert!(output.status.success(), "{output:?}");
    str::from_utf8(&output.stdout).unwrap().lines().collect()
}

/// Publishes text, and says the positions.
fn publish(server: &Server, args: &[&str]) -> Vec<String> {
    let output = at(server, "/tieline", &[&["publish"], args].concat()).output().unwrap();
    stdout(&output).into_iter().map(str::to_owned).collect()
}

/// The position before the first of these.
fn beginning(positions: &[String]) -> String {
    let (_, epoch) = positions[0].split_once('@').unwrap();
    format!("0@{epoch}")
}

#[test]
fn what_is_published_is_printed_with_its_place() {
    let server = Server::with_routes(CHANNELS);
    let positions = publish(&server, &["chat:lobby", "hello", "--", "-n", "esc \u{1b}[2J\nend"]);
    let offsets: Vec<_> = positions.iter().map(|it| it.split_once('@').unwrap().0).collect();
    assert_eq!(offsets, ["1", "2", "3"]);
    let mut piped = at(&server, "/tieline", &["publish", "chat:lobby", "--json"]);
    let mut piped = piped.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    piped.stdin.take().unwrap().write_all(b"{\"n\": 1.50}\n\"last\"").unwrap();
    assert_eq!(stdout(&piped.wait_with_output().unwrap()).len(), 2);

    let since = beginning(&positions);
    let read = ["subscribe", "--since", &since, "-n", "5", "chat:lobby"];
    let output = at(&server, "/tieline", &read).output().unwrap();
    assert_eq!(
        stdout(&output),
        [
            "chat:lobby 1 hello",
            "chat:lobby 2 -n",
            "chat:lobby 3 esc \\u{1b}[2J\\nend",
            "chat:lobby 4 {\"n\": 1.50}",
            "chat:lobby 5 last",
        ]
    );
    let (_, epoch) = since.split_once('@').unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("--since 5@{epoch}")), "{said}");

    let output = at(&server, "/tieline", &[&read[..], &["--json"]].concat()).output().unwrap();
    let first: Value = serde_json::from_str(stdout(&output)[0]).unwrap();
    let expected = json!({ "event": "publication", "channel": "chat:lobby", "offset": 1,
                           "epoch": epoch, "data": "hello" });
    assert_eq!(first, expected);
}

#[test]
fn a_key_is_published_once_and_a_gap_has_its_line() {
    let server = Server::with_routes(CHANNELS);
    let first = publish(&server, &["--key", "k", "chat:lobby", "once"]);
    let again = publish(&server, &["--key", "k", "chat:lobby", "twice"]);
    assert_eq!(again, [format!("{} (published before)", first[0])]);
    publish(&server, &["--quiet", "chat:lobby", "more"]);
    let mut reading =
        at(&server, "/tieline", &["subscribe", "--since", "7@AAAAAAAAAAA", "-n1", "chat:lobby"]);
    let mut reading = reading.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(reading.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "chat:lobby publications up to 2 are missing (epoch)");
    publish(&server, &["chat:lobby", "last"]);
    assert_eq!(next(), "chat:lobby 3 last");
    assert!(reading.wait().unwrap().success());
}

#[test]
fn each_failure_has_its_code_and_says_what_to_do() {
    let server = Server::with_routes(CHANNELS);
    for (path, args, code, words) in [
        ("/tieline", &["publish", "nowhere:x", "hi"][..], 1, "[namespace.NAME]"),
        ("/tieline", &["publish", "quiet:x", "hi"], 1, "publish:CHANNEL"),
        ("/tieline", &["subscribe", "--presence", "quiet:x"], 1, "presence = true"),
        ("/tieline", &["publish", "--json", "chat:x", "{a"], 2, "without --json it is text"),
        ("/tieline", &["publish", "--key", "k", "chat:x", "a", "b"], 2, "one DATA"),
        ("/tieline", &["publish", "--token-file", "/none", "chat:x", "a"], 2, "/none"),
        ("/tieline", &["subscribe", "--since", "1", "chat:x"], 2, "OFFSET@EPOCH"),
        ("/tieline", &["subscribe", "--since", "1@e", "chat:x", "chat:y"], 2, "name one"),
        ("/nothing", &["publish", "chat:x", "a"], 3, "kind = \"channels\""),
        ("/echo", &["publish", "chat:x", "a"], 4, "path of channels"),
    ] {
        let output = at(&server, path, args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    drop(server);
    let output = tieline().args(["publish", "--url", "ws://127.0.0.1:1/", "a:b", "c"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tieline serve"));
}

#[test]
fn a_token_comes_from_a_file_or_a_variable_and_never_from_an_argument() {
    let folder = folder();
    let token = "alice-0123456789abc";
    std::fs::write(folder.join("tokens"), format!("alice {token} publish:chat:*\n")).unwrap();
    std::fs::write(folder.join("token"), format!("{token}\n")).unwrap();
    let tokens = folder.join("tokens");
    let server = Server::with_routes(&format!(
        "[namespace.chat]\n[[route]]\npath = '/tieline'\nservice = {{ kind = 'channels' }}\n\
         access = {{ kind = 'token', file = '{}' }}\n",
        tokens.display()
    ));
    let output = at(&server, "/tieline", &["publish", "chat:x", "a"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("TIELINE_TOKEN"));
    let file = folder.join("token");
    let args = ["publish", "chat:x", "a", "--token-file", file.to_str().unwrap()];
    stdout(&at(&server, "/tieline", &args).output().unwrap());
    let mut by_variable = at(&server, "/tieline", &["publish", "chat:x", "a"]);
    stdout(&by_variable.env("TIELINE_TOKEN", token).output().unwrap());
}
