//! docs/codes.md against the code: the table and the enums say the same.

use std::fs;
use std::path::Path;

use tieline_proto::{CloseCode, ProtocolError};

/// The cells of every row under a heading of docs/codes.md.
fn table(heading: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/codes.md");
    let page = fs::read_to_string(path).expect("docs/codes.md is there");
    let (_, section) = page.split_once(&format!("## {heading}\n")).expect("the heading is there");
    let section = section.split("\n## ").next().expect("a split has a first part");
    let cells =
        |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    section.lines().filter(|line| line.starts_with('|')).skip(2).map(cells).collect()
}

#[test]
fn every_close_code_has_its_name_and_says_whether_it_may_be_sent() {
    let rows = table("Close codes");
    let codes: Vec<u16> = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    assert_eq!(codes, (1000..=1015).chain([3000, 4000]).collect::<Vec<_>>());
    for (row, code) in rows.iter().zip(codes) {
        let code = CloseCode::new(code);
        assert_eq!(Some(&*row[1]), code.name());
        assert_eq!(row[2] == "yes", code.may_be_sent(), "{code}");
    }
}

#[test]
fn every_protocol_error_has_its_close_code() {
    let errors = [
        ProtocolError::InvalidClosePayload,
        ProtocolError::InvalidControlFrame,
        ProtocolError::InvalidDeflate,
        ProtocolError::InvalidLength,
        ProtocolError::InvalidMask,
        ProtocolError::InvalidUtf8,
        ProtocolError::MessageTooBig { bytes: 2, limit: 1 },
        ProtocolError::MessageUnfinished,
        ProtocolError::ReservedBit,
        ProtocolError::TooManyFragments { limit: 1 },
        ProtocolError::UnexpectedContinuation,
        ProtocolError::UnknownOpcode(3),
    ];
    let expected: Vec<[String; 2]> = errors
        .iter()
        .map(|error| {
            let name = format!("{error:?}");
            let name = name.split([' ', '(']).next().expect("a split has a first part").to_owned();
            [name, error.close_code().get().to_string()]
        })
        .collect();
    assert_eq!(table("What breaks the protocol"), expected);
}
