//! A frame for programs: JSON in a line.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tieline_inspect::{Frame, Outcome};
use tieline_proto::MessageKind;

use super::show;

/// A frame, and the end of its line.
pub(super) fn line(frame: &Frame<'_>) -> String {
    let Frame { offset, head, header, masked, payload, outcome } = frame;
    let mut line = json!({ "offset": offset, "bytes": head.len() + masked.len() });
    if let Some(header) = header {
        let opcode = header.opcode as u8;
        line["fin"] = json!(header.fin);
        line["rsv"] = json!(header.reserved);
        line["opcode"] = json!(opcode);
        line["name"] = json!(show::opcode_name(opcode));
        line["length"] = json!(header.len);
        line["mask"] = json!(header.mask.map(|key| HEXLOWER.encode(&key)));
        line["payload"] = json!(HEXLOWER.encode(payload));
    }
    let (name, value) = what(outcome);
    line[name] = value;
    format!("{line}\n")
}

/// What comes of it, under the name of its kind.
fn what(outcome: &Outcome) -> (&'static str, Value) {
    match outcome {
        Outcome::Close { code, reason } => {
            ("close", json!({ "code": code.get(), "reason": reason }))
        }
        Outcome::CutOff(missing) => ("cut_off", json!({ "missing": missing })),
        Outcome::Message { kind, payload } => ("message", message(*kind, payload)),
        Outcome::Wrong(error) => {
            ("error", json!({ "what": error.to_string(), "code": error.close_code().get() }))
        }
        Outcome::Fragment => ("message", Value::Null),
        outcome => ("control", json!(show::said(outcome))),
    }
}

fn message(kind: MessageKind, payload: &[u8]) -> Value {
    match (kind, str::from_utf8(payload)) {
        (MessageKind::Text, Ok(text)) => json!({ "text": text }),
        _ => json!({ "hex": HEXLOWER.encode(payload) }),
    }
}
