//! The trace of any program has what the program itself knows: each
//! task's parent, its polls worker by worker, and its end; and the sums agree with
//! what Tokio counts.
//!
//! [`script`] makes programs up, [`run`] runs them, and in [`truth`] their tasks
//! keep count of themselves.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod run;
mod script;
mod truth;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::{Recorded, Sources, read};
use proptest::prelude::*;
use run::{Program, Scope};
use script::Script;
use taskscope::Recorder;
use taskscope_format::{CancelledBy, EndKind, Event, Record, Source, Spawn, TaskId, TaskKind};
use taskscope_model::{Cause, LaneKind, Queue, TaskIx, Trace};
use tokio::runtime::{Builder, Runtime, RuntimeMetrics};
use tokio::task::LocalSet;
use tracing::Dispatch;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use truth::{End, Known, Truth, Worker, lock};

/// The runtime of a program.
#[derive(Clone, Copy, Debug)]
struct Setup {
    /// 0 for the current-thread scheduler.
    workers: usize,
    lifo: bool,
    sources: Sources,
    /// The recorder's own subscriber, and not its layer over a registry.
    own_subscriber: bool,
    /// The tasks run in a `LocalSet`.
    local: bool,
}

fn setup() -> impl Strategy<Value = Setup> {
    let sources = prop_oneof![
        4 => Just(Sources::Both), 1 => Just(Sources::Layer), 1 => Just(Sources::Hooks),
    ];
    let local = proptest::bool::weighted(0.2);
    (0..4_usize, any::<bool>(), sources, any::<bool>(), local).prop_map(
        |(workers, lifo, sources, own_subscriber, local)| Setup {
            workers,
            lifo,
            sources,
            own_subscriber,
            local,
        },
    )
}

/// Runs a program, and compares.
fn check(setup: Setup, script: Script) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let targets = "workloads=trace".parse::<Targets>().unwrap();
    let recording = Recorder::builder().file(&path).targets(targets).start().unwrap();
    let recording = Arc::new(recording);
    let dispatch = match setup.sources {
        Sources::Hooks => Dispatch::none(),
        _ if setup.own_subscriber => recording.subscriber(),
        _ => tracing_subscriber::registry().with(recording.layer()).into(),
    };
    let program = Program::new(&recording, setup.sources != Sources::Layer);
    let metrics = tracing::dispatcher::with_default(&dispatch, || {
        let runtime = build(setup, &program);
        let main = Arc::clone(&program).run(Scope::main(setup.local), script);
        // The script of the main future may panic, too.
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if setup.local {
                LocalSet::new().block_on(&runtime, main);
            } else {
                runtime.block_on(main);
            }
        }));
        program.truth.shuts_down.store(true, Ordering::Release);
        let metrics = runtime.metrics();
        // Workers hand in their last figures when they shut down.
        drop(runtime);
        metrics
    });
    let truth = Arc::clone(&program.truth);
    let only_runtime = program.runtimes() == 1;
    drop(program);
    let report = Arc::into_inner(recording).unwrap().finish().unwrap();
    assert_eq!(report.dropped_events, 0);
    let recorded = read(std::fs::read(path).unwrap());
    compare(setup, &truth, &recorded);
    for visit in recorded.trace.span_visits() {
        let span = recorded.trace.span_of(visit.span);
        let closed = span.closed.unwrap_or_else(|| panic!("{span:?} is closed"));
        assert!(visit.start <= visit.end && visit.end <= closed, "{visit:?} of {span:?}");
    }
    if setup.sources != Sources::Layer {
        compare_metrics(setup, &metrics, only_runtime, &recorded);
    }
}

