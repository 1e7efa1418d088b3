//! The fast answers of the indices against slow ones that are plainly right.

mod common;

use common::{Recording, Thread, all_lanes, ix, lane, lane_polls};
use proptest::prelude::*;
use taskscope_format::EndKind;
use taskscope_model::{Direction, Poll, PollIx, Trace};

/// Polls on two workers, one after the other. Most are short, as in a real
/// program, so that groups of many are gathered.
fn plain() -> impl Strategy<Value = Trace> {
    let length = prop_oneof![20 => 0..8u64, 2 => 0..300u64];
    let polls = prop::collection::vec((0..20u64, length, 0..5u64), 0..400);
    (polls.clone(), polls).prop_map(|(first, second)| {
        let on = |polls: Vec<(u64, u64, u64)>, tasks: u64| {
            move |mut thread: Thread| {
                // A poll of no length at 0 would lie before every window.
                let mut now = 1;
                for (gap, length, task) in polls {
                    now += gap;
                    thread = thread.at(now).poll(tasks + task);
                    now += length;
                    thread = thread.at(now).pending();
                }
                thread
            }
        };
        Recording::new()
            .thread(0, |t| on(first, 0)(t.worker(0)))
            .thread(1, |t| on(second, 10)(t.worker(1)))
            .trace()
    })
}

/// Threads on which polls nest, wake, spawn and end tasks, in any order.
fn nested() -> impl Strategy<Value = Trace> {
    let steps = prop::collection::vec((0..12u64, 0..10u8, 0..6u64), 0..300);
    (steps.clone(), steps).prop_map(|(first, second)| {
        let on = |steps: Vec<(u64, u8, u64)>| {
            move |mut thread: Thread| {
                let mut now = 0;
                for (elapsed, what, task) in steps {
                    now += elapsed;
                    thread = thread.at(now);
                    thread = match what {
                        0..=2 => thread.poll(task),
                        3..=5 => thread.pending(),
                        6 => thread.wake(task),
                        7 => thread.no_worker(),
                        8 => thread.worker(0),
                        _ if task < 3 => thread.spawn(task),
                        _ => thread.end(task, EndKind::Returned),
                    };
                }
                thread
            }
        };
        Recording::new().thread(0, |t| on(first)(t.worker(0))).thread(1, |t| on(second)(t)).trace()
    })
}

/// Every time at which something happens.
fn event_times(trace: &Trace) -> Vec<u64> {
    let polls = trace.polls();
    let polls = polls.flat_map(|(ix, poll)| [poll.start, poll.end, trace.lane_end(ix)]);
    let wakes = trace.wakes().map(|wake| trace.wake(wake).time);
    let tasks = trace.tasks();
    let tasks =
        tasks.flat_map(|task| [task.spawned, task.end.map(|end| end.time)].into_iter().flatten());
    let mut times: Vec<u64> = polls.chain(wakes).chain(tasks).collect();
    times.sort_unstable();
    times.dedup();
    times
}

