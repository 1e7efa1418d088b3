//! What got slower from one trace to another, against slow answers and against what is true by construction.

#[path = "common/any_trace.rs"]
mod any_trace;
mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use any_trace::{any_trace, generated};
use common::Recording;
use proptest::prelude::*;
use taskscope_format::{EndKind, Location, Source, Spawn, TaskId, TaskKind};
use taskscope_model::questions::compare::{
    Change, Comparison, Figures, Measure, TraceFigures, compare, figures,
};
use taskscope_model::questions::{Histogram, now};
use taskscope_model::{LaneKind, Nanos, Place, PollEnd, PollIx, State, TaskIx, TaskTimes, Trace};

fn of(trace: &Trace) -> TraceFigures {
    now(figures(trace, None))
}

/// Since when a task was scheduled before a poll, one question after the other.
fn delay(trace: &Trace, ix: PollIx) -> Option<Nanos> {
    let poll = trace.poll(ix);
    let woken = trace.wake_before(ix).map(|wake| trace.wake(wake).time);
    let since = match trace.poll_before(ix).map(|before| trace.poll(before)) {
        None => trace.task(poll.task).spawned.or(woken)?,
        Some(before) if before.end > poll.start => return None,
        Some(before) => match woken {
            Some(time) if time < before.end => before.end,
            _ if before.how == PollEnd::Open => return None,
            woken => woken?,
        },
    };
    Some(poll.start.saturating_sub(since))
}

fn longest(times: &[(PollIx, Nanos)]) -> Option<(PollIx, Nanos)> {
    times.iter().copied().max_by_key(|&(ix, time)| (time, std::cmp::Reverse(ix)))
}

fn check_histogram(histogram: &Histogram, times: impl Iterator<Item = Nanos>) {
    let mut expected = Histogram::default();
    times.for_each(|time| expected.add(time));
    assert_eq!(histogram, &expected);
}

fn check_figures(trace: &Trace, tasks: &[TaskIx], answer: &Figures) {
    assert_eq!(answer.tasks, tasks.len() as u64);
    let polls: Vec<PollIx> =
        trace.polls().filter(|(_, poll)| tasks.contains(&poll.task)).map(|(ix, _)| ix).collect();
    let times: Vec<_> = polls.iter().map(|&ix| (ix, trace.poll(ix).duration())).collect();
    let delays: Vec<_> = polls.iter().filter_map(|&ix| Some((ix, delay(trace, ix)?))).collect();
    assert_eq!(answer.polls, polls.len() as u64);
    assert_eq!(answer.busy, times.iter().map(|(_, time)| time).sum::<u64>());
    assert_eq!(answer.hops, polls.iter().filter(|&&ix| trace.is_hop(ix)).count() as u64);
    check_histogram(&answer.times, times.iter().map(|(_, time)| *time));
    check_histogram(&answer.delays, delays.iter().map(|(_, time)| *time));
    assert_eq!((answer.longest, answer.latest), (longest(&times), longest(&delays)));
    let of_state = |state: State| -> Nanos {
        let spans = tasks.iter().flat_map(|&task| trace.states(task));
        spans.filter(|span| span.state == state).map(|span| span.end - span.start).sum()
    };
    assert_eq!(answer.scheduled, of_state(State::Scheduled));
    assert_eq!(answer.waiting, of_state(State::Waiting));
    let whole = tasks.iter().map(|&task| trace.task(task));
    let whole = whole.filter(|task| task.spawned.is_some() && task.end.is_some());
    check_histogram(&answer.lives, whole.map(|task| task.busy()));
}

/// For how long so many workers polled at once, instant by instant.
fn check_overlap(trace: &Trace, answer: &TraceFigures) {
    let workers: Vec<Vec<(Nanos, Nanos)>> = trace
        .lane_order()
        .iter()
        .filter(|lane| matches!(trace.lane(**lane).kind, LaneKind::Worker { .. }))
        .map(|&lane| {
            let polls = trace.lane_polls(lane).filter(|(_, poll)| poll.depth == 0);
            polls.map(|(ix, poll)| (poll.start, trace.lane_end(ix))).collect()
        })
        .collect();
    let mut times: Vec<Nanos> = workers.iter().flatten().flat_map(|&(a, b)| [a, b]).collect();
    times.sort_unstable();
    times.dedup();
    let mut expected = BTreeMap::new();
    for pair in times.windows(2) {
        let runs = |polls: &&Vec<(Nanos, Nanos)>| {
            polls.iter().any(|&(start, end)| start <= pair[0] && pair[0] < end)
        };
        *expected.entry(workers.iter().filter(runs).count()).or_insert(0) += pair[1] - pair[0];
    }
    expected.remove(&0);
    let answered = (1usize..).zip(answer.overlap.at_once.iter().copied());
    let answered: BTreeMap<_, _> = answered.filter(|(_, time)| *time > 0).collect();
    assert_eq!(answered, expected);
    assert_eq!(answer.overlap.any(), expected.values().sum::<u64>());
    let several = expected.iter().filter(|(workers, _)| **workers > 1);
    assert_eq!(answer.overlap.several(), several.map(|(_, time)| time).sum::<u64>());
}

