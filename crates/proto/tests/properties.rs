//! What holds for any bytes: cuts change nothing, what is encoded is decoded, limits hold.

mod script;

use proptest::prelude::*;
use script::{End, Pair, Seen, frame};
use tieline_proto::deflate::{Agreed, Window};
use tieline_proto::handshake::{Agreement, Dialect};
use tieline_proto::utf8::Validator;
use tieline_proto::{Limits, MessageKind, Role, mask};

fn agreements() -> impl Strategy<Value = Agreement> {
    prop_oneof![
        Just(Agreement::default()),
        Just(Agreement { dialect: Dialect::Hixie75, ..Agreement::default() }),
        Just(Agreement { dialect: Dialect::Hixie76, ..Agreement::default() }),
        deflated(),
    ]
}

fn deflated() -> impl Strategy<Value = Agreement> {
    (9..=15u8, any::<bool>()).prop_map(|(bits, context_takeover)| {
        let window = Window { bits, context_takeover };
        let deflate = Some(Agreed { ours: window, theirs: window, level: 1, min_bytes: 1 });
        Agreement { deflate, ..Agreement::default() }
    })
}

/// Bytes that are mostly frames, so that more than the first header is reached.
fn wire() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        4 => prop::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8A]),
        1 => prop::sample::select(vec![0xC1, 0x41, 0x88]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        "\\PC{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..300),
    ];
    let framed = (first, payload).prop_map(|(first, payload)| frame(first, &payload));
    let hixie = "\\PC{0,40}".prop_map(|text| [&[0x00], text.as_bytes(), &[0xFF]].concat());
    let piece = prop_oneof![
        8 => framed,
        2 => hixie,
        1 => prop::collection::vec(any::<u8>(), 0..20)
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Messages short and long; the long ones hardly shrink.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let noise = (any::<u32>(), 0..40_000u32).prop_map(|(seed, len)| {
        (0..len).map(|n| ((n ^ seed).wrapping_mul(2_654_435_761) >> 21) as u8).collect()
    });
    prop_oneof!["\\PC{0,300}".prop_map(String::into_bytes), noise]
}

fn small() -> Limits {
    Limits { max_message_bytes: 400, max_fragments: 5, ..Limits::default() }
}

proptest! {
    #[test]
    fn any_cut_of_the_bytes_gives_the_same_events_and_the_same_answer(
        agreement in agreements(),
        wire in wire(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut whole = End::with(Role::Server, &agreement, small());
        let expected = whole.receive(&wire);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(wire.len() + 1)).collect();
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let mut pieces = End::with(Role::Server, &agreement, small());
        let mut seen = Vec::new();
        for range in cuts.windows(2) {
            seen.extend(pieces.receive(&wire[range[0]..range[1]]));
        }
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(pieces.take_output(), whole.take_output());
    }

    #[test]
    fn no_message_is_larger_than_the_limit(agreement in agreements(), wire in wire()) {
        for seen in End::with(Role::Server, &agreement, small()).receive(&wire) {
            let bytes = match seen {
                Seen::Text(text) => text.len(),
                Seen::Binary(bytes) => bytes.len(),
                _ => 0,
            };
            prop_assert!(bytes <= small().max_message_bytes);
        }
    }

    #[test]
    fn what_one_end_encodes_the_other_decodes(
        agreement in agreements(),
        messages in prop::collection::vec("\\PC{0,2000}", 0..8),
    ) {
        let mut line = Pair::new(&agreement, &agreement);
        for message in &messages {
            line.client.send(MessageKind::Text, message);
            line.server.send(MessageKind::Text, message);
        }
        let (by_client, by_server) = line.run();
        let expected: Vec<Seen> = messages.into_iter().map(Seen::Text).collect();
        prop_assert_eq!(&by_client, &expected);
        prop_assert_eq!(by_server, expected);
    }

    #[test]
    fn the_validator_agrees_with_std_on_any_bytes_and_cut(
        bytes in prop::collection::vec(any::<u8>(), 0..64),
        cut in any::<prop::sample::Index>(),
    ) {
        let (head, tail) = bytes.split_at(cut.index(bytes.len() + 1));
        let mut text = Validator::default();
        let valid = text.push(head).is_ok() && text.push(tail).is_ok() && text.is_complete();
        prop_assert_eq!(valid, std::str::from_utf8(&bytes).is_ok());
    }

    #[test]
    fn masking_twice_is_nothing(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        key in any::<[u8; 4]>(),
    ) {
        let mut masked = bytes.clone();
        mask::apply(&mut masked, key);
        mask::apply(&mut masked, key);
        prop_assert_eq!(masked, bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Lines of a thread share codecs: none may ever see what another one said.
    #[test]
    fn lines_that_share_their_codecs_do_not_mix(
        lines in prop::collection::vec(
            (deflated(), prop::collection::vec(message(), 1..4)),
            2..5,
        ),
        turns in prop::collection::vec((any::<prop::sample::Index>(), 1..20_000usize), 0..40),
    ) {
        let mut ends: Vec<Pair> = lines.iter().map(|(agreed, _)| Pair::new(agreed, agreed)).collect();
        for round in 0..4 {
            for ((_, messages), line) in lines.iter().zip(&mut ends) {
                if let Some(message) = messages.get(round) {
                    line.client.send(MessageKind::Binary, message);
                }
            }
        }
        let mut wires: Vec<Vec<u8>> = ends.iter_mut().map(|line| line.client.take_output()).collect();
        let mut seen: Vec<Vec<Seen>> = vec![Vec::new(); lines.len()];
        let rest = (0..lines.len()).map(|line| (line, usize::MAX));
        for (line, len) in turns.iter().map(|(at, len)| (at.index(lines.len()), *len)).chain(rest) {
            let wire = &mut wires[line];
            let piece: Vec<u8> = wire.drain(..len.min(wire.len())).collect();
            seen[line].extend(ends[line].server.receive(&piece));
        }
        for ((_, messages), seen) in lines.into_iter().zip(seen) {
            let expected: Vec<Seen> = messages.into_iter().map(Seen::Binary).collect();
            prop_assert!(seen == expected);
        }
    }
}
