//! Every message of `docs/fixtures` that a client says, as the server hears it.

use super::*;
use crate::service::rpc::{Item, Said, parse};

#[derive(serde::Deserialize)]
struct Fixture {
    name: String,
    text: String,
    #[serde(default)]
    means: Value,
    #[serde(default)]
    answered: Value,
}

fn fixtures() -> Vec<Fixture> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fixtures/client.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What was understood, as the fixtures write it.
fn understood(item: Item) -> Value {
    let Item::Ask(ask) = item else { panic!("{item:?}") };
    let mut means = json!({ "method": ask.method });
    if let Some(id) = &ask.id {
        means["id"] = serde_json::from_str(&id.to_string()).unwrap();
    }
    if let Some(params) = &ask.params {
        means["params"] = serde_json::from_str(params.get()).unwrap();
    }
    means
}

#[test]
fn what_a_client_says_is_understood() {
    for Fixture { name, text, means, .. } in fixtures() {
        if means.is_null() {
            continue;
        }
        let said = match parse(text.as_bytes(), 100).unwrap() {
            Said::One(item) => understood(item),
            Said::Batch(items) => items.into_iter().map(understood).collect(),
        };
        assert_eq!(said, means, "{name}");
    }
}

#[test]
fn what_is_wrong_is_answered_and_the_line_goes_on() {
    run(async {
        for Fixture { name, text, answered, .. } in fixtures() {
            if answered.is_null() {
                continue;
            }
            let mut scene = methods::scene("devices = {}", "");
            let (mut end, _) = scene.connect(json!({})).await;
            end.say(&text);
            let heard = scene.heard(&end).await;
            let told: Vec<_> = heard
                .iter()
                .map(|it| json!({ "id": it["id"], "code": it["error"]["code"] }))
                .collect();
            assert_eq!(told, [answered], "{name}");
            assert_eq!(scene.call(&mut end, "ping", json!({})).await, json!({}), "{name}");
        }
    });
}
