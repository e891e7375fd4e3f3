//! `tieline token`: secrets, keys and tokens, and what a token holds.

mod check;
mod generate;
mod keys;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use tieline_server::config::Span;

const CHECK_EXAMPLES: &str = "\
Examples:
  tieline token check < token.txt                                   what does it hold?
  tieline token check --config tieline.toml --route /chat < token.txt
                                                  would the route let it in, and why not?

A token on the command line can be seen by others on the machine; standard input cannot.

Exit codes: 0 it is let in (or only shown), 1 it is not, 2 wrong usage or configuration.";

const SECRET_EXAMPLES: &str = "\
The file holds 32 random bytes as text. It is a secret for HS256 (`secret_file`), a token that is
shared (`file` of access of kind token), or the operator's key (`api_key_file`).

Example:
  tieline token gen secret operator.key";

const KEYS_EXAMPLES: &str = "\
The private key stays where tokens are made; the server needs FILE.pub alone (`key_files`).

Example:
  tieline token gen keys signing.pem --algorithm ES256";

const TOKEN_EXAMPLES: &str = "\
Examples:
  tieline token gen token --key signing.pem --user alice --expires 8h --right chat
  tieline token gen token --secret jwt.secret --user device-7 --claim tenant='\"acme\"' --json";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Makes secrets, keys and tokens
    #[command(subcommand)]
    Gen(Gen),
    /// Shows what a token holds, and whether a route would let it in
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Check),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Gen {
    /// Makes a secret: for HS256, to share, or for the operator's side
    #[command(after_help = SECRET_EXAMPLES)]
    Secret {
        /// The file; one that is there is not touched
        file: PathBuf,

        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a pair of keys, in PEM: FILE and FILE.pub
    #[command(after_help = KEYS_EXAMPLES)]
    Keys {
        /// The file of the private key; one that is there is not touched
        file: PathBuf,

        /// What the keys are for
        #[arg(long, value_enum, default_value_t = Pair::EdDSA)]
        algorithm: Pair,

        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Makes a token and prints it
    #[command(after_help = TOKEN_EXAMPLES)]
    Token(Box<Token>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Token {
    /// The private key that signs it, in PEM: Ed25519, P-256 or RSA
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "secret",
        conflicts_with = "secret"
    )]
    key: Option<PathBuf>,

    /// The secret that signs it, by HS256
    #[arg(long, value_name = "FILE")]
    secret: Option<PathBuf>,

    /// Whose it is (sub)
    #[arg(long, value_name = "NAME")]
    user: String,

    /// How long it is good for, such as 15m or 8h
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: Span,

    /// What it may do (scope); may be given more than once
    #[arg(long = "right", value_name = "RIGHT")]
    rights: Vec<String>,

    /// Whom it is for (aud); may be given more than once
    #[arg(long, value_name = "NAME")]
    audience: Vec<String>,

    /// Who made it (iss)
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,

    /// The name of the key (kid), where the server knows several
    #[arg(long, value_name = "NAME")]
    kid: Option<String>,

    /// Another claim, its value in JSON; may be given more than once
    #[arg(long = "claim", value_name = "NAME=JSON")]
    claims: Vec<String>,

    /// Prints JSON: the token and its claims
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The token [default: standard input]
    #[arg(value_name = "TOKEN", default_value = "-", hide_default_value = true)]
    token: String,

    /// The configuration whose route is asked
    #[arg(long, short, value_name = "FILE", env = "TIELINE_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,

    /// The path of the route [default: the only one with access]
    #[arg(long, value_name = "PATH", requires = "config")]
    route: Option<String>,

    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// What a pair of keys is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pair {
    #[value(name = "EdDSA", alias = "eddsa", alias = "ed25519")]
    EdDSA,
    #[value(name = "ES256", alias = "es256")]
    ES256,
}

/// Runs one of the commands.
pub(crate) fn run(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::Check(options) => check::run(options),
        Command::Gen(Gen::Keys { file, algorithm, json }) => keys::pair(file, *algorithm, *json),
        Command::Gen(Gen::Secret { file, json }) => keys::secret(file, *json),
        Command::Gen(Gen::Token(options)) => generate::run(options),
    }
}
