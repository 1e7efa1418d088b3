//! Arbitrary events. The model's tests use this file too.

use proptest::prelude::*;
use proptest::sample::select;
use taskscope_format::{
    CancelledBy, EndKind, Event, Flavor, Level, Location, PollResult, Resource, ResourceId,
    RuntimeId, Source, Span, SpanId, Spawn, TaskId, TaskKind, WakeOp,
};

/// Strings that a recorder may meet: empty, plain, of several bytes a letter,
/// and one that looks like the frame around the events.
const STRINGS: [&str; 6] = [
    "",
    "worker",
    "src/main.rs",
    "Straße → 東京 🦀",
    "line\nbreak\0zero",
    "BLK\u{1f}\u{1}\0\0\0 no block begins here",
];

fn string() -> impl Strategy<Value = &'static str> {
    select(STRINGS.to_vec())
}

/// Small numbers, which collide and so refer to one another, and the extremes.
/// (An optional field cannot hold `u64::MAX`: see FORMAT.md.)
pub fn number() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0..6u64, 1 => any::<u64>(), 1 => Just(u64::MAX - 1)]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0..4u32, 1 => any::<u32>(), 1 => Just(u32::MAX)]
}

fn task() -> impl Strategy<Value = TaskId> {
    number().prop_map(TaskId)
}

fn source() -> impl Strategy<Value = Source> {
    select(vec![Source::Hook, Source::Span])
}

fn spawn() -> impl Strategy<Value = Spawn<'static>> {
    let kinds = vec![TaskKind::Task, TaskKind::Local, TaskKind::Blocking, TaskKind::BlockOn];
    let location = (string(), any::<u32>(), any::<u32>());
    let ids = (task(), proptest::option::of(small()), proptest::option::of(task()));
    let strings = (proptest::option::of(string()), proptest::option::of(string()));
    let sizes = (proptest::option::of(number()), proptest::option::of(number()));
    let place_and_part = (proptest::option::of(location), any::<bool>());
    (ids, select(kinds), source(), strings, place_and_part, sizes).prop_map(
        |((task, runtime, parent), kind, source, (name, function), (location, is_part), sizes)| {
            Spawn {
                task,
                kind,
                source,
                runtime: runtime.map(RuntimeId),
                parent,
                name,
                location: location.map(|(file, line, column)| Location { file, line, column }),
                size: sizes.0,
                original_size: sizes.1,
                function,
                is_part,
            }
        },
    )
}

fn resource() -> impl Strategy<Value = Resource<'static>> {
    let location = proptest::option::of((string(), any::<u32>(), any::<u32>()));
    (number(), string(), string(), any::<bool>(), location).prop_map(
        |(id, concrete_type, kind, is_internal, location)| Resource {
            id: ResourceId(id),
            concrete_type,
            kind,
            is_internal,
            location: location.map(|(file, line, column)| Location { file, line, column }),
        },
    )
}

fn level() -> impl Strategy<Value = Level> {
    select(vec![Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace])
}

fn span() -> impl Strategy<Value = Span<'static>> {
    let strings = (string(), string(), string());
    let place = proptest::option::of((string(), any::<u32>(), any::<u32>()));
    (number(), proptest::option::of(number()), level(), strings, place).prop_map(
        |(id, parent, level, (name, target, fields), location)| Span {
            id: SpanId(id),
            parent: parent.map(SpanId),
            level,
            name,
            target,
            fields,
            location: location.map(|(file, line, column)| Location { file, line, column }),
        },
    )
}

/// Any event at all. Polls and wakes are frequent, as they are in a file.
pub fn event() -> impl Strategy<Value = Event<'static>> {
    let flavors = vec![Flavor::CurrentThread, Flavor::MultiThread, Flavor::Unknown];
    let ends = vec![EndKind::Returned, EndKind::Panicked, EndKind::Cancelled, EndKind::Unknown];
    let cancels = vec![CancelledBy::Unknown, CancelledBy::Abort, CancelledBy::Shutdown];
    let results =
        vec![PollResult::Pending, PollResult::Ready, PollResult::Panicked, PollResult::OnlyDropped];
    prop_oneof![
        6 => (task(), source()).prop_map(|(task, source)| Event::PollStart { task, source }),
        6 => (select(results), any::<bool>())
            .prop_map(|(result, kept_waker)| Event::PollEnd { result, kept_waker }),
        4 => (task(), select(vec![WakeOp::ByValue, WakeOp::ByRef]))
            .prop_map(|(task, op)| Event::Wake { task, op }),
        1 => Just(Event::Park),
        1 => Just(Event::Unpark),
        2 => spawn().prop_map(Event::Spawn),
        2 => (task(), select(ends), any::<bool>(), select(cancels)).prop_map(
            |(task, end, inferred, cancelled_by)| Event::TaskEnd {
                task, end, inferred, cancelled_by,
            }
        ),
        1 => Just(Event::BudgetSpent),
        1 => number().prop_map(|ago| Event::Scheduled { ago }),
        1 => resource().prop_map(Event::Resource),
        1 => (number(), string()).prop_map(|(resource, operation)| Event::Wait {
            resource: ResourceId(resource),
            operation,
        }),
        1 => span().prop_map(Event::Span),
        1 => (number(), string())
            .prop_map(|(span, fields)| Event::SpanFields { span: SpanId(span), fields }),
        1 => number().prop_map(|span| Event::SpanEnter(SpanId(span))),
        1 => number().prop_map(|span| Event::SpanExit(SpanId(span))),
        1 => number().prop_map(|span| Event::SpanClose(SpanId(span))),
        1 => (level(), string(), string())
            .prop_map(|(level, target, text)| Event::Message { level, target, text }),
        2 => proptest::option::of((small(), small()))
            .prop_map(|of| Event::Worker(of.map(|(runtime, index)| (RuntimeId(runtime), index)))),
        1 => (small(), select(flavors), small(), string(), any::<bool>()).prop_map(
            |(id, flavor, workers, name, hooked)| Event::Runtime {
                id: RuntimeId(id), flavor, workers, name, hooked,
            }
        ),
        1 => (number(), string()).prop_map(|(os_id, name)| Event::Thread { os_id, name }),
        1 => (string(), string()).prop_map(|(key, value)| Event::Meta { key, value }),
        1 => (number(), number()).prop_map(|(count, since)| Event::Dropped { count, since }),
    ]
}
