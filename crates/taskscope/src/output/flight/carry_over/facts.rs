//! What is kept of spans and resources whose records have gone, for the
//! [carry-over](crate::output::flight::carry_over).
//!
//! A span says when it is over, so that those which are not are known. A resource doesn't: of
//! these the ones that were made or waited for last are kept. Both are bounded by bytes, and
//! what finds no room stays without a name in a dump.

use std::collections::HashMap;
use std::sync::Arc;

use taskscope_format::{Event, Level, Location, Nanos, Resource, ResourceId, Span, SpanId};

use super::strings::Strings;

/// The spans that are open.
#[derive(Debug)]
pub(crate) struct Spans {
    most_bytes: usize,
    bytes: usize,
    open: HashMap<SpanId, OpenSpan>,
}

#[derive(Debug)]
struct OpenSpan {
    opened: Nanos,
    parent: Option<SpanId>,
    level: Level,
    name: Arc<str>,
    target: Arc<str>,
    fields: String,
    /// File, line and column.
    place: Option<(Arc<str>, u32, u32)>,
}

/// What one takes, in a map that is half full.
const SPAN_BYTES: usize = 2 * size_of::<(SpanId, OpenSpan)>() + 16;

/// Some programs add fields to a span without end.
const MOST_FIELDS: usize = 4 << 10;

impl Spans {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, bytes: 0, open: HashMap::new() }
    }

    pub(crate) fn held(&self) -> usize {
        self.bytes
    }

    pub(crate) fn opened(&mut self, time: Nanos, span: &Span<'_>, strings: &mut Strings) {
        let bytes = SPAN_BYTES + span.fields.len();
        if self.bytes + bytes > self.most_bytes {
            return;
        }
        let open = OpenSpan {
            opened: time,
            parent: span.parent,
            level: span.level,
            name: strings.get(span.name),
            target: strings.get(span.target),
            fields: span.fields.to_owned(),
            place: span.location.map(|at| (strings.get(at.file), at.line, at.column)),
        };
        self.bytes += bytes;
        if let Some(before) = self.open.insert(span.id, open) {
            self.bytes -= SPAN_BYTES + before.fields.len();
        }
    }

    pub(crate) fn more_fields(&mut self, span: SpanId, fields: &str) {
        let Some(open) = self.open.get_mut(&span) else { return };
        let bytes = fields.len() + 1;
        let fits = open.fields.len() + bytes <= MOST_FIELDS;
        if fits && self.bytes + bytes <= self.most_bytes {
            self.bytes += bytes;
            open.fields.push(' ');
            open.fields.push_str(fields);
        }
    }

    pub(crate) fn closed(&mut self, span: SpanId) {
        if let Some(open) = self.open.remove(&span) {
            self.bytes -= SPAN_BYTES + open.fields.len();
        }
    }

    /// The spans by the time at which they were opened.
    pub(crate) fn events<'a>(&'a self) -> Vec<(Nanos, Event<'a>)> {
        let event = |(&id, open): (&SpanId, &'a OpenSpan)| {
            let span = Span {
                id,
                parent: open.parent,
                level: open.level,
                name: &open.name,
                target: &open.target,
                fields: &open.fields,
                location: open.place.as_ref().map(|(file, line, column)| Location {
                    file,
                    line: *line,
                    column: *column,
                }),
            };
            (open.opened, id, Event::Span(span))
        };
        let mut events: Vec<_> = self.open.iter().map(event).collect();
        events.sort_by_key(|(time, id, _)| (*time, *id));
        events.into_iter().map(|(time, _, event)| (time, event)).collect()
    }
}

/// Resources that were made or waited for last.
#[derive(Debug)]
pub(crate) struct Resources {
    most: usize,
    known: HashMap<ResourceId, Known>,
    /// Counts uses, to know what was used last.
    tick: u64,
}

#[derive(Debug)]
struct Known {
    last: u64,
    concrete_type: Arc<str>,
    kind: Arc<str>,
    is_internal: bool,
    place: Option<(Arc<str>, u32, u32)>,
}

/// What one takes, in a map that is half full.
const RESOURCE_BYTES: usize = 2 * size_of::<(ResourceId, Known)>();

