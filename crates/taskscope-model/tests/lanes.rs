//! What occupies a lane, and what is missing on it.

mod common;

use common::{Recording, Thread, all_lanes, ix, lane, polls, task};
use proptest::prelude::*;
use taskscope_format::{Event, Level, PollResult, SpanId, TaskKind};
use taskscope_model::{Gap, LaneIx, PollEnd, State, Trace};

/// Four tasks that block in place, one after the other, on one worker: the worker goes from thread
/// to thread, and each poll ends long after.
#[test]
fn a_lane_is_never_busier_than_the_time_that_passed() {
    let blocks = |task: u64| {
        move |t: Thread| {
            let begun = t.at(task * 10).worker(0).poll(task).at(task * 10 + 2).no_worker();
            begun.at(task * 10 + 100).ready()
        }
    };
    let trace = (0..4)
        .fold(Recording::new(), |recording, task| recording.thread(task as u32, blocks(task)))
        .trace();
    let worker = lane(&trace, 0);
    assert_eq!(trace.lane(worker).busy, 4 * 2, "what lies before each block_in_place");
    assert_eq!(trace.state_times(ix(&trace, 3)).running, 100, "the task runs all the same");
    for poll in trace.task_polls(ix(&trace, 1)) {
        assert_eq!((trace.lane_end(poll), trace.poll(poll).end), (12, 110));
        assert_eq!(trace.poll_at(worker, 11), Some(poll));
    }
    assert_eq!(trace.poll_at(worker, 15), None);
    let drawn: Vec<_> =
        trace.lod_spans(worker, 0..200, 1).iter().map(|s| (s.start, s.end, s.depth)).collect();
    assert_eq!(drawn, [(0, 2, 0), (10, 12, 0), (20, 22, 0), (30, 32, 0)]);
}

/// Hooks alone don't record that a worker is given away.
#[test]
fn another_thread_that_polls_on_a_lane_has_become_its_worker() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(0).poll(1).at(100).ready())
        .thread(1, |t| t.worker(0).at(40).poll(2).at(60).pending().at(70).poll(3).at(90).pending())
        .trace();
    assert_eq!(trace.lane(lane(&trace, 0)).busy, 40 + 20 + 20);
    let depths: Vec<_> = (1..=3).map(|task| polls(&trace, task)[0].depth).collect();
    assert_eq!(depths, [0, 0, 0]);
}

/// `block_in_place(|| inner.block_on(…))`: the thread becomes the worker of another runtime within
/// the poll.
#[test]
fn a_runtime_within_a_poll_has_lanes_of_its_own() {
    let trace = Recording::new()
        .thread(0, |t| {
            let inner = t.worker(0).at(0).poll(1).at(5).no_worker().worker_of(1, 0).at(10).poll(2);
            inner.at(110).pending().at(112).no_worker().at(115).ready()
        })
        .trace();
    let busy: Vec<_> = all_lanes(&trace).map(|lane| trace.lane(lane).busy).collect();
    assert_eq!(busy, [5, 100]);
    assert_eq!(polls(&trace, 2)[0].depth, 0, "it lies within no poll of its own lane");
}

#[test]
fn what_runs_within_a_long_poll_is_found_and_counted_once() {
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.worker(0).at(0).poll(1);
            for round in 1..=1000 {
                t = t.at(round * 10).poll(2).at(round * 10 + 4).pending();
            }
            t.at(20_000).pending()
        })
        .trace();
    let worker = lane(&trace, 0);
    assert_eq!(trace.lane(worker).busy, 20_000);
    assert_eq!(trace.poll_at(worker, 5_003), trace.task_polls(ix(&trace, 2)).get(499));
    assert_eq!(trace.poll_at(worker, 5_005), trace.task_polls(ix(&trace, 1)).first());
    let spans = trace.lod_spans(worker, 5_000..5_100, 50);
    let counts: Vec<_> = spans.iter().map(|span| (span.depth, span.count)).collect();
    assert_eq!(counts, [(0, 1), (1, 5), (1, 5)]);
}

/// A block that a recorder writes: it says anew who its thread is.
fn block(time: u64, more: impl FnOnce(Thread) -> Thread) -> Thread {
    more(Thread::default().at(time).event(Event::Thread { os_id: 0, name: "worker" }))
}

fn lost_block() -> Trace {
    let first = block(10, |t| {
        let polled = t.worker(0).poll(1).at(20).pending().at(30);
        polled.event(Event::SpanEnter(SpanId(5))).poll(2)
    });
    let lost = block(100, |t| t.worker(0).pending().at(110).park());
    let last = block(500, |t| t.worker(0).poll(3).at(540).pending());
    Recording::new().blocks(0, vec![first, lost, last]).without_block(1)
}

