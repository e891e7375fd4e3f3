//! Real processes, started and ended.

use std::ffi::OsString;
use std::fs;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::*;
use crate::config;

/// Longest time that anything may take before a test fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script of the shell, which is ended soon.
fn script(script: &str) -> Program {
    Program {
        argv: vec!["/bin/sh".into(), "-c".into(), script.into()],
        dir: None,
        environment: (&config::Environment::default()).into(),
        ending: Ending {
            stdin_within: Duration::from_millis(50),
            term_within: Duration::from_millis(200),
        },
    }
}

fn places(max: usize) -> (Processes, Places) {
    let processes = Processes::new(&Metrics::default());
    let places = processes.places("/test", max);
    (processes, places)
}

async fn start(places: &Places, program: &Program) -> Running {
    places.start(program, &[], Stderr::Apart).await.unwrap()
}

/// The first line that it writes, without its end.
async fn first_line(running: &mut Running) -> String {
    let mut line = String::new();
    while !line.ends_with('\n') {
        let byte = timeout(PATIENCE, running.stdout.read_u8()).await.unwrap().unwrap();
        line.push(byte.into());
    }
    line.trim_end().to_owned()
}

async fn gone(kept: &Kept) {
    timeout(PATIENCE, kept.gone()).await.unwrap();
}

