//! The figures are those of a trace that was opened, whatever is in it, and whenever rows are let go.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use taskscope_format::{CancelledBy, EndKind, Event, PollResult, TaskId, WakeOp};
use taskscope_generate::{Options, generate};

use super::{CHUNK, LetGo};
use crate::builder::sweep::Sweep;
use crate::source::Source;
use crate::summary::Summary;
use crate::summary::sums::Sums;
use crate::testing::events;
use crate::testing::facts::{anything, file};
use crate::trace::Trace;

/// How rows are let go: how many fill a chunk, and how many items come until it is done again.
#[derive(Clone, Copy, Debug)]
struct How {
    rows: usize,
    items: usize,
}

/// What came of it.
#[derive(Debug)]
struct Summed {
    summary: Summary,
    /// The most rows that there were.
    most_rows: usize,
    /// How often the file was read.
    times: usize,
}

fn sum_up(file: Vec<u8>, How { rows, items }: How) -> Summed {
    let source: Arc<dyn Source> = Arc::new(file);
    let (mut most_rows, mut times, mut sums) = (0, 0, Sums::default());
    loop {
        times += 1;
        let mut sweep = Sweep::letting_go(&*source, LetGo::always(sums, rows)).unwrap();
        sweep.items_a_step = items;
        while !sweep.step(&*source, Some(&source)).unwrap().is_done {
            most_rows = most_rows.max(sweep.replay.trace.polls.row_count());
        }
        let (trace, added) = sweep.finish_sums();
        match added.correction(&trace) {
            Some(correction) if times == 1 => sums = correction,
            correction => {
                assert!(correction.is_none(), "the second time all is known");
                let summary = trace.summary_with(added);
                return Summed { summary, most_rows, times };
            }
        }
    }
}

fn how() -> impl Strategy<Value = How> {
    (1..6usize, 1..20usize).prop_map(|(rows, items)| How { rows, items })
}

/// Few tasks that are polled on several threads at once, within one another, and after their end.
fn entangled() -> impl Strategy<Value = Vec<(u32, u64, Event<'static>)>> {
    use taskscope_format::Source;

    let task = || (0..3u64).prop_map(TaskId);
    let begin = || {
        let sources = select(vec![Source::Hook, Source::Span]);
        (task(), sources).prop_map(|(task, source)| Event::PollStart { task, source })
    };
    let end = || {
        use PollResult::{OnlyDropped, Panicked, Pending, Ready};
        let results = vec![Pending, Pending, Pending, Ready, Panicked, OnlyDropped];
        (select(results), any::<bool>())
            .prop_map(|(result, kept_waker)| Event::PollEnd { result, kept_waker })
    };
    let task_end = || {
        let ends = vec![EndKind::Returned, EndKind::Cancelled, EndKind::Unknown];
        (task(), select(ends)).prop_map(|(task, end)| Event::TaskEnd {
            task,
            end,
            inferred: false,
            cancelled_by: CancelledBy::Unknown,
        })
    };
    let moves = prop_oneof![
        12 => (begin(), end()).prop_map(|(begin, end)| vec![begin, end]),
        2 => (begin(), end(), task_end()).prop_map(|(begin, end, last)| vec![begin, end, last]),
        6 => begin().prop_map(|event| vec![event]),
        6 => end().prop_map(|event| vec![event]),
        6 => task().prop_map(|task| vec![Event::Wake { task, op: WakeOp::ByRef }]),
        1 => Just(vec![Event::Park]),
        2 => events::event().prop_map(|event| vec![event]),
    ];
    let elapsed = prop_oneof![3 => Just(0), 1 => 0..3u64];
    let moves = prop::collection::vec((0..3u32, elapsed, moves), 0..150);
    moves.prop_map(|moves| {
        let events = |(thread, elapsed, events): (u32, u64, Vec<_>)| {
            let mut elapsed = std::iter::once(elapsed).chain(std::iter::repeat(0));
            events.into_iter().map(move |event| (thread, elapsed.next().unwrap_or(0), event))
        };
        moves.into_iter().flat_map(events).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 1_000 }))]

    #[test]
    fn figures_of_anything_are_those_of_the_open_trace(
        events in anything(), length in 1..40usize, how in how(),
    ) {
        let file = file(&events, length);
        let expected = Trace::from_bytes(&file).unwrap().summary();
        prop_assert_eq!(sum_up(file, how).summary, expected);
    }

    #[test]
    fn figures_of_entangled_polls_are_those_of_the_open_trace(
        events in entangled(), length in 1..40usize, how in how(),
    ) {
        let file = file(&events, length);
        let expected = Trace::from_bytes(&file).unwrap().summary();
        prop_assert_eq!(sum_up(file, how).summary, expected);
    }

    #[test]
    fn figures_of_a_damaged_file_are_those_of_the_open_trace(
        events in entangled(), length in 1..40usize, how in how(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = file(&events, length);
        for (at, bits) in flips {
            let at = at.index(file.len());
            file[at] ^= bits;
        }
        if let Ok(trace) = Trace::from_bytes(&file) {
            // Where times go back, it matters for a row's start in which chunk it stands.
            let how = How { rows: CHUNK, ..how };
            prop_assert_eq!(sum_up(file, how).summary, trace.summary());
        }
    }
}

