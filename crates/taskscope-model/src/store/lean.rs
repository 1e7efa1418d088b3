//! Polls of which only those are kept that can still change.
//!
//! Rows are let go where all that is wanted of them are sums, so that their memory does not grow with the
//! polls. Chunks are filled as ever. Now and then those that are full are gone through: of each, the rows
//! that are still needed move to a chunk with others of their lane and depth, and the number of what is
//! empty then is given to a new chunk.
//!
//! A row that moves gets another number. Whoever let rows go must have all numbers that it keeps
//! [translated](Moved::number): see `builder/let_go.rs`.

use super::page::Page;
use super::polls::{CHUNK, Chunk, Flags, NONE, Polls, Row};
use crate::types::PollIx;

/// What a row names that was let go. It is there so that a wrong file cannot make this panic; it is no
/// poll, and nothing comes before it.
pub(crate) const GHOST: u32 = 0;

/// See [the module](self).
#[derive(Clone, Debug, Default)]
pub(crate) struct Lean {
    /// How many chunks there were in all. As many can be made as if all of them were kept.
    made: usize,
    /// Numbers of chunks that are empty.
    free: Vec<u32>,
    /// What full chunks take of which nothing was let go.
    closed: usize,
}

/// What a chunk takes.
fn size(chunk: &Chunk) -> usize {
    size_of::<Chunk>() + chunk.rows.len() * size_of::<Row>()
}

impl Lean {
    /// The next poll of its lane and depth begins another chunk.
    pub(super) fn closed(&mut self, chunk: &Chunk) {
        self.closed += size(chunk);
    }

    /// The number of a new chunk.
    pub(super) fn number(&mut self, next: usize) -> Option<usize> {
        if self.made == Polls::MOST || (self.free.is_empty() && next == Polls::MOST) {
            return None;
        }
        self.made += 1;
        Some(self.free.pop().map_or(next, |number| number as usize))
    }
}

/// Rows, one bit each.
#[derive(Debug)]
pub(crate) struct Marks(Vec<u64>);

impl Marks {
    #[inline]
    pub(crate) fn set(&mut self, poll: u32) {
        self.0[poll as usize / 64] |= 1 << (poll % 64);
    }

    #[inline]
    pub(crate) fn has(&self, poll: u32) -> bool {
        self.0[poll as usize / 64] & 1 << (poll % 64) != 0
    }

    fn of_chunk(&self, number: u32) -> &[u64] {
        const WORDS: usize = CHUNK / 64;
        &self.0[number as usize * WORDS..][..WORDS]
    }
}

/// Chunks of which the rows have moved, or were let go. A row that has moved has its new number in the
/// place of its start.
#[derive(Debug)]
pub(crate) struct Moved(Vec<Option<Page<Chunk>>>);

impl Moved {
    /// The number of a row that was kept.
    #[inline]
    pub(crate) fn number(&self, poll: u32) -> u32 {
        match &self.0[PollIx(poll).chunk()] {
            Some(chunk) => chunk.rows[PollIx(poll).slot()].start,
            None => poll,
        }
    }

    /// The row before one, by the numbers that both had. `None` where the row itself has not moved.
    pub(crate) fn before(&self, poll: u32) -> Option<u32> {
        let chunk = self.0[PollIx(poll).chunk()].as_ref()?;
        Some(chunk.rows[PollIx(poll).slot()].before)
    }
}

impl Polls {
    /// Nothing yet, of which rows will be let go. So many fill a chunk, at most [`CHUNK`].
    pub(crate) fn lean(most_rows: usize) -> Self {
        let ghost = Row {
            start: 0,
            duration: 0,
            task: 0,
            before: NONE,
            delay: 0,
            waker: NONE,
            flags: Flags::default(),
        };
        let mut chunk = Chunk { rows: vec![ghost], ..Chunk::default() };
        chunk.rows[0].flags.set(Flags::GONE);
        Self { chunks: vec![Page::new(chunk)], most_rows, lean: Some(Lean::default()) }
    }

    /// What full chunks take of which nothing was let go.
    pub(crate) fn closed(&self) -> usize {
        self.lean.as_ref().map_or(0, |lean| lean.closed)
    }

    /// What all chunks take.
    pub(crate) fn size(&self) -> usize {
        self.chunks.iter().map(|chunk| size(chunk)).sum()
    }

