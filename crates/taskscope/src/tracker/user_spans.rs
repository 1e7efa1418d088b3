//! The program's own spans and messages, in the stream of the thread that they happen on.

use taskscope_format::{Event, Level, Location, Span, SpanId};
use tracing::Metadata;

use crate::tracker::shared::Shared;
use crate::tracker::task::SpanKind;
use crate::tracker::thread::ThreadState;

fn level(metadata: &Metadata<'_>) -> Level {
    match *metadata.level() {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// Where a span is made; `tracing` does not know the column.
fn place<'a>(metadata: &Metadata<'a>) -> Option<Location<'a>> {
    Some(Location { file: metadata.file()?, line: metadata.line()?, column: 1 })
}

impl ThreadState {
    /// `parent` is the one that was named, where one was; without that it is the
    /// one that the thread is in.
    pub(crate) fn new_user_span(
        &mut self,
        shared: &Shared,
        metadata: &Metadata<'_>,
        id: SpanId,
        parent: Parent,
        fields: &str,
    ) {
        self.find_worker(shared, None);
        let parent = match parent {
            Parent::Contextual => self.span_stack.innermost_span(&self.open),
            Parent::Explicit(parent) => parent,
        };
        let span = Span {
            id,
            parent,
            level: level(metadata),
            name: metadata.name(),
            target: metadata.target(),
            fields,
            location: place(metadata),
        };
        self.stream.write(shared.now(), &Event::Span(span));
    }

    pub(crate) fn span_fields(&mut self, shared: &Shared, span: SpanId, fields: &str) {
        self.stream.write(shared.now(), &Event::SpanFields { span, fields });
    }

    pub(crate) fn enter_user_span(&mut self, shared: &Shared, span: u64, id: SpanId) {
        self.find_worker(shared, None);
        self.span_stack.enter(span, SpanKind::Span(id), &self.open);
        self.stream.write(shared.now(), &Event::SpanEnter(id));
    }

    pub(crate) fn close_user_span(&mut self, shared: &Shared, id: SpanId) {
        self.find_worker(shared, None);
        self.stream.write(shared.now(), &Event::SpanClose(id));
    }

    pub(crate) fn message(&mut self, shared: &Shared, metadata: &Metadata<'_>, text: &str) {
        self.find_worker(shared, None);
        let event = Event::Message { level: level(metadata), target: metadata.target(), text };
        self.stream.write(shared.now(), &event);
    }
}

/// What a span is a part of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parent {
    /// Of the one that the thread is in.
    Contextual,
    /// Of this one, or of none that is recorded.
    Explicit(Option<SpanId>),
}