fn generated(polls: u64, tasks: u64, seed: u64) -> Vec<u8> {
    let mut file = Vec::new();
    generate(&Options { polls, tasks, workers: 3, seed }, &mut file).unwrap();
    file
}

#[test]
fn figures_of_programs_are_those_of_the_open_trace() {
    for (file, how) in [
        (generated(60_000, 300, 1), How { rows: CHUNK, items: 1_000 }),
        (generated(60_000, 20_000, 2), How { rows: 100, items: 1_000 }),
        (generated(30_000, 10, 3), How { rows: 3, items: 100 }),
    ] {
        let expected = Trace::from_bytes(&file).unwrap().summary();
        assert_eq!(sum_up(file, how).summary, expected, "{how:?}");
    }
}

#[test]
fn figures_of_recordings_are_those_of_the_open_trace() {
    let recordings = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demos/recordings");
    for recording in std::fs::read_dir(recordings).unwrap() {
        let path = recording.unwrap().path();
        let file = std::fs::read(&path).unwrap();
        let expected = Trace::from_bytes(&file).unwrap().summary();
        for how in [How { rows: 1, items: 30 }, How { rows: 40, items: 1_000 }] {
            assert_eq!(sum_up(file.clone(), how).summary, expected, "{path:?} {how:?}");
        }
    }
}

#[test]
fn rows_grow_with_tasks_and_not_with_polls() {
    for polls in [50_000, 200_000, 800_000] {
        let how = How { rows: 256, items: 1_000 };
        let Summed { summary, most_rows, .. } = sum_up(generated(polls, 200, 1), how);
        assert_eq!(summary.polls, polls);
        let tasks = summary.tasks.spawned + summary.tasks.blocking;
        // Three of each, those of a step, and chunks that are not full.
        let most = 3 * tasks as usize + how.items + 10 * how.rows;
        assert!(most_rows < most, "{polls}: {most_rows}, {most}");
    }
}

#[test]
fn a_task_that_turns_out_to_be_none_is_read_once_more() {
    use taskscope_format::{Flavor, RuntimeId, Source};

    // The only one that a hooked runtime on one thread polls in a span: a `block_on`.
    let mut events = vec![
        Event::Runtime {
            id: RuntimeId(0),
            flavor: Flavor::CurrentThread,
            workers: 1,
            name: "",
            hooked: true,
        },
        Event::Worker(Some((RuntimeId(0), 0))),
    ];
    for task in [1, 2].into_iter().cycle().take(40) {
        let source = if task == 1 { Source::Span } else { Source::Hook };
        events.push(Event::PollStart { task: TaskId(task), source });
        events.push(Event::PollEnd { result: PollResult::Pending, kept_waker: true });
    }
    let events: Vec<_> = events.into_iter().map(|event| (0, 5, event)).collect();
    let file = file(&events, 10);
    let summed = sum_up(file.clone(), How { rows: 4, items: 4 });
    assert_eq!((summed.times, summed.summary.polls), (2, 20));
    assert_eq!(summed.summary, Trace::from_bytes(&file).unwrap().summary());
}
