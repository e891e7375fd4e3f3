//! What a person types: messages, and commands that begin with a slash.

use std::fs;

use tieline::{CloseCode, Message};

use super::input::{Input, Toggle};

/// Largest file that is sent as a message.
const MAX_FILE_BYTES: u64 = 64 << 20;

pub(super) const HELP: &str = "\
What is typed is sent; what begins with / is a command, and // begins a message with one slash.
  /ping [TEXT]            asks whether the peer is there, and says how long that took
  /close [CODE] [WHY]     closes, such as /close 4000 enough
  /binary @FILE|HEX       sends a binary message
  /text @FILE             sends what a file says
  /save FILE              writes the last message that came into a file
  /headers                what the server answered, and what was agreed
  /times, /pings, /json   shows times, pings and pongs, and JSON prettily; once more: not
  /quit, Ctrl-D, Ctrl-C   closes with 1000, and leaves; Ctrl-C once more leaves at once";

/// What a typed line asks for.
pub(super) fn parse(line: &str) -> Input {
    let Some(command) = line.strip_prefix('/') else { return Input::Message(line.into()) };
    if command.starts_with('/') {
        return Input::Message(command.into());
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    let parsed = match name {
        "ping" => ping(rest),
        "close" => close(rest),
        "binary" => binary(rest),
        "text" => text(rest),
        "save" if !rest.is_empty() => Ok(Input::Save(rest.into())),
        "save" => Err("name a file: /save FILE".to_owned()),
        "headers" => Ok(Input::Headers),
        "times" => Ok(Input::Toggle(Toggle::Times)),
        "pings" => Ok(Input::Toggle(Toggle::Pings)),
        "json" => Ok(Input::Toggle(Toggle::Pretty)),
        "help" | "?" => Ok(Input::Help),
        "quit" | "exit" => Ok(Input::Quit),
        _ => Err(format!(
            "/{name} is no command and was not sent: /help lists them, //{name} sends it"
        )),
    };
    parsed.unwrap_or_else(Input::Wrong)
}

fn ping(payload: &str) -> Result<Input, String> {
    match payload.len() {
        0..=125 => Ok(Input::Ping(payload.into())),
        len => Err(format!("a ping has at most 125 bytes (RFC 6455 §5.5), not {len}")),
    }
}

fn close(rest: &str) -> Result<Input, String> {
    let (code, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let code = match code {
        "" => CloseCode::NORMAL,
        code => code.parse().map(CloseCode::new).map_err(|_| {
            format!("`{code}` is no close code: /close CODE WHY, such as /close 4000 enough")
        })?,
    };
    Ok(Input::Close(code, reason.trim().to_owned()))
}

fn binary(rest: &str) -> Result<Input, String> {
    let bytes = match rest.strip_prefix('@') {
        Some(file) => read(file)?,
        None => {
            let digits: String = rest.split_whitespace().collect();
            data_encoding::HEXLOWER_PERMISSIVE
                .decode(digits.as_bytes())
                .ok()
                .filter(|bytes| !bytes.is_empty())
                .ok_or(
                    "write /binary @FILE, or two hexadecimal digits for each byte: /binary 00 ff",
                )?
        }
    };
    Ok(Input::Message(bytes.into()))
}

fn text(rest: &str) -> Result<Input, String> {
    let file = rest.strip_prefix('@').ok_or("name a file: /text @FILE")?;
    match String::from_utf8(read(file)?) {
        Ok(text) => Ok(Input::Message(Message::from(text))),
        Err(_) => Err(format!("{file} is not UTF-8: /binary @{file} sends bytes")),
    }
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    let cannot = |error| format!("cannot read {file}: {error}");
    let metadata = fs::metadata(file).map_err(cannot)?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(format!("{file} is larger than {MAX_FILE_BYTES} bytes"));
    }
    fs::read(file).map_err(cannot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_a_slash_is_a_command_and_anything_else_is_sent() {
        for (line, input) in [
            ("hello", Input::Message("hello".into())),
            (" /ping", Input::Message(" /ping".into())),
            ("//ping", Input::Message("/ping".into())),
            ("", Input::Message("".into())),
            ("/ping", Input::Ping(Vec::new())),
            ("/ping a b", Input::Ping(b"a b".to_vec())),
            ("/close", Input::Close(CloseCode::NORMAL, String::new())),
            ("/close 4000 why not", Input::Close(CloseCode::new(4000), "why not".to_owned())),
            ("/binary 00 fF", Input::Message(vec![0x00, 0xff].into())),
            ("/times", Input::Toggle(Toggle::Times)),
            ("/quit", Input::Quit),
        ] {
            assert_eq!(parse(line), input, "{line}");
        }
    }

    #[test]
    fn a_mistake_is_told_and_not_sent() {
        let long = format!("/ping {}", "x".repeat(126));
        for line in [
            "/pong",
            "/close soon",
            "/binary",
            "/binary 0",
            "/binary @/none",
            "/text x",
            "/save",
            &long,
        ] {
            assert!(matches!(parse(line), Input::Wrong(_)), "{line}");
        }
    }
}
