//! A session on a line and a clock that are moved by hand.

use serde_json::Value;

use super::*;

/// A session on a line that is made by hand.
struct Desk {
    session: Session,
    now: Instant,
    next_id: CallId,
}

fn stamp() -> Stamp {
    Stamp { timestamp_ms: 1, nonce: "n".into() }
}

impl Desk {
    fn new() -> Self {
        let options = Options { device_id: "ab12@1".into(), ..Options::default() };
        let session = Session::new(options, "gw.example.com".into());
        Self { session, now: Instant::now(), next_id: 0 }
    }

    /// One whose device is bound.
    fn bound() -> Self {
        let mut desk = Self::new();
        desk.session.opened(desk.now);
        desk.hears("RO#77#25000");
        assert_eq!(desk.says(), ["RG#ab12@1"]);
        assert_eq!(desk.heard(), [Heard::Bound]);
        desk
    }

    fn registered() -> Self {
        let mut desk = Self::bound();
        desk.calls(Kind::Register, "/register");
        let seq = desk.asks("/register");
        desk.answers(&seq, 200);
        assert_eq!(desk.heard(), [Heard::Registered]);
        desk.done();
        desk
    }

    fn hears(&mut self, text: &str) {
        self.session.received(text, self.now, &mut stamp);
    }

    fn calls(&mut self, kind: Kind, path: &str) {
        self.session.call(self.next_id, kind, Call::post(path), self.now, &mut stamp);
        self.next_id += 1;
    }

    fn answers(&mut self, seq: &str, status: u16) {
        self.hears(&format!(r#"{{"status":{status},"header":{{"x-ca-seq":"{seq}"}},"body":""}}"#));
    }

    fn passes(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.session.handle_timeout(self.now, true, &mut stamp);
    }

    fn says(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.session.take_text()).collect()
    }

    /// The next text is a call to this path; its sequence.
    fn asks(&mut self, path: &str) -> String {
        let text = self.session.take_text().unwrap_or_else(|| panic!("nothing instead of {path}"));
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["path"], path);
        json["headers"]["x-ca-seq"][0].as_str().unwrap().to_owned()
    }

    fn heard(&mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.session.take_heard()).collect()
    }

    fn done(&mut self) -> Vec<(CallId, Result<u16, CallError>)> {
        std::iter::from_fn(|| self.session.take_answer())
            .map(|(id, answer)| (id, answer.map(|response| response.status)))
            .collect()
    }
}

#[test]
fn calls_wait_until_the_device_is_bound() {
    let mut desk = Desk::new();
    desk.calls(Kind::Common, "/early");
    desk.session.opened(desk.now);
    assert_eq!(desk.says(), ["RG#ab12@1"]);
    desk.hears("RO#77#25000");
    let seq = desk.asks("/early");
    desk.answers(&seq, 404);
    assert_eq!(desk.done(), [(0, Ok(404))]);
}

#[test]
fn answers_find_their_calls_in_any_order() {
    let mut desk = Desk::bound();
    desk.calls(Kind::Common, "/a");
    desk.calls(Kind::Common, "/b");
    let (a, b) = (desk.asks("/a"), desk.asks("/b"));
    desk.answers(&b, 201);
    desk.answers("99", 500);
    desk.answers(&a, 200);
    assert_eq!(desk.done(), [(1, Ok(201)), (0, Ok(200))]);
}

#[test]
fn it_beats_as_often_as_it_is_told_and_gives_up_what_is_silent() {
    let mut desk = Desk::bound();
    for _ in 0..3 {
        desk.passes(25);
        assert_eq!(desk.says(), ["H1"]);
    }
    desk.hears("HO#77");
    desk.passes(25);
    assert!(!desk.session.take_restart());
    for _ in 0..3 {
        desk.passes(25);
    }
    assert!(desk.session.take_restart());
}

#[test]
fn a_registration_is_repeated_on_a_new_line() {
    let mut desk = Desk::registered();
    desk.session.lost();
    desk.session.opened(desk.now);
    assert_eq!(desk.says(), ["RG#ab12@1"]);
    desk.hears("RO#78#25000");
    let seq = desk.asks("/register");
    desk.answers(&seq, 200);
    assert_eq!(desk.heard(), [Heard::Bound, Heard::Registered]);
    assert!(desk.done().is_empty());
}

#[test]
fn another_credential_in_a_beat_asks_for_the_registration_again() {
    let mut desk = Desk::registered();
    desk.hears("HO#77");
    assert!(desk.says().is_empty());
    desk.hears("HO#other");
    let seq = desk.asks("/register");
    desk.hears("HO#other");
    assert!(desk.says().is_empty(), "once is enough");
    desk.answers(&seq, 200);
    assert_eq!(desk.heard(), [Heard::Registered]);
}

#[test]
fn a_registration_that_failed_is_repeated_with_a_beat_and_one_that_was_refused_is_not() {
    let mut desk = Desk::bound();
    desk.calls(Kind::Register, "/register");
    let seq = desk.asks("/register");
    desk.answers(&seq, 503);
    assert_eq!(desk.heard(), [Heard::RegisterFailed(Some(503))]);
    desk.passes(25);
    assert_eq!(desk.session.take_text().unwrap(), "H1");
    let seq = desk.asks("/register");
    desk.answers(&seq, 403);
    assert_eq!(desk.heard(), [Heard::RegisterFailed(Some(403))]);
    desk.passes(25);
    assert_eq!(desk.says(), ["H1"]);
}

