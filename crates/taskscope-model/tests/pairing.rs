//! From brackets on threads to polls of tasks on workers.

mod common;

use common::{Recording, Thread, ix, lane, polls, task, wakes};
use taskscope_format::{
    CancelledBy, EndKind, Event, PollResult, RuntimeId, Source, Spawn, TaskId, TaskKind,
};
use taskscope_model::{End, LaneKind, PollEnd, ThreadId};

#[test]
fn a_poll_lies_on_the_worker_that_its_thread_was_then() {
    let trace = Recording::new()
        .thread(5, |t| {
            t.worker(3).at(10).poll(7).at(30).pending().worker(1).at(40).poll(7).at(45).ready()
        })
        .trace();
    let [first, second] = polls(&trace, 7)[..] else { panic!("two polls") };
    assert_eq!((first.start, first.end, first.how), (10, 30, PollEnd::Pending));
    assert_eq!((second.start, second.end, second.how), (40, 45, PollEnd::Ready));
    assert_eq!((first.lane, second.lane), (lane(&trace, 3), lane(&trace, 1)));
    let task = task(&trace, 7);
    assert_eq!((task.busy(), task.longest(), task.poll_count()), (25, 20, 2));
}

/// Tokio enters the span of a finished task once more, to drop its future.
#[test]
fn the_bracket_that_only_drops_a_finished_future_is_no_poll() {
    let trace = Recording::new()
        .thread(0, |t| {
            let polled =
                t.worker(0).at(10).enter(7).at(20).pending().at(30).enter(7).at(40).pending();
            polled.at(41).enter(7).at(42).pending().end(7, EndKind::Returned)
        })
        .trace();
    let [first, second] = polls(&trace, 7)[..] else { panic!("{:?}", polls(&trace, 7)) };
    assert_eq!((first.start, first.how), (10, PollEnd::Pending));
    // A span doesn't know that it was the last; the end of the task does.
    assert_eq!((second.start, second.how), (30, PollEnd::Ready));
}

/// An aborted task that was idle is dropped within its span, and never polled
/// again. So is one that its runtime drops at shutdown, on any thread.
#[test]
fn the_bracket_that_drops_a_cancelled_future_is_no_poll() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).enter(7).at(20).pending())
        .thread(1, |t| t.worker(1).at(50).enter(7).at(51).pending().end(7, EndKind::Cancelled))
        .trace();
    let [only] = polls(&trace, 7)[..] else { panic!("{:?}", polls(&trace, 7)) };
    assert_eq!((only.start, only.how), (10, PollEnd::Cancelled));
    let cancelled_by = CancelledBy::Unknown;
    let end = End { time: 51, kind: EndKind::Cancelled, inferred: false, cancelled_by };
    assert_eq!(task(&trace, 7).end, Some(end));
    assert_eq!(trace.summary().tasks.cancelled, Some(1));
}

#[test]
fn a_bracket_from_a_hook_is_a_poll_even_right_before_the_end() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7).at(20).end(7, EndKind::Returned).at(21).ready())
        .trace();
    assert_eq!(polls(&trace, 7).len(), 1);
}

/// Something that outlives a task can hold on to its span, so that its end is
/// recorded late and on another thread.
#[test]
fn the_drop_bracket_is_found_when_the_end_comes_late() {
    let trace = Recording::new()
        .thread(0, |t| {
            let polled = t.worker(0).at(10).enter(7).at(20).pending().at(21).enter(7).at(22);
            polled.pending().at(30).enter(8).at(40).pending()
        })
        .thread(1, |t| t.worker(1).at(90).end(7, EndKind::Returned))
        .trace();
    let [only] = polls(&trace, 7)[..] else { panic!("{:?}", polls(&trace, 7)) };
    assert_eq!((only.start, only.end, only.how), (10, 20, PollEnd::Ready));
    assert_eq!(polls(&trace, 8).len(), 1, "task 8 has not ended");
}

#[test]
fn a_visit_that_only_drops_an_aborted_task_makes_no_poll() {
    let trace = Recording::new()
        .thread(0, |t| {
            let visit = t.worker(0).at(10).poll(7).at(12).end(7, EndKind::Cancelled);
            visit.at(15).ends(PollResult::OnlyDropped)
        })
        .trace();
    assert_eq!(polls(&trace, 7).len(), 0);
    assert_eq!(trace.summary().polls, 0);
    assert_eq!(trace.lane(lane(&trace, 0)).busy, 0);
}

