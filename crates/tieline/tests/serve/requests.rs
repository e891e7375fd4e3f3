//! Who is let in, and what are the others told?

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use bytes::Bytes;
use tieline::http::{self, HeaderMap, HeaderValue, Response, StatusCode};
use tieline::serve::{self, Arrival, Decision, Handler, Link, Message, Trouble};
use tieline::{
    AcceptOptions, Agreement, Answer, Connect, ConnectError, Limits, Origins, Refusal, Request,
};

use crate::raw::*;
use crate::served::*;

/// Lets in who knows the word; shows a page at `/page`.
struct Door(mpsc::Sender<u16>);

impl Handler for Door {
    type State = ();

    fn admit(&mut self, request: &Request, arrival: &Arrival) -> Result<Answer, Refusal> {
        assert!(arrival.from.is_some() && !arrival.is_secure && arrival.listener == 0);
        match request.path() {
            "/page" => Err(Refusal::new(StatusCode::OK, "<p>hello</p>")
                .with_header("content-type", "text/html")),
            "/panic" => panic!("as the test asks"),
            "/small" => {
                let limits = Limits { max_message_bytes: 10, ..Limits::default() };
                Ok(Answer { limits: Some(limits), ..Answer::default() })
            }
            _ if request.header("authorization") != Some("Bearer sesame") => {
                Err(Refusal::new(StatusCode::UNAUTHORIZED, "who are you?\n"))
            }
            _ => {
                let mut headers = HeaderMap::new();
                headers.insert("set-cookie", HeaderValue::from_static("known=yes"));
                let protocol = request.protocols().last().cloned();
                Ok(Answer { headers, protocol, ..Answer::default() })
            }
        }
    }

    fn open(&mut self, link: &Link, request: &Request, agreement: &Agreement) {
        link.send(format!("{} {:?}", request.path(), agreement.protocol.as_deref()));
    }

    fn message(&mut self, (): &mut (), link: &Link, message: Message<'_>) {
        link.send(message);
    }

    fn harden(&mut self, response: &mut Response<Bytes>) {
        response.headers_mut().insert("x-hard", HeaderValue::from_static("yes"));
    }

    fn trouble(&mut self, trouble: &Trouble<'_>) {
        if let Trouble::Refused(_, response) = trouble {
            // A test that is over does not listen any more.
            let _ = self.0.send(response.status().as_u16());
        }
    }
}

fn door() -> (Served, mpsc::Receiver<u16>) {
    door_with(AcceptOptions::default())
}

fn door_with(accept: AcceptOptions) -> (Served, mpsc::Receiver<u16>) {
    let (tell, told) = mpsc::channel();
    (served_with(accepting(accept), move || Door(tell.clone())), told)
}

/// Says this, and reads the answer to its end.
fn ask(server: &Served, said: &str) -> String {
    let mut raw = Raw::connect(server.address);
    raw.say(said);
    String::from_utf8(raw.rest()).unwrap()
}

/// Resets whoever comes.
struct Silent;

impl Handler for Silent {
    type State = ();

    fn decide(&mut self, _: http::Request<()>, _: &Arrival) -> Decision<Self> {
        Decision::Reset
    }

    fn open(&mut self, _: &Link, _: &Request, _: &Agreement) {}

