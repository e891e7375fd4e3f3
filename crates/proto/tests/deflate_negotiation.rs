//! RFC 7692 §7.1: what is offered, what is answered, and what both then agree on.

use tieline_proto::deflate::{Agreed, Config, Window};
use tieline_proto::handshake::client::Request;
use tieline_proto::handshake::server::{Accept, Upgrade};
use tieline_proto::handshake::{Fault, HandshakeError, Legacy, accept_key};
use tieline_proto::http::Extension;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Our window, then the peer's: bits, and whether it is kept.
type Windows = ((u8, bool), (u8, bool));

fn windows(agreed: &Agreed) -> Windows {
    let window = |window: &Window| (window.bits, window.context_takeover);
    (window(&agreed.ours), window(&agreed.theirs))
}

/// What a server with `config` answers to these offers: the header and what it agreed to.
fn answer(config: &Config, offers: &str) -> Option<(String, Windows)> {
    let request = http::Request::get("/")
        .header("host", "a")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-key", KEY)
        .header("sec-websocket-version", "13")
        .header("sec-websocket-extensions", offers)
        .body(())
        .expect("a head");
    let upgrade = Upgrade::of(&request, Legacy::Off).expect("valid").expect("an upgrade");
    let accept = Accept { deflate: Some(config.clone()), ..Accept::default() };
    let (_, agreement) = upgrade.accept(&accept, &[]).expect("an answer");
    let agreed = agreement.deflate?;
    assert_eq!((agreed.level, agreed.min_bytes), (config.level, config.min_bytes));
    Some((agreement.extensions, windows(&agreed)))
}

/// What a client with `config` makes of this answer.
fn verify(config: &Config, answer: &str) -> Result<Windows, HandshakeError> {
    let response = http::Response::builder()
        .status(101)
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-accept", accept_key(KEY))
        .header("sec-websocket-extensions", answer)
        .body(())
        .expect("a head");
    let request = Request::new("a", "/", *b"the sample nonce");
    let request = Request { deflate: Some(config.clone()), ..request };
    let agreement = request.verify(&response)?;
    Ok(windows(&agreement.deflate.expect("agreed")))
}

fn offer(config: &Config) -> String {
    config.offer().expect("valid settings").to_string()
}

const FULL: Windows = ((15, true), (15, true));

#[test]
fn a_plain_offer_is_accepted_plainly() {
    let config = Config::default();
    let accepted = Some(("permessage-deflate".to_owned(), FULL));
    assert_eq!(answer(&config, "permessage-deflate"), accepted);
    assert_eq!(answer(&config, "x-other, permessage-deflate"), accepted);
    assert_eq!(answer(&config, "permessage-deflate; client_max_window_bits"), accepted);
}

/// RFC 7692 §7.1 and §7.1.3, its examples.
#[test]
fn the_examples_of_the_rfc_are_answered() {
    let config = Config::default();
    let first_wins = "permessage-deflate; client_max_window_bits; server_max_window_bits=10, \
        permessage-deflate; client_max_window_bits";
    let answered = "permessage-deflate; server_max_window_bits=10".to_owned();
    assert_eq!(answer(&config, first_wins), Some((answered, ((10, true), (15, true)))));

    let quoted = "permessage-deflate; server_max_window_bits=\"10\"";
    assert_eq!(answer(&config, quoted).unwrap().1, ((10, true), (15, true)));
}

#[test]
fn the_first_offer_that_can_be_accepted_wins() {
    let config = Config::default();
    for declined in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; server_max_window_bits=999999999999999999999",
        "permessage-deflate; server_max_window_bits=ten",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=16",
        "permessage-deflate; client_max_window_bits=010",
        "permessage-deflate; server_no_context_takeover=true",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
        "Permessage-Deflate",
        "x-webkit-deflate-frame",
    ] {
        assert_eq!(answer(&config, declined), None, "{declined}");
        let second = format!("{declined}, permessage-deflate; server_no_context_takeover");
        let (answered, _) = answer(&config, &second).expect(declined);
        assert_eq!(answered, "permessage-deflate; server_no_context_takeover");
    }
}

#[test]
fn a_server_does_what_the_offer_asks() {
    let config = Config::default();
    for (params, answered, agreed) in [
        ("server_no_context_takeover", "server_no_context_takeover", ((15, false), (15, true))),
        ("client_no_context_takeover", "client_no_context_takeover", ((15, true), (15, false))),
        ("server_max_window_bits=9", "server_max_window_bits=9", ((9, true), (15, true))),
        ("server_max_window_bits=15", "server_max_window_bits=15", FULL),
        ("client_max_window_bits=12", "client_max_window_bits=12", ((15, true), (12, true))),
        ("client_max_window_bits=15", "client_max_window_bits=15", FULL),
        // A peer that compresses with 8 is inflated with 9.
        ("client_max_window_bits=8", "client_max_window_bits=8", ((15, true), (9, true))),
    ] {
        let answered = format!("permessage-deflate; {answered}");
        let got = answer(&config, &format!("permessage-deflate; {params}"));
        assert_eq!(got, Some((answered, agreed)), "{params}");
    }
}

