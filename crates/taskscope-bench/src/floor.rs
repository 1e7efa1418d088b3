//! What listening costs before anything is recorded: the floor under each variant of taskscope.
//!
//! How much of the ratio to a bare program is Tokio's and `tracing`'s part differs from machine to
//! machine. So these listen in the same ways and do the least that a recorder could: they read the
//! processor's counter, push it and the task's id (16 bytes) into a buffer of the thread's, and
//! never write it anywhere.
//!
//! Each has the two hooks around a poll, since each variant that it stands under has them. With
//! them a visit (a span that is entered and left) has nothing to add, but `tracing` makes the call.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::runtime::Builder;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// As many as taskscope has room for in a thread's ring.
const ENTRIES: usize = (1 << 20) / size_of::<Entry>();

type Entry = [u64; 2];

struct Buffer {
    entries: Vec<Entry>,
    next: usize,
}

thread_local! {
    static BUFFER: RefCell<Buffer> =
        RefCell::new(Buffer { entries: vec![[0; 2]; ENTRIES], next: 0 });
    static CLOCK: quanta::Clock = quanta::Clock::new();
}

#[inline]
fn push(number: u64) {
    let time = CLOCK.with(quanta::Clock::raw);
    BUFFER.with_borrow_mut(|buffer| {
        buffer.entries[buffer.next] = [time, number];
        buffer.next = (buffer.next + 1) % ENTRIES;
    });
}

/// Hooks around a poll that do nothing: what Tokio does to call them.
pub fn no_op_hooks(builder: &mut Builder) {
    builder.on_before_task_poll(|_| ());
    builder.on_after_task_poll(|_| ());
}

/// The hooks around a poll.
pub fn hooks(builder: &mut Builder) {
    // The id of a task cannot be had as a number without printing it, so its place stands for it.
    let number = |task: &tokio::runtime::TaskMeta<'_>| task.spawned_at().line().into();
    builder.on_before_task_poll(move |task| push(number(task)));
    builder.on_after_task_poll(move |task| push(number(task)));
}

/// A subscriber that wants what taskscope's wants.
#[derive(Debug, Default)]
pub struct FloorSubscriber {
    spans: AtomicU64,
}

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    if metadata.is_span() {
        matches!(metadata.name(), "runtime.spawn" | "runtime.resource")
    } else {
        metadata.target() == "tokio::task::waker"
    }
}

/// Reads the number of the task from a wake.
struct TaskId(u64);

impl Visit for TaskId {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "task.id" {
            self.0 = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

fn push_event(event: &Event<'_>) {
    let mut task = TaskId(0);
    event.record(&mut task);
    push(task.0);
}

impl Subscriber for FloorSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        let number = 1 + self.spans.fetch_add(1, Ordering::Relaxed);
        push(number);
        Id::from_u64(number)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        push_event(event);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// A layer that wants what taskscope's wants, and leaves the spans to the `Registry`.
#[derive(Debug)]
pub struct FloorLayer;

impl<S: Subscriber> Layer<S> for FloorLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_wanted(metadata)
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        push(id.into_u64());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        push_event(event);
    }
}
