//! Methods of a route of JSON-RPC, called on the native line.

use super::*;

/// A route of methods, and the one of channels that calls them.
pub(super) fn scene(settings: &str, rpc: &str) -> Scene {
    Scene::new(&format!(
        "methods = '/rpc'\n{settings}\n[[route]]\npath = '/rpc'\n[route.service]\nkind = 'rpc'\n\
         demo = true\n{rpc}"
    ))
}

fn calls(method: &str, params: Value) -> Value {
    json!({ "method": method, "params": params })
}

#[test]
fn a_method_is_called_and_its_result_or_its_error_is_the_answer() {
    run(async {
        let mut scene = scene("", "deny = ['demo_emit']");
        let (mut end, _) = scene.connect(json!({})).await;
        let sum = scene.call(&mut end, "call", calls("demo_sum", json!([1, 2]))).await;
        assert_eq!(sum, 3);
        let echo = calls("demo_echo", json!({ "a": [null] }));
        assert_eq!(scene.call(&mut end, "call", echo).await, json!({ "a": [null] }));
        assert_eq!(
            scene.call(&mut end, "call", json!({ "method": "demo_echo" })).await,
            json!(null)
        );
        for (asked, code) in [
            (calls("demo_fail", json!([7, "as was asked"])), 7),
            (calls("demo_sum", json!([true])), -32602),
            (calls("demo_emit", json!(["e", []])), -32601),
            (calls("nothing", json!([])), -32601),
            // Neither a subscription nor a newer token: those are of the route's own lines.
            (calls("demo_subscribe", json!(["ticks", 1])), -32601),
            (calls("tieline_renew", json!(["t"])), -32601),
            (calls("demo_echo", json!(7)), -32602),
            (calls(&"m".repeat(3_000), json!([])), -32602),
            (json!({ "params": [] }), -32602),
        ] {
            let error = scene.call(&mut end, "call", asked.clone()).await;
            assert_eq!(error["code"], code, "{asked}: {error}");
        }
        let error = scene.call(&mut end, "call", calls("demo_fail", json!([7, "as asked"]))).await;
        assert_eq!(error["message"], "as asked");
    });
}

#[test]
fn where_no_route_is_named_there_are_no_methods() {
    run(async {
        let mut scene = Scene::new("");
        let (mut end, _) = scene.connect(json!({})).await;
        let error = scene.call(&mut end, "call", calls("demo_sum", json!([1]))).await;
        assert_eq!(error["code"], -32601);
    });
}

#[test]
fn an_answer_that_was_lost_with_its_line_comes_on_the_next_and_nothing_is_done_twice() {
    run(async {
        let rate = "[[route.service.rate]]\nmethods = ['demo_wait']\ncalls = 1\nwithin = '1h'";
        let mut scene = scene("", rate);
        let (mut end, first) = scene.connect(json!({})).await;
        let slow = end.ask("call", calls("demo_wait", json!([1_000])));
        let quick = end.ask("call", calls("demo_echo", json!(["first"])));
        assert_eq!(scene.heard(&end).await[0]["id"], quick, "one does not wait for the other");
        scene.lose(&mut end);
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut next = scene.open();
        let session = &first["session"];
        let resume = json!({ "id": session["id"], "secret": session["secret"], "seen": 1 });
        next.ask("connect", json!({ "session": resume }));
        let heard = scene.heard(&next).await;
        assert_eq!(heard[0]["result"]["seen"], 2);
        assert_eq!((&heard[1]["id"], &heard[1]["result"]), (&json!(slow), &json!(true)));
        // The route counts it as any other.
        next.calls = 2;
        let error = scene.call(&mut next, "call", calls("demo_wait", json!([1]))).await;
        assert_eq!(error["code"], -32005);
    });
}

#[test]
fn the_time_and_the_size_of_an_answer_are_bounded() {
    run(async {
        let mut scene = scene("keep_session_bytes = 1000", "limits = { call_within = '2s' }");
        let (mut end, first) = scene.connect(json!({})).await;
        end.ask("call", calls("demo_wait", json!([3_000])));
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(scene.heard(&end).await[0]["error"]["code"], -32002);
        let large = json!(["x".repeat(1_000)]);
        let error = scene.call(&mut end, "call", calls("demo_echo", large)).await;
        assert_eq!(error["code"], -32003);
        let large = json!([1, "x".repeat(1_000)]);
        let error = scene.call(&mut end, "call", calls("demo_fail", large)).await;
        assert_eq!(error["code"], -32003);
        // What was too large did not end the session.
        end.say(r#"{"jsonrpc":"2.0","method":"ack","params":{"seen":3}}"#);
        scene.lose(&mut end);
        let session = &first["session"];
        let resume = json!({ "id": session["id"], "secret": session["secret"], "seen": 3 });
        let (_, answer) = scene.connect(json!({ "session": resume })).await;
        assert_eq!(answer["recovered"], true);
    });
}

#[test]
fn nobody_calls_whom_the_route_would_not_let_in() {
    const TOKENS: &str = "alice alice-0123456789 ask\nbob bob-0123456789ab\n";
    run(async {
        let tokens = file(TOKENS);
        let tokens = tokens.display();
        let access = format!("kind = 'token', file = '{tokens}'");
        let mut scene = Scene::new(&format!(
            "methods = '/rpc'\n[route.access]\nkind = 'token'\nfile = '{tokens}'\nanonymous = true\n\
             [[route]]\npath = '/rpc'\nservice = {{ kind = 'rpc', demo = true }}\n\
             access = {{ {access}, rights = ['ask'] }}"
        ));
        let alice = scene.open_as(&request_with(TOKENS, "alice-0123456789"));
        let bob = scene.open_as(&request_with(TOKENS, "bob-0123456789ab"));
        let nobody = scene.open();
        for (mut end, code) in [(alice, None), (bob, Some(4004)), (nobody, Some(4003))] {
            scene.call(&mut end, "connect", json!({})).await;
            let answer = scene.call(&mut end, "call", calls("demo_sum", json!([1]))).await;
            assert_eq!(answer["code"].as_i64(), code, "{answer}");
        }
    });
}