#[test]
fn polls_nest_and_the_outer_one_counts_once() {
    let trace = Recording::new()
        .thread(0, |t| {
            let outer = t.spawn_kind(1, TaskKind::BlockOn).at(10).enter(1);
            let inner = outer.at(20).enter(2).at(30).pending().at(40).enter(3).at(60).pending();
            inner.at(100).pending()
        })
        .trace();
    let [outer] = polls(&trace, 1)[..] else { panic!("one poll") };
    assert_eq!((outer.start, outer.end, outer.depth), (10, 100, 0));
    let [inner] = polls(&trace, 3)[..] else { panic!("one poll") };
    assert_eq!((inner.start, inner.end, inner.depth), (40, 60, 1));
    assert_eq!(trace.lane(outer.lane).busy, 90);
    assert_eq!(trace.lane(outer.lane).kind, LaneKind::Thread(ThreadId(0)));
}

#[test]
fn two_sources_report_one_spawn() {
    let by_hook = Spawn::new(TaskId(9), TaskKind::Task, Source::Hook);
    let by_span = Spawn {
        name: Some("reader"),
        size: Some(64),
        ..Spawn::new(TaskId(9), TaskKind::Local, Source::Span)
    };
    for order in [[by_hook, by_span], [by_span, by_hook]] {
        let trace = Recording::new()
            .thread(0, |t| t.at(3).spawn_with(order[0]).at(5).spawn_with(order[1]))
            .trace();
        assert_eq!(trace.tasks().len(), 1);
        let task = task(&trace, 9);
        // A hook doesn't know the kind.
        assert_eq!((task.kind, task.size, task.spawned), (TaskKind::Local, Some(64), Some(3)));
        assert_eq!(trace.task_name(ix(&trace, 9)), "reader");
    }
}

#[test]
fn the_parent_is_the_task_that_was_running_where_the_file_names_none() {
    let named =
        Spawn { parent: Some(TaskId(4)), ..Spawn::new(TaskId(3), TaskKind::Task, Source::Span) };
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(1).poll(1).at(2).spawn(2).spawn_with(named).at(9).pending())
        .trace();
    assert_eq!(task(&trace, 2).parent, Some(ix(&trace, 1)));
    assert_eq!(task(&trace, 3).parent, Some(ix(&trace, 4)));
}

#[test]
fn tasks_stand_in_the_order_in_which_the_recording_names_them() {
    // Thread 1's block is behind thread 0's in the file, and earlier in time.
    let trace = Recording::new()
        .thread(0, |t| t.at(50).spawn(5).at(70).wake(6))
        .thread(1, |t| t.at(10).spawn(9).at(60).spawn(2).at(80).wake(5))
        .trace();
    let ids: Vec<u64> = trace.tasks().map(|task| task.id.0).collect();
    // Task 6 was spawned before the recording.
    assert_eq!(ids, [9, 5, 2, 6]);
    assert_eq!(wakes(&trace)[0].task, ix(&trace, 6));
    assert_eq!(wakes(&trace)[1].task, ix(&trace, 5));
}

#[test]
fn a_poll_that_never_ended_is_open_to_the_end_of_the_trace() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7))
        .thread(1, |t| t.worker(1).at(90).park())
        .trace();
    let [open] = polls(&trace, 7)[..] else { panic!("one poll") };
    assert_eq!((open.start, open.end, open.how), (10, 90, PollEnd::Open));
    assert_eq!(trace.span(), 0..90);
}

#[test]
fn dropped_events_leave_what_was_open_unknown_and_no_more() {
    let trace = Recording::new()
        .thread(0, |t| {
            let lost = t.worker(0).at(10).poll(7).at(50).dropped(3, 30);
            lost.pending().at(60).poll(8).at(70).ready()
        })
        .trace();
    let [open] = polls(&trace, 7)[..] else { panic!("one poll") };
    assert_eq!((open.start, open.end, open.how), (10, 30, PollEnd::Open));
    assert_eq!(polls(&trace, 8).len(), 1);
    assert_eq!(trace.summary().dropped_events, 3);
}

#[test]
fn a_drop_that_claims_to_begin_after_itself_ends_at_itself() {
    let trace =
        Recording::new().thread(0, |t| t.worker(0).poll(7).at(50).dropped(1, 1 << 60)).trace();
    assert_eq!(polls(&trace, 7)[0].end, 50);
}

#[test]
fn a_park_lasts_to_the_unpark_or_the_next_poll() {
    let trace = Recording::new()
        .thread(0, |t| {
            let slept = t.worker(0).at(10).park().at(20).unpark().at(30).park();
            slept.at(45).poll(7).at(50).pending().at(60).park()
        })
        .thread(1, |t| t.worker(1).at(70).poll(8).at(80).ready())
        .trace();
    let parks: Vec<_> = trace.lane(lane(&trace, 0)).parks().copied().collect();
    let parks: Vec<_> = parks.iter().map(|park| (park.start, park.end)).collect();
    assert_eq!(parks, [(10, 20), (30, 45), (60, 80)]);
}

