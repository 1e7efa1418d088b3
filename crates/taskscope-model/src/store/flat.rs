//! A list that is changed anywhere, all the time, and of which a copy costs what has changed since the
//! one before.
//!
//! Each event changes what is kept of its task, and tasks come in no order. In a [shelf](super::shelf)
//! each such change would first ask whether a copy shares the page, and reach it over three pointers.
//! So whoever changes the list has all of it in one piece, and notes which pages of it have changed. A
//! copy has pages alone, which it shares with other copies: those that have changed since the last are
//! made anew.

use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// See [the module](self).
#[derive(Debug)]
pub(crate) struct Flat<T> {
    /// All of it, where it is changed; nothing in a copy.
    whole: Vec<T>,
    /// By page: whether it is not what `pages` has.
    changed: Vec<bool>,
    pages: Vec<Arc<[T]>>,
}

impl<T> Default for Flat<T> {
    fn default() -> Self {
        Self { whole: Vec::new(), changed: Vec::new(), pages: Vec::new() }
    }
}

impl<T: Copy> Flat<T> {
    /// So many elements make a page, of 128 KiB. What one event changes is copied with its page, so that
    /// a smaller one would be better; but allocators give back only what is as large, and the pages of
    /// older copies would stay: two bytes a poll.
    const PAGE: usize = match (128 << 10) / size_of::<T>() {
        0 => 1,
        // A power of two, so that an index is two shifts.
        some => 1 << some.ilog2(),
    };

    pub(crate) fn len(&self) -> usize {
        match self.pages.last() {
            Some(last) if self.whole.is_empty() => (self.pages.len() - 1) * Self::PAGE + last.len(),
            _ => self.whole.len(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        match self.whole.get(at) {
            None => self.pages.get(at / Self::PAGE)?.get(at % Self::PAGE),
            known => known,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let pages = if self.whole.is_empty() { &self.pages[..] } else { &[] };
        self.whole.iter().chain(pages.iter().flat_map(|page| page.iter()))
    }

    /// Changes all of it.
    pub(crate) fn for_each_mut(&mut self, change: impl FnMut(&mut T)) {
        self.be_whole();
        self.changed.fill(true);
        self.whole.iter_mut().for_each(change);
    }

    /// Adds elements at the end, up to this length.
    pub(crate) fn resize(&mut self, length: usize, value: T) {
        self.be_whole();
        if length <= self.whole.len() {
            return;
        }
        let first = self.whole.len() / Self::PAGE;
        self.whole.resize(length, value);
        self.changed.resize(length.div_ceil(Self::PAGE), true);
        self.changed[first..].fill(true);
    }

    pub(crate) fn push(&mut self, element: T) {
        self.be_whole();
        self.resize(self.whole.len() + 1, element);
    }

    /// Elements can be added to what changes anyway. (None is ever added to a copy.)
    fn be_whole(&mut self) {
        if self.whole.is_empty() && !self.pages.is_empty() {
            self.whole = self.pages.iter().flat_map(|page| page.iter().copied()).collect();
            self.changed = vec![false; self.pages.len()];
        }
    }

    /// From here on a copy costs next to nothing, until something changes.
    pub(crate) fn share(&mut self) {
        for (at, changed) in self.changed.iter_mut().enumerate() {
            if std::mem::take(changed) {
                let first = at * Self::PAGE;
                let page = &self.whole[first..self.whole.len().min(first + Self::PAGE)];
                match self.pages.get_mut(at) {
                    Some(old) => *old = page.into(),
                    None => self.pages.push(page.into()),
                }
            }
        }
    }

    /// As a copy has it: nothing more will change.
    pub(crate) fn settle(&mut self) {
        self.share();
        (self.whole, self.changed) = (Vec::new(), Vec::new());
    }

    #[cold]
    fn in_pages(&mut self, at: usize) -> &mut T {
        &mut Arc::make_mut(&mut self.pages[at / Self::PAGE])[at % Self::PAGE]
    }
}

/// What has not been [shared](Flat::share) is shared by this copy alone.
impl<T: Copy> Clone for Flat<T> {
    fn clone(&self) -> Self {
        let mut pages = self.pages.clone();
        for at in (0..self.changed.len()).filter(|&at| self.changed[at]) {
            let first = at * Self::PAGE;
            let page = &self.whole[first..self.whole.len().min(first + Self::PAGE)];
            match pages.get_mut(at) {
                Some(old) => *old = page.into(),
                None => pages.push(page.into()),
            }
        }
        Self { pages, ..Self::default() }
    }
}

impl<T: Copy> From<Vec<T>> for Flat<T> {
    fn from(list: Vec<T>) -> Self {
        Self { pages: list.chunks(Self::PAGE).map(Arc::from).collect(), ..Self::default() }
    }
}

impl<T: Copy> Index<usize> for Flat<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        match self.whole.get(at) {
            Some(element) => element,
            None => &self.pages[at / Self::PAGE][at % Self::PAGE],
        }
    }
}

impl<T: Copy> IndexMut<usize> for Flat<T> {
    #[inline]
    fn index_mut(&mut self, at: usize) -> &mut T {
        if at >= self.whole.len() {
            return self.in_pages(at);
        }
        self.changed[at / Self::PAGE] = true;
        &mut self.whole[at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_changes_and_shares_what_has_not_changed() {
        let (mut flat, mut list) = (Flat::default(), Vec::new());
        let mut copies: Vec<(Flat<u64>, Vec<u64>)> = Vec::new();
        for number in 0..20_000u64 {
            flat.push(number);
            list.push(number);
            let other = (number * 7_919 % (number + 1)) as usize;
            flat[other] += 1_000_000;
            list[other] += 1_000_000;
            if number % 1_700 == 0 {
                if number % 3 == 0 {
                    flat.share();
                }
                copies.push((flat.clone(), list.clone()));
            }
        }
        flat.settle();
        copies.push((flat.clone(), list));
        for (copy, expected) in &copies {
            assert_eq!(copy.len(), expected.len());
            assert!(copy.iter().eq(expected));
            assert!((0..expected.len()).all(|at| copy[at] == expected[at]));
            assert_eq!(copy.get(expected.len()), None);
        }
        let page = Flat::<u64>::PAGE;
        flat[page] = 0;
        let same =
            |at: &usize| Arc::ptr_eq(&flat.pages[*at], &copies[copies.len() - 1].0.pages[*at]);
        assert_eq!((0..flat.pages.len()).filter(same).count(), flat.pages.len() - 1);
        flat.push(5);
        assert_eq!((flat.len(), flat[20_000], flat[page]), (20_001, 5, 0));
    }
}
