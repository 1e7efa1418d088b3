//! The program's own spans and messages, beside Tokio's.
//!
//! A span says what the program is doing in its own words: a request, a query. It
//! is entered for each poll that serves it and left again, so that it shows over
//! these polls, and its life from first to last is what the user waited for.

use foldhash::HashMap;
use std::ops::Range;
use std::sync::Arc;

use taskscope_format::{Level, Nanos, SpanId, ThreadId};

use crate::store::shelf::Shelf;
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, SpanIx, TaskIx};

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
    /// Where in the source it is made; `None` where it was not recorded. The column is not known: it is 1.
    pub place: Option<PlaceIx>,
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
    /// How many spans of the program's own there are.
    pub fn span_count(&self) -> usize {
        self.spans.spans.len()
    }

    /// The program's own spans, in the order in which the recording first names them.
    pub fn spans(&self) -> impl DoubleEndedIterator<Item = &Span> {
        self.spans.spans.iter()
    }

    /// A span.
    pub fn span_of(&self, span: SpanIx) -> &Span {
        &self.spans.spans[span.get()]
    }

    /// Times in which threads were in spans, lane by lane, by start.
    pub fn span_visits(&self) -> impl Iterator<Item = SpanVisit> {
        let lanes = self.lane_order().iter();
        lanes.flat_map(|&lane| self.lane_visits(lane, 0..Nanos::MAX))
    }

    /// Visits of a lane that can reach into `window`, sorted by start. Those at the
    /// front may have ended before it.
    pub fn lane_visits(
        &self,
        lane: LaneIx,
        window: Range<Nanos>,
    ) -> impl Iterator<Item = SpanVisit> {
        let of_lane = self.spans.visits.get(lane.get());
        let after = move |visit: &SpanVisit| visit.start < window.end;
        of_lane
            .into_iter()
            .flat_map(move |of| {
                let begin = window.start.saturating_sub(of.longest);
                of.visits.iter_from(of.visits.partition_point(|visit| visit.start < begin))
            })
            .take_while(move |visit| after(visit))
            .map(|visit| self.spans.ended(visit, self.span.end))
    }

    /// How many visits [`lane_visits`](Self::lane_visits) gives.
    pub fn lane_visit_count(&self, lane: LaneIx, window: Range<Nanos>) -> usize {
        let Some(of) = self.spans.visits.get(lane.get()) else { return 0 };
        let begin = window.start.saturating_sub(of.longest);
        let before = |time| of.visits.partition_point(|visit| visit.start < time);
        before(window.end).saturating_sub(before(begin))
    }

    /// What the program said, sorted by time.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.spans.messages.iter()
    }

    /// How many messages there are.
    pub fn message_count(&self) -> usize {
        self.spans.messages.len()
    }

    /// A message by its place in [`messages`](Self::messages).
    pub fn message(&self, at: usize) -> Option<&Message> {
        self.spans.messages.get(at)
    }

    /// The places in [`messages`](Self::messages) of what the program said in a window.
    pub fn messages_between(&self, window: Range<Nanos>) -> Range<usize> {
        let messages = &self.spans.messages;
        let before = |time| messages.partition_point(|message| message.time < time);
        before(window.start)..before(window.end).max(before(window.start))
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

/// Spans and what belongs to them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    pub(crate) spans: Shelf<Span>,
    /// By lane.
    pub(crate) visits: Vec<LaneVisits>,
    pub(crate) messages: Shelf<Message>,
    /// The latest end of a visit that was read.
    known_to: Nanos,
    /// A span closed before an end that was read earlier, as only in files that were made to be wrong:
    /// visits may have later ends than their spans.
    closes_late: bool,
}

/// The visits on one lane, by start.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneVisits {
    pub(crate) visits: Shelf<SpanVisit>,
    /// The longest that has ended: how far back one must look for one that reaches into a window.
    pub(crate) longest: Nanos,
}

/// What is needed beside, as long as more comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenSpans {
    span_of: HashMap<SpanId, SpanIx>,
    /// The visits that are going on on each thread, innermost last: lanes, and positions there.
    open: HashMap<ThreadId, Vec<(LaneIx, usize)>>,
}

impl OpenSpans {
    /// What is needed to end them.
    pub(crate) fn of_open(&self) -> Self {
        Self { open: self.open.clone(), ..Self::default() }
    }
}

