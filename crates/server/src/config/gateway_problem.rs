//! What an operator can write wrong of a gateway, and what would be right.

use std::io;
use std::path::PathBuf;

/// A gateway that cannot be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayProblem {
    /// An application that is not among the gateway's.
    #[error("there is no application with the key {0:?}")]
    App(String),
    /// An API that is for devices and has no backend.
    #[error("this API has no backend")]
    Backend,
    /// Two APIs that cannot be told apart.
    #[error("an API already has the method {method} and a path like {path:?}{}", line(.first))]
    DuplicateApi {
        /// The method of both.
        method: String,
        /// The path of the second.
        path: String,
        /// The line of the first.
        first: Option<usize>,
    },
    /// Two applications with one key.
    #[error("an application already has the key {0:?}")]
    DuplicateApp(String),
    /// An application whose key is no header.
    #[error("{0:?} is not a key")]
    Key(String),
    /// Something that is no method.
    #[error("{0:?} is not a method")]
    Method(String),
    /// A name in the backend's path that the call's path does not have.
    #[error("the path of the call has no {{{0}}}")]
    Name(String),
    /// A gateway without APIs.
    #[error("a gateway without an API answers nothing")]
    NoApis,
    /// APIs that must be signed where nobody signs.
    #[error("this API is signed, and there is no application that could sign")]
    NoApps,
    /// A notification that everybody could send.
    #[error("every device has the key of an application: who may notify?")]
    NotifyApps,
    /// A notification with a backend.
    #[error("a notification goes to a device and not to a backend")]
    NotifyBackend,
    /// A notification that is not signed.
    #[error("whoever reaches this API could write to every device: it must be signed")]
    NotifyUnsigned,
    /// A path that is no pattern.
    #[error("{0:?} is not the path of an API")]
    Path(String),
    /// A secret that cannot be read, or is empty.
    #[error("cannot read a secret from {}", .path.display())]
    Secret {
        /// The path, as it was looked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl GatewayProblem {
    /// What would be right, where the problem does not say so itself.
    pub(super) const fn advice(&self) -> &'static str {
        match self {
            Self::App(_) => "name a `key` of [[route.service.app]]",
            Self::Backend => "write backend = \"NAME\", and [[backend]] with that name",
            Self::DuplicateApi { .. } => "give each API a method and a path of its own",
            Self::DuplicateApp(_) => "leave one of the two out",
            Self::Key(_) => "write visible characters without a comma, like \"12344133\"",
            Self::Method(_) => "write it like \"POST\"",
            Self::Name(_) => "write the same name in braces in `path`",
            Self::NoApis => {
                "add one: [[route.service.api]], type = \"register\", path = \"/register\", backend = \"shop\""
            }
            Self::NoApps => {
                "add one: [[route.service.app]], key = \"12344133\", secret_file = \"app.secret\"; or write signed = false"
            }
            Self::NotifyApps => "write apps = [\"KEY\"] with the keys that only backends have",
            Self::NotifyBackend => {
                "leave `backend`, `backend_path`, `backend_method` and `timeout` out"
            }
            Self::NotifyUnsigned => "leave signed = false out",
            Self::Path(_) => {
                "write it like \"/orders/{id}\": begin with \"/\", each name once and alone in its segment"
            }
            Self::Secret { .. } => "name a file with the secret in it, readable for the server",
        }
    }
}

fn line(line: &Option<usize>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}
