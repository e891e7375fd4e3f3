//! What a script says: on the command line, or on standard input.

use tieline::Message;
use tokio::io::{BufReader, stdin};
use tokio::sync::mpsc;

use super::framing::Framing;
use super::input::Input;

/// Most messages that wait to be sent.
const MAX_WAITING: usize = 64;

/// What is said on the command line.
pub(super) fn of(messages: &[String]) -> mpsc::Receiver<Input> {
    let (says, said) = mpsc::channel(messages.len().max(1));
    for message in messages {
        // There is room for all of them.
        let _ = says.try_send(Input::Message(message.as_str().into()));
    }
    said
}

/// What standard input says, as far as somebody takes it.
pub(super) fn of_stdin(framing: Framing, is_binary: bool) -> mpsc::Receiver<Input> {
    let (says, said) = mpsc::channel(MAX_WAITING);
    tokio::spawn(async move {
        let mut from = BufReader::new(stdin());
        let mut number = 0_u64;
        loop {
            number += 1;
            let input = match framing.read(&mut from).await {
                Ok(Some(bytes)) => message(bytes, is_binary, number),
                Ok(None) => break,
                Err(error) => Input::Wrong(format!("cannot read standard input: {error}")),
            };
            let is_wrong = matches!(input, Input::Wrong(_));
            if says.send(input).await.is_err() || is_wrong {
                break;
            }
        }
    });
    said
}

fn message(bytes: Vec<u8>, is_binary: bool, number: u64) -> Input {
    if is_binary {
        return Input::Message(bytes.into());
    }
    match String::from_utf8(bytes) {
        Ok(text) => Input::Message(Message::from(text)),
        Err(_) => Input::Wrong(format!(
            "message {number} of standard input is not UTF-8: --binary sends bytes"
        )),
    }
}
