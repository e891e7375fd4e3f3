//! A moment, as events tell it: `2026-11-21T19:34:47.123Z` (RFC 3339), in the years 1970 to 9999.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(u64);

const DAY_MS: u64 = 86_400_000;

/// The last millisecond of the year 9999.
const LAST_MS: u64 = 253_402_300_799_999;

impl At {
    /// What the system's clock says.
    pub(crate) fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self((since.as_millis() as u64).min(LAST_MS))
    }

    /// Milliseconds since 1970.
    pub(crate) const fn millis(self) -> u64 {
        self.0
    }

    /// How long it is ago; nothing, where the clock was set back.
    pub(crate) fn age(self) -> Duration {
        Duration::from_millis(Self::now().0.saturating_sub(self.0))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let form = b"dddd-dd-ddTdd:dd:dd.dddZ";
        let fits = |(byte, form): (&u8, &u8)| match form {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        };
        if bytes.len() != form.len() || !bytes.iter().zip(form).all(fits) {
            return None;
        }
        let number = |from: usize, to: usize| text[from..to].parse::<u64>().ok();
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        let is_one = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
        if !is_one || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = (hour * 60 + minute) * 60 + second;
        Some(Self(days(year, month, day) * DAY_MS + seconds * 1_000 + number(20, 23)?))
    }
}

/// Days from 1970 to a date of the Gregorian calendar. A year is counted from March, so that the
/// day that some years have more comes last.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// The date, so many days from 1970: year, month and day.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((year, month, day), ms) = (date(self.0 / DAY_MS), self.0 % DAY_MS);
        let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
        let (second, ms) = (ms / 1_000 % 60, ms % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a moment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_as_the_calendar_has_them() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_763_753_687_123, "2025-11-21T19:34:47.123Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (LAST_MS, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(At(ms).to_string(), text);
            assert_eq!(At::parse(text), Some(At(ms)));
        }
    }

    #[test]
    fn every_day_is_read_as_it_was_told() {
        for day in (0..LAST_MS / DAY_MS).step_by(13) {
            let at = At(day * DAY_MS + day % DAY_MS);
            assert_eq!(At::parse(&at.to_string()), Some(at));
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "2025-11-21",
            "2025-11-21T19:34:47Z",
            "2025-13-21T19:34:47.123Z",
            "1969-12-31T23:59:59.999Z",
            "2025-11-21T24:34:47.123Z",
            "2025-11-21T19:34:47.12éZ",
        ] {
            assert_eq!(At::parse(text), None, "{text}");
        }
    }
}