fn check(trace: &Trace) {
    let answer = of(trace);
    let mut by_place: BTreeMap<Option<Place>, Vec<TaskIx>> = BTreeMap::new();
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        let place = trace.task(task).place.map(|place| trace.place(place).clone());
        by_place.entry(place).or_default().push(task);
    }
    assert_eq!(answer.places.len(), by_place.len());
    for of_place in &answer.places {
        check_figures(trace, &by_place[&of_place.place], &of_place.sums);
    }
    let tasks: Vec<TaskIx> = by_place.into_values().flatten().collect();
    check_figures(trace, &tasks, &answer.all);
    check_overlap(trace, &answer);
    let mut times = TaskTimes::new(trace);
    while !times.step(trace) {}
    assert_eq!(now(figures(trace, Some(&times))), answer);
}

proptest! {
    #[test]
    fn figures_are_the_sums_over_the_polls_of_each_place(trace in any_trace()) {
        check(&trace);
    }

    #[test]
    fn a_trace_is_no_slower_than_itself(trace in any_trace()) {
        let figures = Arc::new(of(&trace));
        let comparison = compare(figures.clone(), figures);
        prop_assert!(comparison.rows.iter().all(|row| row.a == row.b && row.moved_from.is_none()));
        prop_assert!(comparison.rows.iter().all(|row| matches!(row.change, Change::Same | Change::Few)));
    }
}

#[test]
fn figures_of_a_plausible_program_are_right() {
    let trace = generated(6_000, 300, 3);
    check(&trace);
    assert!(of(&trace).all.delays.count() > 1_000, "it has something to add up");
}

/// Tasks of two places: each is spawned, polled so often for so long, and ends.
#[derive(Clone, Copy)]
struct Work {
    line: u32,
    tasks: u64,
    polls: u64,
    length: Nanos,
    /// From its wake to its poll.
    delay: Nanos,
}

fn program(work: &[Work]) -> Arc<TraceFigures> {
    let recording = Recording::new().thread(0, |t| {
        let (mut t, mut now, mut task) = (t.runtime(1).worker(0), 10, 0);
        for of in work {
            for _ in 0..of.tasks {
                task += 1;
                let location = Some(Location { file: "src/a.rs", line: of.line, column: 9 });
                let spawn = Spawn::new(TaskId(task), TaskKind::Task, Source::Span);
                t = t.at(now).spawn_with(Spawn { location, ..spawn });
                for poll in 0..of.polls {
                    now += of.delay;
                    t = t.at(now).poll(task);
                    // (Not all the same.)
                    now += of.length + (task + poll) % 7;
                    t = match poll + 1 == of.polls {
                        true => t.at(now).ready().end(task, EndKind::Returned),
                        false => t.at(now).pending_with_waker(),
                    };
                    now += 100;
                    if poll + 1 < of.polls {
                        t = t.at(now).wake(task);
                    }
                }
            }
        }
        t
    });
    Arc::new(of(&recording.trace()))
}

fn compared(a: &[Work], b: &[Work]) -> Comparison {
    compare(program(a), program(b))
}

/// The lines of the rows in B, with what became of them.
fn changes(of: &Comparison) -> Vec<(u32, Change)> {
    let line = |row| of.newest(row).and_then(|of| Some(of.place.as_ref()?.line)).unwrap_or(0);
    of.rows.iter().map(|row| (line(row), row.change)).collect()
}

const USUAL: Work = Work { line: 12, tasks: 40, polls: 5, length: 2_000, delay: 300 };
const OTHER: Work = Work { line: 40, tasks: 60, polls: 3, length: 9_000, delay: 300 };

#[test]
fn the_slower_place_is_on_top_though_the_other_had_more_to_do() {
    let slower = Work { length: 4_200, ..USUAL };
    let more = Work { tasks: 600, ..OTHER };
    let of = compared(&[USUAL, OTHER], &[slower, more]);
    assert_eq!(changes(&of), [(12, Change::Slower(Measure::Poll)), (40, Change::Same)]);
    let row = of.rows[0];
    let expected = 200.0 * 2_200.0;
    assert!((row.weight / expected - 1.0).abs() < 0.01, "{row:?}");
    let says = of.sentence();
    assert!(says.starts_with("a.rs:12: a poll takes 2.10 × as long (99 %: 4."), "{says}");
    // The other way round, it is no worse.
    let of = compared(&[slower, more], &[USUAL, OTHER]);
    assert_eq!(changes(&of), [(12, Change::Faster(Measure::Poll)), (40, Change::Same)]);
    assert_eq!(of.sentence(), "No spawn place got slower by more than chance would explain.");
}

