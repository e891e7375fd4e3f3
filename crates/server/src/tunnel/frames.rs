//! Where the frames of one direction begin and end, so that something may be said between two, and
//! messages can be counted.
//!
//! Nothing is kept of what passes but the header that is cut off at the end of a read.

use tieline_proto::frame::{Header, MAX_HEADER_BYTES, Opcode};

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// What is left of a payload.
    payload: u64,
    /// The beginning of a header.
    header: [u8; MAX_HEADER_BYTES],
    len: usize,
    /// The frame that is passing, or has passed, is a close.
    is_closed: bool,
    /// What passes is not WebSocket: nothing may be said any more.
    is_lost: bool,
    /// How many have begun.
    messages: u64,
}

impl Frames {
    /// Follows bytes that are handed on.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        self.walk(bytes, false);
    }

    /// How many of these bytes still belong to the frame that is passing: after them something may
    /// be said. `None` where the frame does not end in them, or nothing may be said.
    pub(super) fn end_of_frame(&mut self, bytes: &[u8]) -> Option<usize> {
        self.walk(bytes, true)
    }

    /// Follows the frame that is passing as far as these bytes go; answers how many are its own.
    pub(super) fn frame(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            at += self.step(&bytes[at..]);
            if at == bytes.len() || self.is_between() || self.is_lost {
                return at;
            }
        }
    }

    /// Whether nothing is in the middle, and a close frame would be the first.
    pub(super) const fn may_close(&self) -> bool {
        self.is_between() && !self.is_closed && !self.is_lost
    }

    /// Whether what passes is no frame.
    pub(super) const fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// How many messages have begun.
    pub(super) const fn messages(&self) -> u64 {
        self.messages
    }

    const fn is_between(&self) -> bool {
        self.payload == 0 && self.len == 0
    }

    fn walk(&mut self, bytes: &[u8], stops: bool) -> Option<usize> {
        let mut at = 0;
        loop {
            if stops && self.may_close() {
                return Some(at);
            }
            if self.is_lost || at == bytes.len() {
                return None;
            }
            at += self.step(&bytes[at..]);
        }
    }

    /// Takes bytes of a payload or of a header; answers how many.
    fn step(&mut self, bytes: &[u8]) -> usize {
        if self.payload == 0 {
            return self.take_header(bytes);
        }
        let taken = bytes.len().min(usize::try_from(self.payload).unwrap_or(usize::MAX));
        self.payload -= taken as u64;
        taken
    }

    /// Takes bytes of a header until it is whole; answers how many.
    fn take_header(&mut self, bytes: &[u8]) -> usize {
        // Not more than a header's worth is looked at, so that the rest of the read is not copied.
        let before = self.len;
        let taken = bytes.len().min(MAX_HEADER_BYTES - before);
        self.header[before..before + taken].copy_from_slice(&bytes[..taken]);
        match Header::decode(&self.header[..before + taken]) {
            Ok(None) => {
                self.len += taken;
                taken
            }
            Ok(Some((header, len))) => {
                self.len = 0;
                self.payload = header.len;
                self.is_closed |= header.opcode == Opcode::Close;
                self.messages += u64::from(matches!(header.opcode, Opcode::Text | Opcode::Binary));
                len - before
            }
            Err(_) => {
                self.is_lost = true;
                taken
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text of 3 bytes, an empty binary, and one of 300 bytes, as a server sends them.
    fn wire() -> (Vec<u8>, Vec<usize>) {
        let mut wire = vec![0x81, 3, b'a', b'b', b'c', 0x82, 0, 0x82, 126, 1, 44];
        wire.extend([0; 300]);
        (wire, vec![0, 5, 7, 311])
    }

    #[test]
    fn the_end_of_a_frame_is_found_however_it_is_cut() {
        let (wire, ends) = wire();
        for cut in 0..=wire.len() {
            let mut frames = Frames::default();
            frames.pass(&wire[..cut]);
            let expected = ends.iter().find(|end| **end >= cut).map(|end| end - cut);
            assert_eq!(frames.may_close(), expected == Some(0), "cut at {cut}");
            assert_eq!(frames.end_of_frame(&wire[cut..]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_message_is_counted_once_however_many_frames_it_has() {
        // A text in three frames with a ping between them, masked with zeroes, and a binary.
        let mut wire = vec![0x01, 0x81, 0, 0, 0, 0, b'a', 0x89, 0x80, 0, 0, 0, 0];
        wire.extend([0x00, 0x80, 0, 0, 0, 0, 0x80, 0x81, 0, 0, 0, 0, b'b', 0x82, 0x80, 0, 0, 0, 0]);
        let frames = |reads: &mut dyn Iterator<Item = &[u8]>| {
            let (mut frames, mut ends, mut at) = (Frames::default(), Vec::new(), 0);
            for mut read in reads {
                while !read.is_empty() {
                    let taken = frames.frame(read);
                    at += taken;
                    read = &read[taken..];
                    if frames.may_close() {
                        ends.push(at);
                    }
                }
            }
            (ends, frames.messages())
        };
        let expected = (vec![7, 13, 19, 26, 32], 2);
        for size in 1..=wire.len() {
            assert_eq!(frames(&mut wire.chunks(size)), expected, "{size} bytes at a time");
        }
    }

    #[test]
    fn after_a_close_nothing_is_said() {
        let mut frames = Frames::default();
        frames.pass(&[0x88, 2, 3]);
        assert_eq!(frames.end_of_frame(&[0xE8]), None);
        assert!(!frames.may_close());
    }

    #[test]
    fn what_is_no_frame_is_left_alone() {
        let mut frames = Frames::default();
        frames.pass(b"\x83\x00HTTP");
        assert_eq!(frames.end_of_frame(b"anything"), None);
    }
}