    fn message(&mut self, (): &mut (), _: &Link, _: Message<'_>) {}
}

#[test]
fn whoever_is_reset_reads_no_answer() {
    let server = served(|| Silent);
    let mut raw = Raw::connect(server.address);
    raw.say(request(""));
    let read = std::io::Read::read(&mut raw.0, &mut [0; 16]);
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn admit_chooses_the_answer() {
    let (server, _) = door();
    let request = Connect::to(server.url("/in")).header("authorization", "Bearer sesame");
    let mut socket = request.subprotocol("a").subprotocol("b").open().await.unwrap();
    expect(&mut socket, &["/in Some(\"b\")"]).await;

    let mut socket = server.connect("/small").await;
    expect(&mut socket, &["/small None"]).await;
    socket.send("more than ten bytes").await.unwrap();
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(socket.closed().map(|how| how.code().get()), Some(1009));

    let mut raw = Raw::connect(server.address);
    let head = raw.upgrade("Authorization: Bearer sesame\r\n");
    assert!(head.to_lowercase().contains("set-cookie: known=yes\r\n"), "{head}");
}

#[tokio::test]
async fn admit_refuses_and_the_client_reads_why() {
    let (server, told) = door();
    let Err(ConnectError::Refused(refused)) = tieline::connect(&server.url("/")).await else {
        panic!("let in");
    };
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers["x-hard"], "yes");
    assert_eq!(refused.body.as_ref(), b"who are you?\n");
    assert_eq!(told.recv_timeout(PATIENCE), Ok(401));
}

#[test]
fn an_ordinary_request_gets_a_page_or_a_426() {
    let (server, _) = door();
    let page = ask(&server, "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 ") && page.ends_with("<p>hello</p>"), "{page}");
    assert!(page.contains("content-length: 12") || page.contains("Content-Length: 12"), "{page}");
    let head = ask(&server, "HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let granted = "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sesame\r\n\r\n";
    let upgrade = ask(&server, granted);
    assert!(upgrade.starts_with("HTTP/1.1 426 "), "{upgrade}");
    assert!(upgrade.to_lowercase().contains("upgrade: websocket"), "{upgrade}");
}

#[test]
fn what_is_no_request_is_refused() {
    let limits = Limits { max_head_bytes: 1_000, max_headers: 10, ..Limits::default() };
    let (server, told) = door_with(AcceptOptions { limits, ..AcceptOptions::default() });
    let (long, many) = ("x".repeat(1_000), "A: b\r\n".repeat(11));
    for (said, status) in [
        ("nonsense\r\n\r\n".to_owned(), 400),
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), 431),
        (format!("GET / HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"), 431),
    ] {
        let answer = ask(&server, &said);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(status));
    }
}

#[test]
fn a_panic_in_admit_is_a_500_and_harms_nobody() {
    let (server, _) = door();
    let answer = ask(&server, &request("").replace("GET / ", "GET /panic "));
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    Raw::connect(server.address).upgrade("Authorization: Bearer sesame\r\n");
}

#[test]
fn pages_of_other_origins_are_refused_unless_they_are_listed() {
    let origins = Origins::List(vec!["https://friend.example".parse().unwrap()]);
    let listed =
        served_with(accepting(AcceptOptions { origins, ..AcceptOptions::default() }), echo);
    let same = served(echo);
    let from = |origin: &str| request(&format!("Origin: {origin}\r\n"));
    let status = |server: &Served, origin: &str| {
        let mut raw = Raw::connect(server.address);
        raw.say(from(origin));
        raw.head()[9..12].to_owned()
    };
    assert_eq!(status(&same, "http://localhost"), "101");
    assert_eq!(status(&same, "https://friend.example"), "403");
    assert_eq!(status(&listed, "https://friend.example"), "101");
    assert_eq!(status(&listed, "https://other.example"), "403");
}

#[test]
fn a_refused_client_that_says_on_still_reads_the_answer() {
    let (server, _) = door();
    let mut raw = Raw::connect(server.address);
    raw.say([request("").as_bytes(), &[b'x'; 100_000]].concat());
    let answer = String::from_utf8(raw.rest()).unwrap();
    assert!(answer.ends_with("who are you?\n"), "{answer}");
}

#[test]
fn a_request_may_come_a_byte_at_a_time() {
    let server = served(echo);
    let mut raw = Raw::connect(server.address);
    for byte in request("").bytes() {
        raw.say([byte]);
    }
    assert!(raw.head().starts_with("HTTP/1.1 101 "));
    raw.say(masked(TEXT, "hello"));
    raw.expect(TEXT, "hello");
}

#[test]
fn half_a_request_whose_end_came_with_it_is_let_go_at_once() {
    let (go, may_go) = mpsc::channel::<()>();
    let (tell, told) = mpsc::channel();
    let may_go = Mutex::new(Some(may_go));
    let limits = Limits { handshake_within: Duration::from_secs(3_600), ..Limits::default() };
    let server = served_with(within(limits), move || {
        let (tell, may_go) = (tell.clone(), may_go.lock().unwrap().take().unwrap());
        serve::messages(move |_, _| {
            tell.send(()).unwrap();
            may_go.recv().unwrap();
        })
    });
    let mut other = Raw::open(server.address);
    other.say(masked(TEXT, "block"));
    told.recv_timeout(PATIENCE).unwrap();
    // The worker sees neither before both are there.
    let mut half = Raw::connect(server.address);
    half.say("GET / HTTP/1.1\r\n");
    half.end();
    go.send(()).unwrap();
    assert_eq!(half.rest(), b"");
}
