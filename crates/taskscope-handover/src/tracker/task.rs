//! In place of the recorder's module of this name.

use taskscope_format::{ResourceId, TaskId};

/// What is found in the index. Any two that can be told apart will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Task(TaskId),
    Resource(ResourceId),
}

impl SpanKind {
    pub(crate) fn to_bits(self) -> u64 {
        match self {
            Self::Task(TaskId(id)) => id << 1,
            Self::Resource(ResourceId(id)) => id << 1 | 1,
        }
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        match bits & 1 {
            0 => Self::Task(TaskId(bits >> 1)),
            _ => Self::Resource(ResourceId(bits >> 1)),
        }
    }
}
