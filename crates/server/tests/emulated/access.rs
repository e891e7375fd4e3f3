//! Who may open a line, and who may ask for one.

use reqwest::Method;

use crate::client::{Client, Http, Line, Said, Stream, ask};
use crate::server::Server;

const ECHO: &str = "[[route]]\npath = '/echo'\nservice = { kind = 'echo' }\ncarriers = true\n";

/// Every request for a line, without a secret.
fn requests(line: &Line) -> Vec<reqwest::RequestBuilder> {
    let parts = [
        (Method::GET, "poll", "&wait=0"),
        (Method::GET, "events", ""),
        (Method::GET, "stream", ""),
        (Method::POST, "send", "&from=1"),
        (Method::POST, "close", ""),
    ];
    let request = |(method, part, query): (Method, &str, &str)| {
        line.client.request(method, &format!("{part}?line={}{query}", line.id)).body("[\"x\"]")
    };
    parts.map(request).into()
}

#[tokio::test]
async fn nobody_gets_at_a_line_without_its_secret() {
    let server = Server::start(4, ECHO);
    let client = Client::new(&server, "/echo", Http::OneEach);
    let (mut line, other) = (client.open().await, client.open().await);
    let wrong = ["", "AAAAAAAAAAAAAAAAAAAAAA", &other.secret, &line.secret[1..], &line.id];
    for secret in wrong {
        for request in requests(&line) {
            let answer = ask(request.bearer_auth(secret)).await;
            assert_eq!((answer.status, answer.code()), (403, "wrong_secret"), "{secret}");
        }
    }
    for request in requests(&line) {
        assert_eq!(ask(request).await.code(), "wrong_secret", "no secret at all");
    }
    // In an address it is none.
    let query = format!("&wait=0&secret={}", line.secret);
    let shown = client.request(Method::GET, &format!("poll?line={}{query}", line.id));
    assert_eq!(ask(shown).await.status, 403);
    line.send(&["mine"]).await;
    assert_eq!(line.hear(1).await, ["mine"]);
}

#[tokio::test]
async fn lines_that_are_not_there_are_not_there() {
    let routes = format!("{ECHO}{}", ECHO.replace("/echo", "/other"));
    let server = Server::start(2, &routes);
    let client = Client::new(&server, "/echo", Http::One);
    let line = client.open().await;
    let worker = line.id.split('-').next().unwrap();
    for id in ["0-0000000000000000", "77-0000000000000000", "x", "", &format!("{worker}-1")] {
        let mut unknown = line.clone();
        unknown.id = id.to_owned();
        for request in requests(&unknown) {
            let answer = ask(request.bearer_auth(&line.secret)).await;
            assert_eq!((answer.status, answer.code()), (404, "unknown_line"), "{id}");
        }
    }
    // Each route has its own limits and pages, and its lines.
    let mut elsewhere = line.clone();
    elsewhere.client = Client::new(&server, "/other", Http::One);
    for request in requests(&elsewhere) {
        assert_eq!(ask(request.bearer_auth(&line.secret)).await.status, 404);
    }
}

