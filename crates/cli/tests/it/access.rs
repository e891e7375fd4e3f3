//! Who may come to a route: real tokens, made by the program itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tieline::{Connect, ConnectError};

use crate::devices::backend;
use crate::server::{PATIENCE, Server, close_code, folder, next, run, status, tieline};

const TOKEN: &str = "0123456789abcdef-canary";

/// Makes secrets, keys and tokens by the program.
struct Maker(PathBuf);

impl Maker {
    fn new() -> Self {
        Self(folder())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn keys(&self, name: &str, algorithm: &str) -> String {
        let file = self.path(name);
        succeed(&["token", "gen", "keys", &file, "--algorithm", algorithm]);
        file
    }

    fn secret(&self, name: &str) -> String {
        let file = self.path(name);
        succeed(&["token", "gen", "secret", &file]);
        file
    }

    /// A server with these routes, whose files are here.
    fn serve(&self, routes: &str) -> Server {
        let file = self.0.join("tieline.toml");
        std::fs::write(&file, format!("workers = 2\n{routes}")).unwrap();
        let mut command = tieline();
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "trace"]);
        Server::spawn(command.args(["--config", file.to_str().unwrap()]), 1)
    }
}

/// A token by these arguments.
fn token(args: &[&str]) -> String {
    let mut all = vec!["token", "gen", "token"];
    all.extend(args);
    succeed(&all).trim().to_owned()
}