    /// How many rows there are.
    #[cfg(test)]
    pub(crate) fn row_count(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows.len()).sum()
    }

    /// None of the rows.
    pub(crate) fn marks(&self) -> Marks {
        Marks(vec![0; self.chunks.len() * CHUNK / 64])
    }

    /// Before the first row moves.
    pub(crate) fn nothing_moved(&self) -> Moved {
        Moved(std::iter::repeat_with(|| None).take(self.chunks.len()).collect())
    }

    /// Moves what is marked in the full chunks of a list side by side. Each of these is first shown to
    /// `let_go`, with what of it is kept.
    pub(crate) fn compact(
        &mut self,
        list: &mut Vec<u32>,
        kept: &Marks,
        moved: &mut Moved,
        mut let_go: impl FnMut(&Chunk, &dyn Fn(usize) -> bool),
    ) {
        let Some(last) = list.pop() else { return };
        // What is filled gets the numbers of what was emptied.
        let mut filled: Vec<Chunk> = Vec::new();
        for &number in &*list {
            let words = kept.of_chunk(number);
            let is_kept = |slot: usize| words[slot / 64] & 1 << (slot % 64) != 0;
            let mut old =
                std::mem::replace(&mut self.chunks[number as usize], Page::new(Chunk::default()));
            let_go(&old, &is_kept);
            let slots = words.iter().zip((0..).step_by(64)).flat_map(|(&word, first)| {
                std::iter::successors((word != 0).then_some(word), |word| {
                    Some(word & (word - 1)).filter(|word| *word != 0)
                })
                .map(move |word| first + word.trailing_zeros() as usize)
            });
            let slots: Vec<usize> = slots.collect();
            if !slots.is_empty() {
                let into = match filled.last_mut().filter(|into| into.takes(&old, &slots)) {
                    Some(into) => into,
                    None => {
                        let new = Chunk::new(old.lane, old.depth, old.base, slots.len());
                        filled.push(new);
                        let Some(new) = filled.last_mut() else { return };
                        new
                    }
                };
                let first = into.rows.len();
                into.take_rows(&old, &slots);
                let number = list[filled.len() - 1] as usize;
                let old = old.edit();
                for (at, &slot) in (first..).zip(&slots) {
                    old.rows[slot].start = PollIx::new(number, at).0;
                }
            }
            moved.0[number as usize] = Some(old);
        }
        let lean = self.lean.get_or_insert_default();
        lean.free.extend(list.drain(filled.len()..));
        for (&number, chunk) in list.iter().zip(filled) {
            self.chunks[number as usize] = Page::new(chunk);
        }
        list.push(last);
        lean.closed = 0;
    }

    /// Gives each row what comes before it by its new number, where that is another.
    pub(crate) fn relink(&mut self, mut before: impl FnMut(&Row) -> u32) {
        for chunk in self.chunks.iter_mut().skip(1) {
            for row in &mut chunk.edit().rows {
                row.before = before(row);
            }
        }
    }
}

impl Chunk {
    /// Whether there is room for these rows of another.
    fn takes(&self, other: &Self, slots: &[usize]) -> bool {
        let fits = |start: u64| {
            start.checked_sub(self.base).is_some_and(|since| u32::try_from(since).is_ok())
        };
        self.rows.len() + slots.len() <= CHUNK && slots.iter().all(|&slot| fits(other.start(slot)))
    }

    fn take_rows(&mut self, other: &Self, slots: &[usize]) {
        let first = self.rows.len();
        self.rows.extend(slots.iter().map(|&slot| Row {
            start: (other.start(slot) - self.base) as u32,
            ..other.rows[slot]
        }));
        // Lists beside are by slot, too. (Further wakes are not wanted where rows are let go.)
        let to = |slot: u16| {
            let at = slots.binary_search(&usize::from(slot)).ok()?;
            Some((first + at) as u16)
        };
        for (new, old) in [
            (&mut self.long, &other.long),
            (&mut self.late, &other.late),
            (&mut self.left, &other.left),
            (&mut self.scheduled, &other.scheduled),
        ] {
            new.extend(old.iter().filter_map(|&(slot, value)| Some((to(slot)?, value))));
        }
        let waits = other.waits.iter();
        self.waits.extend(waits.filter_map(|&wait| {
            let slot = to(wait.slot)?;
            Some(super::polls::WaitRow { slot, ..wait })
        }));
    }
}
