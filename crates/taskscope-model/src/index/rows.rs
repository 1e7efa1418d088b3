//! Rows of numbers for what there may be many of, and what does not lie in memory as one.

use bytemuck::{Pod, Zeroable};
use taskscope_format::{CancelledBy, EndKind, Level, TaskId, TaskKind};

use super::check::Counts;
use super::texts::{TextTable, Texts};
use crate::spans::{Message, Span, SpanVisit};
use crate::store::polls::NONE;
use crate::types::{End, LaneIx, PlaceIx, SpanIx, Task, TaskIx, TextIx};

const IS_PART: u8 = 1 << 0;
const HAS_SIZE: u8 = 1 << 1;
const HAS_ORIGINAL_SIZE: u8 = 1 << 2;
const HAS_SPAWNED: u8 = 1 << 3;
const HAS_END: u8 = 1 << 4;
const END_INFERRED: u8 = 1 << 5;

/// A task without its marks.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct TaskRow {
    id: u64,
    size: u64,
    original_size: u64,
    spawned: u64,
    end: u64,
    name: u32,
    function: u32,
    place: u32,
    runtime: u32,
    parent: u32,
    spawned_on: u32,
    last_early: u32,
    /// Where its marks begin, and how many they are.
    first_mark: u32,
    marks: u32,
    kind: u8,
    bits: u8,
    end_kind: u8,
    cancelled_by: u8,
}

impl TaskRow {
    /// `first_mark` is how many marks the tasks before have.
    pub(super) fn new(task: &Task, first_mark: u32) -> Self {
        let end = task.end;
        let bits = [
            (task.is_part, IS_PART),
            (task.size.is_some(), HAS_SIZE),
            (task.original_size.is_some(), HAS_ORIGINAL_SIZE),
            (task.spawned.is_some(), HAS_SPAWNED),
            (end.is_some(), HAS_END),
            (end.is_some_and(|end| end.inferred), END_INFERRED),
        ];
        Self {
            id: task.id.0,
            size: task.size.unwrap_or(0),
            original_size: task.original_size.unwrap_or(0),
            spawned: task.spawned.unwrap_or(0),
            end: end.map_or(0, |end| end.time),
            name: task.name.map_or(NONE, |name| name.0),
            function: task.function.map_or(NONE, |function| function.0),
            place: task.place.map_or(NONE, |place| place.0),
            runtime: task.runtime.unwrap_or(NONE),
            parent: task.parent.map_or(NONE, |parent| parent.0),
            spawned_on: task.spawned_on.map_or(NONE, |lane| lane.0.into()),
            last_early: task.last_early,
            first_mark,
            marks: task.marks.len() as u32,
            kind: task.kind.code(),
            bits: bits.iter().fold(0, |bits, (holds, bit)| if *holds { bits | bit } else { bits }),
            end_kind: end.map_or(0, |end| end.kind.code()),
            cancelled_by: end.map_or(0, |end| end.cancelled_by.code()),
        }
    }

    /// The task; `None` if it names what is not there.
    pub(super) fn task(&self, marks: &[u32], counts: &Counts) -> Option<Task> {
        let has = |bit: u8| self.bits & bit != 0;
        let marks = marks.get(self.first_mark as usize..)?.get(..self.marks as usize)?;
        let end = match has(HAS_END) {
            false => None,
            true => Some(End {
                time: self.end,
                kind: EndKind::from_code(self.end_kind)?,
                inferred: has(END_INFERRED),
                cancelled_by: CancelledBy::from_code(self.cancelled_by)?,
            }),
        };
        (self.last_early == NONE || (self.last_early as usize) < counts.more_wakes).then_some(())?;
        Some(Task {
            id: TaskId(self.id),
            kind: TaskKind::from_code(self.kind)?,
            is_part: has(IS_PART),
            name: among(self.name, counts.texts)?.map(TextIx),
            function: among(self.function, counts.texts)?.map(TextIx),
            place: among(self.place, counts.places)?.map(PlaceIx),
            runtime: among(self.runtime, counts.runtimes)?,
            parent: among(self.parent, counts.tasks)?.map(TaskIx),
            size: has(HAS_SIZE).then_some(self.size),
            original_size: has(HAS_ORIGINAL_SIZE).then_some(self.original_size),
            spawned: has(HAS_SPAWNED).then_some(self.spawned),
            spawned_on: among(self.spawned_on, counts.lanes)?.map(|lane| LaneIx(lane as u16)),
            end,
            marks: marks.iter().copied().collect(),
            last_early: self.last_early,
        })
    }
}