impl Spans {
    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.spans.share();
        self.messages.share();
        self.visits.iter_mut().for_each(|of_lane| of_lane.visits.share());
    }

    /// A visit with its end: a closed span contains nothing any more, on any thread.
    pub(crate) fn ended(&self, visit: &SpanVisit, end_of_trace: Nanos) -> SpanVisit {
        // To look at each span takes ten times as long.
        let closed = match self.closes_late {
            true => self.spans[visit.span.get()].closed.unwrap_or(Nanos::MAX),
            false => Nanos::MAX,
        };
        let end = visit.end.min(closed).min(end_of_trace).max(visit.start);
        SpanVisit { end, ..*visit }
    }

    fn of_lane(&mut self, lane: LaneIx) -> &mut LaneVisits {
        if self.visits.len() <= lane.get() {
            self.visits.resize_with(lane.get() + 1, LaneVisits::default);
        }
        &mut self.visits[lane.get()]
    }

    fn end(&mut self, (lane, at): (LaneIx, usize), time: Nanos) {
        let span = self.span_at((lane, at)).and_then(|span| self.spans.get(span.get()));
        let closed = span.and_then(|span| span.closed).unwrap_or(Nanos::MAX);
        self.known_to = self.known_to.max(time);
        let of_lane = self.of_lane(lane);
        if let Some(visit) = of_lane.visits.get_mut(at) {
            visit.end = time.min(closed).max(visit.start);
            of_lane.longest = of_lane.longest.max(visit.end - visit.start);
        }
    }

    fn span_at(&self, (lane, at): (LaneIx, usize)) -> Option<SpanIx> {
        Some(self.visits.get(lane.get())?.visits.get(at)?.span)
    }

    /// As far as has been read, all visits that go on end now.
    pub(crate) fn close(&mut self, open: &OpenSpans, time: Nanos) {
        for &visit in open.open.values().flatten() {
            self.end(visit, time);
        }
    }

    pub(crate) fn made(
        &mut self,
        open: &mut OpenSpans,
        time: Nanos,
        span: &taskscope_format::SpanOf<Arc<str>>,
        place: Option<PlaceIx>,
    ) {
        let parent = span.parent.map(|parent| self.ix(open, parent, time));
        let ix = self.ix(open, span.id, time);
        let Some(known) = self.spans.get_mut(ix.get()) else { return };
        *known = Span {
            name: span.name.clone(),
            target: span.target.clone(),
            level: span.level,
            fields: span.fields.clone(),
            parent,
            opened: time,
            closed: known.closed,
            place,
        };
    }

    /// A file can name one long text over and over. So what is made of such texts
    /// is not longer than `room` in all, and what goes beyond is left out.
    pub(crate) fn more_fields(
        &mut self,
        open: &mut OpenSpans,
        (time, span): (Nanos, SpanId),
        fields: Arc<str>,
        room: &mut u64,
    ) {
        let ix = self.ix(open, span, time);
        let Some(Span { fields: known, .. }) = self.spans.get_mut(ix.get()) else { return };
        if known.is_empty() {
            *known = fields;
        } else if let Some(rest) = room.checked_sub((known.len() + 1 + fields.len()) as u64) {
            *room = rest;
            *known = format!("{known} {fields}").into();
        }
    }

    pub(crate) fn enter(&mut self, of: &mut OpenSpans, here: Here, span: SpanId) {
        let Here { thread, time, lane, task } = here;
        let span = self.ix(of, span, time);
        self.leave_closed(of, thread, time);
        let open = of.open.entry(thread).or_default();
        let depth = open.len().min(u8::MAX.into()) as u8;
        let visits = &mut self.of_lane(lane).visits;
        open.push((lane, visits.len()));
        visits.push(SpanVisit { span, start: time, end: Nanos::MAX, lane, task, depth });
    }

    pub(crate) fn exit(&mut self, of: &mut OpenSpans, thread: ThreadId, time: Nanos, span: SpanId) {
        let span = self.ix(of, span, time);
        let open = of.open.entry(thread).or_default();
        let near = open.len().saturating_sub(MOST_NESTED);
        let ours = |&visit: &(LaneIx, usize)| self.span_at(visit) == Some(span);
        let Some(position) = open[near..].iter().rposition(ours) else { return };
        let visit = open.remove(near + position);
        self.end(visit, time);
    }

    pub(crate) fn close_span(&mut self, of: &mut OpenSpans, time: Nanos, span: SpanId) {
        let span = self.ix(of, span, time);
        self.closes_late |= time < self.known_to;
        if let Some(span) = self.spans.get_mut(span.get()) {
            span.closed.get_or_insert(time);
        }
    }

    pub(crate) fn say(
        &mut self,
        of: &mut OpenSpans,
        here: Here,
        level: Level,
        [target, text]: [Arc<str>; 2],
    ) {
        let Here { thread, time, lane, task } = here;
        self.leave_closed(of, thread, time);
        let innermost = of.open.get(&thread).and_then(|open| open.last());
        let span = innermost.and_then(|&visit| self.span_at(visit));
        self.messages.push(Message { time, lane, task, span, level, target, text });
    }

    /// Forgets the innermost visits of spans that had closed by then. A guard of a span that is
    /// held across an `.await` can be dropped on another thread, and then nothing says when this
    /// one left the span.
    fn leave_closed(&mut self, of: &mut OpenSpans, thread: ThreadId, time: Nanos) {
        let Some(open) = of.open.get_mut(&thread) else { return };
        while let Some(&visit) = open.last() {
            let closed = self.span_at(visit).and_then(|span| self.spans[span.get()].closed);
            let Some(closed) = closed.filter(|closed| *closed <= time) else { return };
            self.end(visit, closed);
            open.pop();
        }
    }

    /// Events of a thread are missing: which spans it is in is unknown from here on.
    pub(crate) fn lose(&mut self, of: &mut OpenSpans, thread: ThreadId, time: Nanos) {
        for visit in of.open.remove(&thread).into_iter().flatten() {
            self.end(visit, time);
        }
    }

    /// The position of a span, also of one whose record is lost.
    fn ix(&mut self, of: &mut OpenSpans, id: SpanId, time: Nanos) -> SpanIx {
        let spans = &mut self.spans;
        *of.span_of.entry(id).or_insert_with(|| {
            spans.push(Span {
                name: "span".into(),
                target: "".into(),
                level: Level::Trace,
                fields: "".into(),
                parent: None,
                opened: time,
                closed: None,
                place: None,
            });
            SpanIx(spans.len() as u32 - 1)
        })
    }
}
