//! Where something stands in the log of a channel.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A place in the log of a channel: behind the publication with this offset. It is written `42@EPOCH`.
///
/// # Example
///
/// ```
/// use tieline::client::Position;
///
/// let position: Position = "42@AAAAAAAAAAA".parse()?;
/// assert_eq!(position.offset, 42);
/// assert_eq!(position.to_string(), "42@AAAAAAAAAAA");
/// # Ok::<_, tieline::client::PositionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a pair that is written out")]
pub struct Position {
    /// Which life of the log: offsets of another one say nothing of this.
    pub epoch: Arc<str>,
    /// Counted from 1, without holes; 0 stands before the first.
    pub offset: u64,
}

/// What is written is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is written OFFSET@EPOCH, as 42@AAAAAAAAAAA")]
#[non_exhaustive]
pub struct PositionError;

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.offset, self.epoch.escape_debug())
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (offset, epoch) = text.split_once('@').ok_or(PositionError)?;
        if epoch.is_empty() {
            return Err(PositionError);
        }
        let offset = offset.parse().map_err(|_| PositionError)?;
        Ok(Self { epoch: epoch.into(), offset })
    }
}
