//! Handles: numbers that outlive what they stood for, and then stand for nothing.
//!
//! ```text
//!  63            32 31             0
//! +----------------+----------------+
//! | generation, 1… | slot           |    0 is never a handle
//! +----------------+----------------+
//! ```
//!
//! The first generation of a slot is random: a small number, or a handle that another copy of the
//! library in the same process has given, is hardly ever one here.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// What handles stand for.
#[derive(Debug)]
pub(crate) struct Registry<T>(RwLock<Slots<T>>);

#[derive(Debug)]
struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// Slots without a value that may have one again.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot<T> {
    /// One more for each value that this slot has.
    generation: u32,
    value: Option<Arc<T>>,
}

impl<T> Registry<T> {
    /// Most values at a time.
    pub(crate) const MOST: usize = 1 << 16;

    pub(crate) const fn new() -> Self {
        Self(RwLock::new(Slots { slots: Vec::new(), free: Vec::new() }))
    }

    /// Gives the value a handle; `None` where there are too many.
    pub(crate) fn insert(&self, value: Arc<T>) -> Option<u64> {
        let mut slots = self.write();
        let slots = &mut *slots;
        let index = match slots.free.pop() {
            Some(index) => index,
            None if slots.slots.len() >= Self::MOST => return None,
            None => {
                // A new state hashes with keys of its own; half of all generations are left.
                let random = RandomState::new().build_hasher().finish();
                slots.slots.push(Slot { generation: random as u32 >> 1, value: None });
                slots.slots.len() as u32 - 1
            }
        };
        let slot = &mut slots.slots[index as usize];
        slot.generation += 1;
        slot.value = Some(value);
        Some(u64::from(slot.generation) << 32 | u64::from(index))
    }

    /// What a handle stands for.
    pub(crate) fn get(&self, handle: u64) -> Option<Arc<T>> {
        let slots = self.read();
        let slot = slots.slots.get(handle as u32 as usize)?;
        slot.value.clone().filter(|_| u64::from(slot.generation) == handle >> 32)
    }

    /// Takes the value away; its handle stands for nothing from now on.
    pub(crate) fn remove(&self, handle: u64) -> Option<Arc<T>> {
        let mut slots = self.write();
        let slots = &mut *slots;
        let slot = slots.slots.get_mut(handle as u32 as usize)?;
        if u64::from(slot.generation) != handle >> 32 {
            return None;
        }
        let value = slot.value.take()?;
        // A slot whose generations are used up stays empty: no handle is given twice.
        if slot.generation < u32::MAX {
            slots.free.push(handle as u32);
        }
        Some(value)
    }

    fn read(&self) -> RwLockReadGuard<'_, Slots<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Slots<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_that_was_removed_stands_for_nothing_also_when_its_slot_is_used_again() {
        let registry = Registry::new();
        let first = registry.insert(Arc::new("first")).unwrap();
        assert_eq!(registry.remove(first).as_deref(), Some(&"first"));
        let second = registry.insert(Arc::new("second")).unwrap();
        assert_eq!(first as u32, second as u32);
        assert_eq!((registry.get(first), registry.remove(first)), (None, None));
        assert_eq!(registry.get(second).as_deref(), Some(&"second"));
    }

    #[test]
    fn numbers_that_are_no_handles_stand_for_nothing() {
        let registry = Registry::new();
        let handle = registry.insert(Arc::new(())).unwrap();
        for foreign in [0, 1, u64::MAX, handle + 1, handle ^ 1 << 32, 0x7FFE_DEAD_BEE8] {
            assert!(registry.get(foreign).is_none() && registry.remove(foreign).is_none());
        }
        assert!(registry.get(handle).is_some());
    }

    #[test]
    fn there_are_no_more_values_than_allowed() {
        let registry = Registry::new();
        let handles: Vec<_> = std::iter::from_fn(|| registry.insert(Arc::new(()))).collect();
        assert_eq!(handles.len(), Registry::<()>::MOST);
        registry.remove(handles[7]);
        assert!(registry.insert(Arc::new(())).is_some());
    }

    #[test]
    fn a_slot_whose_generations_are_used_up_is_used_no_more() {
        let registry = Registry::new();
        registry.0.write().unwrap().slots.push(Slot { generation: u32::MAX - 1, value: None });
        registry.0.write().unwrap().free.push(0);
        let last = registry.insert(Arc::new(())).unwrap();
        assert_eq!(last >> 32, u64::from(u32::MAX));
        registry.remove(last);
        assert_ne!(registry.insert(Arc::new(())).unwrap() as u32, 0);
    }
}
