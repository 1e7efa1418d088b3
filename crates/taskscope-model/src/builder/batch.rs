//! What one thread recorded, a block at a time, before it is put beside what others did.
//!
//! This needs nothing but the thread's own stream, so that the blocks of different threads are read
//! side by side. Polls are the most of it: one that begins and ends in the same block, with no other
//! poll inside, becomes one [`Item`]. So the sweep over all threads has half the items to go through.

use taskscope_format::{
    BlockAt, Damage, DamageKind, EventOf, Nanos, Piece, PollResult, Source, StreamDecoder,
    TextNumber, WakeOp,
};

/// A worker that does nothing for so long has nothing to do. The waker of a task
/// that has yielded it calls at once.
const SILENCE: Nanos = 100_000;

/// Something that a thread did.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) time: Nanos,
    /// A task's id; for a gap, since when; for what is rare, its place in [`Decoded::rare`].
    pub(crate) what: u64,
    /// How long a poll lasted; [`GOES_ON`] where its end is an item of its own.
    pub(crate) duration: u32,
    /// How many polls were open on the thread.
    pub(crate) nesting: u16,
    pub(crate) kind: ItemKind,
    pub(crate) flags: u8,
}

/// See [`Item::duration`].
pub(crate) const GOES_ON: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum ItemKind {
    /// A poll begins, and if it has a duration it also ends.
    Poll,
    /// The innermost poll ends.
    PollEnd,
    Wake,
    Park,
    Unpark,
    Rare,
    /// Likewise, what holds at any time.
    Fact,
    Gap,
}

/// Flags of an [`Item`].
impl Item {
    /// The lowest two bits are the result of a poll: [`PollResult`].
    const RESULT: u8 = 0b11;
    pub(crate) const KEPT_WAKER: u8 = 1 << 2;
    pub(crate) const FROM_SPAN: u8 = 1 << 3;
    pub(crate) const BUDGET: u8 = 1 << 4;
    /// Wakers were called before it, since the thread's last poll, outside of polls.
    pub(crate) const NEXT_BATCH: u8 = 1 << 5;
    /// The thread was silent before it.
    pub(crate) const SILENCE: u8 = 1 << 6;
    pub(crate) const BY_REF: u8 = 1 << 7;

    #[inline]
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    #[inline]
    pub(crate) fn result(&self) -> PollResult {
        PollResult::from_code(self.flags & Self::RESULT).unwrap_or(PollResult::Pending)
    }
}

/// What one block holds.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) items: Vec<Item>,
    pub(crate) rare: Vec<EventOf<TextNumber>>,
    /// Texts are numbered from the last block that began with a sync; this is one.
    pub(crate) forgets_texts: bool,
    /// Texts that are defined in it.
    pub(crate) texts: Vec<Box<str>>,
    pub(crate) damage: Option<Damage>,
    pub(crate) records: u64,
    /// Where the block stands in the file, and what it takes there.
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
}

/// Reads the blocks of one thread.
#[derive(Debug, Default)]
pub(crate) struct ThreadReader {
    decoder: StreamDecoder,
    /// What is added to the number of a text, since several syncs can stand in one block.
    text_base: TextNumber,
    text_count: TextNumber,
    /// The polls that are open: positions of those that began in this block.
    open: Vec<Option<usize>>,
    /// When it last ended a poll or called a waker.
    active: Nanos,
    /// Wakers were called since the last poll, outside any poll.
    woke: bool,
}

impl ThreadReader {
    /// Events of the thread are missing from here on.
    pub(crate) fn lose(&mut self) {
        self.decoder.lose();
    }

    /// The time of the last event that could be read; 0 before the first.
    pub(crate) fn time(&self) -> Nanos {
        self.decoder.time()
    }

    pub(crate) fn is_broken_since(&self) -> Option<Nanos> {
        self.decoder.is_broken_since()
    }

    /// Reads a block.
    pub(crate) fn read(&mut self, at: &BlockAt, payload: &[u8]) -> Decoded {
        // An event takes about three bytes, and every second one makes an item.
        let items = Vec::with_capacity(payload.len() / 6);
        let bytes = BlockAt::HEADER + u64::from(at.length);
        let mut decoded = Decoded { items, offset: at.offset, bytes, ..Decoded::default() };
        if let Err(what) = self.decoder.begin(at.sequence, payload) {
            decoded.damage = Some(at.damage(what));
            return decoded;
        }
        if at.begins.is_some() {
            decoded.forgets_texts = true;
            (self.text_base, self.text_count) = (0, 0);
        }
        self.open.fill(None);
        let mut rest = payload;
        loop {
            let left = rest.len() as u64;
            match self.decoder.next(&mut rest) {
                None => return decoded,
                Some(Piece::Text(text)) => {
                    decoded.texts.push(text.into());
                    self.text_count += 1;
                }
                Some(Piece::Sync) => self.text_base = self.text_count,
                Some(Piece::Malformed) => {
                    let end = at.offset + u64::from(at.length);
                    let (offset, length) = (end - left, left);
                    decoded.damage = Some(Damage { offset, length, what: DamageKind::Record });
                    return decoded;
                }
                Some(Piece::Event { time, event, gap }) => {
                    decoded.records += 1;
                    if let Some(since) = gap {
                        // What was open is open for the sweep, too.
                        let nesting = self.nesting();
                        self.lose_open(since);
                        let lost = Item { nesting, ..item(time, ItemKind::Gap, since) };
                        decoded.items.push(lost);
                    }
                    self.event(time, event, &mut decoded);
                }
            }
        }
    }