#[test]
fn a_lost_block_closes_what_was_open_as_unknown() {
    let trace = lost_block();
    let worker = lane(&trace, 0);
    assert_eq!(trace.lane(worker).busy, 10 + 40, "the second poll has no length that is known");
    let open = polls(&trace, 2)[0];
    assert_eq!((open.start, open.end, open.how), (30, 30, PollEnd::Open));
    assert_eq!(polls(&trace, 3)[0].depth, 0);
    let states: Vec<_> = trace.states(ix(&trace, 2)).map(|s| (s.state, s.start, s.end)).collect();
    assert_eq!(states, [(State::Unknown, 30, 540)]);
    assert_eq!(trace.span_visits().next().unwrap().end, 30);
    let gap = Gap { thread: trace.threads()[0].id, lane: Some(worker), from: 30, until: 500 };
    assert_eq!(trace.gaps(), [gap]);
    assert_eq!(trace.lane_gaps(worker, 100..200).count(), 1);
    assert_eq!(trace.lane_gaps(worker, 600..700).count(), 0);
    let summary = &trace.summary().gaps[0];
    assert_eq!((summary.from_ns, summary.until_ns), (20, 490));
    assert_eq!(summary.lane.as_deref(), Some("worker 0"));
}

/// With the first block its spawn is lost, and so what it is.
#[test]
fn the_future_of_block_on_is_no_task_without_its_spawn() {
    let spawned = block(1, |t| t.worker(0).spawn_kind(1, TaskKind::BlockOn));
    let polled =
        block(10, |t| t.no_worker().enter(1).at(20).pending().at(30).enter(1).at(40).pending());
    let trace = Recording::new().blocks(1, vec![spawned, polled]).without_block(0);
    assert_eq!(task(&trace, 1).kind, TaskKind::BlockOn);
    let summary = trace.summary();
    assert_eq!((summary.tasks.spawned, summary.polls), (0, 0));
    let gap = trace.gaps()[0];
    assert_eq!((gap.from, gap.until), (0, 10));
    assert_eq!(gap.lane, Some(LaneIx(0)), "the lane that the thread has afterwards");
}

/// A guard that is held across an `.await` is dropped wherever the task is by then.
#[test]
fn a_span_that_closes_has_no_visits_any_more() {
    let span = |id| taskscope_format::Span {
        id: SpanId(id),
        parent: None,
        level: Level::Info,
        name: "request",
        target: "app",
        fields: "",
        location: None,
    };
    let message = |text| Event::Message { level: Level::Info, target: "app", text };
    let trace = Recording::new()
        .thread(0, |t| {
            let polled = t.worker(0).at(5).event(Event::Span(span(1))).at(10).poll(1);
            let left = polled.event(Event::SpanEnter(SpanId(1))).at(20).pending();
            left.at(40).event(message("later")).at(90).park()
        })
        .thread(1, |t| {
            let polled = t.worker(1).at(25).poll(1).at(30).event(Event::SpanClose(SpanId(1)));
            polled.ends(PollResult::Ready)
        })
        .trace();
    let visit = trace.span_visits().next().unwrap();
    assert_eq!((visit.start, visit.end), (10, 30));
    assert_eq!(trace.span_of(visit.span).closed, Some(30));
}

fn threads() -> impl Strategy<Value = Trace> {
    let steps = prop::collection::vec((0..9u64, 0..9u8, 0..6u64, 0..2u32), 0..200);
    prop::collection::vec(steps, 1..4).prop_map(|threads| {
        let thread = |(recording, number): (Recording, u32), steps: Vec<(u64, u8, u64, u32)>| {
            let run = |mut thread: Thread| {
                let mut now = 0;
                for (elapsed, what, task, worker) in steps {
                    now += elapsed;
                    thread = thread.at(now);
                    thread = match what {
                        0..=2 => thread.poll(task),
                        3..=5 => thread.pending(),
                        6 => thread.no_worker(),
                        7 => thread.worker(worker),
                        _ => thread.park(),
                    };
                }
                thread
            };
            (recording.thread(number, run), number + 1)
        };
        threads.into_iter().fold((Recording::new(), 0), thread).0.trace()
    })
}

proptest! {
    #[test]
    fn one_poll_occupies_a_lane_at_a_time(trace in threads()) {
        for lane in all_lanes(&trace) {
            let span = trace.span();
            prop_assert!(trace.lane(lane).busy <= span.end - span.start);
            prop_assert!(trace.lane(lane).parked <= span.end - span.start);
            let polls: Vec<_> = trace.lane_polls(lane).collect();
            // Nanosecond by nanosecond.
            let mut busy = 0;
            for time in span.start..span.end {
                let on: Vec<_> =
                    polls.iter().filter(|(at, p)| p.start <= time && time < trace.lane_end(*at)).collect();
                busy += u64::from(!on.is_empty());
                let mut depths: Vec<u8> = on.iter().map(|(_, poll)| poll.depth).collect();
                depths.sort_unstable();
                depths.dedup();
                prop_assert_eq!(depths.len(), on.len(), "two at one depth at {}", time);
                let innermost = on.iter().max_by_key(|(_, poll)| poll.depth);
                let innermost = innermost.map(|(at, _)| *at);
                prop_assert_eq!(trace.poll_at(lane, time), innermost, "at {}", time);
            }
            prop_assert_eq!(trace.lane(lane).busy, busy);
        }
    }
}