impl Resources {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { most: (most_bytes / RESOURCE_BYTES).max(2), known: HashMap::new(), tick: 0 }
    }

    pub(crate) fn held(&self) -> usize {
        self.known.len() * RESOURCE_BYTES
    }

    pub(crate) fn made(&mut self, resource: &Resource<'_>, strings: &mut Strings) {
        if self.known.len() >= self.most {
            self.forget_half();
        }
        self.tick += 1;
        let known = Known {
            last: self.tick,
            concrete_type: strings.get(resource.concrete_type),
            kind: strings.get(resource.kind),
            is_internal: resource.is_internal,
            place: resource.location.map(|at| (strings.get(at.file), at.line, at.column)),
        };
        self.known.insert(resource.id, known);
    }

    pub(crate) fn waited_for(&mut self, resource: ResourceId) {
        self.tick += 1;
        if let Some(known) = self.known.get_mut(&resource) {
            known.last = self.tick;
        }
    }

    /// Half at a time, so that each is looked at but a few times.
    fn forget_half(&mut self) {
        let mut last: Vec<_> = self.known.values().map(|known| known.last).collect();
        let half = last.len() / 2;
        let (_, &mut middle, _) = last.select_nth_unstable(half);
        self.known.retain(|_, known| known.last >= middle);
    }

    /// The resources by their number. Their time means nothing.
    pub(crate) fn events(&self) -> Vec<Event<'_>> {
        let mut known: Vec<_> = self.known.iter().collect();
        known.sort_by_key(|(id, _)| **id);
        known
            .into_iter()
            .map(|(&id, known)| {
                Event::Resource(Resource {
                    id,
                    concrete_type: &known.concrete_type,
                    kind: &known.kind,
                    is_internal: known.is_internal,
                    location: known.place.as_ref().map(|(file, line, column)| Location {
                        file,
                        line: *line,
                        column: *column,
                    }),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(id: u64, fields: &'static str) -> Span<'static> {
        let id = SpanId(id);
        Span {
            id,
            parent: None,
            level: Level::Info,
            name: "request",
            target: "app",
            fields,
            location: None,
        }
    }

    fn fields(spans: &Spans) -> Vec<(u64, &str)> {
        spans
            .events()
            .into_iter()
            .filter_map(|(_, event)| match event {
                Event::Span(span) => Some((span.id.0, span.fields)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn open_spans_keep_all_their_fields() {
        let (mut spans, mut strings) = (Spans::new(1 << 20), Strings::default());
        spans.opened(5, &span(1, "a=1"), &mut strings);
        spans.opened(4, &span(2, ""), &mut strings);
        spans.more_fields(SpanId(1), "b=2");
        spans.closed(SpanId(2));
        assert_eq!(fields(&spans), [(1, "a=1 b=2")]);
        spans.closed(SpanId(1));
        assert_eq!((spans.held(), fields(&spans).len()), (0, 0));
    }

    #[test]
    fn spans_are_bounded() {
        let (mut spans, mut strings) = (Spans::new(4_000), Strings::default());
        for number in 0..1_000 {
            spans.opened(number, &span(number, "a=1"), &mut strings);
            (0..99).for_each(|_| spans.more_fields(SpanId(0), "x=1234567890"));
            assert!(spans.held() <= 4_000);
        }
    }

    #[test]
    fn the_resources_that_are_waited_for_stay() {
        let (mut resources, mut strings) = (Resources::new(64 << 10), Strings::default());
        for number in 0..100_000 {
            let made = Resource {
                id: ResourceId(number),
                concrete_type: "Mutex",
                kind: "Sync",
                is_internal: false,
                location: None,
            };
            resources.made(&made, &mut strings);
            resources.waited_for(ResourceId(7));
            assert!(resources.held() <= 64 << 10);
        }
        let ids: Vec<_> = resources
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Resource(resource) => Some(resource.id.0),
                _ => None,
            })
            .collect();
        assert!(ids.len() > 10 && ids.starts_with(&[7]) && ids.ends_with(&[99_999]), "{ids:?}");
    }
}
