//! Which links of a worker nothing is read from, and why. Of a link that is not held, and those are
//! nearly all, nothing is kept.

use std::cell::RefCell;
use std::collections::HashMap;

use tieline::serve::LinkId;

/// Why nothing is read from a link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hold {
    /// It has said too much for now.
    Limit = 0b01,
    /// Its service cannot take more for now.
    Service = 0b10,
}

/// The links that are held, each with all reasons.
#[derive(Debug, Default)]
pub(crate) struct Holds(RefCell<HashMap<LinkId, u8>>);

impl Holds {
    pub(crate) fn add(&self, link: LinkId, why: Hold) {
        *self.0.borrow_mut().entry(link).or_default() |= why as u8;
    }

    /// Takes one reason away; whether it was the last.
    pub(crate) fn remove(&self, link: LinkId, why: Hold) -> bool {
        let mut holds = self.0.borrow_mut();
        let Some(left) = holds.get_mut(&link) else { return false };
        *left &= !(why as u8);
        let is_free = *left == 0;
        if is_free {
            holds.remove(&link);
        }
        is_free
    }

    /// The link is gone.
    pub(crate) fn forget(&self, link: LinkId) {
        self.0.borrow_mut().remove(&link);
    }
}