#[test]
fn a_registration_that_waits_for_a_line_is_sent_once() {
    let mut desk = Desk::new();
    desk.calls(Kind::Register, "/register");
    // An attempt that failed, and one that came to a line.
    desk.session.lost();
    desk.session.opened(desk.now);
    desk.hears("RO#77#25000");
    desk.says();
    assert_eq!(desk.session.calls.len(), 1);
}

#[test]
fn the_latest_registration_counts() {
    let mut desk = Desk::bound();
    desk.calls(Kind::Register, "/stale");
    desk.calls(Kind::Register, "/fresh");
    let (stale, fresh) = (desk.asks("/stale"), desk.asks("/fresh"));
    desk.answers(&stale, 403);
    assert!(desk.heard().is_empty());
    desk.answers(&fresh, 200);
    assert_eq!(desk.heard(), [Heard::Registered]);
    assert_eq!(desk.done(), [(0, Ok(403)), (1, Ok(200))]);
}

#[test]
fn who_unregistered_stays_so() {
    let mut desk = Desk::registered();
    desk.calls(Kind::Unregister, "/unregister");
    let seq = desk.asks("/unregister");
    desk.answers(&seq, 200);
    desk.session.lost();
    desk.session.opened(desk.now);
    desk.hears("RO#78#25000");
    assert_eq!(desk.says(), ["RG#ab12@1"]);
}

#[test]
fn os_and_cr_are_obeyed_once_answers_had_a_second() {
    for word in ["OS", "CR"] {
        let mut desk = Desk::bound();
        desk.calls(Kind::Common, "/a");
        let seq = desk.asks("/a");
        desk.hears(word);
        desk.calls(Kind::Common, "/later");
        assert!(desk.says().is_empty() && !desk.session.take_restart());
        desk.answers(&seq, 200);
        assert_eq!(desk.done(), [(0, Ok(200))]);
        desk.passes(1);
        assert!(desk.session.take_restart());
        desk.session.lost();
        desk.session.opened(desk.now);
        desk.says();
        desk.hears("RO#78#25000");
        desk.asks("/later");
    }
}

#[test]
fn a_message_is_acknowledged_when_its_owner_says_so() {
    let mut desk = Desk::bound();
    desk.hears("NF#a#b");
    assert_eq!(desk.heard(), [Heard::Notify { text: "a#b".into(), line: 1 }]);
    assert!(desk.says().is_empty());
    desk.session.acknowledge(1);
    assert_eq!(desk.says(), ["NO"]);
}

#[test]
fn a_message_of_a_line_that_is_gone_is_not_acknowledged_on_the_next() {
    let mut desk = Desk::bound();
    desk.hears("NF#a");
    desk.session.lost();
    desk.session.acknowledge(1);
    desk.session.opened(desk.now);
    desk.session.acknowledge(1);
    assert_eq!(desk.says(), ["RG#ab12@1"]);
    desk.session.acknowledge(2);
    assert_eq!(desk.says(), ["NO"]);
}

#[test]
fn a_call_has_ten_seconds_whether_it_was_sent_or_not() {
    let mut desk = Desk::bound();
    desk.calls(Kind::Common, "/a");
    desk.session.lost();
    assert_eq!(desk.done(), [(0, Err(CallError::Lost))]);
    desk.calls(Kind::Common, "/b");
    assert_eq!(desk.session.deadline(), Some(desk.now + Duration::from_secs(10)));
    desk.passes(10);
    assert_eq!(desk.done(), [(1, Err(CallError::TimedOut))]);
    assert_eq!(desk.session.deadline(), None);
}

#[test]
fn a_gateway_that_does_not_bind_is_left() {
    let mut desk = Desk::new();
    desk.session.opened(desk.now);
    desk.passes(10);
    assert!(desk.session.take_restart());
    desk.session.opened(desk.now);
    desk.hears("RF#ServerError");
    assert_eq!(desk.heard(), [Heard::NotBound("ServerError".into())]);
    assert!(desk.session.take_restart());
}

#[test]
fn a_line_that_is_given_up_has_no_deadline_and_is_given_up_once() {
    for text in ["", "CR", "RF#ServerError"] {
        let mut desk = Desk::new();
        desk.session.opened(desk.now);
        desk.hears(text);
        desk.passes(10);
        assert!(desk.session.take_restart(), "{text}");
        assert_eq!(desk.session.deadline(), None, "{text}");
        desk.hears(text);
        desk.passes(10);
        assert!(!desk.session.take_restart(), "{text}");
    }
}

#[test]
fn more_calls_than_may_wait_are_refused() {
    let mut desk = Desk::new();
    for _ in 0..=desk.session.options.max_calls {
        desk.calls(Kind::Common, "/a");
    }
    assert_eq!(desk.done(), [(64, Err(CallError::Busy))]);
}
