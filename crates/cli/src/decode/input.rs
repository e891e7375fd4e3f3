//! The bytes that somebody means, however they are written.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};

use super::Failure;

/// Most that is read.
const MAX_BYTES: u64 = 256 << 20;

/// How bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    Base64,
    Hex,
    /// As they are
    Raw,
}

/// Reads what is named on the command line.
pub(super) fn read(words: &[String], form: Option<Form>) -> anyhow::Result<Vec<u8>> {
    let bytes = match words {
        [one] if one == "-" => {
            let read = all(io::stdin().lock()).context("cannot read standard input")?;
            from_outside(read, form)
        }
        [one] if Path::new(one).is_file() => {
            let file = File::open(one).with_context(|| format!("cannot open {one:?}"))?;
            from_outside(all(file).with_context(|| format!("cannot read {one:?}"))?, form)
        }
        words => of_text(&words.join(" "), form),
    }?;
    if bytes.is_empty() {
        return Err(Failure::Usage("there is nothing to decode").into());
    }
    Ok(bytes)
}

fn all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Of a file: text that looks like bytes written out is such, and anything else is the bytes themselves.
fn from_outside(bytes: Vec<u8>, form: Option<Form>) -> Result<Vec<u8>, Failure> {
    match (form, str::from_utf8(&bytes)) {
        (Some(Form::Raw), _) | (_, Err(_)) => Ok(bytes),
        (Some(_), Ok(text)) => of_text(text, form),
        (None, Ok(text)) => Ok(of_text(text, None).unwrap_or(bytes)),
    }
}

fn of_text(text: &str, form: Option<Form>) -> Result<Vec<u8>, Failure> {
    let hex = || {
        hex(text).ok_or(Failure::Usage(
            "that is no hexadecimal: write two digits for each byte, such as 81 05 48 65 6c 6c 6f",
        ))
    };
    let base64 = || base64(text).ok_or(Failure::Usage("that is no base64"));
    match form {
        Some(Form::Hex) => hex(),
        Some(Form::Base64) => base64(),
        Some(Form::Raw) => Ok(text.as_bytes().to_vec()),
        // What has no other letters was meant so, also where one is missing.
        None if text.chars().all(|c| c.is_ascii_hexdigit() || c.is_whitespace()) => hex(),
        None => hex().or_else(|_| base64()).map_err(|_| {
            Failure::Usage("that is neither a file nor bytes in hexadecimal or base64")
        }),
    }
}

/// What people and programs write around the digits is left out; every byte has two of them.
fn hex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text =
        text.strip_prefix("<Buffer").map_or(text, |rest| rest.strip_suffix('>').unwrap_or(rest));
    let words =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ':' | '-' | '[' | ']' | ';'));
    let mut bytes = Vec::new();
    for word in words.flat_map(|word| word.split("\\x")) {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).unwrap_or(word);
        bytes.extend(data_encoding::HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?);
    }
    Some(bytes)
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    let forms = [BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD];
    forms.iter().find_map(|form| form.decode(text.as_bytes()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &[u8] = b"\x81\x05Hello";

    #[test]
    fn hexadecimal_is_read_in_any_dress() {
        for text in [
            "81 05 48 65 6c 6c 6f",
            "810548656C6C6F",
            "81:05:48:65:6c:6c:6f",
            "0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f",
            r"\x81\x05\x48\x65\x6c\x6c\x6f",
            "<Buffer 81 05 48 65 6c 6c 6f>",
            "[0x81,0x05,0x48,0x65,0x6c,0x6c,0x6f]",
            "8105 4865\n6c6c 6f\n",
        ] {
            assert_eq!(of_text(text, None), Ok(HELLO.to_vec()), "{text}");
        }
    }

    #[test]
    fn base64_is_read_where_it_is_no_hexadecimal() {
        for text in ["gQVIZWxsbw==", "gQVIZWxsbw", "gQVI ZWxs bw"] {
            assert_eq!(of_text(text, None), Ok(HELLO.to_vec()), "{text}");
        }
        assert_eq!(of_text("8105", Some(Form::Base64)), Ok(vec![0xf3, 0x5d, 0x39]));
    }

    #[test]
    fn what_is_neither_is_told_so() {
        for text in ["hello!", "81 0", "81 0!", "<Buffer 81 05 ...>"] {
            assert!(of_text(text, None).is_err(), "{text}");
        }
        assert_eq!(of_text("hello!", Some(Form::Raw)), Ok(b"hello!".to_vec()));
    }
}
