//! `tieline config`, and what a wrong configuration is told.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::server::{folder, run, tieline};

/// Runs `tieline config check` on this text, as `tieline.toml` of a folder of its own.
fn check(text: &str) -> Output {
    let folder = folder();
    fs::write(folder.join("tieline.toml"), text).unwrap();
    tieline().current_dir(folder).args(["config", "check", "tieline.toml"]).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_right_configuration_is_ok() {
    let output = check("[[route]]\npath = '/'\nservice = { kind = 'echo' }\n");
    assert_eq!((stdout(&output).as_str(), output.status.code()), ("OK: tieline.toml\n", Some(0)));
    assert_eq!(stdout(&run(&["config", "check"])), "OK: built-in configuration\n");
}

#[test]
fn an_unknown_key_is_shown_where_it_stands() {
    let output = check("[[route]]\npath = '/'\nservice = { kind = 'echo' }\norigin = 'null'\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "error: tieline.toml:4:1: route[0].origin: unknown key `origin`, expected one of `path`, \
         `service`, `page`, `access`, `origins`, `danger_accept_any_origin`, \
         `danger_without_access`, `carriers`, `subprotocols`, `compression`, `limits`
    |
  4 | origin = 'null'
    | ^^^^^^
"
    );
}

#[test]
fn two_routes_on_one_path_are_shown_both() {
    let output = check(
        "[[route]]\npath = '/a'\nservice = { kind = 'echo' }\n\n\
         [[route]]\npath = '/a'\npage = { kind = 'console' }\n",
    );
    assert_eq!(
        stderr(&output),
        "error: tieline.toml:6:8: route[1].path: a route already has the path \"/a\" (line 2)
    |
  6 | path = '/a'
    |        ^^^^
  help: give each route its own path; a page and a service may share one route
"
    );
}

#[test]
fn a_wrong_configuration_starts_nothing() {
    let file = folder().join("tieline.toml");
    fs::write(&file, "[[route]]\npath = '/'\n").unwrap();
    let output = run(&["serve", "--config", file.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let output = run(&["serve", "--config", "/nowhere/tieline.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: /nowhere/tieline.toml: cannot read the file"));
    for wrong in [&["--workers", "0"][..], &["--listen", "here"], &["--drain", "10"], &["--what"]] {
        let output = run(&[&["serve"], wrong].concat());
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
    }
}

#[test]
fn what_is_printed_is_in_effect_and_can_be_read_again() {
    let printed = run(&["config", "print", "--listen", "127.0.0.1:9", "--workers", "3"]);
    let text = stdout(&printed);
    for line in [
        "workers = 3",
        "address = \"127.0.0.1:9\"",
        "drain = \"10s\"",
        "path = \"/echo\"",
        "max_message_bytes = 16777216",
        "max_message_bytes = 65536",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let file: PathBuf = folder().join("printed.toml");
    fs::write(&file, &text).unwrap();
    let again = run(&["config", "print", file.to_str().unwrap()]);
    assert_eq!(stdout(&again), text);
}

#[test]
fn a_file_that_is_named_wins_over_the_variable_and_bars_the_flag() {
    let folder = folder();
    let right = "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n";
    fs::write(folder.join("a.toml"), "wrong = 0\n").unwrap();
    fs::write(folder.join("b.toml"), right).unwrap();
    let check = |more: &[&str]| {
        let mut command = tieline();
        command.current_dir(&folder).env("TIELINE_CONFIG", "a.toml");
        command.args(["config", "check"]).args(more).output().unwrap()
    };
    assert_eq!(stdout(&check(&["b.toml"])), "OK: b.toml\n");
    assert!(stderr(&check(&[])).contains("a.toml:1:"));
    let both = check(&["b.toml", "--config", "b.toml"]);
    assert_eq!(both.status.code(), Some(2));
    assert!(stderr(&both).contains("cannot be used with '--config <FILE>'"), "{}", stderr(&both));
}

#[test]
fn the_old_drafts_can_be_switched_on_and_off_over_the_file() {
    let file = folder().join("tieline.toml");
    let text = "[[listener]]\naddress = '127.0.0.1:0'\nlegacy = true\n\n\
                [[route]]\npath = '/'\nservice = { kind = 'echo' }\n";
    fs::write(&file, text).unwrap();
    let print = |variable: Option<&str>, flags: &[&str]| {
        let mut command = tieline();
        command.args(["config", "print"]).args(flags).arg(&file);
        command.envs(variable.map(|value| ("TIELINE_LEGACY", value)));
        stdout(&command.output().unwrap())
    };
    assert!(print(None, &[]).contains("legacy = true"));
    assert!(print(Some("false"), &[]).contains("legacy = false"));
    assert!(print(Some("false"), &["--legacy"]).contains("legacy = true"));
    assert!(print(None, &["--legacy=false"]).contains("legacy = false"));
}

#[test]
fn the_schema_describes_every_key() {
    let schema = stdout(&run(&["config", "schema"]));
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let definitions = schema["$defs"].as_object().unwrap();
    let tables = definitions.values().chain([&schema]);
    for (key, value) in tables.filter_map(|table| table["properties"].as_object()).flatten() {
        assert!(value["description"].is_string() || key == "kind", "{key} has no description");
    }
}

#[test]
fn help_version_and_completions_are_there() {
    let help = stdout(&run(&["--help"]));
    for word in ["serve", "config", "completions", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "{help}");
    }
    let help = stdout(&run(&["serve", "--help"]));
    for word in ["--listen", "--workers", "--legacy", "--config", "TIELINE_LISTEN", "Examples:"] {
        assert!(help.contains(word), "{help}");
    }
    assert_eq!(stdout(&run(&["--version"])), "tieline 0.1.0\n");
    assert!(stdout(&run(&["completions", "bash"])).contains("_tieline"));
    assert_eq!(run(&[]).status.code(), Some(2));
}