#[tokio::test]
async fn a_browser_shows_the_secret_in_a_cookie_to_this_route_alone() {
    let server = Server::start(4, ECHO);
    let client = Client::new(&server, "/echo", Http::OneEach);
    let opened = ask(client.request(Method::POST, "open").header("origin", &server.base)).await;
    let (id, secret) =
        (opened.json["line"].as_str().unwrap(), opened.json["secret"].as_str().unwrap());
    let cookie = opened.headers["set-cookie"].to_str().unwrap();
    let expected = format!("tieline-line-{id}={secret}; Path=/echo; HttpOnly; SameSite=Strict");
    assert_eq!(cookie, expected);
    let cookie = cookie.split(';').next().unwrap();
    let ask_for = |part: &str, query: &str, method: Method| {
        client.request(method, &format!("{part}?line={id}{query}")).header("cookie", cookie)
    };
    let said = ask(ask_for("send", "&from=1", Method::POST).body("[\"x\"]")).await;
    assert_eq!(said.json["seen"], 1);
    let events = ask_for("events", "", Method::GET).header("sec-fetch-site", "same-origin");
    assert_eq!(Stream::of(events).await.next().await, (Some(1), Said::Message("x".into())));
    for site in ["cross-site", "same-site"] {
        let foreign = ask_for("poll", "", Method::GET).header("sec-fetch-site", site);
        assert_eq!(ask(foreign).await.code(), "wrong_secret", "{site}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_refused_at_every_request() {
    let server = Server::start(2, ECHO);
    let line = Client::new(&server, "/echo", Http::One).open().await;
    for origin in ["https://evil.test", "null", &format!("{}.evil.test", server.base)] {
        let mut all = requests(&line);
        all.push(line.client.request(Method::POST, "open"));
        for request in all {
            let request = request.bearer_auth(&line.secret).header("origin", origin);
            let answer = ask(request).await;
            assert_eq!((answer.status, answer.code()), (403, "forbidden"), "{origin}");
            assert!(!answer.headers.contains_key("access-control-allow-origin"));
        }
    }
    let foreign = line.client.request(Method::POST, "open").header("host", "evil.test");
    assert_eq!(ask(foreign).await.status, 403);
}

#[tokio::test]
async fn pages_that_may_come_are_told_so_before_and_after() {
    let routes = format!("{ECHO}origins = ['https://app.example']\n");
    let server = Server::start(1, &routes);
    let client = Client::new(&server, "/echo", Http::One);
    let before = client
        .request(Method::OPTIONS, "send?line=x")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization");
    let allowed = ask(before).await;
    assert_eq!(allowed.status, 204);
    for (name, value) in [
        ("access-control-allow-origin", "https://app.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-allow-methods", "GET, POST"),
        ("vary", "origin"),
    ] {
        assert_eq!(allowed.headers[name], value, "{name}");
    }
    let open = client.request(Method::POST, "open").header("origin", "https://app.example");
    let line = client.open_as(open).await;
    for request in requests(&line) {
        let request = request.header("origin", "https://app.example");
        let refused = ask(request).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.headers["access-control-allow-origin"], "https://app.example");
    }
    let foreign = client
        .request(Method::OPTIONS, "send")
        .header("origin", "https://evil.test")
        .header("access-control-request-method", "POST");
    let foreign = ask(foreign).await;
    assert_eq!(foreign.status, 405);
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn a_token_opens_a_line_and_the_secret_alone_is_asked_for_then() {
    let file = std::env::temp_dir().join(format!("tieline-emulated-{}", std::process::id()));
    std::fs::write(&file, "alice alice-0123456789\n").unwrap();
    let routes = format!("{ECHO}access = {{ kind = 'token', file = '{}' }}\n", file.display());
    let server = Server::start(4, &routes);
    let client = Client::new(&server, "/echo", Http::OneEach);
    let none = ask(client.request(Method::POST, "open")).await;
    assert_eq!((none.status, none.code()), (401, "unauthorized"));
    assert!(none.headers.contains_key("www-authenticate"));
    let wrong = ask(client.request(Method::POST, "open").bearer_auth("nobody-0123456789")).await;
    assert_eq!(wrong.status, 401);
    let open = client.request(Method::POST, "open").bearer_auth("alice-0123456789");
    let mut line = client.open_as(open).await;
    line.send(&["x"]).await;
    assert_eq!(line.hear(1).await, ["x"]);
    for request in requests(&line) {
        let answer = ask(request.bearer_auth("alice-0123456789")).await;
        assert_eq!(answer.code(), "wrong_secret", "the token is for `open` alone");
    }
}

#[tokio::test]
async fn what_is_not_spoken_is_told_so() {
    let routes = format!("{ECHO}{}", ECHO.replace("/echo", "/off").replace("true", "false"));
    let server = Server::start(1, &routes);
    let off = Client::new(&server, "/off", Http::One);
    assert_eq!(ask(off.request(Method::POST, "open")).await.status, 404);
    let client = Client::new(&server, "/echo", Http::One);
    for (method, part, allowed) in [
        (Method::GET, "open", "POST"),
        (Method::POST, "events", "GET"),
        (Method::HEAD, "poll", "GET"),
        (Method::DELETE, "close", "POST"),
    ] {
        let answer = ask(client.request(method, part)).await;
        assert_eq!(
            (answer.status, &answer.headers["allow"].to_str().unwrap()),
            (405, &allowed),
            "{part}"
        );
    }
    let line = client.open().await;
    for (body, status, code) in [
        ("", 400, "bad_request"),
        ("{}", 400, "bad_request"),
        ("[1]", 400, "bad_request"),
        ("[\"a\"", 400, "bad_request"),
    ] {
        let sending = line.request(Method::POST, "send", "&from=1").body(body);
        let answer = ask(sending).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{body}");
    }
    assert_eq!(ask(line.request(Method::POST, "send", "").body("[]")).await.status, 400);
    assert_eq!(ask(line.sending(1, &[])).await.json["seen"], 0);
}
