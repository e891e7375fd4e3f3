//! Every message of `docs/fixtures`, as this client reads it, or says it.

use serde::de::DeserializeOwned;
use serde_json::{Value, from_str};
use std::time::Duration;
use tokio::time::Instant;

use super::history::{Published, Stats};
use super::session::{News, Session};
use super::words::{Connected, HistoryIs, Members, Subscribed, ask};

#[derive(serde::Deserialize)]
struct Fixture {
    name: String,
    text: String,
    #[serde(default)]
    to: Option<String>,
    #[serde(default)]
    unreadable: bool,
    #[serde(default)]
    means: Value,
}

fn fixtures(who: &str) -> Vec<Fixture> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/fixtures/");
    from_str(&std::fs::read_to_string(format!("{path}{who}.json")).unwrap()).unwrap()
}

/// A session on its first line, of which nothing is asked.
fn session() -> Session {
    let now = Instant::now();
    let mut session = Session::new(None, Duration::from_secs(30));
    session.opened(now);
    let connect: Value = from_str(&session.take_text().unwrap()).unwrap();
    let answer = fixtures("server").into_iter().find(|it| it.to.as_deref() == Some("connect"));
    let mut answer: Value = from_str(&answer.unwrap().text).unwrap();
    answer["id"] = connect["id"].clone();
    session.receive(&answer.to_string(), now);
    assert!(matches!(session.take_news(), Some(News::Connected { .. })));
    session
}

fn can_be<T: DeserializeOwned>(result: &str) -> bool {
    from_str::<T>(result).is_ok()
}

#[test]
fn what_the_server_says_is_understood_and_what_is_no_message_ends_the_client() {
    for Fixture { name, text, means, .. } in fixtures("server") {
        let mut session = session();
        session.receive(&text, Instant::now());
        let has_failed = matches!(session.take_news(), Some(News::Failed(_)));
        assert_eq!(has_failed, means.is_null(), "{name}");
    }
}

#[test]
fn the_answers_of_the_server_are_read_as_those_of_their_calls() {
    for Fixture { name, to, unreadable, means, .. } in fixtures("server") {
        let result = means["result"].to_string();
        let can_be_read = match to.as_deref() {
            Some("connect") => can_be::<Connected>(&result),
            Some("history") => can_be::<HistoryIs>(&result),
            Some("presence") => can_be::<Members>(&result),
            Some("presence_stats") => can_be::<Stats>(&result),
            Some("publish") => can_be::<Published>(&result),
            Some("subscribe") => can_be::<Subscribed>(&result),
            _ => continue,
        };
        assert_eq!(can_be_read, !unreadable, "{name}");
    }
}

#[test]
fn what_the_client_says_is_written_so() {
    for Fixture { name, text, means, .. } in fixtures("client") {
        let (id, method, params) = (&means["id"], &means["method"], &means["params"]);
        // It says neither batches nor ids of letters, and always parameters.
        let (Some(method), true) = (method.as_str(), params.is_object()) else { continue };
        if id.is_string() {
            continue;
        }
        let said: Value = from_str(&ask(id.as_u64(), method, params)).unwrap();
        assert_eq!(said, from_str::<Value>(&text).unwrap(), "{name}");
    }
}
