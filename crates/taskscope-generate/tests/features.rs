//! A trace of usual size has all that a recording can have, and is written as a recorder writes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::{HashMap, HashSet};

use common::{file, summary};
use taskscope_format::{
    Event, PollResult, Reader, Records, Source, TaskId, TaskKind, stands_alone,
};
use taskscope_generate::Options;

/// Nanoseconds in a millisecond.
const MS: u64 = 1_000_000;

#[test]
fn tasks_end_in_all_ways() {
    let (summary, _) = summary(&Options::new(100_000));
    let tasks = summary.tasks;
    for (count, what) in [
        (tasks.returned.unwrap(), "returned"),
        (tasks.panicked.unwrap(), "panicked"),
        (tasks.aborted.unwrap(), "aborted"),
        (tasks.dropped_at_shutdown.unwrap(), "dropped at shutdown"),
        (tasks.alive, "alive"),
        (tasks.inferred, "inferred"),
        (tasks.blocking, "blocking"),
    ] {
        assert!(count > 0, "{what}: {tasks:?}");
    }
    assert_eq!(tasks.cancelled, Some(tasks.aborted.unwrap() + tasks.dropped_at_shutdown.unwrap()));
}

#[test]
fn polls_end_in_all_ways() {
    let (summary, _) = summary(&Options::new(100_000));
    let ends = summary.poll_ends;
    for (count, what) in [
        (ends.ready.unwrap(), "ready"),
        (ends.pending.unwrap(), "pending"),
        (ends.yielded.unwrap(), "yielded"),
        (ends.yielded_inferred.unwrap(), "yielded, inferred"),
        (ends.panicked.unwrap(), "panicked"),
        (ends.cancelled.unwrap(), "cancelled"),
        (ends.budget, "budget"),
        (ends.open, "open, in the dropped range"),
    ] {
        assert!(count > 0, "{what}: {ends:?}");
    }
    let share = |count: u64| 100 * count / summary.polls;
    assert!((3..40).contains(&share(ends.yielded_inferred.unwrap())), "{ends:?}");
    assert!((20..70).contains(&share(summary.hops)), "{} hops", summary.hops);
    assert!(summary.longest_poll_ns > 10 * MS);
    assert!(summary.wakes.unwrap() > summary.polls / 2);
}

#[test]
fn tasks_wait_for_locks_channels_and_timers() {
    let (summary, _) = summary(&Options::new(100_000));
    let waits = summary.waits.unwrap();
    let operations: Vec<_> = waits.iter().map(|wait| wait.operation.as_str()).collect();
    for operation in ["sleep", "Mutex::lock", "oneshot::Receiver", "mpsc::Sender::send"] {
        assert!(operations.contains(&operation), "{operations:?}");
    }
}

#[test]
fn there_are_three_runtimes_and_all_their_workers_have_something_to_do() {
    let (summary, _) = summary(&Options::new(300_000));
    let names: Vec<_> = summary
        .runtimes
        .iter()
        .map(|runtime| (runtime.name.as_deref().unwrap(), runtime.flavor, runtime.workers.len()))
        .collect();
    let expected = [
        ("server", "multi_thread", 4),
        ("io", "multi_thread", 2),
        ("control", "current_thread", 1),
    ];
    assert_eq!(names, expected);
    for runtime in &summary.runtimes {
        let busy = if runtime.flavor == "multi_thread" { 30..=90 } else { 15..=90 };
        for worker in &runtime.workers {
            let percent = 100 * worker.busy_ns / summary.duration_ns;
            assert!(busy.contains(&percent), "{percent} %: {worker:?}");
            assert!(worker.parks.unwrap() > 100);
        }
    }
    let [local] = &summary.threads[..] else { panic!("{:?}", summary.threads) };
    assert!(local.polls > 1_000, "{local:?}");
    let [drop] = &summary.drops[..] else { panic!("{:?}", summary.drops) };
    assert!(drop.events >= 20 && drop.from_ns < drop.until_ns);
}

/// What a thread is in the middle of.
#[derive(Default)]
struct Thread {
    open: Vec<TaskId>,
    /// How many polls began within each open one.
    enclosed: Vec<u64>,
    has_worker: bool,
    /// The task whose poll ended last.
    last: Option<TaskId>,
}

/// What needs the records themselves to be seen.
#[derive(Debug, Default)]
struct Seen {
    deepest: usize,
    most_enclosed: u64,
    /// Workers that were given away within a poll.
    given_away: u64,
    by_threads: u64,
    by_tasks: u64,
    by_workers: u64,
    of_themselves: u64,
    after_the_end: u64,
    of_scheduled: u64,
    only_dropped: u64,
    /// Polls of tasks that nothing had scheduled.
    without_cause: u64,
    spans: u64,
    messages: u64,
    span_visits: u64,
    named: u64,
    kinds: HashSet<u8>,
    places: HashSet<String>,
}

