//! Which server is meant, and what is shown to it.

use std::path::PathBuf;

use tieline::Client;
use tieline::client::Builder;

use super::failure::Failure;
use crate::secret;

/// The variable with the token itself. There is no flag for it: everybody on a machine sees the arguments
/// of all programs.
pub(crate) const TOKEN: &str = "TIELINE_TOKEN";

/// Which server is meant.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(super) struct To {
    /// Where its channels are: ws://HOST:PORT/PATH or wss://…
    #[arg(long, short, value_name = "URL", env = "TIELINE_URL", hide_env_values = true)]
    #[arg(default_value = "ws://127.0.0.1:8080/tieline")]
    url: String,

    /// Shows the token that this file has; else the one in the variable TIELINE_TOKEN, if there is one
    #[arg(long, value_name = "FILE", env = "TIELINE_TOKEN_FILE", hide_env_values = true)]
    token_file: Option<PathBuf>,
}

impl To {
    /// Connects; what it cannot do it says with its address.
    pub(super) async fn connect(&self) -> anyhow::Result<Client> {
        let client = match self.token()? {
            Some(token) => self.client().token(token),
            None => self.client(),
        };
        let connected = client.connect().await;
        connected.map_err(|error| Failure::connecting(&self.url, error).into())
    }

    fn client(&self) -> Builder {
        Client::to(&self.url).name(concat!("tieline ", env!("CARGO_PKG_VERSION")))
    }

    fn token(&self) -> Result<Option<String>, Failure> {
        match &self.token_file {
            Some(path) => secret::read(path, "token").map(Some).map_err(Failure::Usage),
            None => Ok(std::env::var(TOKEN).ok().filter(|token| !token.is_empty())),
        }
    }
}
