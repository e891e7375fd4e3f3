//! Captures, read as they come: pcap and pcapng, of any size, from anywhere.
//!
//! No more of one is in memory than its largest block, which is bounded.

mod error;
mod form;

use std::io::Read;
use std::time::Duration;

pub use self::error::CaptureError;
use self::form::{Block, Form};

/// How much is read at once, at first.
const FIRST_ROOM: usize = 256 << 10;

/// Largest block that is taken for one: no packet is larger.
const MAX_BLOCK_BYTES: usize = 16 << 20;

/// The packets of a capture, one after the other.
///
/// # Example
///
/// ```no_run
/// use tieline_inspect::{Inspector, Packets, Room, json};
///
/// let mut packets = Packets::new(std::fs::File::open("traffic.pcapng")?);
/// let mut inspector = Inspector::new(Room::default());
/// let mut print = |seen| println!("{}", json::seen(&seen));
/// while let Some(packet) = packets.next()? {
///     inspector.packet(&packet, &mut print);
/// }
/// inspector.finish(&mut print);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Packets<R> {
    from: R,
    memory: Vec<u8>,
    /// What of the memory was read and not taken yet.
    unread: std::ops::Range<usize>,
    /// Bytes taken so far.
    at: u64,
    is_end: bool,
    form: Option<Form>,
}

/// One packet, as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "what there is of a packet")]
pub struct Packet<'a> {
    /// When, since the beginning of 1970.
    pub time: Duration,
    /// What its first bytes are, as <https://www.tcpdump.org/linktypes.html> numbers it.
    pub link: i32,
    /// Its bytes, as many as were kept.
    pub data: &'a [u8],
}

impl<R: Read> Packets<R> {
    /// Reads a capture from its first byte on.
    pub const fn new(from: R) -> Self {
        Self { from, memory: Vec::new(), unread: 0..0, at: 0, is_end: false, form: None }
    }

    /// Bytes of the capture that were taken so far.
    pub const fn taken(&self) -> u64 {
        self.at
    }

    /// Whether the next packet has to be read first, for which there may be long to wait.
    pub const fn is_drained(&self) -> bool {
        self.unread.start == self.unread.end
    }

    /// The next packet, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`CaptureError`]: nothing that comes after it can be read.
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows from it")]
    pub fn next(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        loop {
            let unread = &self.memory[self.unread.clone()];
            let form = match &mut self.form {
                Some(form) => form,
                None => match Form::of(unread, self.is_end)? {
                    Some(form) => self.form.insert(form),
                    None => {
                        self.refill()?;
                        continue;
                    }
                },
            };
            match form.block(unread).map_err(|()| CaptureError::Broken { at: self.at })? {
                Some((len, block)) => {
                    let start = self.unread.start;
                    self.unread.start += len;
                    self.at += len as u64;
                    if let Block::Packet { time, link, data } = block {
                        let data = &self.memory[start + data.start..start + data.end];
                        return Ok(Some(Packet { time, link, data }));
                    }
                }
                None if self.is_end && unread.is_empty() => return Ok(None),
                None if self.is_end => return Err(CaptureError::CutOff { at: self.at }),
                None if unread.len() >= MAX_BLOCK_BYTES => {
                    return Err(CaptureError::TooLarge { at: self.at, limit: MAX_BLOCK_BYTES });
                }
                None => self.refill()?,
            }
        }
    }

    /// Reads more behind what was not taken yet.
    fn refill(&mut self) -> Result<(), CaptureError> {
        if self.unread.start > 0 {
            self.memory.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        if self.unread.end == self.memory.len() {
            let wanted = (self.memory.len() * 2).clamp(FIRST_ROOM, MAX_BLOCK_BYTES + FIRST_ROOM);
            self.memory.resize(wanted, 0);
        }
        let read = loop {
            match self.from.read(&mut self.memory[self.unread.end..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read.map_err(CaptureError::Read)?,
            }
        };
        self.unread.end += read;
        self.is_end = read == 0;
        Ok(())
    }
}
