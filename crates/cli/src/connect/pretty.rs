//! JSON for people: indented where it is long, coloured where colours are wanted.

use serde::de::IgnoredAny;

use crate::printable::steers;
use crate::style::{CYAN, GREEN, MAGENTA, on_stdout};

/// As much as stands in one line.
const LINE: usize = 72;

/// A text as JSON; `None` where it is no object or array.
pub(super) fn pretty(text: &str) -> Option<String> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    // Deeper than it reads is not shown prettily either: it bounds the indentation.
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let tokens: Vec<_> = Tokens(text).collect();
    let is_short = tokens.iter().map(|token| token.len() + 1).sum::<usize>() <= LINE;
    Some(laid_out(&tokens, is_short))
}

/// What JSON consists of, white space left out.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let len = match text.as_bytes().first()? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => 1,
            b'"' => string_len(text),
            _ => text.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(len);
        self.0 = rest;
        Some(token)
    }
}

/// The length of the string at the front, with its quotes.
fn string_len(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn laid_out(tokens: &[&str], in_one_line: bool) -> String {
    let mut text = String::new();
    let mut depth = 0;
    let line = |text: &mut String, depth: usize| {
        if !in_one_line {
            text.push('\n');
            text.extend(std::iter::repeat_n("  ", depth));
        }
    };
    for (at, token) in tokens.iter().enumerate() {
        let (before, behind) = (at.checked_sub(1).map(|at| tokens[at]), tokens.get(at + 1));
        match *token {
            "{" | "[" => {
                text.push_str(token);
                depth += 1;
                if !matches!(behind, Some(&"}" | &"]")) {
                    line(&mut text, depth);
                }
            }
            "}" | "]" => {
                depth -= 1;
                if !matches!(before, Some("{" | "[")) {
                    line(&mut text, depth);
                }
                text.push_str(token);
            }
            "," => {
                text.push(',');
                if in_one_line {
                    text.push(' ');
                }
                line(&mut text, depth);
            }
            ":" => text.push_str(": "),
            value => {
                let colour = match value.as_bytes()[0] {
                    b'"' if behind == Some(&":") => CYAN,
                    b'"' => GREEN,
                    _ => MAGENTA,
                };
                text.push_str(&on_stdout(&harmless(value), colour));
            }
        }
    }
    text
}

/// A token in which nothing steers a terminal, and which is the same JSON.
fn harmless(token: &str) -> String {
    token.chars().fold(String::with_capacity(token.len()), |mut shown, letter| {
        match steers(letter) {
            true => shown.push_str(&format!("\\u{:04x}", u32::from(letter))),
            false => shown.push(letter),
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_json_stays_in_one_line_and_long_json_is_indented() {
        assert_eq!(
            pretty(r#" {"a" :1.10,"b":[ ],"c":"x\"}"} "#).unwrap(),
            r#"{"a": 1.10, "b": [], "c": "x\"}"}"#
        );
        let long = format!(r#"{{"a":[1,{{}}],"b":"{}"}}"#, "x".repeat(LINE));
        let expected = format!(
            "{{\n  \"a\": [\n    1,\n    {{}}\n  ],\n  \"b\": \"{}\"\n}}",
            "x".repeat(LINE)
        );
        assert_eq!(pretty(&long).unwrap(), expected);
    }

    #[test]
    fn what_is_no_json_is_left_alone() {
        for text in ["hello", "12", "\"a\"", "{", "{a:1}", "[1,]", &"[".repeat(1 << 20)] {
            assert_eq!(pretty(text), None);
        }
    }

    #[test]
    fn nothing_in_it_steers_a_terminal() {
        assert_eq!(pretty("[\"\u{9b}2J\u{202e}\"]").unwrap(), "[\"\\u009b2J\\u202e\"]");
    }
}
