//! The newest blocks of all threads: what a flight recorder writes when asked.
//!
//! # Bounded twice
//! By bytes, always: before a block comes in, the oldest ones go until there is room. And by
//! time, if so asked: what came in before the window goes. (A block has at most the 50 ms before
//! the writer thread took it, so the time at which it came in is late enough to judge it by.)
//! What goes is not simply lost: the [carry-over](crate::output::flight::carry_over) reads it, and keeps what somebody
//! needs to know to understand the rest.
//!
//! # Chains
//! Nearly every block begins with a sync and can be understood by itself. One that doesn't, the
//! record or two that a thread wrote while the writer took what stood before, is kept with the
//! block before it, and goes with it.
//!
//! # In memory, or in a black box
//! The bytes are in memory, or in the [area](crate::output::black_box::area) of a black box. There
//! what goes is overwritten by what comes, and has to be carried over before, in the file. To write
//! that costs as much as there are tasks, so that many blocks go at a time: as many bytes as four
//! times what was written the last time, an eighth of the area at the least.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use taskscope_format::{Event, Nanos, Records, ThreadId, stands_alone};

use crate::output::black_box::Incoming;
use crate::output::black_box::area::{BlockArea, Place, piece};
use crate::output::flight::carry_over::CarryOver;
use crate::tracker::shared::RECORDING_STREAM;

/// A block as it will stand in the file.
pub(crate) type Block = (ThreadId, Arc<[u8]>);

/// What a chain takes beside its bytes.
const CHAIN_BYTES: usize = size_of::<Chain>() + 2 * size_of::<Arc<[u8]>>() + 32;

/// A block, and those that lean on it.
#[derive(Debug)]
struct Chain {
    thread: ThreadId,
    blocks: Vec<Stored>,
    /// The number of its first block in a black box.
    number: u64,
    /// When the last of them came in.
    came: Nanos,
    bytes: usize,
}

impl Chain {
    /// Where it begins in a black box. What follows lies behind.
    fn position(&self) -> u64 {
        match self.blocks.first() {
            Some(Stored::Boxed(place)) => place.position,
            _ => u64::MAX,
        }
    }

    fn begins_below(&self, position: u64) -> bool {
        self.position() < position
    }

    fn read<'a>(&'a self, boxed: &Option<Boxed>) -> Vec<Cow<'a, [u8]>> {
        let read = |stored: &'a Stored| match stored {
            Stored::Memory(bytes) => Cow::Borrowed(&**bytes),
            Stored::Boxed(place) => {
                Cow::Owned(boxed.as_ref().map(|boxed| boxed.area.read(*place)).unwrap_or_default())
            }
        };
        self.blocks.iter().map(read).collect()
    }
}

fn store(boxed: &mut Option<Boxed>, chain: Option<u64>, block: &Incoming<'_>) -> Stored {
    match boxed {
        None => Stored::Memory(block.payload.into()),
        Some(boxed) => {
            let chain = chain.unwrap_or_else(|| boxed.area.next_number());
            Stored::Boxed(boxed.area.append(chain, block))
        }
    }
}

/// Where the bytes of a block are.
#[derive(Clone, Debug)]
enum Stored {
    Memory(Arc<[u8]>),
    Boxed(Place),
}

#[derive(Debug, Default)]
struct ThreadBlocks {
    chains: u32,
    /// The number of its newest chain.
    newest: u64,
    /// No more will come of it.
    ended: bool,
}

/// The newest blocks.
#[derive(Debug)]
pub(crate) struct BlockRing {
    most_bytes: usize,
    window: Option<Nanos>,
    chains: VecDeque<Chain>,
    /// Chains are counted; this is the number of the oldest that is kept.
    oldest: u64,
    /// When the last that has gone came in: all that happened since is kept.
    gone: Nanos,
    bytes: usize,
    threads: HashMap<ThreadId, ThreadBlocks>,
    carry_over: CarryOver,
    boxed: Option<Boxed>,
}

/// What there is where the blocks are in a black box.
#[derive(Debug)]
struct Boxed {
    area: BlockArea,
    /// Up to here a carry-over covers what is in the area.
    covered: u64,
    /// What holds for the whole recording.
    description: Vec<u8>,
}

impl BlockRing {
    pub(crate) fn new(most_bytes: usize, window: Option<Nanos>) -> Self {
        Self {
            most_bytes,
            window,
            chains: VecDeque::new(),
            oldest: 0,
            gone: 0,
            bytes: 0,
            threads: HashMap::new(),
            carry_over: CarryOver::new(most_bytes / 4),
            boxed: None,
        }
    }