proptest! {
    /// At any zoom, no poll and no nanosecond is lost or counted twice.
    #[test]
    fn marks_add_up_to_the_polls_of_the_window(
        trace in plain(), start in 0..3000u64, length in 1..4000u64, step in 1..400u64,
    ) {
        let window = start..start + length;
        for lane in all_lanes(&trace) {
            let marks = trace.lod_spans(lane, window.clone(), step);
            let polls = lane_polls(&trace, lane);
            let first = polls.iter().position(|poll| poll.end > window.start);
            let shown: Vec<_> = polls[first.unwrap_or(polls.len())..]
                .iter()
                .filter(|poll| poll.start < window.end)
                .collect();
            let long = |poll: &&&Poll| poll.duration() >= step;
            // The last mark gathers to the end of its step, beyond the window's.
            let behind = polls.len() - (first.unwrap_or(polls.len()) + shown.len());
            let count: usize = marks.iter().map(|mark| mark.count as usize).sum();
            prop_assert!(shown.len() <= count && count <= shown.len() + behind);
            let gathered = &polls[first.unwrap_or(polls.len())..][..count];
            prop_assert!(gathered[shown.len()..].iter().all(|p| p.start < window.end + step));
            let busy: u64 = marks.iter().map(|mark| mark.busy).sum();
            prop_assert_eq!(busy, gathered.iter().map(|poll| poll.duration()).sum::<u64>());

            let single = marks.iter().filter(|mark| trace.poll(mark.poll).duration() >= step);
            let single: Vec<_> = single.map(|mark| (mark.start, mark.count)).collect();
            let expected: Vec<_> = shown.iter().filter(long).map(|poll| (poll.start, 1)).collect();
            prop_assert_eq!(single, expected, "every long poll has a mark of its own");
            prop_assert!(marks.is_sorted_by_key(|mark| mark.start));
        }
    }

    /// What a mark says of its polls is true of them.
    #[test]
    fn a_span_of_the_overview_knows_the_polls_that_it_gathers(trace in plain(), step in 1..400u64) {
        for lane in all_lanes(&trace) {
            let all = lane_polls(&trace, lane);
            let mut polls = all.iter();
            for mark in trace.lod_spans(lane, 0..u64::MAX, step) {
                let its: Vec<&Poll> = polls.by_ref().take(mark.count as usize).collect();
                let its = &its[..];
                prop_assert_eq!(its.iter().map(|poll| poll.duration()).sum::<u64>(), mark.busy);
                prop_assert_eq!(its.first().map(|poll| poll.start), Some(mark.start));
                prop_assert_eq!(its.iter().map(|poll| poll.end).max(), Some(mark.end));
                let longest = its.iter().map(|poll| poll.duration()).max();
                prop_assert_eq!(Some(trace.poll(mark.poll).duration()), longest);
                prop_assert!(mark.count == 1 || mark.end - mark.start < 2 * step);
            }
            prop_assert_eq!(polls.next(), None);
        }
    }

    #[test]
    fn the_poll_at_a_time_is_the_innermost_that_runs_then(trace in nested()) {
        for lane in all_lanes(&trace) {
            let polls: Vec<_> = trace.lane_polls(lane).collect();
            for time in 0..=trace.span().end + 1 {
                let running = polls.iter();
                let running =
                    running.filter(|(ix, p)| p.start <= time && time < trace.lane_end(*ix));
                let innermost = running.max_by_key(|(_, poll)| poll.depth);
                let expected = innermost.map(|(ix, _)| *ix);
                prop_assert_eq!(trace.poll_at(lane, time), expected, "at {}", time);
            }
        }
    }

    #[test]
    fn the_next_event_is_the_nearest_on_its_side(trace in nested()) {
        let times = event_times(&trace);
        for time in 0..=trace.span().end + 1 {
            let after = times.iter().copied().find(|&at| at > time);
            let before = times.iter().copied().rfind(|&at| at < time);
            prop_assert_eq!(trace.next_event(time, Direction::Forward), after, "from {}", time);
            prop_assert_eq!(trace.next_event(time, Direction::Back), before, "from {}", time);
        }
    }

    #[test]
    fn the_next_event_of_a_task_is_the_nearest_of_its_own(trace in plain()) {
        for task in 0..trace.task_count() {
            let task = taskscope_model::TaskIx(task as u32);
            let mut times: Vec<u64> = trace
                .task_polls(task)
                .iter()
                .flat_map(|poll| [trace.poll(poll).start, trace.poll(poll).end])
                .collect();
            times.sort_unstable();
            for time in (0..=trace.span().end + 1).step_by(7) {
                let after = times.iter().copied().find(|&at| at > time);
                let before = times.iter().copied().rfind(|&at| at < time);
                prop_assert_eq!(trace.next_event_of(task, time, Direction::Forward), after);
                prop_assert_eq!(trace.next_event_of(task, time, Direction::Back), before);
            }
        }
    }
}

#[test]
fn stepping_reaches_the_end_of_a_poll_around_many_others() {
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.worker(0).at(10).poll(1);
            for round in 0..200 {
                t = t.at(20 + round * 2).poll(2).at(21 + round * 2).pending();
            }
            t.at(1000).pending()
        })
        .trace();
    assert_eq!(trace.next_event(500, Direction::Forward), Some(1000));
    assert_eq!(trace.next_event(2000, Direction::Back), Some(1000));
    assert_eq!(trace.poll_at(lane(&trace, 0), 999), trace.task_polls(ix(&trace, 1)).first());
}

#[test]
fn a_task_that_is_older_than_the_recording_makes_no_event_at_its_start() {
    let trace = Recording::new().thread(0, |t| t.at(50).wake(1)).trace();
    assert_eq!(trace.next_event(50, Direction::Back), None);
}
