//! `tieline token`: what it makes, and what it says.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Output, Stdio};

use crate::server::{folder, run, tieline};

fn text(output: &Output) -> (i32, String, String) {
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), said(&output.stdout), said(&output.stderr))
}

/// `tieline token check` with a token on standard input.
fn check(token: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = tieline();
    command.args(["token", "check"]).args(args).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
    text(&child.wait_with_output().unwrap())
}

#[test]
fn secrets_and_private_keys_are_only_their_owners_and_never_overwritten() {
    let folder = folder();
    let secret = folder.join("secret");
    let keys = folder.join("keys.pem");
    for args in [
        ["token", "gen", "secret", secret.to_str().unwrap()],
        ["token", "gen", "keys", keys.to_str().unwrap()],
    ] {
        let (code, _, said) = text(&run(&args));
        assert_eq!(code, 0, "{said}");
        let (code, _, said) = text(&run(&args));
        assert!(code == 1 && said.contains("cannot write") && said.contains("exists"), "{said}");
    }
    for file in [&secret, &keys] {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_to_string(&secret).unwrap().trim().len(), 43);
    let public = std::fs::read_to_string(folder.join("keys.pem.pub")).unwrap();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"), "{public}");
    assert!(std::fs::read_to_string(&keys).unwrap().starts_with("-----BEGIN PRIVATE KEY-----\n"));
}

#[test]
fn a_token_is_made_shown_and_judged_by_a_route() {
    let folder = folder();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    run(&["token", "gen", "keys", &path("keys.pem"), "--algorithm", "ES256"]);
    let config = path("tieline.toml");
    std::fs::write(
        &config,
        "[[route]]\npath = '/open'\nservice = { kind = 'echo' }\n\
         [[route]]\npath = '/chat'\nservice = { kind = 'chat' }\naccess = { kind = 'jwt', \
         algorithms = ['ES256'], key_files = ['keys.pem.pub'], rights = ['chat'] }\n",
    )
    .unwrap();
    let make = |more: &[&str]| {
        let key = path("keys.pem");
        let mut args = vec!["token", "gen", "token", "--key", &key, "--user", "alice"];
        args.extend(more);
        let (code, token, said) = text(&run(&args));
        assert_eq!(code, 0, "{said}");
        token
    };
    let token = make(&["--right", "chat", "--expires", "2h", "--claim", "tenant={\"id\":7}"]);
    let (code, said, _) = check(&token, &[]);
    assert_eq!(code, 0);
    for line in ["token    JWT, ES256", "sub      \"alice\"", "tenant   {\"id\":7}"] {
        assert!(said.lines().any(|it| it == line), "{line} in {said}");
    }
    assert!(said.contains(", in 2 h 0 min") || said.contains(", in 1 h 59 min"), "{said}");

    let (code, said, _) = check(&token, &["--config", &config]);
    assert!(code == 0 && said.ends_with("/chat lets it in as alice, who may: chat\n"), "{said}");
    let (code, said, _) = check(&token, &["--config", &config, "--route", "/open"]);
    assert!(code == 0 && said.ends_with("/open lets everybody in\n"), "{said}");
    let (code, _, said) = check(&make(&[]), &["--config", &config]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("/chat would not let it in: 403, the token lacks a right"), "{said}");
    let (code, said, _) = check(&make(&["--expires", "0s"]), &["--config", &config, "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1);
    assert_eq!(said["route"]["lets_in"], false, "{said}");
    assert_eq!(said["jwt"]["claims"]["sub"], "alice");
    let (code, said, _) = check("no-token-at-all-0123", &[]);
    assert!(code == 0 && said.contains("not a JWT"), "{said}");
    let (code, _, said) = check("", &[]);
    assert!(code == 1 && said.contains("there is no token"), "{said}");
    let (code, _, said) = check(&token, &["--config", &config, "--route", "/nothing"]);
    assert!(code == 1 && said.contains("no route has the path"), "{said}");
}

#[test]
fn a_token_says_nothing_to_the_terminal() {
    let folder = folder();
    let secret = folder.join("secret").to_str().unwrap().to_owned();
    run(&["token", "gen", "secret", &secret]);
    let claim = r#"note="\u001b]52;c;aGk=\u0007\u009b31m""#;
    let args = ["token", "gen", "token", "--secret", &secret, "--user", "a", "--claim", claim];
    let (code, token, said) = text(&run(&args));
    assert_eq!(code, 0, "{said}");
    let (_, said, _) = check(&token, &[]);
    assert!(said.contains("note") && !said.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{said:?}");

    // Nor do the name of its key, and the rights that a route finds in it.
    let claim = r#"scope=["a\u001b[2J","b\u009b31m"]"#;
    let args = ["--secret", &secret, "--user", "a", "--kid", "k\u{9b}31m", "--claim", claim];
    let (code, token, said) = text(&run(&[&["token", "gen", "token"][..], &args].concat()));
    assert_eq!(code, 0, "{said}");
    let config = folder.join("tieline.toml").to_str().unwrap().to_owned();
    std::fs::write(
        &config,
        "[[route]]\npath = '/'\nservice = { kind = 'echo' }\naccess = { kind = 'jwt', \
         algorithms = ['HS256'], secret_file = 'secret' }\n",
    )
    .unwrap();
    let (code, said, _) = check(&token, &["--config", &config]);
    assert!(code == 0 && said.contains("/ lets it in as a, who may: a\\u{1b}[2J"), "{said:?}");
    assert!(!said.contains(['\u{1b}', '\u{9b}']), "{said:?}");
}

#[test]
fn what_cannot_be_made_is_told() {
    for (args, code, words) in [
        (&["token", "gen", "token", "--user", "a"][..], 2, "--key"),
        (&["token", "gen", "token", "--key", "/none", "--user", "a"], 1, "cannot read /none"),
        (&["token", "check", "x", "--route", "/"], 2, "--config"),
    ] {
        let (status, _, said) = text(&run(args));
        assert!(status == code && said.contains(words), "{status} {said}");
    }
}
