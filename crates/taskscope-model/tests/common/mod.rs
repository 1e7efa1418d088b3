//! A small language for traces: what each thread does, one line a moment.
//!
//! ```ignore
//! let trace = Recording::new()
//!     .thread(0, |t| t.worker(0).at(10).poll(1).at(20).pending())
//!     .thread(1, |t| t.worker(1).at(15).wake(1))
//!     .trace();
//! ```
//!
//! A recording becomes a file and is read back, so that nothing reaches the
//! model that could not stand in a file.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use taskscope_format::{
    CancelledBy, Encoder, EndKind, Event, FileWriter, Flavor, PollResult, RuntimeId, Source, Spawn,
    TaskId, TaskKind, ThreadId, WakeOp,
};
use taskscope_model::{LaneIx, LaneKind, Nanos, Poll, TaskIx, TaskView, Trace, Wake};

type Block = Vec<(Nanos, Event<'static>)>;

/// A recorded program in the making.
#[derive(Default)]
pub struct Recording {
    /// Threads and what they did, each in one or several blocks.
    threads: Vec<(u32, Vec<Block>)>,
}

impl Recording {
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what a thread does.
    pub fn thread(mut self, id: u32, what: impl FnOnce(Thread) -> Thread) -> Self {
        self.threads.push((id, vec![what(Thread::default()).events]));
        self
    }

    /// Says what a thread does, in several blocks.
    pub fn blocks(mut self, id: u32, blocks: Vec<Thread>) -> Self {
        self.threads.push((id, blocks.into_iter().map(|block| block.events).collect()));
        self
    }

    /// The file that a recorder would have left.
    pub fn file(&self) -> Vec<u8> {
        let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
        for (id, blocks) in &self.threads {
            for events in blocks {
                let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
                encoder.sync(events.first().map_or(0, |(time, _)| *time), &mut bytes);
                for (time, event) in events {
                    encoder.event(*time, event, &mut bytes);
                }
                writer.block(ThreadId(*id), &bytes).expect("the recordings of tests fit a block");
            }
        }
        writer.finish().expect("memory can be written to")
    }

    /// The trace of a file in which the block with this number, from 0, is damaged.
    pub fn without_block(&self, number: usize) -> Trace {
        let mut file = self.file();
        let marker = b"BLK\x1f";
        let begin = file.windows(marker.len()).enumerate().filter(|(_, bytes)| bytes == marker);
        let begin = begin.map(|(at, _)| at).nth(number).expect("the file has the block");
        // The first byte behind the header.
        file[begin + 28] ^= 1;
        Trace::from_bytes(&file).expect("the header is whole")
    }

    pub fn trace(&self) -> Trace {
        Trace::from_bytes(&self.file()).expect("a written file opens")
    }
}

/// What one thread does. The clock moves by [`at`](Self::at) alone.
#[derive(Default)]
pub struct Thread {
    now: Nanos,
    events: Vec<(Nanos, Event<'static>)>,
}

impl Thread {
    pub fn at(mut self, time: Nanos) -> Self {
        self.now = time;
        self
    }

    pub fn event(mut self, event: Event<'static>) -> Self {
        self.events.push((self.now, event));
        self
    }

    /// Worker `index` of runtime 0.
    pub fn worker(self, index: u32) -> Self {
        self.worker_of(0, index)
    }

    pub fn worker_of(self, runtime: u32, index: u32) -> Self {
        self.event(Event::Worker(Some((RuntimeId(runtime), index))))
    }

    pub fn no_worker(self) -> Self {
        self.event(Event::Worker(None))
    }

    /// Introduces runtime 0.
    pub fn runtime(self, workers: u32) -> Self {
        let (id, flavor) = (RuntimeId(0), Flavor::MultiThread);
        self.event(Event::Runtime { id, flavor, workers, name: "main", hooked: true })
    }

    pub fn spawn(self, task: u64) -> Self {
        self.spawn_with(Spawn::new(TaskId(task), TaskKind::Task, Source::Span))
    }

    pub fn spawn_kind(self, task: u64, kind: TaskKind) -> Self {
        self.spawn_with(Spawn::new(TaskId(task), kind, Source::Span))
    }

    pub fn spawn_with(self, spawn: Spawn<'static>) -> Self {
        self.event(Event::Spawn(spawn))
    }

    /// A poll begins, reported by a hook.
    pub fn poll(self, task: u64) -> Self {
        self.event(Event::PollStart { task: TaskId(task), source: Source::Hook })
    }

    /// A span is entered: a poll, or the drop of what was polled.
    pub fn enter(self, task: u64) -> Self {
        self.event(Event::PollStart { task: TaskId(task), source: Source::Span })
    }

    pub fn ends(self, result: PollResult) -> Self {
        self.event(Event::PollEnd { result, kept_waker: false })
    }

    pub fn pending(self) -> Self {
        self.ends(PollResult::Pending)
    }

    /// The poll is over, and something has kept the task's waker.
    pub fn pending_with_waker(self) -> Self {
        self.event(Event::PollEnd { result: PollResult::Pending, kept_waker: true })
    }

    pub fn ready(self) -> Self {
        self.ends(PollResult::Ready)
    }

    pub fn wake(self, task: u64) -> Self {
        self.event(Event::Wake { task: TaskId(task), op: WakeOp::ByValue })
    }

    pub fn end(self, task: u64, end: EndKind) -> Self {
        let cancelled_by = CancelledBy::Unknown;
        self.event(Event::TaskEnd { task: TaskId(task), end, inferred: false, cancelled_by })
    }

    pub fn park(self) -> Self {
        self.event(Event::Park)
    }

    pub fn unpark(self) -> Self {
        self.event(Event::Unpark)
    }

    pub fn dropped(self, count: u64, since: Nanos) -> Self {
        self.event(Event::Dropped { count, since })
    }
}

/// Position of the task with this id.
pub fn ix(trace: &Trace, task: u64) -> TaskIx {
    trace.find_task(TaskId(task)).expect("the trace has the task")
}

pub fn task(trace: &Trace, id: u64) -> TaskView<'_> {
    trace.task(ix(trace, id))
}

/// The polls of a task, in order.
pub fn polls(trace: &Trace, task: u64) -> Vec<Poll> {
    trace.task_polls(ix(trace, task)).iter().map(|poll| trace.poll(poll)).collect()
}

/// The lane of a worker of runtime 0.
pub fn lane(trace: &Trace, index: u32) -> LaneIx {
    let position = trace
        .lanes()
        .iter()
        .position(|lane| lane.kind == LaneKind::Worker { runtime: 0, index })
        .expect("the trace has the worker");
    LaneIx(position as u16)
}

/// Every lane, in the order in which people read them.
pub fn all_lanes(trace: &Trace) -> impl Iterator<Item = LaneIx> {
    trace.lane_order().iter().copied()
}

/// The polls of a lane, by depth, then by start.
pub fn lane_polls(trace: &Trace, lane: LaneIx) -> Vec<Poll> {
    trace.lane_polls(lane).map(|(_, poll)| poll).collect()
}

/// All wakes, by their time.
pub fn wakes(trace: &Trace) -> Vec<Wake> {
    let mut wakes: Vec<_> = trace.wakes().map(|wake| trace.wake(wake)).collect();
    wakes.sort_by_key(|wake| wake.time);
    wakes
}
