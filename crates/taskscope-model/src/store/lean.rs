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

/// So many words have a bit for each row of a chunk.
const WORDS: usize = CHUNK / 64;

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

    fn of_chunk(&self, number: usize) -> &[u64] {
        &self.0[number * WORDS..][..WORDS]
    }
}

/// Where rows are that were kept.
#[derive(Debug)]
pub(crate) struct Moved {
    kept: Marks,
    /// By chunk: where the first of its rows is that was kept, and behind it the others; [`NONE`] where
    /// nothing has moved.
    first: Vec<u32>,
}

impl Moved {
    /// The number of a row by the one that it had; [`GHOST`] for one that was let go.
    ///
    /// (The bits are in the cache, which the rows are not.)
    #[inline]
    pub(crate) fn number(&self, poll: u32) -> u32 {
        let chunk = PollIx(poll).chunk();
        match self.first[chunk] {
            NONE => poll,
            _ if !self.kept.has(poll) => GHOST,
            first => {
                let (word, bit) = (PollIx(poll).slot() / 64, poll % 64);
                let words = self.kept.of_chunk(chunk);
                let before = words[..word].iter().map(|word| word.count_ones()).sum::<u32>();
                first + before + (words[word] & ((1 << bit) - 1)).count_ones()
            }
        }
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
        Self {
            chunks: vec![Page::new(chunk)],
            most_rows,
            lean: Some(Lean::default()),
            ..Self::default()
        }
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

    /// Before the first row moves of which these are kept.
    pub(crate) fn keep(&self, kept: Marks) -> Moved {
        Moved { kept, first: vec![NONE; self.chunks.len()] }
    }

    /// Moves what is kept of the full chunks of a list side by side. Each of these is first shown to
    /// `let_go`, with what of it is kept.
    pub(crate) fn compact(
        &mut self,
        list: &mut Vec<u32>,
        moved: &mut Moved,
        mut let_go: impl FnMut(&Chunk, &dyn Fn(usize) -> bool),
    ) {
        let Some(last) = list.pop() else { return };
        // What is filled gets the numbers of what was emptied.
        let mut filled: Vec<Chunk> = Vec::new();
        for &number in &*list {
            let number = number as usize;
            let words = moved.kept.of_chunk(number);
            let is_kept = |slot: usize| words[slot / 64] & 1 << (slot % 64) != 0;
            let empty = Page::new(Chunk::default());
            let old = std::mem::replace(&mut self.chunks[number], empty);
            let_go(&old, &is_kept);
            let slots: Vec<usize> = (0..old.rows.len()).filter(|&slot| is_kept(slot)).collect();
            let mut into = filled.pop();
            if !into.as_ref().is_some_and(|into| into.takes(&old, &slots)) {
                filled.extend(into);
                into = Some(Chunk::new(old.lane, old.depth, old.base, slots.len()));
            }
            let Some(mut into) = into.filter(|into| !into.rows.is_empty() || !slots.is_empty())
            else {
                moved.first[number] = GHOST;
                continue;
            };
            let to = list[filled.len()] as usize;
            moved.first[number] = PollIx::new(to, into.rows.len()).0;
            into.take_rows(&old, &slots);
            filled.push(into);
        }
        let lean = self.lean.get_or_insert_default();
        lean.free.extend(list.drain(filled.len()..));
        for (&number, chunk) in list.iter().zip(filled) {
            self.chunks[number as usize] = Page::new(chunk);
        }
        list.push(last);
        lean.closed = 0;
    }

    /// Gives each row the number of what comes before it anew.
    pub(crate) fn relink(&mut self, mut number: impl FnMut(u32) -> u32) {
        for chunk in self.chunks.iter_mut().skip(1) {
            for row in &mut chunk.edit().rows {
                row.before = number(row.before);
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
