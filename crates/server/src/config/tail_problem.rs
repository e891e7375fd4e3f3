//! What an operator can write wrong of lines that are shown, and what would be right.

use std::io;
use std::path::PathBuf;

/// Lines that cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TailProblem {
    /// A command without a program.
    #[error("there is no program")]
    Command,
    /// Two sources with one name.
    #[error("a source already has the name {0:?}")]
    DuplicateName(String),
    /// A host that `ssh` could take for something else.
    #[error("{0:?} is not a host")]
    Host(String),
    /// Several things in one source, or none.
    #[error("a source has one of `path` and `command`; `host` has a `path`, and `ssh` a `host`")]
    Kind,
    /// A name that is empty or has control characters.
    #[error("{0:?} is not a name that can be shown")]
    Name(String),
    /// Nothing to read.
    #[error("there is no source: nothing would be shown")]
    NoSources,
    /// Two passwords.
    #[error("a password is in a file or in a variable, not in both")]
    PasswordTwice,
    /// A password that is not there.
    #[error("there is no variable {0:?} with a password")]
    PasswordVariable(String),
    /// A password that a machine on the way could ask for, too.
    #[error("a machine on the way could ask for the password, too")]
    PasswordAndJump,
    /// A file with a password that cannot be read.
    #[error("cannot read a password from {}", .path.display())]
    PasswordFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A path that leads up, or that is none.
    #[error("{0:?} is not the path of files that can be shown")]
    Path(String),
    /// A folder for files that are not of this machine.
    #[error("`root` is for files of this machine")]
    Root,
}

impl TailProblem {
    /// What would be right, where the problem does not say so itself.
    pub(super) const fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Command => "write command = [\"journalctl\", \"-f\"]",
            Self::DuplicateName(_) => "give each source a `name` of its own",
            Self::Host(_) => "write \"user@host\", or a name of ssh's configuration",
            Self::Kind => {
                "write { path = \"/var/log/syslog\" }, { command = [\"journalctl\", \"-f\"] } or { host = \"user@host\", path = \"/var/log/messages\" }"
            }
            Self::Name(_) => "write a word, such as name = \"syslog\"",
            Self::NoSources => "add one: source = [{ path = \"/var/log/syslog\" }]",
            Self::PasswordTwice => "leave one of the two out",
            Self::PasswordVariable(_) => "set the variable before the server starts",
            Self::PasswordAndJump => "use keys, or leave `jump` out",
            Self::PasswordFile { .. } => "name a file with the password, readable for the server",
            Self::Path(_) => {
                "write \"/var/log/syslog\", or a path below `root`; no \"..\", and wildcards (*, ?, [a-z]) only for files of this machine"
            }
            Self::Root => "leave it out",
        })
    }
}
