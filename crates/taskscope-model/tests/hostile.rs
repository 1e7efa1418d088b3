//! Files that no recorder wrote. Every record is valid by itself; together
//! they make no sense.

mod common;
#[path = "../../taskscope-format/tests/common/events.rs"]
mod events;

use common::{Recording, Thread, all_lanes};
use proptest::prelude::*;
use taskscope_format::{Event, Flavor, RuntimeId};
use taskscope_model::{Direction, TaskIx, Trace, findings, questions};

/// Asks everything that can be asked. What comes back must hold together.
fn ask_everything(trace: &Trace) {
    let _ = questions::now(findings::findings(trace));
    let span = trace.span();
    assert!(span.start <= span.end);
    let times = [0, 1, span.start, span.start / 2 + span.end / 2, span.end, u64::MAX];
    let summary = trace.summary();
    let workers = summary.runtimes.iter().flat_map(|runtime| &runtime.workers);
    let on_workers: u64 = workers.map(|worker| worker.polls).sum();
    let on_threads: u64 = summary.threads.iter().map(|thread| thread.polls).sum();
    assert_eq!(summary.polls, on_workers + on_threads);
    let tasks = summary.tasks;
    let ended =
        [tasks.returned, tasks.panicked, tasks.cancelled].into_iter().flatten().sum::<u64>();
    assert_eq!(tasks.spawned, ended + tasks.alive);
    let by_lane: usize = all_lanes(trace).map(|lane| trace.lane_polls(lane).count()).sum();
    assert_eq!(by_lane, trace.polls().count());
    assert_eq!(by_lane as u64, trace.poll_count());
    for lane in all_lanes(trace) {
        trace.lane_name(lane);
        assert!(trace.lane_polls(lane).all(|(_, poll)| poll.lane == lane));
        assert!(trace.lane(lane).parks().all(|park| park.start <= park.end));
        for time in times {
            trace.poll_at(lane, time);
            for step in [0, 1, 1000, u64::MAX] {
                let marks = trace.lod_spans(lane, time..u64::MAX, step);
                assert!(marks.len() <= trace.lane_polls(lane).count());
            }
        }
    }
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        trace.task_name(task);
        let mut now = None;
        for state in trace.states(task) {
            assert!(state.start < state.end);
            assert!(now.is_none_or(|now| now == state.start), "states have no gaps");
            now = Some(state.end);
        }
        trace.state_times(task).total();
        for time in times {
            trace.state_at(task, time);
            trace.next_event_of(task, time, Direction::Forward);
            trace.next_event_of(task, time, Direction::Back);
        }
        for poll in trace.task_polls(task) {
            assert_eq!(trace.poll(poll).task, task);
            assert!(trace.poll(poll).start <= trace.poll(poll).end);
            trace.cause(poll);
        }
        assert!(trace.task_wakes(task).all(|wake| trace.wake(wake).task == task));
    }
    for time in times {
        assert!(trace.next_event(time, Direction::Forward).is_none_or(|next| next > time));
        assert!(trace.next_event(time, Direction::Back).is_none_or(|next| next < time));
        let _ = trace.hops_arriving(time..time.saturating_add(10)).count();
    }
}

fn anything() -> impl Strategy<Value = Vec<(u32, u64, Event<'static>)>> {
    let elapsed = prop_oneof![8 => 0..100u64, 1 => any::<u64>(), 1 => Just(u64::MAX / 3)];
    prop::collection::vec((0..4u32, elapsed, events::event()), 0..120)
}

fn recording(events: &[(u32, u64, Event<'static>)]) -> Recording {
    (0..4).fold(Recording::new(), |recording, thread| {
        let (mut now, its) = (0u64, events.iter().filter(|event| event.0 == thread));
        recording.thread(thread, |start: Thread| {
            its.fold(start, |t, &(_, elapsed, event)| {
                now = now.saturating_add(elapsed);
                t.at(now).event(event)
            })
        })
    })
}

proptest! {
    #[test]
    fn any_records_in_any_order_make_a_trace_that_can_be_asked(events in anything()) {
        ask_everything(&recording(&events).trace());
    }

    #[test]
    fn any_cut_of_them_does_too(events in anything(), at in any::<prop::sample::Index>()) {
        let file = recording(&events).file();
        let cut = 1 + at.index(file.len());
        ask_everything(&Trace::from_bytes(&file[..cut]).expect("a cut file opens"));
    }
}

#[test]
fn polls_that_last_for_ever_do_not_overflow_their_sums() {
    let polled = |t: Thread| t.worker(0).at(0).poll(1).at(u64::MAX).pending();
    let trace = (0..3).fold(Recording::new(), |recording, id| recording.thread(id, polled)).trace();
    ask_everything(&trace);
    assert_eq!(trace.summary().longest_poll_ns, u64::MAX);
}

#[test]
fn runtimes_that_claim_many_workers_do_not_cost_their_memory() {
    let claims = (0..20_000).map(|id| Event::Runtime {
        id: RuntimeId(id),
        flavor: Flavor::MultiThread,
        workers: u32::MAX,
        name: "",
        hooked: false,
    });
    let trace = Recording::new().thread(0, |t| claims.fold(t, Thread::event)).trace();
    assert_eq!(trace.runtimes().len(), 20_000);
    assert!(trace.lanes().len() <= 1024, "{} lanes", trace.lanes().len());
}

#[test]
fn more_workers_than_lanes_share_the_last_one() {
    let trace = Recording::new()
        .thread(0, |t| {
            (0..70_000).fold(t, |t, index| t.worker(index)).at(5).poll(1).at(6).pending()
        })
        .trace();
    assert_eq!(trace.lanes().len(), 1 << 16);
    assert_eq!(trace.polls().next().map(|(_, poll)| poll.lane.0), Some(u16::MAX));
}
