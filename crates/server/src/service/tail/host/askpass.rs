//! Handing a password to `ssh`: never on a command line, and to nobody but `ssh`.
//!
//! `ssh` runs a program that prints the password, a script in a folder of its own that only this user
//! may enter. The script has no password in it: that is in the file that is configured, or in the
//! environment of `ssh`.

use std::env;
use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use super::Password;
use crate::random;

/// A script that prints a password; gone when this is dropped.
#[derive(Debug)]
pub(super) struct Askpass {
    folder: PathBuf,
    password: Password,
}

const FILE: &str = "TIELINE_ASKPASS_FILE";
const WORD: &str = "TIELINE_ASKPASS_WORD";

/// It answers when it is asked for a password, and neither for a key's passphrase nor whether a host
/// is to be believed.
const SCRIPT: &str = "#!/bin/sh
case $1 in *[Pp]assword*) ;; *) exit 1 ;; esac
if [ -n \"$TIELINE_ASKPASS_FILE\" ]; then exec cat -- \"$TIELINE_ASKPASS_FILE\"; fi
printf '%s\\n' \"$TIELINE_ASKPASS_WORD\"
";

impl Askpass {
    pub(super) fn new(password: &Password) -> io::Result<Self> {
        let folder = env::temp_dir().join(format!("tieline-{}", random::id()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let askpass = Self { folder, password: password.clone() };
        let path = askpass.path();
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o700).open(path)?;
        file.write_all(SCRIPT.as_bytes())?;
        Ok(askpass)
    }

    /// What `ssh` finds in its environment.
    pub(super) fn variables(&self) -> Vec<(OsString, OsString)> {
        let password = match &self.password {
            Password::File(path) => (FILE.into(), path.into()),
            Password::Variable(name) => (WORD.into(), env::var_os(name).unwrap_or_default()),
        };
        vec![
            password,
            ("SSH_ASKPASS".into(), self.path().into()),
            ("SSH_ASKPASS_REQUIRE".into(), "force".into()),
        ]
    }

    fn path(&self) -> PathBuf {
        self.folder.join("askpass")
    }
}

impl Drop for Askpass {
    fn drop(&mut self) {
        // There is no password in what would be left.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::by_hand::file;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    use std::thread::yield_now;

    fn ask(askpass: &Askpass, prompt: &str) -> Option<String> {
        let mut command = Command::new(askpass.path());
        command.arg(prompt).envs(askpass.variables());
        let output = loop {
            match command.output() {
                // Another test has just forked, and has the file open for writing until it runs what
                // it starts.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => yield_now(),
                output => break output.unwrap(),
            }
        };
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    #[test]
    fn a_password_is_printed_when_a_password_is_asked_for() {
        let path = file("s3cret $(id)\n");
        let askpass = Askpass::new(&Password::File(path)).unwrap();
        assert_eq!(ask(&askpass, "user@host's password: ").unwrap(), "s3cret $(id)\n");
        assert_eq!(ask(&askpass, "(user@host) Password: ").unwrap(), "s3cret $(id)\n");
        assert_eq!(ask(&askpass, "Enter passphrase for key: "), None);
        assert_eq!(ask(&askpass, "Are you sure you want to continue connecting?"), None);
        let askpass = Askpass::new(&Password::Variable("CARGO_PKG_NAME".into())).unwrap();
        let name = format!("{}\n", env::var("CARGO_PKG_NAME").unwrap());
        assert_eq!(ask(&askpass, "password: ").unwrap(), name);
    }

    #[test]
    fn nobody_else_may_look_and_nothing_is_left() {
        let askpass = Askpass::new(&Password::Variable("PATH".into())).unwrap();
        let folder = askpass.folder.clone();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        drop(askpass);
        assert!(!folder.exists());
    }
}
