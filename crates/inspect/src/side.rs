//! One end's half of an open connection: its frames, in whichever dialect, found again where they were lost.

use tieline_proto::deflate::Window;
use tieline_proto::handshake::Dialect;

use crate::direction::{Bounds, Direction, Taken};
use crate::frame::{Frame, Outcome, Sender};
use crate::hixie::Hixie;
use crate::search::Search;

/// Most bytes in which frames are looked for where there never were any.
const MAX_PASSED: u64 = 1 << 20;

/// What one end says.
#[derive(Debug)]
pub(crate) struct Side {
    sender: Sender,
    reader: Reader,
    /// Where it is not known where the next frame begins.
    search: Option<Box<Search>>,
    /// Whether there were frames already.
    has_frames: bool,
    /// Nothing more is read.
    is_deaf: bool,
}

#[derive(Debug)]
enum Reader {
    Hixie(Box<Hixie>),
    Hybi(Box<Direction>),
}

/// What some bytes brought.
#[derive(Debug)]
pub(crate) enum Brought {
    /// A frame is whole, or will never be.
    Frame(Frame),
    /// Frames were found behind so many bytes.
    Found(u64),
    /// There are none.
    Nothing,
}

impl Side {
    /// Frames from the first on.
    pub(crate) fn new(
        sender: Sender,
        dialect: Dialect,
        theirs: Option<Window>,
        bounds: Bounds,
    ) -> Self {
        let reader = match dialect {
            Dialect::Hybi => Reader::Hybi(Box::new(Direction::new(sender, theirs, bounds))),
            dialect => Reader::Hixie(Box::new(Hixie::new(sender, dialect, bounds))),
        };
        Self { sender, reader, search: None, has_frames: true, is_deaf: false }
    }

    /// Frames of which the first are not there.
    pub(crate) fn between_frames(sender: Sender, theirs: Option<Window>, bounds: Bounds) -> Self {
        let direction = Direction::in_the_middle(sender, theirs, bounds);
        let reader = Reader::Hybi(Box::new(direction));
        Self { sender, reader, search: None, has_frames: true, is_deaf: false }
    }

    /// The same, where the bytes begin anywhere.
    pub(crate) fn anywhere(sender: Sender, theirs: Option<Window>, bounds: Bounds) -> Self {
        let search = Some(Box::new(Search::new(sender)));
        Self { search, has_frames: false, ..Self::between_frames(sender, theirs, bounds) }
    }

    /// Counts bytes that came before.
    pub(crate) fn pass(&mut self, bytes: u64) {
        match &mut self.reader {
            Reader::Hixie(hixie) => hixie.pass(bytes),
            Reader::Hybi(direction) => direction.pass(bytes),
        }
    }

    /// How much memory it holds, about.
    pub(crate) fn held(&self) -> usize {
        let reader = match &self.reader {
            Reader::Hixie(hixie) => hixie.held(),
            Reader::Hybi(direction) => direction.held(),
        };
        reader + self.search.as_ref().map_or(0, |search| search.held())
    }

    /// Takes bytes; what they brought goes to `sink`.
    pub(crate) fn take(&mut self, bytes: &[u8], sink: &mut dyn FnMut(Brought)) {
        let mut found;
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_deaf {
            if let Some(search) = &mut self.search {
                match search.push(rest) {
                    Some(frames) => {
                        self.found(sink);
                        found = frames;
                        rest = &found;
                    }
                    None if !self.has_frames && search.passed() > MAX_PASSED => {
                        self.search = None;
                        self.is_deaf = true;
                        sink(Brought::Nothing);
                        return;
                    }
                    None => return,
                }
            }
            let taken = self.read(rest);
            rest = &rest[taken.bytes..];
            if let Some(frame) = taken.frame {
                sink(Brought::Frame(frame));
            }
            if taken.is_lost {
                self.lose();
            }
        }
    }

    /// Takes note that so many bytes are missing.
    pub(crate) fn miss(&mut self, bytes: u64, sink: &mut dyn FnMut(Brought)) {
        if let Some(mut search) = self.search.take() {
            // Behind the gap is another place to begin at.
            self.end_search(&mut search, sink);
        }
        let (frame, is_found) = match &mut self.reader {
            Reader::Hixie(hixie) => (hixie.miss(bytes), false),
            Reader::Hybi(direction) => direction.miss(bytes),
        };
        if let Some(frame) = frame {
            sink(Brought::Frame(frame));
        }
        if !is_found {
            self.lose();
        }
    }

    /// Nothing more comes.
    pub(crate) fn finish(&mut self, sink: &mut dyn FnMut(Brought)) {
        if let Some(mut search) = self.search.take() {
            self.end_search(&mut search, sink);
            if !self.has_frames && search.passed() > 0 {
                sink(Brought::Nothing);
            }
        }
        let frame = match &mut self.reader {
            Reader::Hixie(hixie) => hixie.finish(),
            Reader::Hybi(direction) => direction.finish(),
        };
        if let Some(frame) = frame {
            sink(Brought::Frame(frame));
        }
    }

    fn end_search(&mut self, search: &mut Search, sink: &mut dyn FnMut(Brought)) {
        let Some(frames) = search.finish() else {
            self.pass(search.passed());
            return;
        };
        self.tell_found(search.passed(), sink);
        let mut rest = frames.as_slice();
        while !rest.is_empty() {
            let taken = self.read(rest);
            rest = &rest[taken.bytes..];
            if let Some(frame) = taken.frame {
                sink(Brought::Frame(frame));
            }
        }
    }

    fn found(&mut self, sink: &mut dyn FnMut(Brought)) {
        if let Some(search) = self.search.take() {
            self.tell_found(search.passed(), sink);
        }
    }

    fn tell_found(&mut self, passed: u64, sink: &mut dyn FnMut(Brought)) {
        self.pass(passed);
        self.has_frames = true;
        if passed > 0 {
            sink(Brought::Found(passed));
        }
    }

    fn read(&mut self, bytes: &[u8]) -> Taken {
        match &mut self.reader {
            Reader::Hixie(hixie) => hixie.take(bytes),
            Reader::Hybi(direction) => direction.take(bytes),
        }
    }

    /// Looks for frames from here on, or gives up where that makes no sense.
    fn lose(&mut self) {
        match &self.reader {
            Reader::Hixie(_) => self.is_deaf = true,
            Reader::Hybi(_) => self.search = Some(Box::new(Search::new(self.sender))),
        }
    }
}

impl Brought {
    /// Whether it is a close frame.
    pub(crate) const fn is_close(&self) -> bool {
        matches!(self, Self::Frame(Frame { outcome: Outcome::Close { .. }, .. }))
    }
}
