//! How `ssh` is called.

use std::path::Path;

use super::Plan;
use crate::config;
use crate::process::{Ending, Environment, Program};

/// What `ssh` needs of the server's environment beside what every program gets.
const NAMES: &[&str] = &["KRB5CCNAME", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"];

/// What holds whatever its configuration says: nobody is asked, nothing is forwarded, and a line that
/// is dead is noticed within a minute.
const OPTIONS: &[&str] = &[
    "ClearAllForwardings=yes",
    "ConnectionAttempts=1",
    "EscapeChar=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "NumberOfPasswordPrompts=1",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ServerAliveCountMax=3",
    "ServerAliveInterval=15",
];

/// How much later than the server `ssh` itself gives up.
const BEYOND_SECONDS: u64 = 5;

/// The program that runs a shell on the host. Nothing of it is secret.
pub(super) fn program(plan: &Plan) -> Program {
    let mut environment = Environment::from(&config::Environment::default());
    environment.names.extend(NAMES.iter().map(|name| (*name).to_owned()));
    Program {
        argv: argv(plan),
        dir: None,
        environment,
        ending: Ending::from(&config::Ending::default()),
    }
}

fn argv(plan: &Plan) -> Vec<String> {
    let mut argv = vec!["ssh".to_owned(), "-T".to_owned()];
    // It says the fingerprint of a key that is not known only when it says much.
    argv.push("-v".to_owned());
    let mut add = |words: &[&str]| argv.extend(words.iter().map(|word| (*word).to_owned()));
    for option in OPTIONS {
        add(&["-o", option]);
    }
    // It is ended before that: who looks is told of the time that is configured.
    let seconds = plan.connect_within.as_secs().saturating_add(BEYOND_SECONDS);
    add(&["-o", &format!("ConnectTimeout={seconds}")]);
    let batch = if plan.password.is_none() { "yes" } else { "no" };
    add(&["-o", &format!("BatchMode={batch}")]);
    let checking = if plan.accepts_new { "accept-new" } else { "yes" };
    add(&["-o", &format!("StrictHostKeyChecking={checking}")]);
    if let Some(path) = &plan.config {
        add(&["-F", &path.to_string_lossy()]);
    }
    if let Some(path) = &plan.identity_file {
        add(&["-o", "IdentitiesOnly=yes", "-i", &without_tokens(path)]);
    }
    if let Some(path) = &plan.known_hosts {
        add(&["-o", &format!("UserKnownHostsFile={}", quoted(path))]);
    }
    if let Some(port) = plan.port {
        add(&["-p", &port.to_string()]);
    }
    if let Some(jump) = &plan.jump {
        add(&["-J", jump]);
    }
    // Any login shell takes this; the script is for `sh` alone.
    add(&["--", &plan.host, "exec sh"]);
    argv
}

/// A path in which `%` stands for itself.
fn without_tokens(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%%")
}

/// A path as one word of `ssh`'s configuration.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", without_tokens(path).replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tail::Password;

    #[test]
    fn the_host_and_a_fixed_word_come_last_and_no_path_of_a_file_is_there() {
        let argv = argv(&Plan::by_hand("/var/log/$(id)"));
        assert_eq!(argv[argv.len() - 3..], ["--", "user@host", "exec sh"]);
        assert!(argv.iter().all(|word| !word.contains("/var/log")));
        for option in
            ["BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=6", "ForwardAgent=no"]
        {
            let at = argv.iter().position(|word| word == option).unwrap();
            assert_eq!(argv[at - 1], "-o", "{option}");
        }
    }

    #[test]
    fn what_is_configured_is_handed_on_and_a_password_never_is() {
        let password = Some(Password::Variable("TIELINE_CANARY".into()));
        let known_hosts = Some("/a b/50%".into());
        let plan = Plan::by_hand("/var/log/$(id)");
        let argv =
            argv(&Plan { password, known_hosts, port: Some(2_222), accepts_new: true, ..plan });
        for word in [
            "BatchMode=no",
            "StrictHostKeyChecking=accept-new",
            "UserKnownHostsFile=\"/a b/50%%\"",
            "2222",
        ] {
            assert!(argv.iter().any(|it| it == word), "{word}");
        }
        assert!(argv.iter().all(|word| !word.contains("CANARY")));
    }
}
