//! Times and sizes as people write them.

use std::time::Duration;

/// A time with its unit, down to microseconds.
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 6] =
        [("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)];
    let wrong = || "write a number and its unit, such as 500us, 10ms, 2.5s, 1m or 1h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let (_, seconds) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())
}

/// A number of bytes, with K for 1,024 and M for 1,048,576.
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let (number, unit) = match text.to_ascii_uppercase() {
        text if text.ends_with('K') => (text[..text.len() - 1].to_owned(), 1 << 10),
        text if text.ends_with('M') => (text[..text.len() - 1].to_owned(), 1 << 20),
        text => (text, 1),
    };
    let size = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
    size.filter(|size| *size <= 1 << 30)
        .ok_or_else(|| "write a number of bytes up to 1024M, such as 128, 16K or 1M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        assert_eq!((size("0"), size("16k"), size("1M")), (Ok(0), Ok(16 << 10), Ok(1 << 20)));
        for text in ["", "K", "-1", "1.5K", "1G", "2048M"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_go_down_to_microseconds() {
        assert_eq!(span("500us"), Ok(Duration::from_micros(500)));
        assert_eq!(span("2.5s"), Ok(Duration::from_millis(2_500)));
        for text in ["", "5", "s", "1 s", "1d"] {
            assert!(span(text).is_err(), "{text}");
        }
    }
}