#[test]
fn of_two_that_got_slower_that_which_costs_more_is_on_top() {
    // 20 × as long, and little of all; 1.5 × as long, and most of it.
    let (rare, often) = (Work { polls: 1, ..USUAL }, Work { tasks: 2_000, ..OTHER });
    let slower = [Work { length: 40_000, ..rare }, Work { length: 13_500, ..often }];
    let of = compared(&[rare, often], &slower);
    let slower = Change::Slower(Measure::Poll);
    assert_eq!(changes(&of), [(40, slower), (12, slower)]);
}

#[test]
fn a_place_with_three_polls_is_not_on_top() {
    let few = Work { tasks: 1, polls: 3, ..USUAL };
    let of = compared(&[few, OTHER], &[Work { length: 9_000_000, ..few }, OTHER]);
    assert_eq!(changes(&of), [(40, Change::Same), (12, Change::Few)]);
}

#[test]
fn twice_as_many_polls_a_task_are_slower_by_task() {
    let of = compared(&[USUAL, OTHER], &[Work { polls: 10, ..USUAL }, OTHER]);
    assert_eq!(changes(&of)[0], (12, Change::Slower(Measure::Task)));
    let says = of.sentence();
    assert!(says.contains("a task spends 2.00 × as long in polls"), "{says}");
    assert!(says.ends_with("in 10.0 polls instead of 5.0)."), "{says}");
}

#[test]
fn who_only_comes_later_stands_behind_who_got_slower() {
    let (late, slower) = (Work { delay: 90_000, ..USUAL }, Work { length: 11_000, ..OTHER });
    let of = compared(&[USUAL, OTHER], &[late, slower]);
    assert_eq!(changes(&of), [(40, Change::Slower(Measure::Poll)), (12, Change::Late)]);
    let of = compared(&[USUAL, OTHER], &[late, OTHER]);
    assert_eq!(changes(&of), [(12, Change::Late), (40, Change::Same)]);
    let says = of.sentence();
    assert!(
        says.starts_with("a.rs:12: a task that is ready waits for its poll 300 × as long"),
        "{says}"
    );
}

#[test]
fn places_that_moved_are_the_same_and_others_are_new_or_gone() {
    let moved = Work { line: 15, length: 6_000, ..USUAL };
    let of = compared(&[USUAL, OTHER], &[moved, Work { line: 43, ..OTHER }]);
    assert_eq!(changes(&of), [(15, Change::Slower(Measure::Poll)), (43, Change::Same)]);
    assert_eq!(of.rows.iter().map(|row| row.moved_from).collect::<Vec<_>>(), [Some(12), Some(40)]);
    let of = compared(&[USUAL, OTHER], &[OTHER]);
    assert_eq!(changes(&of), [(40, Change::Same), (12, Change::Gone)]);
    let of = compared(&[OTHER], &[USUAL, OTHER]);
    assert_eq!(changes(&of), [(12, Change::New), (40, Change::Same)]);
}

#[test]
fn one_worker_has_no_overlap_and_two_that_poll_at_once_have() {
    assert_eq!(program(&[USUAL]).overlap.several(), 0);
    let trace = Recording::new()
        .thread(0, |t| t.runtime(2).worker(0).spawn(1).at(10).poll(1).at(50).ready())
        .thread(1, |t| t.worker(1).at(20).poll(2).at(30).pending().at(45).poll(2).at(70).ready())
        .trace();
    let overlap = of(&trace).overlap;
    assert_eq!(overlap.at_once, [20 - 10 + 45 - 30 + 70 - 50, 30 - 20 + 50 - 45]);
    assert_eq!((overlap.any(), overlap.several()), (60, 15));
    assert!((overlap.mean() - 75.0 / 60.0).abs() < 1e-9);
}

#[test]
fn traces_of_nothing_can_be_compared() {
    let nothing = program(&[]);
    let of = compare(nothing.clone(), nothing.clone());
    assert!(of.rows.is_empty() && !of.sentence().is_empty());
    assert_eq!(nothing.overlap.mean(), 0.0);
    let of = compare(nothing, program(&[USUAL]));
    assert_eq!(of.sentence(), "The two have no spawn place in common.");
}
