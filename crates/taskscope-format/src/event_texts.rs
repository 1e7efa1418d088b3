//! The same event with other texts.

use crate::event::{EventOf, LocationOf, ResourceOf, SpanOf, SpawnOf};

impl<T> LocationOf<T> {
    /// The same place, with its text made by `text`.
    pub fn map<U>(self, mut text: impl FnMut(T) -> U) -> LocationOf<U> {
        LocationOf { file: text(self.file), line: self.line, column: self.column }
    }
}

impl<T> EventOf<T> {
    /// The same event, with each of its texts made by `text`.
    #[inline]
    pub fn map<U>(self, mut text: impl FnMut(T) -> U) -> EventOf<U> {
        match self {
            Self::PollStart { task, source } => EventOf::PollStart { task, source },
            Self::PollEnd { result, kept_waker } => EventOf::PollEnd { result, kept_waker },
            Self::Wake { task, op } => EventOf::Wake { task, op },
            Self::Park => EventOf::Park,
            Self::Unpark => EventOf::Unpark,
            Self::BudgetSpent => EventOf::BudgetSpent,
            Self::Scheduled { ago } => EventOf::Scheduled { ago },
            Self::Worker(worker) => EventOf::Worker(worker),
            Self::SpanEnter(span) => EventOf::SpanEnter(span),
            Self::SpanExit(span) => EventOf::SpanExit(span),
            Self::SpanClose(span) => EventOf::SpanClose(span),
            Self::Dropped { count, since } => EventOf::Dropped { count, since },
            Self::TaskEnd { task, end, inferred, cancelled_by } => {
                EventOf::TaskEnd { task, end, inferred, cancelled_by }
            }
            Self::Meta { key, value } => EventOf::Meta { key: text(key), value: text(value) },
            Self::Thread { os_id, name } => EventOf::Thread { os_id, name: text(name) },
            Self::Runtime { id, flavor, workers, name, hooked } => {
                EventOf::Runtime { id, flavor, workers, name: text(name), hooked }
            }
            Self::Wait { resource, operation } => {
                EventOf::Wait { resource, operation: text(operation) }
            }
            Self::SpanFields { span, fields } => EventOf::SpanFields { span, fields: text(fields) },
            Self::Message { level, target, text: said } => {
                EventOf::Message { level, target: text(target), text: text(said) }
            }
            Self::Spawn(spawn) => EventOf::Spawn(spawn.map(text)),
            Self::Resource(resource) => EventOf::Resource(ResourceOf {
                id: resource.id,
                concrete_type: text(resource.concrete_type),
                kind: text(resource.kind),
                is_internal: resource.is_internal,
                location: resource.location.map(|location| location.map(text)),
            }),
            Self::Span(span) => EventOf::Span(span.map(text)),
        }
    }
}

impl<T> SpawnOf<T> {
    fn map<U>(self, mut text: impl FnMut(T) -> U) -> SpawnOf<U> {
        SpawnOf {
            task: self.task,
            kind: self.kind,
            source: self.source,
            runtime: self.runtime,
            parent: self.parent,
            name: self.name.map(&mut text),
            location: self.location.map(|location| location.map(&mut text)),
            size: self.size,
            original_size: self.original_size,
            function: self.function.map(text),
            is_part: self.is_part,
        }
    }
}

impl<T> SpanOf<T> {
    /// The same span, with each of its texts made by `text`.
    pub fn map<U>(self, mut text: impl FnMut(T) -> U) -> SpanOf<U> {
        SpanOf {
            id: self.id,
            parent: self.parent,
            level: self.level,
            name: text(self.name),
            target: text(self.target),
            fields: text(self.fields),
            location: self.location.map(|location| location.map(text)),
        }
    }
}