fn build(setup: Setup, program: &Program) -> Runtime {
    let mut builder = match setup.workers {
        0 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    if setup.workers > 0 {
        builder.worker_threads(setup.workers);
    }
    if !setup.lifo {
        builder.disable_lifo_slot();
    }
    program.prepare(&mut builder);
    builder.build().unwrap()
}

fn compare(setup: Setup, truth: &Truth, recorded: &Recorded) {
    let trace = &recorded.trace;
    let tasks = truth.tasks();
    let is_async = |task: &taskscope_model::TaskView<'_>| task.is_async();
    // Hooks don't know the tasks of a `LocalSet`.
    if !(setup.sources == Sources::Hooks && setup.local) {
        for task in trace.tasks().filter(is_async) {
            let known = tasks.iter().any(|(id, _)| *id == task.id);
            assert!(known, "{}", story(recorded, task.id));
        }
    }
    for (id, known) in tasks {
        let known = lock(&known);
        let Some(task) = trace.find_task(id) else {
            assert!(setup.sources == Sources::Hooks && setup.local, "task {id} is missing");
            continue;
        };
        assert_eq!(trace.task(task).id, id);
        if setup.sources != Sources::Hooks {
            compare_parent(trace, task, &known);
        }
        // Hooks alone take a visit that only drops a task for a poll.
        let dropped = matches!(known.end, Some(End::Dropped | End::DroppedAtShutdown));
        if !(setup.sources == Sources::Hooks && dropped) {
            assert_eq!(polls(trace, task), known.polls, "polls of {}", story(recorded, id));
        }
        let exact = has_exact_end(setup, truth, &trace.task(task));
        compare_end(setup, exact, trace, task, &known);
        if setup.sources == Sources::Both && trace.task(task).kind == TaskKind::Task {
            for poll in trace.task_polls(task) {
                let cause = trace.cause(poll);
                assert_ne!(cause, Cause::Unknown, "why {:?} was polled", trace.poll(poll));
            }
        }
    }
}

/// What happened on the threads that polled a task.
fn story(recorded: &Recorded, task: TaskId) -> String {
    let of_task = |event: &Event<'_>| matches!(event, Event::TaskEnd { task: of, .. } | Event::PollStart { task: of, .. } | Event::Spawn(Spawn { task: of, .. }) if *of == task);
    let threads: Vec<_> =
        recorded.records.iter().filter(|r| of_task(&r.event)).map(|r| r.thread).collect();
    let lines = recorded.records.iter().filter(|record| threads.contains(&record.thread));
    lines.fold(format!("task {task}:\n"), |story, Record { thread, time, event }| {
        format!("{story}{thread:?} {time} {event:?}\n")
    })
}

fn compare_parent(trace: &Trace, task: TaskIx, known: &Known) {
    // The future of a `block_on` doesn't know its own id: what it spawns takes itself for a child
    // of what called `block_on`, which may be the future of another.
    let mut found = vec![trace.task(task).parent];
    while let Some(&Some(parent)) = found.last()
        && trace.task(parent).kind == TaskKind::BlockOn
    {
        found.push(trace.task(parent).parent);
    }
    let id = |task: TaskIx| trace.task(task).id;
    let found: Vec<_> = found.into_iter().map(|parent| parent.map(id)).collect();
    assert!(found.contains(&known.parent), "parent of {}: {found:?}, {known:?}", id(task));
}

fn polls(trace: &Trace, task: TaskIx) -> BTreeMap<Worker, u32> {
    let mut polls = BTreeMap::new();
    for poll in trace.task_polls(task) {
        let worker = match trace.lane(trace.poll(poll).lane).kind {
            LaneKind::Worker { runtime, index } => {
                let name = trace.runtimes()[runtime as usize].name.as_deref();
                Some((name.unwrap().to_owned(), index))
            }
            LaneKind::Thread(_) => None,
        };
        *polls.entry(worker).or_default() += 1;
    }
    polls
}

/// Whether the recorder learns of the end of a task when it ends. From the layer alone it does so
/// when the task's span closes, which others can hold on to.
fn has_exact_end(setup: Setup, truth: &Truth, task: &taskscope_model::Task) -> bool {
    match setup.sources {
        Sources::Hooks => true,
        Sources::Layer => false,
        Sources::Both => task.kind == TaskKind::Task || !truth.holds_spans.load(Ordering::Relaxed),
    }
}

fn compare_end(setup: Setup, exact: bool, trace: &Trace, task: TaskIx, known: &Known) {
    let id = trace.task(task).id;
    let end = trace.task(task).end.unwrap_or_else(|| panic!("task {id} has ended: {known:?}"));
    let expected = match known.end.unwrap() {
        End::Returned => EndKind::Returned,
        End::Panicked => EndKind::Panicked,
        End::Dropped | End::DroppedAtShutdown => EndKind::Cancelled,
    };
    let was_stopped = known.aborted || known.end == Some(End::DroppedAtShutdown);
    match setup.sources {
        // They only see where it ended.
        Sources::Hooks if end.kind == EndKind::Unknown => {}
        // What is inferred of such a task can be wrong.
        _ if end.inferred && !exact => {}
        // An abort or shutdown in the middle of a poll looks like a return, and
        // the trace says so.
        _ if end.inferred && end.kind == EndKind::Returned && was_stopped => {}
        _ => assert_eq!(end.kind, expected, "end of task {id}: {end:?}, {known:?}"),
    }
    match end.cancelled_by {
        CancelledBy::Abort => assert!(known.aborted, "{id}: {known:?}"),
        // What is aborted may be dropped by the shutdown that follows.
        CancelledBy::Shutdown => assert_eq!(known.end, Some(End::DroppedAtShutdown), "{id}"),
        CancelledBy::Unknown => {
            let is_knowable = trace.task(task).kind == TaskKind::Task
                && setup.sources == Sources::Both
                && end.kind == EndKind::Cancelled
                // Or it was spawned when its runtime took no more.
                && !known.polls.is_empty();
            assert!(!is_knowable, "{id}: {known:?}");
        }
    }
}

/// What Tokio counts, too.
fn compare_metrics(
    setup: Setup,
    metrics: &RuntimeMetrics,
    only_runtime: bool,
    recorded: &Recorded,
) {
    let trace = &recorded.trace;
    if only_runtime {
        let tasks = || trace.tasks().filter(|task| task.kind == TaskKind::Task);
        // Tokio doesn't count what a runtime refuses that is shutting down.
        let refused = tasks().filter(|task| {
            task.poll_count() == 0 && task.end.is_some_and(|end| end.kind == EndKind::Cancelled)
        });
        let spawned = tasks().count() as u64;
        let at_least = spawned - refused.count() as u64;
        let counted = metrics.spawned_tasks_count();
        assert!((at_least..=spawned).contains(&counted), "{at_least}, {counted}, {spawned}");
    }
    if only_runtime && setup.sources == Sources::Both {
        let workers = 0..metrics.num_workers();
        let stolen: u64 = workers.map(|worker| metrics.worker_steal_count(worker)).sum();
        assert!(steals(trace) <= stolen, "{} {stolen}", steals(trace));
        // Tokio counts whenever a budget comes to nothing, also where the operation
        // that took the last of it is pending, and gives it back.
        let spent = recorded.count(|event| *event == Event::BudgetSpent) as u64;
        assert!(spent <= metrics.budget_forced_yield_count());
    }
    // Tokio leaves out what came through the LIFO slot.
    if setup.workers == 0 || !setup.lifo {
        let visits = visits(recorded);
        for index in 0..metrics.num_workers() {
            let worker = ("runtime 0".to_owned(), index as u32);
            let found = visits.get(&worker).copied().unwrap_or(0);
            assert_eq!(metrics.worker_poll_count(index), found, "{worker:?}");
        }
    }
}

/// How many polls there were, for which the trace says that their worker stole the
/// task. A worker steals several at once, and what it doesn't come to can be stolen
/// from it in turn; so Tokio has stolen at least as many.
fn steals(trace: &Trace) -> u64 {
    let polls = trace.polls().map(|(ix, _)| ix);
    let arrivals = polls.filter_map(|poll| trace.arrival(poll));
    let stolen = |queue| matches!(queue, Queue::Stolen { .. });
    arrivals.filter(|arrival| arrival.inferred && stolen(arrival.queue)).count() as u64
}

/// How often each worker took up a task, also if only to find it aborted.
fn visits(recorded: &Recorded) -> BTreeMap<(String, u32), u64> {
    let mut names = HashMap::new();
    for event in recorded.events() {
        if let Event::Runtime { id, name, .. } = event {
            names.insert(id, name.to_owned());
        }
    }
    let (mut workers, mut visits) = (HashMap::new(), BTreeMap::new());
    for record in &recorded.records {
        match record.event {
            Event::Worker(worker) => _ = workers.insert(record.thread, worker),
            Event::PollStart { source: Source::Hook, .. } => {
                let (runtime, index) = workers[&record.thread].unwrap();
                *visits.entry((names[&runtime].clone(), index)).or_default() += 1;
            }
            _ => {}
        }
    }
    visits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_trace_has_what_the_tasks_know(setup in setup(), script in script::script(4)) {
        check(setup, script);
    }
}
