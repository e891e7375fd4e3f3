//! Durations as people write them: `500ms`, `10s`, `2m`, `1h`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

/// A duration in a configuration: a whole number and its unit, `ms`, `s`, `m` or `h`.
///
/// # Example
///
/// ```
/// use tieline_server::config::Span;
///
/// let span: Span = "90s".parse()?;
/// assert_eq!(span.get().as_secs(), 90);
/// assert_eq!(Span::from_secs(90).to_string(), "90s");
/// # Ok::<(), tieline_server::config::SpanError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

/// A text that is no [`Span`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration: write a whole number and its unit, such as 500ms, 10s, 2m or 1h")]
#[non_exhaustive]
pub struct SpanError;

impl Span {
    /// This many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// This many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// The duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or(SpanError)?;
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| SpanError)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(SpanError),
        };
        number.checked_mul(millis).map(|ms| Self(Duration::from_millis(ms))).ok_or(SpanError)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            millis if millis % 1_000 == 0 => write!(f, "{}s", millis / 1_000),
            millis => write!(f, "{millis}ms"),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["0s", "1s", "250ms", "90s", "7200s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("2h".parse(), Ok(Span::from_secs(7_200)));
        assert_eq!("3m".parse(), Ok(Span::from_secs(180)));
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "10", "s", "1.5s", "-1s", "10 s", "10S", "1d", "99999999999999999999s"] {
            assert_eq!(text.parse::<Span>(), Err(SpanError), "{text}");
        }
    }
}