    #[inline]
    fn event(&mut self, time: Nanos, event: EventOf<TextNumber>, decoded: &mut Decoded) {
        let nesting = self.nesting();
        match event {
            EventOf::PollStart { task, source } => {
                let mut flags = self.acts(time);
                if source == Source::Span {
                    flags |= Item::FROM_SPAN;
                }
                if std::mem::take(&mut self.woke) {
                    flags |= Item::NEXT_BATCH;
                }
                // One that has others inside of it ends by itself: what is inside may last.
                if let Some(outer) = self.open.last_mut() {
                    *outer = None;
                }
                self.open.push(Some(decoded.items.len()));
                let begun = Item { nesting, flags, ..item(time, ItemKind::Poll, task.0) };
                decoded.items.push(begun);
            }
            EventOf::PollEnd { result, kept_waker } => {
                let Some(begun) = self.open.pop() else { return };
                self.active = time;
                let kept = if kept_waker { Item::KEPT_WAKER } else { 0 };
                let flags = result.code() | kept;
                if let Some(begun) = begun
                    && let Some(poll) = decoded.items.get_mut(begun)
                    && let Ok(duration) = u32::try_from(time.saturating_sub(poll.time))
                    && duration != GOES_ON
                {
                    poll.duration = duration;
                    poll.flags |= flags;
                    return;
                }
                let nesting = nesting - 1;
                decoded.items.push(Item { nesting, flags, ..item(time, ItemKind::PollEnd, 0) });
            }
            EventOf::Wake { task, op } => {
                let mut flags = self.acts(time);
                if op == WakeOp::ByRef {
                    flags |= Item::BY_REF;
                }
                self.woke |= self.open.is_empty();
                let woken = Item { nesting, flags, ..item(time, ItemKind::Wake, task.0) };
                decoded.items.push(woken);
            }
            EventOf::Park => {
                // What is inside a poll belongs to what the poll is part of.
                if let Some(outer) = self.open.last_mut() {
                    *outer = None;
                }
                decoded.items.push(Item { nesting, ..item(time, ItemKind::Park, 0) });
            }
            EventOf::Unpark => {
                decoded.items.push(Item { nesting, ..item(time, ItemKind::Unpark, 0) });
            }
            EventOf::BudgetSpent => {
                let open = self.open.last().copied().flatten();
                match open.and_then(|open| decoded.items.get_mut(open)) {
                    Some(poll) => poll.flags |= Item::BUDGET,
                    None => self.rare(time, nesting, event, decoded),
                }
            }
            EventOf::Dropped { since, .. } => {
                self.lose_open(since.min(time));
                self.rare(time, nesting, event, decoded);
            }
            _ => self.rare(time, nesting, event, decoded),
        }
    }

    #[cold]
    fn rare(
        &mut self,
        time: Nanos,
        nesting: u16,
        event: EventOf<TextNumber>,
        decoded: &mut Decoded,
    ) {
        let kind = match event {
            EventOf::Meta { .. } | EventOf::Thread { .. } | EventOf::Runtime { .. } => {
                ItemKind::Fact
            }
            _ => ItemKind::Rare,
        };
        let position = decoded.rare.len() as u64;
        decoded.items.push(Item { nesting, ..item(time, kind, position) });
        decoded.rare.push(event.map(|number| self.text_base + number));
    }

    /// How many polls are open.
    fn nesting(&self) -> u16 {
        self.open.len().min(u16::MAX.into()) as u16
    }

    /// What was open ended at an unknown time.
    fn lose_open(&mut self, since: Nanos) {
        if !self.open.is_empty() {
            self.open.clear();
            self.active = since;
        }
    }

    /// The thread polls or calls a waker.
    #[inline]
    fn acts(&mut self, time: Nanos) -> u8 {
        let was_silent = self.open.is_empty() && time.saturating_sub(self.active) > SILENCE;
        self.active = time;
        if was_silent { Item::SILENCE } else { 0 }
    }
}

fn item(time: Nanos, kind: ItemKind, what: u64) -> Item {
    Item { time, what, duration: GOES_ON, nesting: 0, kind, flags: 0 }
}
