//! When two subscriptions are the same: a name for each that does not depend on how it is written.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep arrays and objects may stand in each other; no filter of a node's is deeper.
const MAX_DEPTH: usize = 8;

/// The name of a subscription: its namespace and parameters, with members in order, without
/// space, and with hexadecimal in small letters, as an address is the same in capitals.
pub(super) fn name_of(namespace: &str, params: &RawValue) -> String {
    let mut name = format!("{namespace} ");
    let begin = name.len();
    if write(params, MAX_DEPTH, &mut name).is_none() {
        // It is only the same as itself. No name is JSON, so it is no other's.
        name.truncate(begin);
        name.push_str(params.get());
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

/// `None` for what is too deep, and for members of one name: of those some nodes take the first and
/// some the last, and one client could choose what the others hear.
fn write(value: &RawValue, depth: usize, name: &mut String) -> Option<()> {
    let text = value.get();
    match text.as_bytes().first()? {
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            name.push('[');
            for item in items {
                write(item, depth.checked_sub(1)?, name)?;
                name.push(',');
            }
            name.push(']');
        }
        b'{' => {
            let Members(mut members) = serde_json::from_str(text).ok()?;
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            if members.windows(2).any(|two| two[0].0 == two[1].0) {
                return None;
            }
            name.push('{');
            for (key, value) in members {
                write_string(&key, name);
                name.push(':');
                write(value, depth.checked_sub(1)?, name)?;
                name.push(',');
            }
            name.push('}');
        }
        b'"' => {
            let string: String = serde_json::from_str(text).ok()?;
            match is_hex(&string) {
                true => write_string(&string.to_ascii_lowercase(), name),
                false => write_string(&string, name),
            }
        }
        _ => name.push_str(text),
    }
    Some(())
}

/// All members of an object, those of one name too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        object.deserialize_map(Each)
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
    fn what_is_written_twice_or_too_deep_is_only_the_same_as_itself() {
        let once = name(r#"["logs",{"address":"0xa"}]"#);
        let twice = name(r#"["logs",{"address":"0xb","address":"0xa"}]"#);
        assert_ne!(once, twice);
        assert_eq!(twice, name(r#"["logs",{"address":"0xb","address":"0xa"}]"#));
        assert_ne!(
            name(r#"["logs",12345678901234567890123]"#),
            name(r#"["logs",12345678901234567890124]"#)
        );
        let deep =
            |space: &str| name(&format!("{}{space}{}", "[".repeat(50_000), "]".repeat(50_000)));
        assert_ne!(deep(""), deep(" "));
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
