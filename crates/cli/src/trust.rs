//! Whom a client believes to be who it says.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use tieline::tls::{Roots, TlsOptions};

/// Whom a client believes.
#[derive(Debug, clap::Args)]
pub(crate) struct Trust {
    /// Trusts the certificates of this PEM file, and no others
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Believes any certificate: for tests
    #[arg(long, conflicts_with = "ca")]
    danger_accept_any_certificate: bool,
}

impl Trust {
    /// The same for the library.
    pub(crate) fn tls(&self) -> anyhow::Result<TlsOptions> {
        let danger_accept_any_certificate = self.danger_accept_any_certificate;
        let mut tls = TlsOptions { danger_accept_any_certificate, ..TlsOptions::default() };
        if let Some(file) = &self.ca {
            tls.roots = Roots::None;
            tls.extra_roots_pem =
                fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        }
        Ok(tls)
    }
}
