//! The operator's side of the running program.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::server::{PATIENCE, Server, folder, next, read_all, run, tieline};

const KEY: &str = "the-operators-own-key";

/// A server with an operator's side, and more of a configuration.
fn serve(operator: &str, more: &str) -> Server {
    let folder = folder();
    std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
    let file = folder.join("tieline.toml");
    let text = format!(
        "workers = 2\ndrain = '20s'\n[operator]\naddress = '127.0.0.1:0'\n{operator}\n{more}\n\
         [[route]]\npath = '/echo'\nservice = {{ kind = 'echo' }}\n\
         [[route]]\npath = '/chat'\nservice = {{ kind = 'chat' }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let args = ["--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
    Server::start_as_told(&args, 2)
}

/// The answer to one request to the operator's side.
fn ask(server: &Server, request: &str, headers: &str) -> String {
    let host = server.addresses[1].split_once("://").unwrap().1;
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("{request} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    read_all(&mut stream)
}

fn key() -> String {
    format!("Authorization: Bearer {KEY}\r\n")
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap()
}

/// Asks for the metrics until one has this value.
fn wait_for_metric(server: &Server, line: &str) {
    let began = Instant::now();
    loop {
        let answer = ask(server, "GET /metrics", &key());
        if answer.lines().any(|it| it == line) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "no {line} in\n{answer}");
        std::thread::yield_now();
    }
}

#[test]
fn everything_but_health_wants_the_key() {
    let server = serve("api_key_file = 'key'", "");
    assert_eq!(status(&ask(&server, "GET /healthz", "")), 200);
    assert_eq!(status(&ask(&server, "GET /readyz", "")), 200);
    assert_eq!(status(&ask(&server, "GET /api/v1/openapi.json", "")), 200);
    let twice = format!("{}{}", key(), key());
    assert_eq!(status(&ask(&server, "GET /metrics", &twice)), 400);
    for path in ["/metrics", "/api/v1/devices", "/api/v1/nothing", "/nothing"] {
        for headers in ["", "Authorization: Bearer the-operators-own-kex\r\n"] {
            let answer = ask(&server, &format!("GET {path}"), headers);
            assert_eq!(status(&answer), 401, "{answer}");
            let lower = answer.to_lowercase();
            assert!(lower.contains("www-authenticate: bearer"), "{answer}");
            assert!(lower.contains("content-type: application/problem+json"), "{answer}");
        }
    }
    assert_eq!(status(&ask(&server, "GET /metrics", &key())), 200);
    let answer = ask(&server, "GET /api/v1/nothing", &key());
    assert!(status(&answer) == 404 && answer.contains("openapi.json"), "{answer}");
    assert_eq!(status(&ask(&server, "DELETE /metrics", &key())), 405);
    // The public side knows nothing of it.
    assert!(server.get("/metrics").starts_with("HTTP/1.1 404"));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 404"));
}

#[test]
fn without_a_key_there_are_metrics_and_no_api() {
    let server = serve("", "");
    assert_eq!(status(&ask(&server, "GET /metrics", "")), 200);
    let answer = ask(&server, "GET /api/v1/devices", "");
    assert!(status(&answer) == 403 && answer.contains("operator.api_key_file"), "{answer}");
}

#[test]
fn a_page_under_another_name_does_not_reach_it() {
    let server = serve("hosts = ['operator.test']", "");
    let host = server.addresses[1].split_once("://").unwrap().1.to_owned();
    for (name, code) in [("attacker.test", 403), ("operator.test", 200), ("localhost", 200)] {
        let mut stream = std::net::TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!("GET /healthz HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(status(&read_all(&mut stream)), code, "{name}");
    }
}

#[test]
fn no_other_sites_page_asks_anything_and_nothing_is_kept_on_the_way() {
    let server = serve("api_key_file = 'key'", "");
    let own = server.addresses[1].clone();
    for (origin, code) in [(own.as_str(), 404), ("https://evil.example", 403), ("null", 403)] {
        let headers = format!("{}Origin: {origin}\r\nContent-Length: 0\r\n", key());
        let answer = ask(&server, "POST /api/v1/devices/d-1/disconnect", &headers);
        assert_eq!(status(&answer), code, "{origin}: {answer}");
    }
    // What a form can send is no message, even with the key.
    let body = "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n{\"text\":\"x\"}";
    let answer = ask(&server, "POST /api/v1/devices/d-1/messages", &(key() + body));
    assert_eq!(status(&answer), 415, "{answer}");
    for path in ["/healthz", "/metrics", "/api/v1/devices", "/nothing"] {
        for headers in [String::new(), key()] {
            let answer = ask(&server, &format!("GET {path}"), &headers).to_lowercase();
            assert!(answer.contains("cache-control: no-store\r\n"), "{answer}");
        }
    }
}

#[test]
fn what_is_no_number_or_no_text_in_a_path_is_told_as_a_problem() {
    let server = serve("api_key_file = 'key'", "");
    for request in ["DELETE /api/v1/dead-events/x?route=/chat", "GET /api/v1/devices/%ff"] {
        let answer = ask(&server, request, &key());
        assert_eq!(status(&answer), 400, "{answer}");
        assert!(answer.to_lowercase().contains("content-type: application/problem+json"));
    }
}

#[tokio::test]
async fn what_happens_is_counted() {
    let server = serve("api_key_file = 'key'", "");
    let mut echo = server.connect("/echo").await;
    let mut chat = server.connect("/chat").await;
    assert_eq!(next(&mut chat).await, "Welcome, 127.0.0.1 !");
    for _ in 0..3 {
        echo.send("12345").await.unwrap();
        assert_eq!(next(&mut echo).await, "12345");
    }
    chat.close(tieline::CloseCode::NORMAL, "").await.unwrap();
    assert!(server.get("/nothing").starts_with("HTTP/1.1 404"));
    for line in [
        "tieline_lines_open{listener=\"127.0.0.1:0\",route=\"/echo\"} 1",
        "tieline_lines_open{listener=\"127.0.0.1:0\",route=\"/chat\"} 0",
        "tieline_lines_total{listener=\"127.0.0.1:0\",route=\"/chat\"} 1",
        "tieline_handshakes_total{status=\"101\"} 2",
        "tieline_requests_total{status=\"404\"} 1",
        "tieline_closes_total{code=\"1000\"} 1",
        "tieline_messages_total{direction=\"in\"} 3",
        "tieline_messages_total{direction=\"out\"} 4",
        "tieline_message_bytes_total{direction=\"in\"} 15",
        "tieline_message_bytes_total{direction=\"out\"} 35",
        "# EOF",
    ] {
        wait_for_metric(&server, line);
    }
}

#[tokio::test]
async fn it_is_not_ready_any_more_as_soon_as_the_server_stops() {
    let mut server = serve("", "");
    // A line whose client does not read keeps the server draining.
    let line = server.connect("/echo").await;
    server.signal("TERM");
    server.wait_for_log(&["stopping"]);
    let answer = ask(&server, "GET /readyz", "");
    assert_eq!(status(&answer), 503, "{answer}");
    assert_eq!(status(&ask(&server, "GET /healthz", "")), 200);
    drop(line);
    assert!(server.wait().success());
}

#[test]
fn it_listens_to_other_machines_only_with_a_key_and_tls_or_when_told_that_it_may() {
    let folder = folder();
    std::fs::write(folder.join("key"), format!("{KEY}\n")).unwrap();
    let check = |operator: &str| {
        let file = folder.join("tieline.toml");
        let text = format!(
            "[operator]\naddress = '0.0.0.0:9090'\n{operator}\n[[route]]\npath = '/'\n\
             service = {{ kind = 'echo' }}\n"
        );
        std::fs::write(&file, text).unwrap();
        let output = run(&["config", "check", file.to_str().unwrap()]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = check("api_key_file = 'key'");
    assert!(code == 2 && said.contains("operator.address: other machines reach"), "{said}");
    assert!(said.contains("danger_without_tls"), "{said}");
    let (code, said) = check("danger_without_tls = true");
    assert!(code == 2 && said.contains("danger_without_key"), "{said}");
    assert_eq!(check("api_key_file = 'key'\ndanger_without_tls = true").0, 0);
    assert_eq!(check("danger_without_tls = true\ndanger_without_key = true").0, 0);
}

#[test]
fn curl_understands_it() {
    let server = serve("api_key_file = 'key'", "");
    let curl = |path: &str, header: &str| {
        let url = format!("{}{path}", server.addresses[1]);
        let args = ["-sS", "-m", "20", "-w", "\n%{http_code} %{content_type}", "-H", header, &url];
        std::process::Command::new("curl").args(args).output()
    };
    let Ok(output) = curl("/metrics", key().trim_end()) else {
        return eprintln!("curl is not there: nothing is shown by it");
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("tieline_build_info{version=\""), "{said}");
    assert!(said.contains("200 application/openmetrics-text; version=1.0.0"), "{said}");
    let said = String::from_utf8(curl("/metrics", "Accept: */*").unwrap().stdout).unwrap();
    assert!(said.ends_with("401 application/problem+json"), "{said}");
    let said = String::from_utf8(curl("/api/v1/openapi.json", "Accept: */*").unwrap().stdout);
    assert!(said.unwrap().contains("\"openapi\":\"3.1.0\""));
}

/// A certificate for `a.example` that ends at this time since 1970, and its key.
fn write_certificate(folder: &Path, end: Duration) {
    let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
    params.not_after = date_time_ymd(1970, 1, 1) + end;
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    std::fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

#[test]
fn a_certificate_that_ends_is_told_in_the_log_and_in_the_metrics() {
    let day = Duration::from_secs(24 * 3_600);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Duration::from_secs(now.as_secs());
    let (folder, soon, over) = (folder(), now + day * 3, now - day * 2);
    let file = folder.join("tieline.toml");
    let text = "[operator]\naddress = '127.0.0.1:0'\n[[listener]]\naddress = '127.0.0.1:0'\n\
                tls = { certificate = 'certificate.pem', key = 'key.pem' }\n\
                [[route]]\npath = '/'\nservice = { kind = 'echo' }\n";
    std::fs::write(&file, text).unwrap();
    write_certificate(&folder, soon);
    let server = Server::start_as_told(&["--config", file.to_str().unwrap()], 2);
    let told = |end: Duration| {
        let labels = "listener=\"127.0.0.1:0\",name=\"a.example\"";
        let line = format!("tieline_certificate_expiry_seconds{{{labels}}} {}", end.as_secs());
        let answer = ask(&server, "GET /metrics", "");
        assert!(answer.lines().any(|it| it == line), "no {line} in\n{answer}");
    };
    server.wait_for_log(&["the certificate expires soon", "certificate.pem"]);
    told(soon);
    write_certificate(&folder, over);
    server.signal("HUP");
    server.wait_for_log(&["the certificate has expired", "certificate.pem"]);
    told(over);
}

#[test]
fn a_port_in_use_is_told_before_anything_is_served() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = folder();
    let file = folder.join("tieline.toml");
    let text = format!(
        "[operator]\naddress = '{}'\n[[route]]\npath = '/'\nservice = {{ kind = 'echo' }}\n",
        taken.local_addr().unwrap()
    );
    std::fs::write(&file, text).unwrap();
    let args = ["serve", "--listen", "127.0.0.1:0", "--config", file.to_str().unwrap()];
    let output = tieline().args(args).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot listen on 127.0.0.1:"), "{said}");
}