    /// Keeps blocks in `area`, in place of memory.
    pub(crate) fn in_box(area: BlockArea, window: Option<Nanos>) -> Self {
        // In a slot the facts of a task take an eighth of what they take in memory, or less.
        let most_bytes = 8 * area.slot_capacity();
        let boxed = Boxed { area, covered: 0, description: Vec::new() };
        Self {
            carry_over: CarryOver::new(most_bytes),
            boxed: Some(boxed),
            ..Self::new(2 * most_bytes, window)
        }
    }

    pub(crate) fn is_boxed(&self) -> bool {
        self.boxed.is_some()
    }

    /// The area of the black box, if there is one.
    pub(crate) fn area(&self) -> Option<&BlockArea> {
        self.boxed.as_ref().map(|boxed| &boxed.area)
    }

    /// What holds for the whole recording, for the black box to have it, `at_once` or when it is
    /// next written.
    pub(crate) fn set_description(&mut self, description: &[u8], at_once: bool) {
        let Some(boxed) = &mut self.boxed else { return };
        let is_first = boxed.description.is_empty();
        boxed.description = description.to_owned();
        if is_first || at_once {
            self.cover();
        }
    }

    /// Bytes in memory, those of the digest included.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.carry_over.held()
    }

    /// Takes in the newest block of a thread, which begins at `offset` of its stream.
    pub(crate) fn push(&mut self, thread: ThreadId, offset: Option<u64>, block: &[u8], now: Nanos) {
        let bytes = CHAIN_BYTES + if self.is_boxed() { 0 } else { block.len() };
        while self.held() + bytes > self.most_bytes && self.forget_oldest() {}
        self.make_room(block.len());
        let incoming = Incoming { thread, offset, came: now, payload: block };
        let of_thread = self.threads.entry(thread).or_default();
        if !stands_alone(block) {
            let before = of_thread.newest.checked_sub(self.oldest).filter(|_| of_thread.chains > 0);
            let before = before.and_then(|at| self.chains.get_mut(usize::try_from(at).ok()?));
            match before {
                Some(chain) => {
                    let stored = store(&mut self.boxed, Some(chain.number), &incoming);
                    chain.blocks.push(stored);
                    chain.came = now;
                    chain.bytes += bytes;
                    self.bytes += bytes;
                }
                // It leans on what had to go just now, and cannot be read without it.
                None => self.carry_over.lose(thread),
            }
            return;
        }
        of_thread.chains += 1;
        of_thread.newest = self.oldest + self.chains.len() as u64;
        self.bytes += bytes;
        let number = self.boxed.as_ref().map_or(0, |boxed| boxed.area.next_number());
        let blocks = vec![store(&mut self.boxed, None, &incoming)];
        self.chains.push_back(Chain { thread, blocks, number, came: now, bytes });
    }

    /// In a black box: has what the next block will overwrite carried over.
    fn make_room(&mut self, length: usize) {
        let Some(boxed) = &self.boxed else { return };
        let below = boxed.area.overwrites_below(length);
        if below <= boxed.covered {
            return;
        }
        let capacity = boxed.area.capacity();
        let more = (4 * boxed.area.slot_bytes()).clamp(capacity / 8, capacity / 2);
        while self.chains.front().is_some_and(|chain| chain.begins_below(below + more)) {
            self.forget_oldest();
        }
        self.cover();
    }

    /// In a black box: writes what holds of all that has gone.
    fn cover(&mut self) {
        let Some(boxed) = &mut self.boxed else { return };
        let most = boxed.area.slot_capacity();
        let (mut payload, mut facts) = (Vec::new(), Vec::new());
        let has_room = |payload: &Vec<u8>, block: &[u8]| payload.len() + block.len() + 8 <= most;
        if has_room(&payload, &boxed.description) {
            piece(RECORDING_STREAM, &boxed.description, &mut payload);
        }
        self.carry_over.write(&mut |thread, block| match thread {
            RECORDING_STREAM => facts.push(block.to_owned()),
            // What threads are at is little, and matters most.
            thread if has_room(&payload, block) => piece(thread, block, &mut payload),
            _ => {}
        });
        let mut unknown = self.carry_over.unknown();
        // Tasks before the rest of them.
        for block in facts.into_iter().rev() {
            if has_room(&payload, &block) {
                piece(RECORDING_STREAM, &block, &mut payload);
            } else {
                let spawns = Records::new([&*block]);
                unknown +=
                    spawns.filter(|(_, event)| matches!(event, Event::Spawn(_))).count() as u64;
            }
        }
        let first = self.chains.front();
        let covers = first.map_or_else(|| boxed.area.next_number(), |chain| chain.number);
        boxed.covered = first.map_or_else(|| boxed.area.position(), Chain::position);
        boxed.area.write_slot(covers, self.gone, unknown, &payload);
    }

    /// Goes on in memory where the black box is lost. What was in it has gone.
    fn leave_lost_box(&mut self, now: Nanos) {
        if self.boxed.as_ref().is_none_or(|boxed| !boxed.area.is_lost()) {
            return;
        }
        if let Some(boxed) = self.boxed.take() {
            boxed.area.mark_as_lost();
            self.most_bytes = usize::try_from(boxed.area.capacity()).unwrap_or(usize::MAX);
        }
        let threads: Vec<_> = self.threads.keys().copied().collect();
        threads.into_iter().for_each(|thread| self.carry_over.lose(thread));
        self.oldest += self.chains.len() as u64;
        self.chains.clear();
        self.threads.values_mut().for_each(|thread| thread.chains = 0);
        (self.bytes, self.gone) = (0, now);
    }

    /// Says in the black box, if there is one, that the process lives.
    pub(crate) fn beat(&mut self, now: Nanos) {
        self.leave_lost_box(now);
        if let Some(boxed) = &self.boxed {
            boxed.area.beat(now);
        }
    }

    /// Lets go what came in before the window.
    pub(crate) fn expire(&mut self, now: Nanos) {
        let Some(window) = self.window else { return };
        let begin = now.saturating_sub(window);
        while self.chains.front().is_some_and(|chain| chain.came < begin) {
            self.forget_oldest();
        }
    }

    /// A thread is gone: no more blocks of it will come.
    pub(crate) fn end(&mut self, thread: ThreadId) {
        self.threads.entry(thread).or_default().ended = true;
        self.forget_thread(thread);
    }

    /// Says whether there was anything.
    fn forget_oldest(&mut self) -> bool {
        let Some(chain) = self.chains.pop_front() else { return false };
        self.oldest += 1;
        self.gone = self.gone.max(chain.came);
        self.bytes -= chain.bytes;
        let blocks = chain.read(&self.boxed);
        self.carry_over.read(chain.thread, Records::new(blocks.iter().map(|block| &**block)));
        if let Some(of_thread) = self.threads.get_mut(&chain.thread) {
            of_thread.chains -= 1;
        }
        self.forget_thread(chain.thread);
        true
    }

    /// Forgets a thread that is gone and of which nothing is kept.
    fn forget_thread(&mut self, thread: ThreadId) {
        if self.threads.get(&thread).is_some_and(|kept| kept.ended && kept.chains == 0) {
            self.threads.remove(&thread);
            self.carry_over.forget_thread(thread);
        }
    }

    /// Reads the newest chain of a thread, if there is one. Says whether there is.
    pub(crate) fn read_newest(
        &self,
        thread: ThreadId,
        read: impl FnOnce(&mut dyn Iterator<Item = (Nanos, Event<'_>)>),
    ) -> bool {
        let newest = || {
            let kept = self.threads.get(&thread).filter(|kept| kept.chains > 0)?;
            self.chains.get(usize::try_from(kept.newest.checked_sub(self.oldest)?).ok()?)
        };
        let Some(chain) = newest() else { return false };
        let blocks = chain.read(&self.boxed);
        read(&mut Records::new(blocks.iter().map(|block| &**block)));
        true
    }

    /// All that is kept, in an order that can stand in a file.
    pub(crate) fn snapshot(&self, now: Nanos) -> Snapshot {
        let mut seen = std::collections::HashSet::new();
        let mut begin: Option<Nanos> = None;
        let mut kept: Vec<Block> = Vec::new();
        for chain in &self.chains {
            let blocks = chain.read(&self.boxed);
            if seen.insert(chain.thread) {
                let first = Records::new(blocks.iter().map(|block| &**block)).next();
                let first = first.map(|(time, _)| time);
                begin = [begin, first].into_iter().flatten().min();
            }
            for (stored, block) in chain.blocks.iter().zip(&blocks) {
                let bytes = match stored {
                    Stored::Memory(bytes) => Arc::clone(bytes),
                    Stored::Boxed(_) => (&**block).into(),
                };
                kept.push((chain.thread, bytes));
            }
        }
        let mut blocks = Vec::new();
        self.carry_over.write(&mut |thread, block| blocks.push((thread, block.into())));
        blocks.extend(kept);
        // Where nothing has gone, all of the recording is there.
        let whole = self.gone.max(self.window.map_or(0, |window| now.saturating_sub(window)));
        let begin = (self.oldest > 0).then(|| begin.map_or(whole, |first| first.min(whole)));
        Snapshot { blocks, begin, unknown: self.carry_over.unknown() }
    }
}

/// What is kept at one moment. Shares its bytes with what goes on being kept.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) blocks: Vec<Block>,
    /// From when on everything is kept, where something is not.
    pub(crate) begin: Option<Nanos>,
    /// How many tasks were spawned before it of which nothing could be kept.
    pub(crate) unknown: u64,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use taskscope_format::{Encoder, Event, Source, Spawn, TaskId, TaskKind};

    use super::*;

    const THREAD: ThreadId = ThreadId(1);

    fn block(time: Nanos, events: &[Event<'_>]) -> Vec<u8> {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(time, &mut bytes);
        events.iter().for_each(|event| encoder.event(time, event, &mut bytes));
        bytes
    }

    fn polls(kept: &BlockRing) -> Vec<TaskId> {
        let snapshot = kept.snapshot(1_000);
        let blocks = snapshot.blocks.iter().map(|(_, block)| &**block);
        Records::new(blocks)
            .filter_map(|(_, event)| match event {
                Event::PollStart { task, .. } => Some(task),
                _ => None,
            })
            .collect()
    }

    fn poll(task: u64) -> [Event<'static>; 2] {
        let end =
            Event::PollEnd { result: taskscope_format::PollResult::Pending, kept_waker: false };
        [Event::PollStart { task: TaskId(task), source: Source::Hook }, end]
    }

    #[test]
    fn bytes_are_bounded_through_millions_of_events() {
        const MOST: usize = 2 << 20;
        let mut kept = BlockRing::new(MOST, None);
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        for number in 0..2_000u64 {
            bytes.clear();
            encoder.sync(number, &mut bytes);
            // Of a hundred tasks a block, one never ends, under a name of its own.
            let name = format!("{number} {}", "x".repeat(200));
            let mut spawn = Spawn::new(TaskId(number), TaskKind::Task, Source::Span);
            spawn.name = Some(&name);
            encoder.event(number, &Event::Spawn(spawn), &mut bytes);
            for task in 0..1_000 {
                poll(task).iter().for_each(|event| encoder.event(number, event, &mut bytes));
            }
            kept.push(ThreadId(number as u32 % 7), None, &bytes, number);
            assert!(kept.held() <= MOST, "{} bytes", kept.held());
        }
        assert!(kept.held() > MOST / 2);
        assert!(kept.snapshot(1_000).unknown > 0, "said, where not all could be kept");
    }

    #[test]
    fn what_is_older_than_the_window_goes_and_the_rest_stays() {
        let mut kept = BlockRing::new(2 << 20, Some(100));
        for time in [10, 50, 90, 130] {
            kept.push(THREAD, None, &block(time, &poll(time)), time);
            kept.expire(time);
        }
        assert_eq!(polls(&kept), [50, 90, 130].map(TaskId));
        kept.expire(190);
        assert_eq!(polls(&kept), [90, 130].map(TaskId));
        assert_eq!(kept.snapshot(190).begin, Some(90), "the first event, or the window");
        assert_eq!(kept.snapshot(140).begin, Some(50), "all since the last that has gone");
    }

    #[test]
    fn a_block_that_leans_on_another_stays_and_goes_with_it() {
        let mut kept = BlockRing::new(2 << 20, Some(100));
        let (mut encoder, mut first, mut second) = (Encoder::new(), Vec::new(), Vec::new());
        encoder.sync(1, &mut first);
        poll(1).iter().for_each(|event| encoder.event(1, event, &mut first));
        poll(2).iter().for_each(|event| encoder.event(9, event, &mut second));
        kept.push(THREAD, None, &first, 10);
        kept.push(ThreadId(2), None, &block(20, &poll(7)), 20);
        kept.push(THREAD, None, &second, 60);
        kept.expire(115);
        assert_eq!(polls(&kept), [1, 2, 7].map(TaskId), "the older one is needed");
        assert!(kept.read_newest(THREAD, |records| assert_eq!(records.count(), 4)));
        kept.expire(161);
        assert_eq!(polls(&kept), []);
        assert_eq!(kept.held(), kept.carry_over.held());
        kept.push(THREAD, None, &second, 170);
        assert_eq!(polls(&kept), [], "it cannot be read");
    }

    #[test]
    fn a_thread_that_is_gone_is_forgotten_with_its_last_block() {
        let mut kept = BlockRing::new(2 << 20, Some(100));
        kept.push(THREAD, None, &block(5, &[Event::Park]), 5);
        kept.end(THREAD);
        assert_eq!(kept.threads.len(), 1);
        kept.expire(200);
        assert!(kept.threads.is_empty() && kept.snapshot(1_000).blocks.is_empty());
    }
}
