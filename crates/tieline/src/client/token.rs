//! Where a client has its token from.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;

type Fetched = Result<String, Box<dyn StdError + Send + Sync>>;
type Fetching = Pin<Box<dyn Future<Output = Fetched> + Send>>;

/// What is shown at the beginning of each line.
pub(super) enum Token {
    /// None.
    None,
    /// Always the same.
    Text(String),
    /// A fresh one each time.
    Source(Box<dyn Fn() -> Fetching + Send + Sync>),
}

impl Token {
    /// One that is asked for each time.
    pub(super) fn from_source<F, P>(source: F) -> Self
    where
        F: Fn() -> P + Send + Sync + 'static,
        P: Future<Output = Fetched> + Send + 'static,
    {
        Self::Source(Box::new(move || Box::pin(source())))
    }

    /// The token for the next line.
    pub(super) async fn fetch(&self) -> Result<Option<String>, Box<dyn StdError + Send + Sync>> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Ok(Some(text.clone())),
            Self::Source(source) => source().await.map(Some),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Text(_) => "Text",
            Self::Source(_) => "Source",
        })
    }
}
