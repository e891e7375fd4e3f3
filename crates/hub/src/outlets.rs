//! Outlets of a channel, and how many subscribers each leads to.

use smallvec::SmallVec;

use crate::outlet::Outlet;

/// Few, each once: one for each thread.
#[derive(Debug)]
pub(crate) struct Outlets<O>(SmallVec<[(O, usize); 1]>);

impl<O> Outlets<O> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &O> {
        self.0.iter().map(|(outlet, _)| outlet)
    }

    /// How many subscribers there are.
    pub(crate) fn members(&self) -> usize {
        self.0.iter().map(|(_, members)| members).sum()
    }
}

impl<O: Outlet> Outlets<O> {
    /// One more behind this outlet.
    pub(crate) fn join(&mut self, outlet: &O) {
        match self.0.iter_mut().find(|(known, _)| known == outlet) {
            Some((_, members)) => *members += 1,
            None => self.0.push((outlet.clone(), 1)),
        }
    }

    /// One less behind it.
    pub(crate) fn leave(&mut self, outlet: &O) {
        if let Some(at) = self.0.iter().position(|(known, _)| known == outlet) {
            self.0[at].1 -= 1;
            if self.0[at].1 == 0 {
                self.0.swap_remove(at);
            }
        }
    }

    /// Whether one of them should get nothing more.
    pub(crate) fn are_full(&self) -> bool {
        self.iter().any(Outlet::is_full)
    }
}

impl<O> Default for Outlets<O> {
    fn default() -> Self {
        Self(SmallVec::new())
    }
}