fn succeed(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn bearer(server: &Server, path: &str, token: &str) -> Connect {
    Connect::to(server.url(path)).header("authorization", format!("Bearer {token}"))
}

/// The status, the challenge and the words of a refusal.
async fn refusal(request: Connect) -> (u16, String, String) {
    match request.open().await {
        Err(ConnectError::Refused(refused)) => {
            let challenge = refused.headers.get("www-authenticate");
            let challenge = challenge.map(|it| it.to_str().unwrap().to_owned());
            let body = String::from_utf8_lossy(&refused.body).into_owned();
            (refused.status.as_u16(), challenge.unwrap_or_default(), body)
        }
        Ok(_) => panic!("it was let in"),
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn no_route_lets_anybody_in_without_a_token_and_none_logs_one() {
    let maker = Maker::new();
    std::fs::write(maker.path("tokens"), format!("alice {TOKEN} chat\nbob bob-bob-bob-bob-bob\n"))
        .unwrap();
    let kinds = ["echo", "chat", "counter", "room"];
    let routes: String = kinds
        .iter()
        .map(|kind| {
            format!(
                "[[route]]\npath = '/{kind}'\nservice = {{ kind = '{kind}' }}\n\
                 subprotocols = ['real']\n\
                 access = {{ kind = 'token', file = 'tokens', rights = ['chat'], \
                 cookie = 'line', danger_query = 'token' }}\n"
            )
        })
        .collect();
    let server = maker.serve(&routes);
    let encoded = data_encoding::BASE64URL_NOPAD.encode(TOKEN.as_bytes());
    for kind in kinds {
        let path = &format!("/{kind}");
        let url = server.url(path);
        let (code, challenge, body) = refusal(Connect::to(&url)).await;
        assert_eq!((code, challenge.as_str()), (401, "Bearer realm=\"tieline\""), "{kind}");
        assert!(body.contains("needs a token"), "{body}");
        let (code, challenge, _) = refusal(bearer(&server, path, "0123456789abcdef-wrong")).await;
        assert!(code == 401 && challenge.contains("invalid_token"), "{kind}: {challenge}");
        let (code, challenge, _) = refusal(bearer(&server, path, "bob-bob-bob-bob-bob")).await;
        assert!(code == 403 && challenge.contains("scope=\"chat\""), "{kind}: {challenge}");

        assert_eq!(status(bearer(&server, path, TOKEN)).await, 101, "{kind}");
        let offered = format!("tieline.bearer.{encoded}");
        let socket =
            Connect::to(&url).subprotocol(offered.as_str()).subprotocol("real").open().await;
        assert_eq!(socket.unwrap().protocol(), "real", "the token is never echoed");
        let socket = Connect::to(&url).subprotocol(offered.as_str()).open().await;
        assert_eq!(socket.unwrap().protocol(), "");
        let cookie = format!("a=b; line={TOKEN}");
        assert_eq!(status(Connect::to(&url).header("cookie", &cookie)).await, 101);
        let own = server.addresses[0].as_str();
        let of_page = |origin| Connect::to(&url).header("cookie", &cookie).origin(origin);
        assert_eq!(status(of_page(own)).await, 101);
        assert_eq!(status(of_page("https://evil.test")).await, 403);
        assert_eq!(status(Connect::to(format!("{url}?token={TOKEN}"))).await, 101);
        let twice = bearer(&server, &format!("{path}?token={TOKEN}"), TOKEN);
        assert_eq!(status(twice).await, 400);
    }
    server.wait_for_log(&["disconnected"]);
    let log = server.log();
    for secret in ["canary", encoded.as_str(), "bob-bob"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn a_signed_token_is_judged_by_its_key_its_claims_and_its_time() {
    let maker = Maker::new();
    let (ed, ec) = (maker.keys("ed.pem", "EdDSA"), maker.keys("ec.pem", "ES256"));
    let (secret, other) = (maker.secret("jwt.secret"), maker.keys("other.pem", "EdDSA"));
    let access = |more: &str| {
        format!("access = {{ kind = 'jwt', audience = ['tieline'], rights = ['chat'], {more} }}\n")
    };
    let route = |path: &str, access: &str| {
        format!("[[route]]\npath = '{path}'\nservice = {{ kind = 'chat' }}\n{access}")
    };
    let server = maker.serve(&format!(
        "{}{}",
        route(
            "/keys",
            &access("algorithms = ['EdDSA', 'ES256'], key_files = ['ed.pem.pub', 'ec.pem.pub']")
        ),
        route("/secret", &access("algorithms = ['HS256'], secret_file = 'jwt.secret'")),
    ));
    let good = ["--user", "alice", "--audience", "tieline", "--right", "chat"];
    let sign = |by: [&str; 2], more: &[&str]| {
        let args: Vec<_> = by.iter().chain(&good).chain(more).copied().collect();
        token(&args)
    };
    for (path, token) in [
        ("/keys", sign(["--key", &ed], &[])),
        ("/keys", sign(["--key", &ec], &[])),
        ("/secret", sign(["--secret", &secret], &[])),
    ] {
        let mut socket = bearer(&server, path, &token).open().await.unwrap();
        assert_eq!(next(&mut socket).await, "Welcome, alice !", "known by name");
    }
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for (token, code, words) in [
        (sign(["--key", &other], &[]), 401, "signature"),
        (sign(["--secret", &secret], &[]), 401, "algorithm"),
        (sign(["--key", &ed], &["--claim", &format!("exp={}", now - 60)]), 401, "expired"),
        (sign(["--key", &ed], &["--claim", &format!("nbf={}", now + 600)]), 401, "not valid yet"),
        (sign(["--key", &ed], &["--claim", "aud=\"other\""]), 401, "audience"),
        (sign(["--key", &ed], &["--claim", "scope=\"push\""]), 403, "lacks a right"),
        (sign(["--key", &ed], &["--claim", "sub=\"\""]), 401, "name its user"),
        ("no.token.at-all".to_owned(), 401, "not a valid one"),
    ] {
        let (status, _, body) = refusal(bearer(&server, "/keys", &token)).await;
        assert!(status == code && body.contains(words), "{status} {body} for {words}");
    }
}

#[tokio::test]
async fn a_line_ends_with_4401_when_its_token_does() {
    let maker = Maker::new();
    let secret = maker.secret("jwt.secret");
    let server = maker.serve(
        "[[route]]\npath = '/'\nservice = { kind = 'echo' }\naccess = { kind = 'jwt', \
         algorithms = ['HS256'], secret_file = 'jwt.secret', leeway = '0s' }\n",
    );
    let sign =
        |expires: &str| token(&["--secret", &secret, "--user", "alice", "--expires", expires]);
    let mut long = bearer(&server, "/", &sign("1h")).open().await.unwrap();
    // Both kinds of carriers: the engine's, and that of a connection which is kept alive.
    let mut short = bearer(&server, "/", &sign("2s")).open().await.unwrap();
    assert_eq!(close_code(&mut short).await, 4401);
    let (status, _, body) = refusal(bearer(&server, "/", &sign("0s"))).await;
    assert!(status == 401 && body.contains("expired"), "{body}");
    long.send("still here").await.unwrap();
    assert_eq!(next(&mut long).await, "still here");
    server.wait_for_log(&["disconnected", "4401"]);
}

#[tokio::test]
async fn a_line_of_json_rpc_goes_on_with_a_newer_token() {
    let maker = Maker::new();
    let secret = maker.secret("jwt.secret");
    let route = |path: &str, dialect: &str| {
        format!(
            "[[route]]\npath = '{path}'\nservice = {{ kind = 'rpc', dialect = '{dialect}' }}\n\
             access = {{ kind = 'jwt', algorithms = ['HS256'], secret_file = 'jwt.secret', \
             leeway = '0s' }}\n"
        )
    };
    let routes = [route("/plain", "plain"), route("/events", "rpc_websockets")];
    let server = maker.serve(&routes.concat());
    let sign = |user: &str, expires: &str| {
        token(&["--secret", &secret, "--user", user, "--expires", expires])
    };
    let call = |method: &str, token: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"token":"{token}"}}}}"#)
    };
    for (path, method, renewed) in [
        ("/plain", "tieline_renew", r#""result":{"expires_in":3"#),
        ("/events", "rpc.login", r#""result":true"#),
    ] {
        let refused = [
            (sign("alice", "0s"), "the token has expired"),
            (sign("bob", "1h"), "the token is another user's"),
        ];
        let (long, short) = (sign("alice", "1h"), sign("alice", "3s"));
        let mut renewing = bearer(&server, path, &short).open().await.unwrap();
        let mut other = bearer(&server, path, &short).open().await.unwrap();
        for (token, words) in refused {
            renewing.send(call(method, &token)).await.unwrap();
            let answer = next(&mut renewing).await;
            assert!(answer.contains(words), "{answer}");
        }
        renewing.send(call(method, &long)).await.unwrap();
        let answer = next(&mut renewing).await;
        assert!(answer.contains(renewed), "{answer}");
        assert_eq!(close_code(&mut other).await, 4401, "{path}");
        renewing.send(call("nothing", "")).await.unwrap();
        assert!(next(&mut renewing).await.contains("-32601"), "{path}: it goes on");
    }
}

#[tokio::test]
async fn a_device_keeps_its_line_with_a_newer_token() {
    let maker = Maker::new();
    let secret = maker.secret("jwt.secret");
    let server = maker.serve(&format!(
        "[[backend]]\nname = 'shop'\nurl = '{}'\nretries = 0\n[[route]]\npath = '/'\n\
         access = {{ kind = 'jwt', algorithms = ['HS256'], secret_file = 'jwt.secret', \
         leeway = '0s' }}\n[route.service]\nkind = 'gateway'\n[[route.service.api]]\n\
         type = 'register'\npath = '/register'\nbackend = 'shop'\nsigned = false\n",
        backend()
    ));
    let sign =
        |user, expires: &str| token(&["--secret", &secret, "--user", user, "--expires", expires]);
    let short = sign("alice", "5s");
    let mut sockets = Vec::new();
    for id in ["renewed", "not-renewed"] {
        let mut socket = bearer(&server, "/", &short).open().await.unwrap();
        socket.send(format!("RG#{id}")).await.unwrap();
        assert!(next(&mut socket).await.starts_with("RO#"));
        sockets.push(socket);
    }
    for (token, status) in [(sign("bob", "1h"), 401), (sign("alice", "1h"), 200)] {
        let headers = json!({"x-ca-seq": ["1"], "authorization": [format!("Bearer {token}")]});
        let call = json!({"method": "POST", "path": "/register", "headers": headers});
        sockets[0].send(call.to_string()).await.unwrap();
        let answer: Value = serde_json::from_str(&next(&mut sockets[0]).await).unwrap();
        assert_eq!(answer["status"], status, "{answer}");
    }
    assert_eq!(close_code(&mut sockets[1]).await, 4401);
    sockets[0].send("H1").await.unwrap();
    assert!(next(&mut sockets[0]).await.starts_with("HO#"), "its line goes on");
}

#[tokio::test]
async fn tokens_are_exchanged_while_it_serves() {
    let maker = Maker::new();
    std::fs::write(maker.path("tokens"), "the-old-token-0123\n").unwrap();
    let server = maker.serve(
        "[[route]]\npath = '/'\nservice = { kind = 'echo' }\n\
         access = { kind = 'token', file = 'tokens' }\n",
    );
    assert_eq!(status(bearer(&server, "/", "the-old-token-0123")).await, 101);
    std::fs::write(maker.path("tokens"), "short\n").unwrap();
    server.signal("HUP");
    server.wait_for_log(&["not reloaded", "5 bytes"]);
    assert_eq!(status(bearer(&server, "/", "the-old-token-0123")).await, 101);
    std::fs::write(maker.path("tokens"), "the-new-token-0123\n").unwrap();
    server.signal("HUP");
    server.wait_for_log(&["tokens and keys reloaded"]);
    assert_eq!(status(bearer(&server, "/", "the-old-token-0123")).await, 401);
    assert_eq!(status(bearer(&server, "/", "the-new-token-0123")).await, 101);
}

/// An address that publishes keys: whatever is in `keys` at the time.
fn publish(keys: &Arc<Mutex<String>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys.json", listener.local_addr().unwrap());
    let keys = Arc::clone(keys);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut head = [0; 4096];
            let Ok(1..) = stream.read(&mut head) else { continue };
            let body = keys.lock().unwrap().clone();
            let len = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\
                 Connection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

/// A public key in PEM as a set of keys: of Ed25519 the last 32 bytes are the key.
fn jwks(file: &Path, kid: &str) -> String {
    let pem = std::fs::read_to_string(file).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
    let x = data_encoding::BASE64URL_NOPAD.encode(&der[der.len() - 32..]);
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{x}"}}]}}"#)
}

#[tokio::test]
async fn keys_come_from_an_address_and_stay_while_it_is_down() {
    let maker = Maker::new();
    let ed = maker.keys("ed.pem", "EdDSA");
    let keys = Arc::new(Mutex::new("<html>down</html>".to_owned()));
    let url = publish(&keys);
    let config = format!(
        "[[route]]\npath = '/'\nservice = {{ kind = 'echo' }}\naccess = {{ kind = 'jwt', \
         algorithms = ['EdDSA'], jwks = '{url}' }}\n"
    );
    let server = maker.serve(&config);
    let good = token(&["--key", &ed, "--user", "alice", "--kid", "a"]);
    server.wait_for_log(&["keys not fetched", "no set of keys"]);
    // Without keys nobody can be judged: that is nobody's fault but the server's.
    let (status_code, _, body) = refusal(bearer(&server, "/", &good)).await;
    assert!(status_code == 503 && body.contains("keys are not there"), "{body}");
    drop(server);

    *keys.lock().unwrap() = jwks(&maker.0.join("ed.pem.pub"), "a");
    let server = maker.serve(&config);
    server.wait_for_log(&["keys fetched"]);
    assert_eq!(status(bearer(&server, "/", &good)).await, 101);
    // A key that is not known is asked for at most every ten seconds: not now.
    let strange = token(&["--key", &ed, "--user", "alice", "--kid", "b"]);
    let (status_code, _, body) = refusal(bearer(&server, "/", &strange)).await;
    assert!(status_code == 401 && body.contains("not known"), "{body}");
    *keys.lock().unwrap() = "<html>down</html>".to_owned();
    assert_eq!(status(bearer(&server, "/", &good)).await, 101);
}
