//! Sessions without a program, and viewers without a line.

use super::*;
use crate::process::Exit;

fn session(typing: Typing) -> Session {
    let terms = Terms {
        command: "sh".into(),
        size: Size { columns: 20, rows: 4 },
        scrollback_lines: 10,
        typing,
        max_viewers: 3,
        is_recorded: false,
    };
    let (session, _) = Session::new(user("owner"), terms);
    session.begin();
    session
}

fn user(name: &str) -> Name {
    Name::User(name.into())
}

/// Somebody who watches.
fn join(session: &Session, name: &str) -> View {
    let peer = PeerId::next();
    session.join(peer, user(name)).unwrap();
    View::new(peer)
}

/// What is new, texts as they are and bytes with escapes.
fn said(session: &Session, view: &mut View) -> Vec<String> {
    match session.read(view) {
        Fresh::Said(messages) => messages
            .iter()
            .map(|message| match message {
                Message::Text(text) => text.to_string(),
                Message::Binary(bytes) => bytes.escape_ascii().to_string(),
            })
            .collect(),
        Fresh::Nothing => Vec::new(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newcomer_is_told_what_it_is_and_painted_the_screen_before_the_output() {
    let session = session(Typing::None);
    session.show(b"before");
    let mut view = join(&session, "a");
    let first = said(&session, &mut view);
    assert!(first[0].starts_with(r#"{"type":"session","id":""#), "{first:?}");
    assert!(
        first[0].ends_with(
            r#""command":"sh","columns":20,"rows":4,"may_type":false,"recorded":false}"#
        )
    );
    assert!(first[1].contains("before"), "{first:?}");
    assert_eq!(first[2], r#"{"type":"viewers","names":["a"],"count":1}"#);
    session.show(b"after");
    assert_eq!(said(&session, &mut view), ["after"]);
    assert_eq!(session.read(&mut view), Fresh::Nothing);
}

#[test]
fn who_is_far_behind_is_painted_the_screen_as_it_is_then() {
    let session = session(Typing::None);
    let mut view = join(&session, "a");
    said(&session, &mut view);
    for _ in 0..1_000 {
        session.show(&b"y\r\n".repeat(1_000));
    }
    session.show(b"\x1B[2J\x1B[Hlast");
    let fresh = said(&session, &mut view);
    assert_eq!(fresh.len(), 3, "{fresh:?}");
    assert_eq!(fresh[0], r#"{"type":"size","columns":20,"rows":4}"#);
    assert!(fresh[1].contains("last") && !fresh[1].contains('y'), "{fresh:?}");
    session.show(b"more");
    assert_eq!(said(&session, &mut view), ["more"]);
}

#[test]
fn the_first_line_of_who_began_it_types_and_the_next_when_that_is_gone() {
    let session = session(Typing::First);
    let mut other = join(&session, "other");
    let mut first = join(&session, "owner");
    let mut second = join(&session, "owner");
    let types = |view: &mut View| said(&session, view)[0].contains(r#""may_type":true"#);
    assert!(!types(&mut other) && types(&mut first) && !types(&mut second));
    session.leave(first.peer());
    assert!(!session.may_type(other.peer()) && session.may_type(second.peer()));
    assert!(types(&mut second), "it is told so");
    assert_eq!(said(&session, &mut other).len(), 1, "who watches is told nothing new");
}

#[test]
fn nobody_types_where_nobody_may_and_all_where_all_may() {
    for (typing, may) in [(Typing::None, false), (Typing::All, true)] {
        let session = session(typing);
        let view = join(&session, "owner");
        assert_eq!(session.may_type(view.peer()), may);
    }
}

#[test]
fn no_more_watch_than_may() {
    let session = session(Typing::None);
    let first = join(&session, "a");
    join(&session, "b");
    join(&session, "c");
    let refused = session.join(PeerId::next(), user("d")).unwrap_err();
    assert!(refused.to_string().starts_with("3 watch this session"));
    session.leave(first.peer());
    join(&session, "d");
}

#[test]
fn the_end_comes_after_all_that_was_shown() {
    let session = session(Typing::None);
    let mut view = join(&session, "a");
    said(&session, &mut view);
    session.show(b"last\x1B[");
    session.end(Exit::Code(3).into());
    session.end(Exit::Code(4).into());
    assert_eq!(said(&session, &mut view), ["last", "\\x1b["]);
    assert_eq!(session.read(&mut view), Fresh::Over(Exit::Code(3).into()));
}

#[test]
fn what_is_below_the_alternate_screen_is_painted_when_that_is_left() {
    let session = session(Typing::None);
    session.show(b"below");
    session.show(b"\x1B[?1049h\x1B[Habove");
    let mut view = join(&session, "a");
    assert!(said(&session, &mut view)[1].contains("above"));
    session.show(b"\x1B[?1049l");
    let fresh = said(&session, &mut view);
    assert!(fresh[1].contains("below") && !fresh[1].contains("above"), "{fresh:?}");
}

#[test]
fn what_scrolled_off_is_painted_once_the_alternate_screen_is_left() {
    let session = session(Typing::None);
    for line in 1..=9 {
        session.show(format!("line {line}\r\n").as_bytes());
    }
    session.show(b"\x1B[?1049h\x1B[Habove");
    let mut view = join(&session, "a");
    assert!(!said(&session, &mut view)[1].contains("line 1"));
    session.show(b"\x1B[?1049l");
    assert!(said(&session, &mut view)[1].contains("line 1"));
}

#[test]
fn a_session_is_known_by_its_whole_id() {
    let session = session(Typing::None);
    assert!(session.is(&session.id) && session.id.len() == 32);
    assert!(!session.is(session.label()) && !session.is(""));
}