/// Waits until nothing is left of a process.
async fn until_gone(pid: &str) {
    let began = Instant::now();
    while !is_gone(pid) {
        assert!(began.elapsed() < PATIENCE, "it is still there: {pid}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether there is no process with this number, not even one that nobody has waited for.
fn is_gone(pid: &str) -> bool {
    !fs::exists(format!("/proc/{pid}")).unwrap()
}

#[tokio::test]
async fn what_is_written_to_it_is_read_and_its_end_is_told() {
    let (_, places) = places(1);
    let mut running = start(&places, &script("cat; echo behind >&2; exit 7")).await;
    running.stdin.write_all(b"hello").await.unwrap();
    drop(running.stdin);
    let (mut out, mut err) = (String::new(), String::new());
    running.stdout.read_to_string(&mut out).await.unwrap();
    running.stderr.unwrap().read_to_string(&mut err).await.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("hello", "behind\n"));
    let exit = timeout(PATIENCE, running.kept.wait()).await.unwrap();
    assert_eq!((exit, exit.to_string().as_str()), (Exit::Code(7), "exited with 7"));
}

#[tokio::test]
async fn merged_output_comes_in_order_and_has_an_end() {
    let (_, places) = places(1);
    let program = script("echo 1; echo 2 >&2; echo 3");
    let mut running = places.start(&program, &[], Stderr::Merged).await.unwrap();
    let mut out = String::new();
    timeout(PATIENCE, running.stdout.read_to_string(&mut out)).await.unwrap().unwrap();
    assert_eq!(out, "1\n2\n3\n");
    assert!(running.stderr.is_none());
}

#[tokio::test]
async fn who_ends_with_its_input_is_sent_no_signal() {
    let (_, places) = places(1);
    let mut program = script("cat >/dev/null; exit 3");
    program.ending.stdin_within = PATIENCE;
    let running = start(&places, &program).await;
    let kept = running.kept.clone();
    drop(running);
    kept.end();
    assert_eq!(timeout(PATIENCE, kept.wait()).await.unwrap(), Exit::Code(3));
}

#[tokio::test]
async fn who_ignores_the_end_of_its_input_is_terminated_and_then_killed() {
    // Who hears SIGTERM is left all the time that it needs.
    let soon = Duration::from_millis(200);
    for (trap, term_within, signal) in [("exit 9", PATIENCE, None), ("", soon, Some(9))] {
        let (_, places) = places(1);
        let mut program =
            script(&format!("trap '{trap}' TERM; echo $$; while :; do sleep 0.01; done"));
        program.ending.term_within = term_within;
        let mut running = start(&places, &program).await;
        let pid = first_line(&mut running).await;
        let kept = running.kept.clone();
        kept.end();
        let exit = timeout(PATIENCE, kept.wait()).await.unwrap();
        assert_eq!(exit, signal.map_or(Exit::Code(9), Exit::Signal));
        gone(&kept).await;
        assert!(is_gone(&pid));
    }
}

#[tokio::test]
async fn descendants_that_left_the_group_and_ignore_sigterm_are_gone_in_time() {
    let (processes, places) = places(1);
    // Forks, leaves group and session, and forks again; both parents end at once.
    let inner = "trap \"\" TERM HUP; echo $$; exec >/dev/null 2>&1; while :; do sleep 1; done";
    let program = script(&format!("(setsid sh -c '(sh -c \"$0\" &)' '{inner}' &); cat"));
    let mut running = start(&places, &program).await;
    let pid = first_line(&mut running).await;
    let began = Instant::now();
    let kept = running.kept.clone();
    drop(running);
    drop(kept);
    // It was counted until all of it was gone.
    timeout(PATIENCE, processes.finish()).await.unwrap();
    assert!(is_gone(&pid), "{pid}");
    assert!(began.elapsed() >= Duration::from_millis(200), "it was given the time to end");
    assert!(places.take().is_ok());
}

#[tokio::test]
async fn what_a_process_leaves_behind_ends_with_it() {
    let (_, places) = places(1);
    let program = script("sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & read go");
    let mut running = start(&places, &program).await;
    let pid = first_line(&mut running).await;
    running.stdin.write_all(b"go\n").await.unwrap();
    assert_eq!(timeout(PATIENCE, running.kept.wait()).await.unwrap(), Exit::Code(0));
    gone(&running.kept).await;
    assert!(is_gone(&pid));
}

#[tokio::test]
async fn an_orphan_that_ends_while_its_process_runs_is_waited_for() {
    let (_, places) = places(1);
    let mut running = start(&places, &script("(setsid sh -c 'echo $$' &); cat")).await;
    let orphan = first_line(&mut running).await;
    until_gone(&orphan).await;
}

#[tokio::test]
async fn children_of_others_are_left_to_them() {
    let (_, places) = places(1);
    let mut other = std::process::Command::new("true").spawn().unwrap();
    // The keeper looks at all children when one of them is an orphan that has ended.
    let mut running = start(&places, &script("(setsid sh -c 'echo $$' &); cat")).await;
    let orphan = first_line(&mut running).await;
    until_gone(&orphan).await;
    assert!(other.wait().unwrap().success());
}

#[tokio::test]
async fn many_starts_leave_nothing_behind() {
    let (processes, places) = places(64);
    let mut pids = Vec::new();
    for _ in 0..20 {
        let mut all = Vec::new();
        for _ in 0..10 {
            let mut running = start(&places, &script("echo $$; exec cat")).await;
            pids.push(first_line(&mut running).await);
            all.push(running);
        }
        drop(all);
        timeout(PATIENCE, processes.finish()).await.unwrap();
    }
    assert!(pids.iter().all(|pid| is_gone(pid)));
}

#[tokio::test]
async fn only_so_many_run_at_a_time() {
    let (processes, places) = places(2);
    let (first, _second) =
        (start(&places, &script("cat")).await, start(&places, &script("cat")).await);
    let error = places.start(&script("cat"), &[], Stderr::Apart).await.unwrap_err();
    assert!(matches!(error, NotStarted::Full), "{error}");
    let kept = first.kept.clone();
    drop(first);
    kept.end();
    gone(&kept).await;
    start(&places, &script("cat")).await;
    drop(processes);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_without_its_path() {
    let (processes, places) = places(1);
    let program = Program { argv: vec!["/nonexistent/secret".into()], ..script("") };
    let error = places.start(&program, &[], Stderr::Apart).await.unwrap_err();
    assert!(!format!("{error}: {error:?}").contains("secret"), "{error:?}");
    // Its place is free again.
    assert!(places.take().is_ok());
    timeout(PATIENCE, processes.finish()).await.unwrap();
}

#[tokio::test]
async fn the_environment_holds_what_is_allowed_and_the_marker() {
    let (_, places) = places(1);
    let mut program = script("");
    program.argv = vec!["env".into()];
    program.environment.values.push(("FIXED".into(), "1".into()));
    // Every test runs with variables that no program has asked for.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let variables = [(OsString::from("QUERY_STRING"), OsString::from("$(id) `id` ${IFS}"))];
    let mut running = places.start(&program, &variables, Stderr::Apart).await.unwrap();
    let mut out = String::new();
    running.stdout.read_to_string(&mut out).await.unwrap();
    assert!(out.contains("QUERY_STRING=$(id) `id` ${IFS}\n"), "{out}");
    let mut allowed = config::Environment::default().allow;
    allowed.extend(["FIXED", "QUERY_STRING", "TIELINE_PROCESS"].map(str::to_owned));
    for line in out.lines() {
        let name = line.split('=').next().unwrap().to_owned();
        assert!(allowed.contains(&name), "{line}");
    }
}
