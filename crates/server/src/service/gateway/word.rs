//! The command words: what is said beside the envelopes, two letters and what they are about.
//!
//! ```text
//! device ─▶ gateway   RG#deviceId                    H1                     NO
//! gateway ─▶ device   RO#credential#milliseconds     HO#credential          NF#payload
//!                     RF#message                     OS                     CR
//! ```

use std::fmt;
use std::time::Duration;

/// A command word with what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word<'a> {
    /// `H1`: the device lives.
    Beat,
    /// `HO`: the gateway has heard that, on the line that has this credential.
    BeatHeard(&'a str),
    /// `RG`: the line is this device's.
    Bind(&'a str),
    /// `RF`: it is not, and why.
    BindFailed(&'a str),
    /// `RO`: it is; the line's credential, and how often it wants to hear `H1`.
    Bound { credential: &'a str, keep_alive: Duration },
    /// `CR`: the line's life is over; come back on another.
    Expired,
    /// `NO`: the oldest `NF` that was not answered yet has arrived.
    Noted,
    /// `NF`: a message for the device.
    Notify(&'a str),
    /// `OS`: too much was said; come back on another line.
    Overloaded,
}

impl<'a> Word<'a> {
    /// Reads a word; `None` is a text that is none. White space at the end is let be.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        // A payload is its sender's to the last character.
        if let Some(payload) = text.strip_prefix("NF#") {
            return Some(Self::Notify(payload));
        }
        let text = text.trim_end();
        let (word, rest) = match text.split_once('#') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        Some(match (word, rest) {
            ("CR", None) => Self::Expired,
            ("H1", _) => Self::Beat,
            ("HO", Some(credential)) => Self::BeatHeard(credential),
            ("NO", _) => Self::Noted,
            ("OS", None) => Self::Overloaded,
            ("RF", Some(message)) => Self::BindFailed(message),
            ("RG", Some(device)) => Self::Bind(device),
            ("RO", Some(rest)) => {
                let (credential, millis) = rest.split_once('#')?;
                let keep_alive = Duration::from_millis(millis.parse().ok()?);
                Self::Bound { credential, keep_alive }
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beat => f.write_str("H1"),
            Self::BeatHeard(credential) => write!(f, "HO#{credential}"),
            Self::Bind(device) => write!(f, "RG#{device}"),
            Self::BindFailed(message) => write!(f, "RF#{message}"),
            Self::Bound { credential, keep_alive } => {
                write!(f, "RO#{credential}#{}", keep_alive.as_millis())
            }
            // Nothing may follow the two letters: clients compare the whole text.
            Self::Expired => f.write_str("CR"),
            Self::Noted => f.write_str("NO"),
            Self::Notify(payload) => write!(f, "NF#{payload}"),
            Self::Overloaded => f.write_str("OS"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        let bound =
            Word::Bound { credential: "1534692949977", keep_alive: Duration::from_millis(25_000) };
        for (word, text) in [
            (Word::Beat, "H1"),
            (Word::BeatHeard("1534692949977"), "HO#1534692949977"),
            (Word::Bind("ffd3234343dae324342@12344133"), "RG#ffd3234343dae324342@12344133"),
            (Word::BindFailed("ServerError"), "RF#ServerError"),
            (bound, "RO#1534692949977#25000"),
            (Word::Expired, "CR"),
            (Word::Noted, "NO"),
            (Word::Notify("a#b\n\nc "), "NF#a#b\n\nc "),
            (Word::Overloaded, "OS"),
        ] {
            assert_eq!(word.to_string(), text);
            assert_eq!(Word::parse(text), Some(word), "{text}");
        }
    }

    #[test]
    fn what_is_no_word_is_none() {
        for text in ["", "RG", "HO", "RO#1", "RO#1#x", "CR#", "h1", "XYZ#1", "{}", "#", "H"] {
            assert_eq!(Word::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn white_space_at_the_end_is_let_be() {
        assert_eq!(Word::parse("RG#abc@1\r\n"), Some(Word::Bind("abc@1")));
        assert_eq!(Word::parse("H1 "), Some(Word::Beat));
    }
}
