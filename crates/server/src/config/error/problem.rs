//! What an operator can write wrong, and what would be right.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::auth::AccessError;
use crate::config::gateway_problem::GatewayProblem;
use crate::config::span::Span;
use crate::config::tail_problem::TailProblem;
use crate::listen::TlsError;
use tieline_hub::NameError;

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Tokens or keys that cannot be used.
    #[error("access cannot be checked with this file")]
    Access(#[source] AccessError),
    /// Access where there is only a page, which everybody is shown.
    #[error("access is to a service, and this route has none")]
    AccessWithoutService,
    /// An address that is not an IP address and a port.
    #[error("{0:?} is not an IP address and a port")]
    Address(String),
    /// A listener with none or several of `address`, `unix`, `ipc` and `systemd`.
    #[error("a listener has one of `address`, `unix`, `ipc` and `systemd`")]
    AddressOrUnix,
    /// An address that no backend has.
    #[error("{0} is an address that no backend has")]
    BackendAddress(IpAddr),
    /// A backend without a name.
    #[error("a backend has a name")]
    BackendName,
    /// TLS that cannot be spoken with a backend.
    #[error("TLS cannot be spoken with this backend")]
    BackendTls(#[source] tieline::tls::TlsError),
    /// A URL that is no backend's.
    #[error("{0:?} is not the URL of a backend")]
    BackendUrl(String),
    /// HTTP carriers of what they cannot carry.
    #[error("HTTP carries lines of text, to a service of this server's own")]
    Carriers,
    /// What asks for keys over HTTP cannot be made.
    #[error("keys cannot be asked for")]
    Client(#[source] reqwest::Error),
    /// The text of the file is not what the keys need; the words are the parser's.
    #[error("{0}")]
    Content(String),
    /// permessage-deflate with numbers that cannot be.
    #[error("permessage-deflate cannot be spoken like this")]
    Compression(#[source] tieline_proto::deflate::ConfigError),
    /// Two backends with one name.
    #[error("a backend already has the name {name:?}{}", line(.first))]
    DuplicateBackend {
        /// The name of both.
        name: String,
        /// The line of the first.
        first: Option<usize>,
    },
    /// A cookie where any page may ask.
    #[error("a cookie tells who asks, but not whose page does, and any page may")]
    CookieOfAnyOrigin,
    /// Two listeners at one place.
    #[error("a listener is already at {place}{}", line(.first))]
    DuplicateListener {
        /// Where both listen.
        place: String,
        /// The line of the first.
        first: Option<usize>,
    },
    /// Two routes with one path.
    #[error("a route already has the path {path:?}{}", line(.first))]
    DuplicateRoute {
        /// The path of both.
        path: String,
        /// The line of the first.
        first: Option<usize>,
    },
    /// A gateway that cannot be.
    #[error(transparent)]
    Gateway(GatewayProblem),
    /// A header that no program is told of.
    #[error("{0:?} is not a header that a program may be told of")]
    HeaderForProgram(String),
    /// A name that cannot be a `Host`.
    #[error("{0:?} is not a host name")]
    Host(String),
    /// An address for keys that anybody could answer at.
    #[error("{0:?} is not an https address")]
    Jwks(String),
    /// Public keys without an algorithm for them, or the other way round.
    #[error("RS256, ES256 and EdDSA need `key_files` or `jwks`, and these need one of the three")]
    KeysAndAlgorithms,
    /// Keys from files and from an address.
    #[error("keys come from files or from an address, not from both")]
    KeysTwice,
    /// A word with something in it that no header, cookie or query takes.
    #[error("{0:?} is not a name that can be used here")]
    Name(String),
    /// No algorithm.
    #[error("no algorithm is accepted: nobody could come")]
    NoAlgorithm,
    /// The path of a socket that no client could connect to.
    #[error("the path has {0} bytes, and a socket's at most 107")]
    IpcPath(usize),
    /// `ipc` without `route`, or the other way round.
    #[error("`ipc` and `route` belong together")]
    IpcRoute,
    /// A route that is not there, or has no service of the kind `rpc`.
    #[error("no route has the path {0:?} and a service of the kind \"rpc\"")]
    NoRpcRoute(String),
    /// A setting outside its range.
    #[error("{value} is not between {min} and {max}")]
    Range {
        /// What was written.
        value: u64,
        /// The smallest that may be.
        min: u64,
        /// The largest that may be.
        max: u64,
    },
    /// A time outside its range.
    #[error("{value} is not between {min} and {max}")]
    TimeRange {
        /// What was written.
        value: Span,
        /// The shortest that may be.
        min: Span,
        /// The longest that may be.
        max: Span,
    },
    /// A URL at which no node can be.
    #[error("{0:?} is not the URL of a node")]
    NodeUrl(String),
    /// A command without a program.
    #[error("there is no program to run")]
    NoCommand,
    /// A shell without commands.
    #[error("there is no command that could be run")]
    NoCommands,
    /// A route that is not there, or has nothing that a page of bridges could show.
    #[error("no route has the path {0:?} and a command, a shell, a tail or a terminal")]
    NoBridge(String),
    /// A name that no backend has.
    #[error("there is no backend with the name {0:?}")]
    NoBackend(String),
    /// A prefix to leave out that the route's path does not begin with.
    #[error("{prefix:?} is not the beginning of the route's path {path:?}")]
    NotPrefix {
        /// What is to be left out.
        prefix: String,
        /// The route's path.
        path: String,
    },
    /// A text that is no network.
    #[error("{0:?} is not an address or a network")]
    Network(String),
    /// A file that has no route.
    #[error("there is no route: the server would serve nothing")]
    NoRoutes,
    /// Something durable, and nothing to keep it in.
    #[error("there is no store to keep this in")]
    NoStore,
    /// A time in which nothing can be done.
    #[error("nothing can be done in no time")]
    NoTime,
    /// The operator's side, open to other machines, for everybody.
    #[error("other machines reach this address, and no key is asked for")]
    OperatorWithoutKey,
    /// The operator's side, open to other machines, for everybody on the way.
    #[error("other machines reach this address, and TLS is off: its key could be read on the way")]
    OperatorWithoutTls,
    /// Methods of a route that lets in by other tokens.
    #[error("the route {0:?} asks for other tokens than this one, or this one for none")]
    OtherTokens(String),
    /// A text that is no origin.
    #[error("{0:?} is not an origin")]
    Origin(String),
    /// A page that is not there, or not what its kind says.
    #[error("cannot serve {}", .path.display())]
    Page {
        /// The path, as it was looked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A path that no request can have.
    #[error("{0:?} is not a path that a request can have")]
    Path(String),
    /// A path that the server keeps for itself.
    #[error("the server itself answers at {0:?}")]
    ReservedPath(String),
    /// The file itself cannot be read.
    #[error("cannot read the file")]
    Read(#[source] io::Error),
    /// A folder in which no program can run.
    #[error("no program can run in {}", .path.display())]
    ProgramDir {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A pattern that no name of a method can match.
    #[error("{0:?} is not a name of methods")]
    Pattern(String),
    /// A file of roots that cannot be read.
    #[error("cannot read roots from {}", .path.display())]
    RootsFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file with a secret that cannot be read.
    #[error("cannot read a secret from {}", .path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A secret without HS256, or the other way round.
    #[error("HS256 needs `secret_file`, and `secret_file` needs HS256")]
    SecretAndAlgorithm,
    /// A route with neither service nor page.
    #[error("a route has a `service`, a `page`, or both")]
    ServiceOrPage,
    /// A secret that could be guessed.
    #[error("the secret in {} has fewer than {min} bytes", .path.display())]
    ShortSecret {
        /// The file.
        path: PathBuf,
        /// The fewest that may be.
        min: usize,
    },
    /// What cannot be the name of a namespace.
    #[error("{0:?} is not the name of a namespace")]
    Namespace(String),
    /// Nobody in particular has a right.
    #[error("nobody in particular has these rights")]
    AnonymousAndRights,
    /// Who comes and goes is told where nobody knows it.
    #[error("who comes and goes is known only where `presence` is")]
    NoPresence,
    /// A path that cannot be in the name of a channel.
    #[error("{path:?} cannot be in the name of the service's channel")]
    OwnChannel {
        /// The path.
        path: String,
        /// Why.
        #[source]
        why: NameError,
    },
    /// A path where no store can be.
    #[error("{} is not a folder", .0.display())]
    StorePath(PathBuf),
    /// Programs or logs of this machine for everybody on the network.
    #[error("other machines reach this at {place}, and nobody is asked who they are")]
    Strangers {
        /// Where they come.
        place: String,
    },
    /// A subprotocol that is no token.
    #[error("{0:?} is not a subprotocol")]
    Subprotocol(String),
    /// A setting that the upstreams of a route decide.
    #[error("a proxied route leaves this to its upstreams")]
    LeftToUpstreams,
    /// A route handed on to nobody.
    #[error("there is no upstream: nobody would answer")]
    NoUpstreams,
    /// A text that is no upstream.
    #[error("{0:?} is not the address of an upstream")]
    Upstream(String),
    /// Roots of upstreams that cannot be used.
    #[error("TLS cannot be spoken to upstreams")]
    UpstreamTls(#[source] tieline::tls::TlsError),
    /// Lines told apart where there are none.
    #[error("only lines can be told apart")]
    TagWithoutLines,
    /// A name that no variable of a program can have.
    #[error("{0:?} is not the name of a variable that a program may have")]
    Variable(String),
    /// A word that no program can be given.
    #[error("no program can be given this")]
    Word,
    /// Lines that cannot be shown.
    #[error(transparent)]
    Tail(TailProblem),
    /// Certificates that cannot be used.
    #[error("TLS cannot be spoken with these files")]
    Tls(#[source] TlsError),
}

impl Problem {
    /// What would be right, where the problem does not say so itself.
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Access(error) => error.advice(),
            Self::AccessWithoutService => {
                "a page is shown to everybody; give the route a service, or leave `access` out"
            }
            Self::Address(_) => {
                "write it like \"127.0.0.1:8080\", \"[::1]:8080\", or \"0.0.0.0:80\" for all of IPv4"
            }
            Self::AddressOrUnix => {
                "write address = \"127.0.0.1:8080\", unix = \"/run/tieline.sock\" or systemd = \"tieline.socket\""
            }
            Self::BackendAddress(_) => {
                "write the address of the HTTP server itself; link-local, multicast and metadata addresses are never called"
            }
            Self::BackendName => "write a word, such as name = \"shop\"",
            Self::BackendTls(_) => {
                "install the system's root certificates, or name a PEM file with the backend's root in ca_file"
            }
            Self::BackendUrl(_) => {
                "write it like \"http://127.0.0.1:9000\" or \"https://shop.example/api\": no name and password, no query"
            }
            Self::DuplicateBackend { .. } => "give each backend a name of its own",
            Self::Carriers => {
                "leave `carriers` out: terminals and proxied routes take WebSocket alone"
            }
            Self::CookieOfAnyOrigin => {
                "list the pages in `origins` instead of `danger_accept_any_origin`"
            }
            Self::DuplicateListener { .. } => "leave one of the two out",
            Self::DuplicateRoute { .. } => {
                "give each route its own path; a page and a service may share one route"
            }
            Self::Gateway(problem) => problem.advice(),
            Self::HeaderForProgram(_) => {
                "write its name, like \"User-Agent\"; Cookie, Authorization and Proxy never go to programs"
            }
            Self::Host(_) => "write a name or an address without a port, like \"tieline.example\"",
            Self::IpcPath(_) => "choose a shorter one, like \"/run/tieline/rpc.ipc\"",
            Self::IpcRoute => "write ipc = \"/run/tieline/rpc.ipc\" and route = \"/rpc\"",
            Self::NoBridge(_) => {
                "add it: [[route]], path = \"/line\", service = { kind = \"terminal\", … }"
            }
            Self::NoRpcRoute(_) => {
                "add it: [[route]], path = \"/rpc\", service = { kind = \"rpc\" }"
            }
            Self::NodeUrl(_) => {
                "write \"ws://127.0.0.1:8545\", wss://, http:// or https://, or \"unix:/run/node.ipc\""
            }
            Self::NoBackend(_) => {
                "add one: [[backend]], name = \"shop\", url = \"http://127.0.0.1:9000\""
            }
            Self::NoCommand => {
                "write the program and its arguments one by one, like [\"vmstat\", \"1\"]"
            }
            Self::NoCommands => {
                "write commands = { \"uptime\" = [\"uptime\"] }; danger_any_command = true runs whatever is written"
            }
            Self::NoStore => "add one: [store], path = \"/var/lib/tieline\"",
            Self::NoTime => "write a time longer than 0s, such as \"8s\"",
            Self::Jwks(_) => {
                "write \"https://…\", without name and password; danger_jwks_over_http = true lets plain http in"
            }
            Self::KeysAndAlgorithms | Self::SecretAndAlgorithm => {
                "name the algorithms of the keys that are there, and no others"
            }
            Self::KeysTwice => "leave `jwks` out, or `secret_file` and `key_files`",
            Self::Name(_) => "letters, digits, \"-\", \"_\" and \".\"",
            Self::NoAlgorithm => {
                "write algorithms = [\"EdDSA\"], or what your tokens are signed by"
            }
            Self::NoRoutes => "add one: [[route]], path = \"/echo\", service = { kind = \"echo\" }",
            Self::OperatorWithoutKey => {
                "name one in `api_key_file`; danger_without_key = true does without"
            }
            Self::OperatorWithoutTls => {
                "add `tls`, or listen at 127.0.0.1; danger_without_tls = true does without"
            }
            Self::Origin(_) => {
                "write \"https://example.com\" (no path, no slash at its end), \"null\" or \"same-origin\""
            }
            Self::OtherTokens(_) => "give both the same `access`; its `rights` may differ",
            Self::Page { .. } => "relative paths start from the folder of the configuration file",
            Self::Path(_) => {
                "begin with \"/\"; no spaces, \"?\" or \"#\"; others than ASCII as %XX"
            }
            Self::Pattern(_) => "write a name, with * for any letters, like \"eth_*\"",
            Self::ProgramDir { .. } => {
                "name a folder that the server may read; relative paths start from the folder of the configuration file"
            }
            Self::ReservedPath(_) => "choose another path",
            Self::RootsFile { .. } => "name a PEM file that is readable for the server",
            Self::SecretFile { .. } => "name a file with the secret, readable for the server",
            Self::ShortSecret { .. } => {
                "write one that nobody guesses, such as what `openssl rand -hex 32` prints"
            }
            Self::Namespace(_) => {
                "write up to 64 letters without a colon, a `*` or a space; \"\" is that of channels without a colon"
            }
            Self::AnonymousAndRights => "take out `anonymous`, or `rights`",
            Self::NoPresence => "write presence = true",
            Self::OwnChannel { .. } => {
                "choose one without a `*`, of 240 letters at most: \"chat:/chat\" is the channel of a chat at \"/chat\""
            }
            Self::StorePath(_) => "name a folder, or a path where one may be made",
            Self::ServiceOrPage => {
                "add service = { kind = \"echo\" } or page = { kind = \"console\" }"
            }
            Self::Strangers { .. } => {
                "give the route `access`, listen at 127.0.0.1, or write `danger_without_access = true`"
            }
            Self::Subprotocol(_) => "write a word without spaces or commas, like \"chat.v1\"",
            Self::LeftToUpstreams => "leave it out",
            Self::Network(_) => {
                "write \"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32\" or \"unix\""
            }
            Self::NotPrefix { .. } => "write the route's path, or a part of it up to a slash",
            Self::NoUpstreams => "write upstreams = [\"http://127.0.0.1:9001\"]",
            Self::TagWithoutLines => "write frame = \"lines\", or stderr = \"merge\"",
            Self::Variable(_) => "letters, digits and \"_\"; TIELINE_PROCESS is the server's own",
            Self::Word => "at most 131071 bytes, and no NUL among them",
            Self::Upstream(_) => {
                "write \"http://127.0.0.1:9001\" or \"https://app.internal\"; a path may follow, a query not"
            }
            Self::Tail(problem) => return problem.advice(),
            Self::Tls(error) => return error.advice(),
            Self::Client(_)
            | Self::Compression(_)
            | Self::Content(_)
            | Self::Range { .. }
            | Self::TimeRange { .. }
            | Self::Read(_)
            | Self::UpstreamTls(_) => return None,
        })
    }
}

fn line(line: &Option<usize>) -> String {
    line.map(|line| format!(" (line {line})")).unwrap_or_default()
}
