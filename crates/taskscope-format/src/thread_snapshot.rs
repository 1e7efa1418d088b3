//! What a thread is in the middle of, for a trace that has lost its beginning.

use crate::{Encoder, Event, Nanos, RuntimeId, Source, SpanId, TaskId};

/// Polls nest a few deep; a broken program could nest them without end.
const DEEPEST: usize = 64;

/// What a thread is in the middle of at one moment: which worker it is, and which polls and spans
/// are open on it.
///
/// Blocks of a thread can be lost, or be overwritten by newer ones. Read what they held, and
/// [`block`](Self::block) makes the records that the newer ones need in front of them.
///
/// ```
/// use taskscope_format::{Event, Records, Source, TaskId, ThreadSnapshot};
///
/// let mut snapshot = ThreadSnapshot::default();
/// let poll = Event::PollStart { task: TaskId(7), source: Source::Hook };
/// snapshot.read(1_000, &poll);
/// let block = snapshot.block().expect("a poll is open");
/// assert!(Records::new([&*block]).any(|record| record == (1_000, poll)));
/// ```
#[derive(Debug, Default)]
pub struct ThreadSnapshot {
    os_id: u64,
    name: String,
    worker: Option<(RuntimeId, u32)>,
    /// Polls and spans, innermost last.
    open: Vec<(Nanos, Open)>,
    parked: Option<Nanos>,
}

/// Something that a thread is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Poll(TaskId, Source),
    Span(SpanId),
}

impl ThreadSnapshot {
    /// Takes in what the thread did next, at `time` in nanoseconds since the start of the recording.
    pub fn read(&mut self, time: Nanos, event: &Event<'_>) {
        match *event {
            Event::Thread { os_id, name } => {
                self.os_id = os_id;
                if self.name != name {
                    name.clone_into(&mut self.name);
                }
            }
            Event::Worker(worker) => self.worker = worker,
            Event::PollStart { task, source } => {
                self.parked = None;
                self.enter(time, Open::Poll(task, source));
            }
            Event::PollEnd { .. } => self.leave(|open| matches!(open, Open::Poll(..))),
            Event::SpanEnter(span) => self.enter(time, Open::Span(span)),
            Event::SpanExit(span) => self.leave(|open| *open == Open::Span(span)),
            Event::Park => self.parked = Some(time),
            Event::Unpark => self.parked = None,
            Event::Dropped { .. } => self.lose(),
            _ => {}
        }
    }

    /// What the thread does is unknown from here on.
    pub fn lose(&mut self) {
        self.open.clear();
        self.parked = None;
    }

    /// The task that it polls, the innermost of several.
    pub fn running(&self) -> Option<TaskId> {
        self.open.iter().rev().find_map(|open| match open.1 {
            Open::Poll(task, _) => Some(task),
            Open::Span(_) => None,
        })
    }

    fn enter(&mut self, time: Nanos, open: Open) {
        if self.open.len() < DEEPEST {
            self.open.push((time, open));
        }
    }

    fn leave(&mut self, which: impl Fn(&Open) -> bool) {
        if let Some(position) = self.open.iter().rposition(|(_, open)| which(open)) {
            self.open.remove(position);
        }
    }

    /// Introduces the thread, as records.
    pub(crate) fn introduction(&self) -> [Event<'_>; 2] {
        [Event::Thread { os_id: self.os_id, name: &self.name }, Event::Worker(self.worker)]
    }

    /// The records of what is open, which stand alone; `None` if nothing is.
    pub fn block(&self) -> Option<Vec<u8>> {
        let begin = self.open.first().map(|open| open.0).or(self.parked)?;
        let (mut encoder, mut block) = (Encoder::new(), Vec::new());
        encoder.sync(begin, &mut block);
        let mut put = |time, event| encoder.event(time, &event, &mut block);
        self.introduction().into_iter().for_each(|event| put(begin, event));
        for &(time, open) in &self.open {
            put(
                time,
                match open {
                    Open::Poll(task, source) => Event::PollStart { task, source },
                    Open::Span(span) => Event::SpanEnter(span),
                },
            );
        }
        if let Some(time) = self.parked {
            put(time, Event::Park);
        }
        Some(block)
    }
}
