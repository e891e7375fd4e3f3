//! Why a server cannot begin.

use tieline::serve::BindError;

use tieline_store::StoreError;

/// The server cannot begin; nothing is left bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A place cannot be listened at.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// What outlives the server cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StartError {
    /// What would be right, where the error does not say so itself.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Bind(error) => error.advice(),
            Self::Store(error) => error.advice().map(str::to_owned),
        }
    }
}
