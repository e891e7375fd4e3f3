//! What a message holds: made to size, or read from a file.

use std::fs;
use std::path::Path;

use anyhow::Context;
use tieline::MessageKind;

use super::failure::Failure;
use super::options::Message;

/// The one message that is sent again and again.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) kind: MessageKind,
    pub(super) bytes: Vec<u8>,
}

impl Payload {
    /// What the options ask for.
    pub(super) fn new(options: &Message) -> anyhow::Result<Self> {
        let size = options.size;
        let text = |bytes| Self { kind: MessageKind::Text, bytes };
        Ok(if let Some(file) = &options.text_file {
            let bytes = read(file)?;
            if std::str::from_utf8(&bytes).is_err() {
                let wrong = format!("{} is not UTF-8: send it with --file", file.display());
                return Err(Failure::Usage(wrong).into());
            }
            text(bytes)
        } else if let Some(file) = &options.file {
            Self { kind: MessageKind::Binary, bytes: read(file)? }
        } else if options.json_text {
            text(json(size))
        } else if options.non_ascii {
            text(non_ascii(size))
        } else if options.text {
            text(noise(size).map(|byte| b' ' + byte % 95).collect())
        } else {
            Self { kind: MessageKind::Binary, bytes: noise(size).collect() }
        })
    }
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// The same bytes in every run, without a pattern that compresses.
fn noise(size: usize) -> impl Iterator<Item = u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..size).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    })
}

/// Characters of two, three and four bytes; where the last does not fit, ASCII fills the rest.
fn non_ascii(size: usize) -> Vec<u8> {
    let mut text = String::with_capacity(size);
    let characters = "ÄéñЖдшλωæß漢字かな語한글😀🚀".chars();
    for character in characters.cycle() {
        if text.len() + character.len_utf8() > size {
            break;
        }
        text.push(character);
    }
    text.extend(std::iter::repeat_n('.', size - text.len()));
    text.into_bytes()
}

/// A list of events, whole where `size` allows it: its end is filled with white space.
fn json(size: usize) -> Vec<u8> {
    const NAMES: [&str; 5] = ["price", "order", "presence", "typing", "position"];
    let mut text = String::from("[");
    let mut numbers = noise(usize::MAX).map(u32::from);
    let mut number = || numbers.next().unwrap_or_default();
    for id in 0.. {
        let (name, user) = (NAMES[number() as usize % NAMES.len()], number() % 100);
        let value = number() * 256 + number();
        let event = format!(
            r#"{{"id":{id},"type":"{name}","user":"user-{user}","at":"2026-01-01T12:00:{:02}Z","value":{}.{:02}}}"#,
            number() % 60,
            value / 100,
            value % 100,
        );
        let comma = usize::from(id > 0);
        if text.len() + comma + event.len() + 1 > size {
            break;
        }
        text.push_str(&","[..comma]);
        text.push_str(&event);
    }
    text.push(']');
    // Smaller than a list: a number is JSON, too.
    if text.len() > size {
        text = "7".repeat(size);
    }
    text.extend(std::iter::repeat_n(' ', size - text.len()));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_its_size_and_is_text() {
        for size in (0..300).chain([65_536]) {
            for bytes in [non_ascii(size), json(size)] {
                assert_eq!(bytes.len(), size);
                assert!(std::str::from_utf8(&bytes).is_ok());
            }
            assert!(size == 0 || serde_json::from_slice::<serde_json::Value>(&json(size)).is_ok());
        }
    }
}
