//! JSON-RPC at a route: what is asked by POST, and by whose pages.

use crate::server::{Server, folder};

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

/// A question of a browser before a page of this origin asks.
fn preflight(server: &Server, path: &str, origin: &str) -> String {
    let lines = format!(
        "Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\n\
         Access-Control-Request-Headers: authorization,content-type,x-mine\r\n"
    );
    ask(server, "OPTIONS", path, &lines, "").0
}

/// A call by a page of this origin; the head of the answer and its body.
fn post(server: &Server, path: &str, origin: &str, more: &str) -> (String, String) {
    let lines = format!("{JSON}Origin: {origin}\r\n{more}");
    ask(server, "POST", path, &lines, &call("demo_sum", "[1,2]"))
}

const APP: &str = "https://app.example";
const ELSEWHERE: &str = "https://elsewhere.example";

#[test]
fn pages_that_may_open_a_line_may_ask_by_post_from_another_origin() {
    let tokens = folder().join("tokens");
    std::fs::write(&tokens, "alice alice-0123456789\n").unwrap();
    let tokens = tokens.display();
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/'\nservice = {{ kind = 'rpc', demo = true }}\n\
         origins = ['{APP}']\naccess = {{ kind = 'token', file = '{tokens}' }}\n\
         [[route]]\npath = '/cookie'\nservice = {{ kind = 'rpc', demo = true }}\n\
         origins = ['{APP}']\naccess = {{ kind = 'token', file = '{tokens}', cookie = 'line' }}\n"
    ));
    let head = preflight(&server, "/", APP);
    assert!(head.starts_with("http/1.1 204"), "nothing is asked of a preflight: {head}");
    for line in [
        "access-control-allow-origin: https://app.example",
        "access-control-allow-methods: get, head, post",
        "access-control-allow-headers: authorization,content-type,x-mine",
        "access-control-max-age: 600",
        "vary: origin",
    ] {
        assert!(head.contains(line), "{line}: {head}");
    }
    assert!(!head.contains("credentials"), "{head}");
    let bearer = "Authorization: Bearer alice-0123456789\r\n";
    let (head, body) = post(&server, "/", APP, bearer);
    assert!(head.contains("access-control-allow-origin: https://app.example"), "{head}");
    assert!(body.ends_with(r#""result":3}"#), "{body}");
    let (head, _) = post(&server, "/", APP, "");
    assert!(head.starts_with("http/1.1 401"), "{head}");
    assert!(head.contains("access-control-allow-origin"), "the page reads why: {head}");

    let credentials = "access-control-allow-credentials: true";
    assert!(preflight(&server, "/cookie", APP).contains(credentials));
    let (head, body) = post(&server, "/cookie", APP, "Cookie: line=alice-0123456789\r\n");
    assert!(head.contains(credentials) && body.ends_with(r#""result":3}"#), "{head} {body}");
}

#[test]
fn other_pages_are_told_nothing() {
    let server = Server::with_routes(&format!(
        "[[route]]\npath = '/'\nservice = {{ kind = 'rpc', demo = true }}\n\
         origins = ['{APP}']\n\
         [[route]]\npath = '/own'\nservice = {{ kind = 'rpc', demo = true }}\n\
         [[route]]\npath = '/echo'\nservice = {{ kind = 'echo' }}\norigins = ['{APP}']\n\
         [[route]]\npath = '/any'\nservice = {{ kind = 'rpc', demo = true }}\n\
         danger_accept_any_origin = true\n"
    ));
    for (path, origin) in [("/", ELSEWHERE), ("/", "null"), ("/own", APP), ("/echo", APP)] {
        let (posted, _) = post(&server, path, origin, "");
        let (got, _) = ask(&server, "GET", path, &format!("Origin: {origin}\r\n"), "");
        for head in [preflight(&server, path, origin), posted, got] {
            assert!(!head.contains("access-control"), "{path} {origin}: {head}");
        }
    }
    let (head, _) = post(&server, "/", ELSEWHERE, "");
    assert!(head.starts_with("http/1.1 403"), "{head}");
    let twice = format!("Origin: {APP}\r\nOrigin: {ELSEWHERE}\r\n");
    assert!(!ask(&server, "GET", "/", &twice, "").0.contains("access-control"));
    // An answer without a page is not one for all pages: caches must know.
    let (head, _) = ask(&server, "GET", "/", "", "");
    assert!(head.starts_with("http/1.1 200") && head.contains("vary: origin"), "{head}");
    assert!(!head.contains("access-control"), "{head}");
    // OPTIONS that no browser asks says what may be asked at all.
    let (head, _) = ask(&server, "OPTIONS", "/", &format!("Origin: {APP}\r\n"), "");
    assert!(head.contains("allow: get, head, options, post"), "{head}");
    let own = server.addresses[0].clone();
    assert!(post(&server, "/own", &own, "").1.ends_with(r#""result":3}"#));
    let head = preflight(&server, "/any", ELSEWHERE);
    assert!(head.contains("access-control-allow-origin: https://elsewhere.example"), "{head}");
}
