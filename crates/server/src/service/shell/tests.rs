//! The shell with real commands, and users without a carrier.

use std::future::poll_fn;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::timeout;

use super::*;
use crate::by_hand::{Bench, request};
use crate::metrics::Metrics;

/// Longest time that anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

fn shell(settings: &str) -> Shell {
    shell_with(settings, &Processes::new(&Metrics::default()))
}

fn shell_with(settings: &str, processes: &Processes) -> Shell {
    let written: config::Shell = toml::from_str(settings).unwrap();
    Shell::new(&written, "/shell", processes)
}

async fn heard(bench: &mut Bench, peer: &Peer) -> Vec<String> {
    timeout(PATIENCE, poll_fn(|cx| bench.poll_heard(peer, cx))).await.unwrap()
}

fn ask(user: &mut Box<dyn Conversation>, peer: &Peer, line: &str) {
    let ask = serde_json::json!({ "action": "cmd", "cmdStr": line }).to_string();
    user.message(peer, Message::from(ask.as_str()));
}

#[test]
fn it_counts_as_the_counter_does() {
    let (shell, mut bench) = (shell("commands = { a = ['true'] }"), Bench::new());
    let peer = bench.peer();
    let mut user = shell.open(&peer, &request(""));
    user.message(&peer, Message::from(r#"{"action":"plus"}"#));
    user.message(&peer, Message::from(r#"{"action":"minus"}"#));
    for text in ["", "{}", "[]", r#"{"action":"cmd"}"#, r#"{"action":"cmd","cmdStr":1}"#] {
        user.message(&peer, Message::from(text));
    }
    let state =
        |value| format!(r#"{{"type":"state","value":{value},"cmdStr":"","cmdRet":"","now":""}}"#);
    let users = r#"{"type":"users","count":1}"#.to_owned();
    assert_eq!(bench.heard(&peer), [users, state(0), state(1), state(0)]);
    user.message(&peer, Message::from(&b"{}"[..]));
    assert_eq!(bench.ended(&peer), Some(CloseCode::UNSUPPORTED));
}

#[tokio::test]
async fn a_command_of_the_list_is_run_and_all_hear_its_result() {
    let test = async {
        let settings = "commands = { both = ['/bin/sh', '-c', 'echo out; echo err >&2'] }";
        let (shell, mut bench) = (shell(settings), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let (mut first, _second) = (shell.open(&a, &request("")), shell.open(&b, &request("")));
        bench.heard(&a);
        bench.heard(&b);
        ask(&mut first, &a, "both");
        let result = r#""cmdStr":"both","cmdRet":"[stdout]\nout\n[stderr]\nerr\n""#;
        for peer in [&a, &b] {
            assert_eq!(heard(&mut bench, peer).await, [format!(r#"{{"type":"cmd",{result}}}"#)]);
        }
        // Who comes later sees it, and when it was.
        first.message(&a, Message::from(r#"{"action":"plus"}"#));
        let state = heard(&mut bench, &b).await.concat();
        let begin = format!(r#"{{"type":"state","value":1,{result},"now":""#);
        let now = state.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(r#""}"#)).unwrap();
        let form = |at: char| if at.is_ascii_digit() { '0' } else { at };
        assert_eq!(now.chars().map(form).collect::<String>(), "0000-00-00T00:00:00Z");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn what_is_not_in_the_list_is_not_run_and_told_to_who_asked() {
    let test = async {
        let (shell, mut bench) = (shell("commands = { a = ['true'] }"), Bench::new());
        let (a, b) = (bench.peer(), bench.peer());
        let (mut first, _second) = (shell.open(&a, &request("")), shell.open(&b, &request("")));
        bench.heard(&a);
        bench.heard(&b);
        for line in ["", "a ", "a; id", "$(a)", "true", "-a"] {
            ask(&mut first, &a, line);
            let told = bench.heard(&a).concat();
            assert!(told.contains(r#""cmdRet":"[stderr]\nthis command is not in the list\n""#));
        }
        // It writes nothing, and its result is empty.
        ask(&mut first, &a, "a");
        let told = [r#"{"type":"cmd","cmdStr":"a","cmdRet":""}"#];
        assert_eq!(heard(&mut bench, &a).await, told);
        assert_eq!(heard(&mut bench, &b).await, told);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn any_line_is_run_where_that_is_dangerously_allowed() {
    let test = async {
        let (shell, mut bench) = (shell("danger_any_command = true"), Bench::new());
        let peer = bench.peer();
        let mut user = shell.open(&peer, &request(""));
        bench.heard(&peer);
        ask(&mut user, &peer, "echo $((6 * 7)) | cat; exit 3");
        assert!(heard(&mut bench, &peer).await.concat().contains(r#""[stdout]\n42\n""#));
        // The system does not take it, and the shell lives.
        ask(&mut user, &peer, "a\0b");
        assert!(heard(&mut bench, &peer).await.concat().contains("could not be started"));
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn output_is_bounded() {
    let test = async {
        let settings = "danger_any_command = true\nmax_output_bytes = 3";
        let (shell, mut bench) = (shell(settings), Bench::new());
        let peer = bench.peer();
        let mut user = shell.open(&peer, &request(""));
        bench.heard(&peer);
        ask(&mut user, &peer, "echo 123456");
        let told = heard(&mut bench, &peer).await.concat();
        assert!(told.contains(r#""cmdRet":"[stdout]\n123[stderr]\n"#), "{told}");
        assert!(told.contains("left out"), "{told}");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn time_and_number_of_commands_are_bounded() {
    let test = async {
        let settings = "danger_any_command = true\nrun_within = '100ms'\n\
                        ending = { stdin_within = '10ms', term_within = '10ms' }\n";
        let processes = Processes::new(&Metrics::default());
        let (shell, mut bench) = (shell_with(settings, &processes), Bench::new());
        let peer = bench.peer();
        let mut user = shell.open(&peer, &request(""));
        bench.heard(&peer);
        ask(&mut user, &peer, "sleep 1000");
        tokio::task::yield_now().await;
        ask(&mut user, &peer, "echo");
        let told = heard(&mut bench, &peer).await.concat();
        assert!(told.contains("setting max_processes"), "{told}");
        let told = heard(&mut bench, &peer).await.concat();
        assert!(told.contains("longer than it may"), "{told}");
        processes.finish().await;
    };
    LocalSet::new().run_until(test).await;
}
