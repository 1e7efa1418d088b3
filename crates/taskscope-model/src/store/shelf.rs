//! A list that grows at its end, and of which a copy costs next to nothing.

use std::ops::Index;

use super::page::{Page, copy_with_room, make_room};

/// See [`super`]. Elements that stand in it can be changed, too.
#[derive(Clone, Debug)]
pub(crate) struct Shelf<T: Clone> {
    chunks: Vec<Page<Vec<T>>>,

    length: usize,
}

impl<T: Clone> Default for Shelf<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), length: 0 }
    }
}

impl<T: Clone> Shelf<T> {
    /// So many elements make a chunk: about 32 KiB.
    pub(crate) const CHUNK: usize = match (32 << 10) / size_of::<T>() {
        0 => 1,
        // A power of two, so that an index is two shifts.
        some => 1 << some.ilog2(),
    };

    /// A list that was kept elsewhere, in chunks; `None` unless all but the last are full.
    pub(crate) fn of_chunks(chunks: Vec<Vec<T>>) -> Option<Self> {
        let (last, full) =
            chunks.split_last().map_or((0, &[][..]), |(last, full)| (last.len(), full));
        let fits = full.iter().all(|chunk| chunk.len() == Self::CHUNK) && last <= Self::CHUNK;
        let length = full.len() * Self::CHUNK + last;
        let is_whole = last > 0 || chunks.is_empty();
        (fits && is_whole)
            .then(|| Self { chunks: chunks.into_iter().map(Page::shared).collect(), length })
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.chunks.get(at / Self::CHUNK)?.get(at % Self::CHUNK)
    }

    pub(crate) fn last(&self) -> Option<&T> {
        self.get(self.length.checked_sub(1)?)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// The elements from `first` on.
    pub(crate) fn iter_from(&self, first: usize) -> impl Iterator<Item = &T> {
        let chunks = self.chunks.get(first / Self::CHUNK..).unwrap_or_default();
        chunks.iter().flat_map(|chunk| chunk.iter()).skip(first % Self::CHUNK)
    }

    /// How many elements from the front on satisfy `holds`, which must hold for all before one for
    /// which it does.
    pub(crate) fn partition_point(&self, holds: impl Fn(&T) -> bool) -> usize {
        let whole = self.chunks.partition_point(|chunk| chunk.last().is_some_and(&holds));
        let rest = self.chunks.get(whole).map(|chunk| chunk.partition_point(holds));
        rest.map_or(self.length, |rest| whole * Self::CHUNK + rest)
    }
}

impl<T: Clone> Shelf<T> {
    /// The same for those from `first` on, sooner where the answer is near: `first` or later.
    pub(crate) fn partition_from(&self, first: usize, holds: impl Fn(&T) -> bool) -> usize {
        let (mut low, mut reach) = (first, 1);
        while self.get(first + reach - 1).is_some_and(&holds) {
            low = first + reach;
            reach *= 2;
        }
        let mut high = (first + reach - 1).min(self.length).max(low);
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.get(middle).is_some_and(&holds) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl<T: Clone> Shelf<T> {
    pub(crate) fn push(&mut self, element: T) {
        let is_full = self.length.is_multiple_of(Self::CHUNK);
        match self.chunks.last_mut().filter(|_| !is_full) {
            Some(chunk) => {
                let chunk = chunk.edit_by(|chunk| copy_with_room(chunk, Self::CHUNK));
                make_room(chunk, Self::CHUNK);
                chunk.push(element);
            }
            None => {
                // The first is small in most lists.
                let room = if self.chunks.is_empty() { 1 } else { Self::CHUNK };
                let mut chunk = Vec::with_capacity(room);
                chunk.push(element);
                self.chunks.push(Page::new(chunk));
            }
        }
        self.length += 1;
    }

    /// Leaves the first elements alone.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.length {
            self.chunks.truncate(length.div_ceil(Self::CHUNK));
            let last = length % Self::CHUNK;
            if last > 0
                && let Some(chunk) = self.chunks.last_mut()
            {
                chunk.edit().truncate(last);
            }
            self.length = length;
        }
    }

    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.chunks.iter_mut().for_each(Page::share);
    }

    /// Lets go of elements that nobody asks for any more: they are counted, and only the last ones are
    /// still there.
    pub(crate) fn forget(&mut self) {
        if let Some((_, full)) = self.chunks.split_last_mut() {
            full.iter_mut().for_each(|chunk| *chunk.edit() = Vec::new());
        }
    }

    /// An element to be changed.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(at / Self::CHUNK)?;
        chunk.edit().get_mut(at % Self::CHUNK)
    }
}

impl<T: Clone> Index<usize> for Shelf<T> {
    type Output = T;

    #[inline]
    fn index(&self, at: usize) -> &T {
        &self.chunks[at / Self::CHUNK][at % Self::CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_never_changes() {
        let mut shelf = Shelf::default();
        let mut copies = Vec::new();
        for number in 0..20_000u64 {
            if number % 1_000 == 0 {
                shelf.share();
                copies.push(shelf.clone());
            }
            shelf.push(number);
            if let Some(element) = shelf.get_mut(number as usize / 2) {
                *element += 1_000_000;
            }
        }
        for (copy, number) in copies.iter().zip((0..).step_by(1_000)) {
            assert_eq!(copy.len(), number);
            // Each has been changed twice, and those in the second half not yet.
            assert!(
                copy.iter()
                    .skip(number / 2)
                    .enumerate()
                    .all(|(at, element)| { *element == (number / 2 + at) as u64 })
            );
        }
        assert_eq!(shelf.iter().count(), shelf.len());
        assert_eq!(shelf.iter_from(19_990).count(), 10);
    }

    #[test]
    fn it_is_searched_like_a_slice() {
        for length in [0, 1, 4_095, 4_096, 4_097, 10_000u64] {
            let mut shelf = Shelf::default();
            (0..length).for_each(|number| shelf.push(number));
            for limit in [0, 1, 4_095, 4_096, 9_999, 20_000] {
                let expected = limit.min(length) as usize;
                assert_eq!(shelf.partition_point(|number| *number < limit), expected);
                for first in [0, 1, 17, 4_095, 5_000] {
                    let from = shelf.partition_from(first, |number| *number < limit);
                    assert_eq!(from, expected.max(first), "{length} {limit} {first}");
                }
            }
        }
    }
}
