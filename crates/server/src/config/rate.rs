//! Rates as people write them: `60/1m`, `100/1s`, `1048576/1s`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::span::Span;

/// So many in so much time; as many at once, and then evenly.
///
/// # Example
///
/// ```
/// use tieline_server::config::Rate;
///
/// let rate: Rate = "60/1m".parse()?;
/// assert_eq!((rate.most(), rate.per().as_secs()), (60, 60));
/// assert_eq!(rate.to_string(), "60/60s");
/// # Ok::<(), tieline_server::config::RateError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    most: u32,
    per: Span,
}

/// A text that is no [`Rate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a rate: write how many in how much time, such as 100/1s or 60/1m")]
#[non_exhaustive]
pub struct RateError;

/// Longest time over which anything is counted.
const MAX_PER: Duration = Duration::from_secs(24 * 3_600);

impl Rate {
    /// A rate of two settings, which were checked: at least one, within a day at most.
    pub(crate) const fn of(most: u32, per: Span) -> Self {
        Self { most, per }
    }

    /// How many, at least one.
    pub const fn most(self) -> u32 {
        self.most
    }

    /// In how much time: more than nothing, and at most a day.
    pub const fn per(self) -> Duration {
        self.per.get()
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (most, per) = text.split_once('/').ok_or(RateError)?;
        let most = most.parse().ok().filter(|&most: &u32| most > 0).ok_or(RateError)?;
        let per: Span = per.parse().map_err(|_| RateError)?;
        if per.get().is_zero() || per.get() > MAX_PER {
            return Err(RateError);
        }
        Ok(Self { most, per })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.most, self.per)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+/[0-9]+(ms|s|m|h)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "10", "10/s", "/1s", "0/1s", "10/0s", "-1/1s", "1/25h", "1/1s/1s", "1.5/1s"]
        {
            assert_eq!(text.parse::<Rate>(), Err(RateError), "{text}");
        }
    }
}