#[test]
fn a_server_asks_for_what_it_wishes_where_the_offer_allows_it() {
    let config = Config {
        server_context_takeover: false,
        client_context_takeover: false,
        server_max_window_bits: 11,
        client_max_window_bits: 10,
        ..Config::default()
    };
    let asked = |offers: &str| answer(&config, offers).unwrap();
    let (answered, agreed) = asked("permessage-deflate; client_max_window_bits");
    let expected = "permessage-deflate; server_no_context_takeover; server_max_window_bits=11; \
        client_no_context_takeover; client_max_window_bits=10";
    assert_eq!((answered.as_str(), agreed), (expected, ((11, false), (10, false))));

    // §7.1.2.2: a client that did not offer the parameter MUST NOT be sent it.
    let (answered, agreed) = asked("permessage-deflate");
    assert!(!answered.contains("client_max_window_bits"), "{answered}");
    assert_eq!(agreed, ((11, false), (15, false)));

    // The smaller of both wishes.
    let (answered, agreed) =
        asked("permessage-deflate; server_max_window_bits=9; client_max_window_bits=9");
    assert!(answered.contains("server_max_window_bits=9"), "{answered}");
    assert!(answered.contains("client_max_window_bits=9"), "{answered}");
    assert_eq!(agreed, ((9, false), (9, false)));
}

#[test]
fn a_client_offers_what_it_wishes() {
    assert_eq!(offer(&Config::default()), "permessage-deflate; client_max_window_bits");
    let config = Config {
        server_context_takeover: false,
        client_context_takeover: false,
        server_max_window_bits: 10,
        client_max_window_bits: 9,
        ..Config::default()
    };
    let expected = "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; \
        client_no_context_takeover; client_max_window_bits=9";
    assert_eq!(offer(&config), expected);
}

#[test]
fn a_client_does_what_the_answer_asks() {
    let config = Config::default();
    for (params, agreed) in [
        ("", FULL),
        ("; server_no_context_takeover", ((15, true), (15, false))),
        ("; client_no_context_takeover", ((15, false), (15, true))),
        ("; server_max_window_bits=8", ((15, true), (9, true))),
        ("; server_max_window_bits=10", ((15, true), (10, true))),
        ("; client_max_window_bits=10", ((10, true), (15, true))),
        ("; client_max_window_bits=\"9\"", ((9, true), (15, true))),
    ] {
        let answer = format!("permessage-deflate{params}");
        assert_eq!(verify(&config, &answer), Ok(agreed), "{answer}");
    }
}

#[test]
fn a_client_fails_an_answer_that_breaks_the_rfc() {
    let config = Config::default();
    for answer in [
        "permessage-deflate; unknown",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=8",
        "permessage-deflate; client_max_window_bits=255",
        "permessage-deflate, permessage-deflate",
        "permessage-bzip2",
        "x-webkit-deflate-frame",
        "permessage-deflate;",
    ] {
        let error = verify(&config, answer).unwrap_err();
        assert_eq!((error.fault(), error.status().as_u16()), (Fault::Server, 502), "{answer}");
    }
}

#[test]
fn a_client_that_asked_is_promised() {
    let strict =
        Config { server_context_takeover: false, server_max_window_bits: 10, ..Config::default() };
    let promised = "permessage-deflate; server_no_context_takeover; server_max_window_bits=9";
    assert_eq!(verify(&strict, promised), Ok(((15, true), (9, false))));
    for answer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
    ] {
        assert!(verify(&strict, answer).is_err(), "{answer}");
    }
    let small = Config { client_max_window_bits: 11, ..Config::default() };
    assert_eq!(verify(&small, "permessage-deflate"), Ok(((11, true), (15, true))));
    assert!(verify(&small, "permessage-deflate; client_max_window_bits=12").is_err());
}

#[test]
fn a_client_keeps_no_window_when_it_said_so() {
    let config = Config { client_context_takeover: false, ..Config::default() };
    assert_eq!(verify(&config, "permessage-deflate"), Ok(((15, false), (15, true))));
}

#[test]
fn settings_that_cannot_be_are_an_error_of_the_caller() {
    let wrong = [
        Config { level: 0, ..Config::default() },
        Config { level: 10, ..Config::default() },
        Config { server_max_window_bits: 8, ..Config::default() },
        Config { server_max_window_bits: 16, ..Config::default() },
        Config { client_max_window_bits: 0, ..Config::default() },
        Config { client_max_window_bits: 255, ..Config::default() },
    ];
    for config in wrong {
        assert!(config.check().is_err() && config.offer().is_err(), "{config:?}");
        let offers = [Extension::new("permessage-deflate")];
        assert!(config.answer(&offers).is_err() && config.answer(&[]).is_err());
        let request = Request::new("a", "/", [0; 16]);
        let error = Request { deflate: Some(config), ..request }.encode().unwrap_err();
        assert_eq!(error.fault(), Fault::Caller);
    }
}
