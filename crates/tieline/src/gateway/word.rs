//! The command words of the dialect, as the gateway says them.

use std::time::Duration;

/// What the gateway says that is no answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word<'t> {
    /// `RO`: this connection is bound to the device.
    Bound { credential: &'t str, keep_alive: Duration },
    /// `RF`: it is not.
    NotBound(&'t str),
    /// `HO`: the answer to a heartbeat.
    Alive(&'t str),
    /// `NF`: a message for the device.
    Notify(&'t str),
    /// `OS` and `CR`: close, and come back.
    ComeBack,
    /// An answer to a call.
    Envelope(&'t str),
}

/// The word of a text; `None` for one of a later time, which is ignored.
pub(super) fn parse(text: &str) -> Option<Word<'_>> {
    match text {
        "OS" | "CR" => return Some(Word::ComeBack),
        _ if text.trim_start().starts_with('{') => return Some(Word::Envelope(text)),
        _ => {}
    }
    let (word, rest) = text.split_once('#')?;
    Some(match word {
        "HO" => Word::Alive(rest),
        "NF" => Word::Notify(rest),
        "RF" => Word::NotBound(rest),
        "RO" => {
            let (credential, keep_alive_ms) = rest.split_once('#')?;
            let keep_alive = Duration::from_millis(keep_alive_ms.trim().parse().ok()?);
            Word::Bound { credential, keep_alive }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known() {
        let keep_alive = Duration::from_secs(25);
        let bound = Word::Bound { credential: "1534692949977", keep_alive };
        assert_eq!(parse("RO#1534692949977#25000"), Some(bound));
        assert_eq!(parse("RF#ServerError"), Some(Word::NotBound("ServerError")));
        assert_eq!(parse("HO#1534692949977"), Some(Word::Alive("1534692949977")));
        assert_eq!(parse("NF#a#b\nc"), Some(Word::Notify("a#b\nc")));
        assert_eq!(parse("NF#"), Some(Word::Notify("")));
        assert_eq!((parse("OS"), parse("CR")), (Some(Word::ComeBack), Some(Word::ComeBack)));
        assert_eq!(parse("\n{}"), Some(Word::Envelope("\n{}")));
    }

    #[test]
    fn what_is_of_a_later_time_is_ignored() {
        for text in ["", "XYZ#1", "HO", "OS#1", "RO#1", "RO#1#x", "ro#1#2", "hello"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
