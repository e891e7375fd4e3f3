//! JSON-RPC at a route: what is asked by POST, and by whose pages.

use crate::server::Server;

/// The head of an answer to a request with these header lines and this body, in small letters, and
/// what follows it.
fn ask(server: &Server, method: &str, path: &str, lines: &str, body: &str) -> (String, String) {
    let (host, len) = (server.host(), body.len());
    let answer = server.exchange(format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len}\r\n\
         {lines}\r\n{body}"
    ));
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

const JSON: &str = "Content-Type: application/json\r\n";

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
}

#[test]
fn what_is_protected_is_so_by_post_where_nobody_has_logged_in() {
    let server = Server::with_routes(
        "[[route]]\npath = '/'\nservice = { kind = 'rpc', demo = true, dialect = 'rpc_websockets', \
         rpc_websockets = { protected_methods = ['demo_sum'] } }\n",
    );
    let post = |body: &str| ask(&server, "POST", "/", JSON, body).1;
    let forbidden = r#""error":{"code":-32605,"message":"Method forbidden"}"#;
    assert!(post(&call("demo_sum", "[1]")).contains(forbidden));
    assert!(post(&call("rpc.login", r#"{"password":"demo"}"#)).contains("true"));
    assert!(post(&call("demo_sum", "[1]")).contains(forbidden), "a login is a line's");
    let batch =
        format!("[{},{}]", call("rpc.login", r#"{"password":"demo"}"#), call("demo_sum", "[1]"));
    assert!(post(&batch).contains(forbidden));
    assert!(post(&call("demo_echo", "[1]")).contains(r#""result":[1]"#));
}
