//! From events to bytes, on the recorded program's own threads.
//!
//! An event costs a tag, the nanoseconds since the event before (one or two
//! bytes in a busy program) and, where it names a task, the distance to the
//! task named before (one byte in most cases). Strings are written once and
//! then called by number.
//!
//! All this leans on what stood before in the same stream. [`Encoder::sync`]
//! cuts that: what follows it can be understood by itself, which is what makes
//! a lost block, or a ring of the newest blocks, harmless.

use foldhash::HashMap;

use crate::brief::Brief;
use crate::event::{Event, Location, Nanos, Resource, Source, Span, Spawn, TaskId, WakeOp};
use crate::{tag, varint};

/// Writes the events of one thread as bytes.
#[derive(Debug, Default)]
pub struct Encoder {
    time: Nanos,
    task: u64,
    strings: HashMap<Box<str>, u64>,
    /// The long record being built, kept to reuse its memory.
    body: Vec<u8>,
}

impl Encoder {
    /// A new stream. Its first record must be a [`sync`](Self::sync).
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a record that makes all that follows understandable without
    /// what stood before.
    ///
    /// As in [`event`](Self::event), an earlier `time` is written as the same.
    pub fn sync(&mut self, time: Nanos, out: &mut Vec<u8>) {
        self.time = self.time.max(time);
        self.task = 0;
        self.strings.clear();
        self.body.clear();
        varint::put(&mut self.body, self.time);
        self.finish_long(tag::SYNC, out);
    }

    /// Appends one event, with the definitions of strings that it needs.
    ///
    /// A `time` earlier than the event before it is written as the same time:
    /// a stream never runs backwards.
    pub fn event(&mut self, time: Nanos, event: &Event<'_>, out: &mut Vec<u8>) {
        if let Some(brief) = self.brief(time, event) {
            brief.put(out);
            return;
        }
        match *event {
            Event::PollStart { .. }
            | Event::PollEnd { .. }
            | Event::Wake { .. }
            | Event::Park
            | Event::Unpark => self.short(time, event, out),
            Event::Meta { key, value } => {
                let (key, value) = (self.string(key, out), self.string(value, out));
                self.long(tag::META, time, &[key, value], out);
            }
            Event::Thread { os_id, name } => {
                let name = self.string(name, out);
                self.long(tag::THREAD, time, &[os_id, name], out);
            }
            Event::Runtime { id, flavor, workers, name, hooked } => {
                let name = self.string(name, out);
                let fields =
                    [id.0.into(), flavor.code().into(), workers.into(), name, hooked.into()];
                self.long(tag::RUNTIME, time, &fields, out);
            }
            Event::Worker(None) => self.long(tag::WORKER, time, &[0], out),
            Event::Worker(Some((runtime, index))) => {
                let fields = [u64::from(runtime.0) + 1, index.into()];
                self.long(tag::WORKER, time, &fields, out);
            }
            Event::Spawn(ref spawn) => self.spawn(time, spawn, out),
            Event::TaskEnd { task, end, inferred, cancelled_by } => {
                let by = cancelled_by.code();
                let fields = [task.0, end.code().into(), inferred.into(), by.into()];
                // The last was added later, and most tasks don't have it.
                let count = if by == 0 { 3 } else { 4 };
                self.long(tag::TASK_END, time, &fields[..count], out);
            }
            Event::Scheduled { ago } => self.long(tag::SCHEDULED, time, &[ago], out),
            Event::BudgetSpent => self.long(tag::BUDGET_SPENT, time, &[], out),
            Event::Resource(ref resource) => self.resource(time, resource, out),
            Event::Wait { resource, operation } => {
                let operation = self.string(operation, out);
                self.long(tag::WAIT, time, &[resource.0, operation], out);
            }
            Event::Span(ref span) => self.span(time, span, out),
            Event::SpanFields { span, fields } => {
                let fields = self.string(fields, out);
                self.long(tag::SPAN_FIELDS, time, &[span.0, fields], out);
            }
            Event::SpanEnter(span) => self.long(tag::SPAN_ENTER, time, &[span.0], out),
            Event::SpanExit(span) => self.long(tag::SPAN_EXIT, time, &[span.0], out),
            Event::SpanClose(span) => self.long(tag::SPAN_CLOSE, time, &[span.0], out),
            Event::Message { level, target, text } => {
                let (target, text) = (self.string(target, out), self.string(text, out));
                self.long(tag::MESSAGE, time, &[level.code().into(), target, text], out);
            }
            Event::Dropped { count, since } => {
                self.long(tag::DROPPED, time, &[count, since], out);
            }
        }
    }

    fn spawn(&mut self, time: Nanos, spawn: &Spawn<'_>, out: &mut Vec<u8>) {
        let Spawn { task, kind, source, runtime, parent, .. } = *spawn;
        let name = spawn.name.map(|s| self.string(s, out));
        let function = spawn.function.map(|s| self.string(s, out));
        let [file, line, column] = self.location(spawn.location, out);
        let fields = [
            task.0,
            kind.code().into(),
            source.code().into(),
            plus_one(runtime.map(|r| r.0.into())),
            plus_one(parent.map(|p| p.0)),
            plus_one(name),
            file,
            line,
            column,
            plus_one(spawn.size),
            plus_one(spawn.original_size),
            plus_one(function),
            1,
        ];
        let known = if spawn.is_part { &fields[..] } else { &fields[..fields.len() - 1] };
        self.long(tag::SPAWN, time, known, out);
    }

