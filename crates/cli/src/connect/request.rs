//! How a line is asked for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use data_encoding::BASE64;
use tieline::tls::{Identity, KeyLogFile};
use tieline::url::Target;
use tieline::{Connect, Deflate, Limits, Proxy};

use super::Failure;
use crate::quantity::{size, span};
use crate::secret;
use crate::trust::Trust;

/// What is said when a line is asked for, and what it may bear.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Request")]
pub(crate) struct Request {
    /// A header, such as 'X-Team: blue'; may be given more than once
    #[arg(long, short = 'H', value_name = "NAME: VALUE")]
    header: Vec<String>,

    /// The origin to name, as a page's browser would
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,

    /// A subprotocol to offer; may be given more than once, the best first
    #[arg(long, short = 's', value_name = "NAME")]
    subprotocol: Vec<String>,

    /// Shows the token that this file has (Authorization: Bearer)
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    token_file: Option<PathBuf>,

    /// Says who it is, with the password of --password-file (Authorization: Basic)
    #[arg(long, value_name = "NAME", requires = "password_file")]
    user: Option<String>,

    /// The file with the password
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,

    /// Offers permessage-deflate
    #[arg(long)]
    deflate: bool,

    /// Goes through a proxy: http://HOST:PORT, socks5://HOST:PORT, or env for the one that the
    /// environment names
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,

    /// Most redirects that are followed
    #[arg(long, value_name = "N", default_value_t = 0)]
    redirects: usize,

    /// How long everything may take until the line is open
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = span)]
    connect_timeout: Duration,

    /// After so long a silence the peer is pinged; it has 10s to answer
    #[arg(long, value_name = "TIME", default_value = "25s", value_parser = span)]
    ping_every: Duration,

    /// Largest message that is taken, inflated, such as 64K or 1M
    #[arg(long, value_name = "BYTES", default_value = "16M", value_parser = size)]
    max_message: usize,

    #[command(flatten)]
    trust: Trust,

    /// Appends the secrets of TLS to this file, for `tieline inspect --keys` and Wireshark
    #[arg(long, value_name = "FILE", env = "SSLKEYLOGFILE", hide_env_values = true)]
    danger_key_log: Option<PathBuf>,

    /// The certificate shown to a server that asks for one, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
}

impl Request {
    /// The request for a line to this URL.
    pub(crate) fn to(&self, url: &str) -> anyhow::Result<Connect> {
        Target::parse(url).map_err(|error| Failure::connecting(url, error.into()))?;
        self.dress(Connect::to(url))
    }

    /// The same request with all that the flags say.
    pub(crate) fn dress(&self, mut request: Connect) -> anyhow::Result<Connect> {
        for header in &self.header {
            let Some((name, value)) = header.split_once(':') else {
                let wrong = format!("`{header}` is no header: write 'Name: value'");
                return Err(Failure::Usage(wrong).into());
            };
            request = request.header(name.trim(), value.trim());
        }
        if let Some(authorization) = self.authorization().map_err(Failure::Usage)? {
            request = request.header("Authorization", authorization);
        }
        if let Some(origin) = &self.origin {
            request = request.origin(origin);
        }
        for protocol in &self.subprotocol {
            request = request.subprotocol(protocol);
        }
        if self.deflate {
            request = request.deflate(Deflate::default());
        }
        request = match self.proxy.as_deref() {
            None => request,
            Some("env") => request.proxy(Proxy::from_env()),
            Some(url) => request.proxy(Proxy::from_url(url)),
        };
        let mut tls = self.trust.tls()?;
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            tls.identity =
                Some(Identity { certificates_pem: all_of(cert)?, key_pem: all_of(key)? });
        }
        let request = request.redirects(self.redirects).timeout(self.connect_timeout);
        let request = request.limits(self.limits());
        let Some(path) = &self.danger_key_log else { return Ok(request.tls(tls)) };
        let mut config = tls.config()?;
        let log = KeyLogFile::open(path, tell_of_key_log);
        config.key_log = Arc::new(
            log.with_context(|| format!("cannot append to the key log {}", path.display()))?,
        );
        Ok(request.tls(config))
    }

    /// Whether a flag says who asks.
    pub(crate) const fn says_who(&self) -> bool {
        self.token_file.is_some() || self.user.is_some()
    }

    /// What the line may bear.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_message_bytes: self.max_message,
            ping_after: Some(self.ping_every),
            ..Limits::default()
        }
    }

    /// The subprotocols, the best first.
    pub(crate) fn protocols(&self) -> &[String] {
        &self.subprotocol
    }

    /// Whether messages may be compressed, and how.
    pub(crate) fn deflate(&self) -> Option<Deflate> {
        self.deflate.then(Deflate::default)
    }

    fn authorization(&self) -> Result<Option<String>, String> {
        if let Some(path) = &self.token_file {
            return Ok(Some(format!("Bearer {}", secret::read(path, "token")?)));
        }
        let (Some(user), Some(path)) = (&self.user, &self.password_file) else { return Ok(None) };
        let credentials = format!("{user}:{}", secret::read(path, "password")?);
        Ok(Some(format!("Basic {}", BASE64.encode(credentials.as_bytes()))))
    }
}

fn tell_of_key_log(path: &Path, error: io::Error) {
    eprintln!("cannot append to the key log {}: {error}", path.display());
}

fn all_of(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