/// A [`Span`].
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct SpanRow {
    opened: u64,
    closed: u64,
    name: u32,
    target: u32,
    fields: u32,
    parent: u32,
    level: u32,
    is_closed: u32,
    place: u32,
    unused: u32,
}

impl SpanRow {
    pub(super) fn new(span: &Span, texts: &mut TextTable) -> Self {
        Self {
            opened: span.opened,
            closed: span.closed.unwrap_or(0),
            name: texts.number(&span.name),
            target: texts.number(&span.target),
            fields: texts.number(&span.fields),
            parent: span.parent.map_or(NONE, |parent| parent.0),
            level: span.level.code().into(),
            is_closed: span.closed.is_some().into(),
            place: span.place.map_or(NONE, |place| place.0),
            unused: 0,
        }
    }

    pub(super) fn span(&self, texts: &Texts, counts: &Counts) -> Option<Span> {
        Some(Span {
            name: texts.get(self.name)?,
            target: texts.get(self.target)?,
            level: Level::from_code(self.level.try_into().ok()?)?,
            fields: texts.get(self.fields)?,
            parent: among(self.parent, counts.spans)?.map(SpanIx),
            opened: self.opened,
            closed: (self.is_closed != 0).then_some(self.closed),
            place: among(self.place, counts.places)?.map(PlaceIx),
        })
    }
}

/// A [`SpanVisit`].
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct VisitRow {
    start: u64,
    end: u64,
    span: u32,
    task: u32,
    lane: u32,
    depth: u32,
}

impl VisitRow {
    pub(super) fn new(visit: &SpanVisit) -> Self {
        Self {
            start: visit.start,
            end: visit.end,
            span: visit.span.0,
            task: visit.task.map_or(NONE, |task| task.0),
            lane: visit.lane.0.into(),
            depth: visit.depth.into(),
        }
    }

    pub(super) fn visit(&self, counts: &Counts) -> Option<SpanVisit> {
        Some(SpanVisit {
            span: SpanIx(among(self.span, counts.spans)??),
            start: self.start,
            end: self.end,
            lane: LaneIx(among(self.lane, counts.lanes)?? as u16),
            task: among(self.task, counts.tasks)?.map(TaskIx),
            depth: self.depth.try_into().ok()?,
        })
    }
}

/// A [`Message`].
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct MessageRow {
    time: u64,
    task: u32,
    span: u32,
    target: u32,
    text: u32,
    lane: u32,
    level: u32,
}

impl MessageRow {
    pub(super) fn new(message: &Message, texts: &mut TextTable) -> Self {
        Self {
            time: message.time,
            task: message.task.map_or(NONE, |task| task.0),
            span: message.span.map_or(NONE, |span| span.0),
            target: texts.number(&message.target),
            text: texts.number(&message.text),
            lane: message.lane.0.into(),
            level: message.level.code().into(),
        }
    }

    pub(super) fn message(&self, texts: &Texts, counts: &Counts) -> Option<Message> {
        Some(Message {
            time: self.time,
            lane: LaneIx(among(self.lane, counts.lanes)?? as u16),
            task: among(self.task, counts.tasks)?.map(TaskIx),
            span: among(self.span, counts.spans)?.map(SpanIx),
            level: Level::from_code(self.level.try_into().ok()?)?,
            target: texts.get(self.target)?,
            text: texts.get(self.text)?,
        })
    }
}

/// The worker that a waker's thread was: see `Trace::odd_wakers`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(super) struct OddWaker {
    pub(super) time: u64,
    pub(super) task: u32,
    pub(super) lane: u32,
}

/// `Some(None)` for none, and `None` for a number that is not below `count`.
pub(super) fn among(number: u32, count: usize) -> Option<Option<u32>> {
    match number {
        NONE => Some(None),
        number => ((number as usize) < count).then_some(Some(number)),
    }
}
