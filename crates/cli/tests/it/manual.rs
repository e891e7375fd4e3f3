//! `tieline man` and `tieline completions`: all commands are in them.

use std::fs;

use crate::server::{folder, run};

/// The commands, as the help lists them.
fn commands() -> Vec<String> {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_command_has_a_page_and_the_main_one_names_them() {
    let folder = folder();
    let output = run(&["man", "--folder", folder.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for command in commands() {
        let page = fs::read_to_string(folder.join(format!("tieline-{command}.1"))).unwrap();
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION"] {
            assert!(page.contains(&format!(".SH {section}")), "{command}");
        }
        let alone = run(&["man", &command]);
        assert_eq!(String::from_utf8(alone.stdout).unwrap(), page);
    }
    let connect = fs::read_to_string(folder.join("tieline-connect.1")).unwrap();
    assert!(connect.contains(".SH EXAMPLES") && connect.contains(".SH \"EXIT STATUS\""));
    let unknown = run(&["man", "connect", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("no page for 'nothing'"));
}

#[test]
fn every_command_is_completed_in_each_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = String::from_utf8(run(&["completions", shell]).stdout).unwrap();
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
        assert!(script.contains("reconnect"), "{shell}");
    }
}