#[test]
fn a_runtime_has_a_lane_for_each_worker_also_for_one_that_did_nothing() {
    let trace = Recording::new().thread(0, |t| t.runtime(3).worker(1).at(5).park()).trace();
    let names: Vec<_> = common::all_lanes(&trace).map(|lane| trace.lane_name(lane)).collect();
    assert_eq!(names, ["worker 0", "worker 1", "worker 2"]);
    let summary = trace.summary();
    assert_eq!((summary.runtimes.len(), summary.runtimes[0].workers.len()), (1, 3));
    assert_eq!(summary.runtimes[0].name.as_deref(), Some("main"));
}

/// Whichever thread is first in the file.
#[test]
fn runtimes_stand_in_the_order_of_their_numbers() {
    let first = |t: Thread| t.worker_of(0, 0).at(10).poll(1).at(20).pending();
    let second = |t: Thread| {
        let hooked = Spawn {
            runtime: Some(RuntimeId(1)),
            ..Spawn::new(TaskId(2), TaskKind::Task, Source::Hook)
        };
        t.worker_of(1, 0).spawn_with(hooked).at(30).poll(2).at(40).pending()
    };
    for trace in [
        Recording::new().thread(0, first).thread(1, second).trace(),
        Recording::new().thread(1, second).thread(0, first).trace(),
    ] {
        assert_eq!(trace.runtimes().iter().map(|runtime| runtime.id).collect::<Vec<_>>(), [0, 1]);
        for id in [1, 2] {
            let runtime = id - 1;
            assert_eq!(task(&trace, id.into()).runtime, Some(runtime));
            let lane = polls(&trace, id.into())[0].lane;
            assert_eq!(trace.lane(lane).kind, LaneKind::Worker { runtime, index: 0 });
            assert_eq!(trace.runtimes()[runtime as usize].workers, [lane]);
            assert_eq!(lane.get(), runtime as usize);
        }
    }
}

#[test]
fn each_drop_has_its_thread_and_its_time() {
    let introduced = Event::Thread { os_id: 0, name: "tokio-1" };
    let trace = Recording::new()
        .thread(0, |t| t.at(90).dropped(2, 40))
        .thread(1, |t| {
            let lost = t.event(introduced).worker(3).at(10).poll(7).at(50).dropped(1_204, 30);
            lost.at(60).poll(7).at(70).pending().at(80).dropped(1, 75)
        })
        .thread(2, |t| t.event(Event::Thread { os_id: 0, name: "" }).at(20).dropped(5, 15))
        .trace();
    let found: Vec<_> = trace
        .drops()
        .iter()
        .map(|drop| {
            let lane = drop.lane.map(|lane| trace.lane_name(lane));
            (trace.dropper_name(drop), lane, drop.from..drop.until, drop.count)
        })
        .collect();
    let lane = |name: &str| Some(name.to_owned());
    let expected = [
        ("thread 2".to_owned(), lane("thread 2"), 15..20, 5),
        ("thread tokio-1".to_owned(), lane("worker 3"), 30..50, 1_204),
        ("threads that were ending or recording already".to_owned(), None, 40..90, 2),
        ("thread tokio-1".to_owned(), lane("worker 3"), 75..80, 1),
    ];
    assert_eq!(found, expected);
    let worker = trace.drops()[1].lane.expect("a lane");
    let visible: Vec<_> = trace.lane_drops(worker, 50..75).map(|drop| drop.count).collect();
    assert_eq!(visible, [1_204]);
    assert_eq!(trace.lane_drops(worker, 51..75).count(), 0);
}

#[test]
fn drops_are_summed_up_from_the_first_event_on() {
    let trace = Recording::new()
        .thread(4, |t| t.at(100).worker(0).at(150).dropped(3, 130).at(160).poll(1))
        .trace();
    let [drop] = &trace.summary().drops[..] else { panic!("one drop") };
    assert_eq!(
        (drop.thread, drop.name.as_deref(), drop.lane.as_deref()),
        (Some(4), None, Some("worker 0"))
    );
    assert_eq!((drop.from_ns, drop.until_ns, drop.events), (30, 50, 3));
}

/// As in `#[tokio::test]`, whose future begins the recording that it is a part of.
#[test]
fn the_block_on_that_is_older_than_the_recording_is_no_task() {
    use taskscope_format::{Flavor, RuntimeId, TaskKind};
    let runtime = |hooked| {
        let (id, flavor) = (RuntimeId(0), Flavor::CurrentThread);
        Event::Runtime { id, flavor, workers: 1, name: "", hooked }
    };
    for hooked in [false, true] {
        let trace = Recording::new()
            .thread(0, |t| {
                let t = t.event(runtime(hooked)).worker(0).at(10).enter(3).at(20).pending();
                let t = t.spawn(4).at(30);
                let t = if hooked { t.poll(4) } else { t.enter(4) };
                t.at(40).pending().at(50).enter(3).at(60).pending()
            })
            .trace();
        assert_eq!(task(&trace, 3).kind, TaskKind::BlockOn);
        let summary = trace.summary();
        assert_eq!((summary.tasks.spawned, summary.polls), (1, 1), "hooked: {hooked}");
    }
}
