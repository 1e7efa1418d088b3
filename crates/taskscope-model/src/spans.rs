//! The program's own spans and messages, beside Tokio's.
//!
//! A span says what the program is doing in its own words: a request, a query. It
//! is entered for each poll that serves it and left again, so that it shows over
//! these polls, and its life from first to last is what the user waited for.

use foldhash::HashMap;
use std::ops::Range;
use std::sync::Arc;

use taskscope_format::{Level, Nanos, SpanId, ThreadId};

use crate::trace::Trace;
use crate::types::{LaneIx, SpanIx, TaskIx};

/// A `tracing` span of the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its name.
    pub name: Arc<str>,
    /// Its target, mostly the module.
    pub target: Arc<str>,
    /// Its level.
    pub level: Level,
    /// Its fields, as in `method=GET path="/"`.
    pub fields: Arc<str>,
    /// The span that it is a part of.
    pub parent: Option<SpanIx>,
    /// When it was made; for one that is older than the recording, when it was
    /// first entered.
    pub opened: Nanos,
    /// When the last handle of it was dropped.
    pub closed: Option<Nanos>,
}

/// A time in which a thread was in a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanVisit {
    /// The span.
    pub span: SpanIx,
    /// When it was entered.
    pub start: Nanos,
    /// When it was left; where that is not recorded, when the span closed, or the end of the trace.
    pub end: Nanos,
    /// Where.
    pub lane: LaneIx,
    /// The task that was being polled.
    pub task: Option<TaskIx>,
    /// How many spans on the same thread it lies within.
    pub depth: u8,
}

/// Something that the program said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When.
    pub time: Nanos,
    /// Where.
    pub lane: LaneIx,
    /// The task that was being polled.
    pub task: Option<TaskIx>,
    /// The innermost span that its thread was in.
    pub span: Option<SpanIx>,
    /// Its level.
    pub level: Level,
    /// Its target, mostly the module.
    pub target: Arc<str>,
    /// The text, with its fields.
    pub text: Arc<str>,
}

impl Trace {
    /// The program's own spans, in the order in which they first appear in the file.
    pub fn spans(&self) -> &[Span] {
        &self.spans.spans
    }

    /// A span.
    pub fn span_of(&self, span: SpanIx) -> &Span {
        &self.spans.spans[span.get()]
    }

    /// Times in which threads were in spans, by lane, then by start.
    pub fn span_visits(&self) -> &[SpanVisit] {
        &self.spans.visits
    }

    /// Visits of a lane that can reach into `window`, sorted by start. Those at the
    /// front may have ended before it.
    pub fn lane_visits(&self, lane: LaneIx, window: Range<Nanos>) -> &[SpanVisit] {
        let visits = &self.spans.visits;
        let at = |time| visits.partition_point(|visit| (visit.lane, visit.start) < (lane, time));
        let reach = self.spans.longest.get(lane.get()).copied().unwrap_or(0);
        let (first, after) = (at(window.start.saturating_sub(reach)), at(window.end));
        &visits[first..after.max(first)]
    }

    /// What the program said, sorted by time.
    pub fn messages(&self) -> &[Message] {
        &self.spans.messages
    }
}

/// So many spans within one another are told apart when one is left. It is nearly
/// always the innermost, and looking further costs time that a file could ask for
/// again and again.
const MOST_NESTED: usize = 256;

/// Where a thread is when something of the program's own happens on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Here {
    pub(crate) thread: ThreadId,
    pub(crate) time: Nanos,
    pub(crate) lane: LaneIx,
    pub(crate) task: Option<TaskIx>,
}

/// Spans and what belongs to them, first as they are read, then in order.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    spans: Vec<Span>,
    visits: Vec<SpanVisit>,
    messages: Vec<Message>,
    /// The longest visit of each lane: how far back one must look for a visit that
    /// reaches into a window.
    longest: Vec<Nanos>,
    span_of: HashMap<SpanId, SpanIx>,
    /// The visits that are going on, innermost last, as positions in `visits`.
    open: HashMap<ThreadId, Vec<usize>>,
}

impl Spans {
    pub(crate) fn made(
        &mut self,
        time: Nanos,
        span: &taskscope_format::Span<'_>,
        [name, target, fields]: [Arc<str>; 3],
    ) {
        let parent = span.parent.map(|parent| self.ix(parent, time));
        let ix = self.ix(span.id, time);
        self.spans[ix.get()] = Span {
            name,
            target,
            level: span.level,
            fields,
            parent,
            opened: time,
            closed: self.spans[ix.get()].closed,
        };
    }