fn see(bytes: &[u8]) -> Seen {
    // In the order of time, and of a thread at one time in its own.
    let mut records: Vec<_> = Reader::new(bytes).unwrap().collect();
    records.sort_by_key(|record| record.time);
    let mut seen = Seen::default();
    let mut threads: HashMap<u32, Thread> = HashMap::new();
    let (mut ended, mut scheduled) = (HashSet::new(), HashSet::new());
    let mut no_tasks = HashSet::new();
    for record in records {
        let thread = threads.entry(record.thread.0).or_default();
        match record.event {
            Event::Worker(worker) => {
                let is_given_away = worker.is_none() && thread.has_worker;
                seen.given_away += u64::from(is_given_away && !thread.open.is_empty());
                thread.has_worker = worker.is_some();
            }
            Event::Spawn(spawn) => {
                seen.kinds.insert(spawn.kind.code());
                seen.places.extend(spawn.location.map(|location| location.to_string()));
                seen.named += u64::from(spawn.name.is_some());
                scheduled.insert(spawn.task);
                if matches!(spawn.kind, TaskKind::Blocking | TaskKind::BlockOn) {
                    no_tasks.insert(spawn.task);
                }
            }
            Event::PollStart { task, source } => {
                thread.enclosed.iter_mut().for_each(|count| *count += 1);
                thread.open.push(task);
                thread.enclosed.push(0);
                seen.deepest = seen.deepest.max(thread.open.len());
                let has_cause = scheduled.remove(&task) || no_tasks.contains(&task);
                // The bracket in which a local task is dropped is no poll.
                let is_last = thread.last == Some(task) && source == Source::Span;
                seen.without_cause += u64::from(!has_cause && !is_last);
            }
            Event::PollEnd { result, .. } => {
                thread.last = thread.open.pop();
                seen.most_enclosed = seen.most_enclosed.max(thread.enclosed.pop().unwrap_or(0));
                seen.only_dropped += u64::from(result == PollResult::OnlyDropped);
            }
            Event::Dropped { .. } => (thread.open, thread.enclosed) = (Vec::new(), Vec::new()),
            Event::Wake { task, .. } => {
                match thread.open.last() {
                    Some(&by) if by == task => seen.of_themselves += 1,
                    Some(_) => seen.by_tasks += 1,
                    None if thread.has_worker => seen.by_workers += 1,
                    None => seen.by_threads += 1,
                }
                seen.after_the_end += u64::from(ended.contains(&task));
                seen.of_scheduled += u64::from(!scheduled.insert(task));
            }
            Event::TaskEnd { task, .. } => _ = ended.insert(task),
            Event::Span(_) => seen.spans += 1,
            Event::SpanEnter(_) => seen.span_visits += 1,
            Event::Message { .. } => seen.messages += 1,
            _ => {}
        }
    }
    seen
}

#[test]
fn all_that_can_be_recorded_is_there() {
    let seen = see(&file(&Options::new(100_000)).0);
    assert_eq!(seen.deepest, 3, "a closure, its block_on, and a local task");
    assert!(seen.most_enclosed > 3_000, "{seen:?}");
    for (count, least) in [
        (seen.given_away, 5),
        (seen.by_threads, 20),
        (seen.by_tasks, 1_000),
        (seen.by_workers, 10_000),
        (seen.of_themselves, 1_000),
        (seen.after_the_end, 5),
        (seen.of_scheduled, 20),
        (seen.only_dropped, 5),
        (seen.spans, 100),
        (seen.messages, 100),
        (seen.span_visits, 300),
        (seen.named, 100),
    ] {
        assert!(count >= least, "{count} < {least}: {seen:?}");
    }
    assert!(seen.span_visits > seen.spans, "spans reach over several polls");
    let kinds = [TaskKind::Task, TaskKind::Local, TaskKind::Blocking, TaskKind::BlockOn];
    assert_eq!(seen.kinds.len(), kinds.len());
    assert!(seen.places.len() > 20, "{:?}", seen.places);
}

#[test]
fn every_poll_has_a_cause_that_came_before_it() {
    for (workers, seed) in [(1, 1), (4, 2), (16, 3)] {
        let (bytes, generated) = file(&Options { workers, seed, ..Options::new(100_000) });
        let seen = see(&bytes);
        // `abort` schedules a task and is not recorded. Some wakes are among the dropped events. A
        // task of the `LocalSet` that is left in the end is dropped in a bracket of its own.
        let others = seen.only_dropped + generated.dropped / 4;
        assert!(seen.without_cause <= others, "{others}: {seen:?}");
    }
}

/// The blocks of events: their threads and payloads.
fn blocks(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    bytes = &bytes[24..];
    let mut blocks = Vec::new();
    while bytes[4] == 1 {
        let length = word(bytes, 16) as usize;
        blocks.push((word(bytes, 8), &bytes[28..28 + length]));
        bytes = &bytes[28 + length..];
    }
    assert_eq!((bytes[4], bytes.len()), (2, 28), "the end marker");
    blocks
}

#[test]
fn blocks_stand_alone_and_lie_in_the_order_of_time() {
    let (bytes, _) = file(&Options::new(300_000));
    let blocks = blocks(&bytes);
    assert_eq!(blocks.first().unwrap().0, 0, "the recording itself comes first");
    assert_eq!(blocks.last().unwrap().0, 0, "and last");
    let mut latest = 0;
    let mut by_thread: HashMap<u32, u64> = HashMap::new();
    let mut bytes_by_thread: HashMap<u32, Vec<usize>> = HashMap::new();
    for (thread, payload) in blocks {
        assert!(stands_alone(payload));
        assert!(payload.len() < 70_000, "{}", payload.len());
        let times: Vec<_> = Records::new([payload]).map(|(time, _)| time).collect();
        let (first, last) = (times[0], times[times.len() - 1]);
        assert!(first >= by_thread.insert(thread, last).unwrap_or(0));
        // No block holds what happened long before something that stands in front of it.
        assert!(first + 55 * MS >= latest, "thread {thread}: {first} behind {latest}");
        latest = latest.max(last);
        bytes_by_thread.entry(thread).or_default().push(payload.len());
    }
    let workers = bytes_by_thread.values().filter(|blocks| blocks.len() > 8);
    assert!(workers.count() >= 7, "{bytes_by_thread:?}");
}
