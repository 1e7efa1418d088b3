//! The fields of Tokio's spans and events.

use std::fmt::{Debug, Write};

use taskscope_format::{Location, Resource, ResourceId, Source, Spawn, TaskId, TaskKind, WakeOp};
use tracing::field::{Field, Visit};
use tracing::span::Id;

use crate::tracker::op_names::OpName;

/// Fields of a `runtime.spawn` span.
#[derive(Debug, Default)]
pub(crate) struct SpawnFields {
    pub(crate) task: Option<TaskId>,
    kind: Short,
    name: String,
    file: String,
    line: u64,
    column: u64,
    size: Option<u64>,
    original_size: Option<u64>,
    function: String,
}

/// Where Tokio's workers have their loop. Closures of this module that run on
/// the blocking pool are workers.
const WORKER_MODULE: &str = "tokio::runtime::scheduler::multi_thread::worker::";

impl SpawnFields {
    pub(crate) fn kind(&self) -> TaskKind {
        match self.kind.as_str() {
            "local" => TaskKind::Local,
            "blocking" => TaskKind::Blocking,
            "block_on" => TaskKind::BlockOn,
            _ => TaskKind::Task,
        }
    }

    /// Whether this is no task but one of Tokio's own worker threads.
    pub(crate) fn is_worker_thread(&self) -> bool {
        self.function.starts_with(WORKER_MODULE)
    }

    /// Whether a call of `block_in_place` started this worker thread, and not
    /// the launch of its runtime.
    pub(crate) fn is_block_in_place(&self) -> bool {
        self.is_worker_thread() && !self.function.contains("::Launch::")
    }

    pub(crate) fn spawn(&self, task: TaskId) -> Spawn<'_> {
        Spawn {
            name: some(&self.name),
            location: location(&self.file, self.line, self.column),
            size: self.size,
            original_size: self.original_size,
            function: some(&self.function),
            ..Spawn::new(task, self.kind(), Source::Span)
        }
    }
}

fn location(file: &str, line: u64, column: u64) -> Option<Location<'_>> {
    let number = |number| u32::try_from(number).unwrap_or(0);
    Some(Location { file: some(file)?, line: number(line), column: number(column) })
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// A short text in place: all kinds of tasks have one.
#[derive(Debug, Default)]
struct Short {
    bytes: [u8; 16],
    length: usize,
}

impl Short {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let room = self.bytes.get_mut(self.length..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

impl Visit for SpawnFields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "task.id" => self.task = Some(TaskId(value)),
            "size.bytes" => self.size = Some(value),
            "original_size.bytes" => self.original_size = Some(value),
            "loc.line" => self.line = value,
            "loc.col" => self.column = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "loc.file" {
            value.clone_into(&mut self.file);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let into: &mut dyn Write = match field.name() {
            "kind" => &mut self.kind,
            "task.name" => &mut self.name,
            "fn" => &mut self.function,
            _ => return,
        };
        // Writing into a string does not fail. A word that is too long is none
        // of those that mean something.
        let _ = write!(into, "{value:?}");
    }
}

/// Fields of an event of a waker.
#[derive(Debug, Default)]
pub(crate) struct WakerFields {
    pub(crate) op: Option<WakerOp>,
    pub(crate) span: WakerSpan,
}

/// The *span* of the task that a waker is for. Its field is called `task.id`, as
/// that of the spawn span is, which holds Tokio's id of the task.
#[derive(Debug, Default)]
pub(crate) struct WakerSpan(pub(crate) Option<Id>);

/// What was done with a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WakerOp {
    Clone,
    Drop,
    Wake(WakeOp),
}

impl Visit for WakerSpan {
    #[inline]
    fn record_u64(&mut self, field: &Field, value: u64) {
        // A span's id is never 0, and making one of 0 would panic.
        if field.name() == "task.id" && value != 0 {
            self.0 = Some(Id::from_u64(value));
        }
    }

    #[inline]
    fn record_str(&mut self, _: &Field, _: &str) {}

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

impl Visit for WakerFields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.span.record_u64(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "op" {
            self.op = match value {
                "waker.clone" => Some(WakerOp::Clone),
                "waker.drop" => Some(WakerOp::Drop),
                "waker.wake" => Some(WakerOp::Wake(WakeOp::ByValue)),
                "waker.wake_by_ref" => Some(WakerOp::Wake(WakeOp::ByRef)),
                _ => None,
            };
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// Fields of a `runtime.resource` span.
#[derive(Debug, Default)]
pub(crate) struct ResourceFields {
    concrete_type: String,
    kind: String,
    is_internal: bool,
    file: String,
    line: u64,
    column: u64,
}

impl ResourceFields {
    pub(crate) fn resource(&self, id: ResourceId) -> Resource<'_> {
        Resource {
            id,
            concrete_type: &self.concrete_type,
            kind: &self.kind,
            is_internal: self.is_internal,
            location: location(&self.file, self.line, self.column),
        }
    }
}

impl Visit for ResourceFields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "is_internal" {
            self.is_internal = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "loc.line" => self.line = value,
            "loc.col" => self.column = value,
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "concrete_type" => value.clone_into(&mut self.concrete_type),
            "kind" => value.clone_into(&mut self.kind),
            "loc.file" => value.clone_into(&mut self.file),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The field of a `runtime.resource.async_op` span that names the operation.
#[derive(Debug, Default)]
pub(crate) struct OperationFields(pub(crate) Option<OpName>);

impl Visit for OperationFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "source" {
            self.0 = Some(OpName::of(value));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// Fields of an event that says what came of polling an operation.
#[derive(Debug, Default)]
pub(crate) struct PollOpFields {
    name: Option<OpName>,
    is_ready: bool,
}

impl PollOpFields {
    /// The name of what was polled, if it was pending.
    pub(crate) fn pending(&self) -> Option<OpName> {
        self.name.filter(|_| !self.is_ready)
    }
}

impl Visit for PollOpFields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "is_ready" {
            self.is_ready = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "op_name" {
            self.name = Some(OpName::of(value));
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
