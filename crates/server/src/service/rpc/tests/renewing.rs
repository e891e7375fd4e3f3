//! A newer token, shown in band.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Line, call, demo, with};
use crate::auth::{Access, Rule, Tokens};
use crate::by_hand::{file, request};
use crate::service::rpc::RpcError;
use crate::service::rpc::methods::Methods;
use crate::service::rpc::service::Rpc;

/// A line of alice, who has two tokens; it ends in a minute.
fn of_alice(service: &Rpc) -> Line {
    let tokens = file("alice alice-0123456789\nalice alice-9876543210\nbob bob-0123456789ab\n");
    let rule = Rule::Tokens(Tokens::load(tokens).unwrap());
    let access = Arc::new(Access::of(rule));
    let alice = access.check("alice-0123456789", SystemTime::now()).unwrap();
    let mut line = Line::of(service, &request("192.0.2.1").of(Arc::new(alice), &access));
    line.peer.renew(Some(SystemTime::now() + Duration::from_secs(60)));
    assert!(line.bench.next_expiry().is_some());
    line
}

fn renew(params: &str) -> String {
    call("1", "tieline_renew", params)
}

fn login(token: &str) -> String {
    call("1", "rpc.login", &format!(r#"{{"token":"{token}"}}"#))
}

#[tokio::test(start_paused = true)]
async fn a_newer_token_of_the_same_user_renews_the_line() {
    for params in [r#"{"token":"alice-9876543210"}"#, r#"["alice-9876543210"]"#] {
        let mut line = of_alice(&demo("allow = ['demo_*']"));
        let answer = line.answer(&renew(params));
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":1,"result":{"expires_in":null}}"#);
        assert_eq!(line.bench.next_expiry(), None, "a shared token does not end");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_bad_or_anothers_is_refused_and_the_line_is_as_it_was() {
    let mut line = of_alice(&demo(""));
    let before = line.bench.next_expiry();
    for (params, code, words) in [
        (r#"{"token":"bob-0123456789ab"}"#, -32000, "the token is another user's"),
        (r#"{"token":"nobody-0123456789"}"#, -32000, "the token is not a valid one"),
        (r#"{"token":7}"#, -32602, "invalid params"),
        ("[]", -32602, "invalid params"),
        ("null", -32602, "invalid params"),
    ] {
        let answer: Value = serde_json::from_str(&line.answer(&renew(params))).unwrap();
        let error = &answer["error"];
        assert_eq!(error["code"], code, "{params}: {answer}");
        assert!(error["message"].as_str().unwrap().starts_with(words), "{params}: {answer}");
    }
    assert_eq!(line.bench.next_expiry(), before);
}

#[tokio::test(start_paused = true)]
async fn nobody_tries_tokens_out() {
    let mut line = of_alice(&demo(""));
    for _ in 0..8 {
        assert_eq!(line.error(&renew(r#"["guess-0123456789"]"#)).1, RpcError::DEFAULT);
    }
    assert_eq!(line.error(&renew(r#"["alice-9876543210"]"#)).1, RpcError::LIMIT_EXCEEDED);
    let rate = "[[rate]]\nmethods = ['tieline_*']\ncalls = 1\nwithin = '1h'";
    let mut line = of_alice(&demo(rate));
    assert!(line.answer(&renew(r#"["alice-9876543210"]"#)).contains("expires_in"));
    assert_eq!(line.error(&renew(r#"["alice-9876543210"]"#)).1, RpcError::LIMIT_EXCEEDED);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_asked_for_a_token_none_is_taken() {
    let mut line = Line::new(&demo(""));
    assert_eq!(line.error(&renew(r#"["alice-9876543210"]"#)).1, RpcError::METHOD_NOT_FOUND);
    let mut line = Line::new(&with(Methods::new(), "dialect = 'rpc_websockets'"));
    assert_eq!(line.error(&login("alice-9876543210")).1, RpcError::METHOD_NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_rpc_websockets_logs_in_with_a_newer_token() {
    let dialect = "dialect = 'rpc_websockets'\nrpc_websockets = { protected_methods = ['*'] }\n";
    let mut methods = Methods::new();
    methods.add("secret", |_| Ok("known"));
    let mut line = of_alice(&with(methods, dialect));
    assert_eq!(line.error(&login("bob-0123456789ab")).1, RpcError::DEFAULT);
    assert_eq!(line.error(&call("1", "secret", "[]")).1, RpcError::METHOD_FORBIDDEN);
    assert!(line.bench.next_expiry().is_some());
    let answer = line.answer(&login("alice-9876543210"));
    assert_eq!(answer, r#"{"jsonrpc":"2.0","id":1,"result":true}"#);
    assert_eq!(line.bench.next_expiry(), None);
    assert!(line.answer(&call("1", "secret", "[]")).contains("known"));
    let mut line = of_alice(&with(Methods::new(), &format!("{dialect}deny = ['rpc.*']")));
    assert_eq!(line.error(&login("alice-9876543210")).1, RpcError::METHOD_NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn a_login_of_the_routes_own_is_asked_and_no_other() {
    let mut line = of_alice(&demo("dialect = 'rpc_websockets'"));
    assert_eq!(line.error(&login("alice-9876543210")).1, -32602, "the password is missing");
    assert!(line.answer(&call("1", "rpc.login", r#"{"password":"demo"}"#)).contains("true"));
    assert!(line.bench.next_expiry().is_some());
    assert!(line.answer(&renew(r#"{"token":"alice-9876543210"}"#)).contains("expires_in"));
    assert_eq!(line.bench.next_expiry(), None);
}
