//! From the numbers that a program gives things to their places in a trace.
//!
//! Tokio counts its tasks from 1 and `tracing` its spans likewise, so that most numbers are near one
//! another: for them a list is enough, which takes four bytes where a hash map takes twenty, and a
//! look-up that costs nothing. What lies far off stands in a map.

use std::sync::Arc;

use foldhash::HashMap;

use super::flat::Flat;
use crate::prefetch::prefetch;

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
pub(crate) struct IdMap {
    /// The number of the first in `near`.
    base: u64,
    near: Flat<u32>,
    used: usize,
    /// Copies share it until one is added.
    far: Arc<HashMap<u64, u32>>,
}

impl IdMap {
    #[inline]
    pub(crate) fn get(&self, id: u64) -> Option<u32> {
        let near =
            id.checked_sub(self.base).and_then(|at| self.near.get(usize::try_from(at).ok()?));
        match near {
            Some(&ix) if ix != NONE => Some(ix),
            _ if self.far.is_empty() => None,
            _ => self.far.get(&id).copied(),
        }
    }

    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.near.share();
    }

    /// As a copy has it: nothing more will be added.
    pub(crate) fn settle(&mut self) {
        self.near.settle();
    }

    /// It will be looked up.
    #[inline]
    pub(crate) fn prefetch(&self, id: u64) {
        prefetch(id.checked_sub(self.base).and_then(|at| self.near.get(usize::try_from(at).ok()?)));
    }

    pub(crate) fn insert(&mut self, id: u64, ix: u32) {
        if self.near.is_empty() && self.far.is_empty() {
            self.base = id;
        }
        // The list may be eight times as long as what stands in it, and is as long as a map then.
        let most = 1024 + 8 * self.used as u64;
        match id.checked_sub(self.base).filter(|at| *at < most) {
            Some(at) => {
                let at = at as usize;
                self.near.resize(at + 1, NONE);
                self.near[at] = ix;
                self.used += 1;
            }
            None => {
                Arc::make_mut(&mut self.far).insert(id, ix);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_and_far_numbers_are_found() {
        let ids: Vec<u64> = (100..5_000)
            .chain([0, 7, u64::MAX, 1 << 48])
            .chain((1 << 48) + 1..(1 << 48) + 99)
            .collect();
        let mut map = IdMap::default();
        for (ix, id) in (0..).zip(&ids) {
            assert_eq!(map.get(*id), None);
            map.insert(*id, ix);
        }
        assert!(ids.iter().zip(0..).all(|(id, ix)| map.get(*id) == Some(ix)));
        assert!(map.near.len() < 5_000);
    }
}