    fn resource(&mut self, time: Nanos, resource: &Resource<'_>, out: &mut Vec<u8>) {
        let concrete_type = self.string(resource.concrete_type, out);
        let kind = self.string(resource.kind, out);
        let [file, line, column] = self.location(resource.location, out);
        let internal = resource.is_internal.into();
        let fields = [resource.id.0, concrete_type, kind, internal, file, line, column];
        self.long(tag::RESOURCE, time, &fields, out);
    }

    fn span(&mut self, time: Nanos, span: &Span<'_>, out: &mut Vec<u8>) {
        let [name, target, fields] =
            [span.name, span.target, span.fields].map(|text| self.string(text, out));
        let parent = plus_one(span.parent.map(|parent| parent.0));
        let [file, line, column] = self.location(span.location, out);
        let level = span.level.code().into();
        let fields = [span.id.0, parent, level, name, target, fields, file, line, column];
        let known = if span.location.is_some() { fields.len() } else { fields.len() - 3 };
        self.long(tag::SPAN, time, &fields[..known], out);
    }

    /// The three fields of a place, all 0 for none.
    fn location(&mut self, location: Option<Location<'_>>, out: &mut Vec<u8>) -> [u64; 3] {
        location.map_or([0; 3], |Location { file, line, column }| {
            [self.string(file, out) + 1, line.into(), column.into()]
        })
    }

    /// An event of the sort that happens millions of times, as a record in
    /// registers. `None`, and nothing has happened, for any other, and where its
    /// numbers are too large for that: [`event`](Self::event) writes these.
    #[inline(always)]
    pub fn brief(&mut self, time: Nanos, event: &Event<'_>) -> Option<Brief> {
        let (tag, task) = short_parts(event)?;
        let elapsed = time.saturating_sub(self.time);
        let delta = task.map(|task| varint::delta(self.task, task.0));
        if !Brief::has_room_for(elapsed) || delta.is_some_and(|delta| !Brief::has_room_for(delta)) {
            return None;
        }
        self.time += elapsed;
        if let Some(task) = task {
            self.task = task.0;
        }
        Some(Brief::new(tag, elapsed, delta))
    }

    /// A short record with numbers that are too large for a brief one.
    #[cold]
    fn short(&mut self, time: Nanos, event: &Event<'_>, out: &mut Vec<u8>) {
        let Some((tag, task)) = short_parts(event) else { return };
        out.push(tag);
        let elapsed = self.elapsed(time);
        varint::put(out, elapsed);
        if let Some(task) = task {
            varint::put(out, varint::delta(self.task, task.0));
            self.task = task.0;
        }
    }

    fn long(&mut self, tag: u8, time: Nanos, fields: &[u64], out: &mut Vec<u8>) {
        self.body.clear();
        let elapsed = self.elapsed(time);
        varint::put(&mut self.body, elapsed);
        for &field in fields {
            varint::put(&mut self.body, field);
        }
        self.finish_long(tag, out);
    }

    fn finish_long(&mut self, tag: u8, out: &mut Vec<u8>) {
        out.push(tag);
        varint::put(out, self.body.len() as u64);
        out.extend_from_slice(&self.body);
    }

    fn elapsed(&mut self, time: Nanos) -> u64 {
        let elapsed = time.saturating_sub(self.time);
        self.time += elapsed;
        elapsed
    }

    /// The number of a string, which is defined first where it has none.
    fn string(&mut self, string: &str, out: &mut Vec<u8>) -> u64 {
        if let Some(&number) = self.strings.get(string) {
            return number;
        }
        let number = self.strings.len() as u64;
        self.strings.insert(string.into(), number);
        out.push(tag::STRING);
        varint::put(out, string.len() as u64);
        out.extend_from_slice(string.as_bytes());
        number
    }
}

/// The tag of a short record, and the task that it names; `None` for an event
/// that makes a long one.
#[inline(always)]
fn short_parts(event: &Event<'_>) -> Option<(u8, Option<TaskId>)> {
    Some(match *event {
        Event::PollStart { task, source } => {
            let flag = if source == Source::Span { tag::FROM_SPAN } else { 0 };
            (tag::POLL_START | flag, Some(task))
        }
        Event::PollEnd { result, kept_waker } => {
            let kept = if kept_waker { tag::KEPT_WAKER } else { 0 };
            (tag::POLL_END | result.code() << tag::RESULT_SHIFT | kept, None)
        }
        Event::Wake { task, op } => {
            let flag = if op == WakeOp::ByRef { tag::BY_REF } else { 0 };
            (tag::WAKE | flag, Some(task))
        }
        Event::Park => (tag::PARK, None),
        Event::Unpark => (tag::UNPARK, None),
        _ => return None,
    })
}

/// An optional field: 0 is none. (`u64::MAX` itself cannot occur: ids and sizes
/// are far smaller.)
fn plus_one(field: Option<u64>) -> u64 {
    field.map_or(0, |value| value.saturating_add(1))
}
