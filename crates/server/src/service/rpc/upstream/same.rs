//! When two subscriptions are the same: a name for each that does not depend on how it is written.

use serde_json::Value;
use serde_json::value::RawValue;

/// The name of a subscription: its namespace and parameters, with members in order, without
/// space, and with hexadecimal in small letters, as an address is the same in capitals.
pub(super) fn name_of(namespace: &str, params: &RawValue) -> String {
    let mut name = format!("{namespace} ");
    match serde_json::from_str(params.get()) {
        Ok(value) => write(&value, &mut name),
        // Deeper than anything that a node takes: it is only the same as itself.
        Err(_) => name.push_str(params.get()),
    }
    name
}

/// The parameters of the subscription to `newHeads`.
pub(super) fn heads_params() -> Box<RawValue> {
    RawValue::from_string(r#"["newHeads"]"#.to_owned()).expect("it is an array")
}

/// The name of the subscription to `newHeads`.
pub(super) fn heads_name() -> String {
    name_of("eth", &heads_params())
}

fn write(value: &Value, name: &mut String) {
    match value {
        Value::Array(items) => {
            name.push('[');
            for item in items {
                write(item, name);
                name.push(',');
            }
            name.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            name.push('{');
            for (key, value) in members {
                write_string(key, name);
                name.push(':');
                write(value, name);
                name.push(',');
            }
            name.push('}');
        }
        Value::String(text) if is_hex(text) => write_string(&text.to_ascii_lowercase(), name),
        Value::String(text) => write_string(text, name),
        other => name.push_str(&other.to_string()),
    }
}

fn write_string(text: &str, name: &mut String) {
    name.push_str(&serde_json::to_string(text).expect("a string can be written as JSON"));
}

fn is_hex(text: &str) -> bool {
    text.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(params: &str) -> String {
        name_of("eth", &RawValue::from_string(params.to_owned()).unwrap())
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        assert_eq!(name(r#"["newHeads"]"#), name(" [ \"new\\u0048eads\" ] "));
        assert_eq!(
            name(r#"["logs",{"topics":[null,"0xAB"],"address":"0xCd"}]"#),
            name(r#"["logs", {"address": "0xcD", "topics": [null, "0xab"]}]"#)
        );
    }

    #[test]
    fn what_differs_has_different_names() {
        let names: std::collections::HashSet<_> = [
            r#"["logs"]"#,
            r#"["logs",{}]"#,
            r#"["logs",{"topics":["0xab"]}]"#,
            r#"["logs",{"topics":[["0xab"]]}]"#,
            r#"["logs",{"topics":["0xab",null]}]"#,
            r#"["LOGS"]"#,
            r#"["logs",1]"#,
            r#"["logs","1"]"#,
        ]
        .map(name)
        .into();
        assert_eq!(names.len(), 8);
        let raw = RawValue::from_string("[]".to_owned()).unwrap();
        assert_ne!(name_of("eth", &raw), name_of("net", &raw));
    }
}