    /// A file can name one long text over and over. So what is made of such texts
    /// is not longer than `room` in all, and what goes beyond is left out.
    pub(crate) fn more_fields(
        &mut self,
        time: Nanos,
        span: SpanId,
        fields: Arc<str>,
        room: &mut usize,
    ) {
        let ix = self.ix(span, time);
        let known = &mut self.spans[ix.get()].fields;
        if known.is_empty() {
            *known = fields;
        } else if let Some(rest) = room.checked_sub(known.len() + 1 + fields.len()) {
            *room = rest;
            *known = format!("{known} {fields}").into();
        }
    }

    pub(crate) fn enter(&mut self, here: Here, span: SpanId) {
        let Here { thread, time, lane, task } = here;
        let span = self.ix(span, time);
        self.leave_closed(thread, time);
        let open = self.open.entry(thread).or_default();
        let depth = open.len().min(u8::MAX.into()) as u8;
        open.push(self.visits.len());
        self.visits.push(SpanVisit { span, start: time, end: Nanos::MAX, lane, task, depth });
    }

    pub(crate) fn exit(&mut self, thread: ThreadId, time: Nanos, span: SpanId) {
        let span = self.ix(span, time);
        let open = self.open.entry(thread).or_default();
        let Self { visits, .. } = self;
        let near = open.len().saturating_sub(MOST_NESTED);
        let ours = |&visit: &usize| visits[visit].span == span;
        let Some(position) = open[near..].iter().rposition(ours) else { return };
        let visit = &mut visits[open.remove(near + position)];
        visit.end = time.max(visit.start);
    }

    pub(crate) fn close(&mut self, time: Nanos, span: SpanId) {
        let span = self.ix(span, time);
        self.spans[span.get()].closed.get_or_insert(time);
    }

    pub(crate) fn say(&mut self, here: Here, level: Level, [target, text]: [Arc<str>; 2]) {
        let Here { thread, time, lane, task } = here;
        self.leave_closed(thread, time);
        let innermost = self.open.get(&thread).and_then(|open| open.last());
        let span = innermost.map(|&visit| self.visits[visit].span);
        self.messages.push(Message { time, lane, task, span, level, target, text });
    }

    /// Forgets the innermost visits of spans that had closed by then. A guard of a span that is
    /// held across an `.await` can be dropped on another thread, and then nothing says when this
    /// one left the span.
    fn leave_closed(&mut self, thread: ThreadId, time: Nanos) {
        let Self { visits, spans, .. } = self;
        let has_closed = |visit: usize| {
            spans[visits[visit].span.get()].closed.is_some_and(|closed| closed <= time)
        };
        if let Some(open) = self.open.get_mut(&thread) {
            while open.pop_if(|visit| has_closed(*visit)).is_some() {}
        }
    }

    /// Events of a thread are missing: which spans it is in is unknown from here on.
    pub(crate) fn lose(&mut self, thread: ThreadId, time: Nanos) {
        for visit in self.open.remove(&thread).into_iter().flatten() {
            let visit = &mut self.visits[visit];
            visit.end = time.max(visit.start);
        }
    }

    pub(crate) fn renumber_tasks(&mut self, mut renumber: impl FnMut(&mut TaskIx)) {
        self.visits.iter_mut().filter_map(|visit| visit.task.as_mut()).for_each(&mut renumber);
        self.messages.iter_mut().filter_map(|message| message.task.as_mut()).for_each(renumber);
    }

    pub(crate) fn renumber_lanes(&mut self, mut renumber: impl FnMut(&mut LaneIx)) {
        self.visits.iter_mut().for_each(|visit| renumber(&mut visit.lane));
        self.messages.iter_mut().for_each(|message| renumber(&mut message.lane));
    }

    /// Puts all into the order in which it is asked for.
    pub(crate) fn sort(&mut self, lanes: usize) {
        // A closed span contains nothing any more, on any thread.
        for visit in &mut self.visits {
            if let Some(closed) = self.spans[visit.span.get()].closed {
                visit.end = visit.end.min(closed.max(visit.start));
            }
        }
        self.visits.sort_by_key(|visit| (visit.lane, visit.start, visit.depth));
        self.messages.sort_by_key(|message| message.time);
        self.longest = vec![0; lanes];
        for visit in &self.visits {
            if let Some(longest) = self.longest.get_mut(visit.lane.get()) {
                *longest = (visit.end - visit.start).max(*longest);
            }
        }
    }

    /// The position of a span, also of one whose record is lost.
    fn ix(&mut self, id: SpanId, time: Nanos) -> SpanIx {
        let Self { spans, span_of, .. } = self;
        *span_of.entry(id).or_insert_with(|| {
            spans.push(Span {
                name: "span".into(),
                target: "".into(),
                level: Level::Trace,
                fields: "".into(),
                parent: None,
                opened: time,
                closed: None,
            });
            SpanIx(spans.len() as u32 - 1)
        })
    }
}
