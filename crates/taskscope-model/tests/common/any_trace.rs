//! Traces of any kind, for questions about many polls at once.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use proptest::prelude::*;
use taskscope_format::{CancelledBy, EndKind, Event, PollResult, TaskId};
use taskscope_generate::{Options, generate};
use taskscope_model::Trace;

use crate::common::{Recording, Thread};

/// Threads that do anything in any order: polls nest, tasks are polled on two at once, events and
/// a block are missing.
pub fn any_trace() -> impl Strategy<Value = Trace> {
    let elapsed = prop_oneof![30 => 0..12u64, 1 => 0..6_000_000_000u64];
    let steps = prop::collection::vec((elapsed, 0..17u8, 0..8u64), 0..120);
    (steps.clone(), steps, any::<bool>(), 0..3usize).prop_map(|(first, second, runtime, lost)| {
        let on = |steps: Vec<(u64, u8, u64)>| {
            move |mut thread: Thread| {
                let mut now = 5;
                for (elapsed, what, task) in steps {
                    now += elapsed;
                    thread = thread.at(now);
                    thread = match what {
                        0..=2 => thread.poll(task),
                        3..=4 => thread.pending(),
                        5 => thread.pending_with_waker(),
                        6..=8 => thread.wake(task),
                        9 => thread.worker(task as u32 % 2),
                        10 if task < 2 => thread.no_worker(),
                        10 => thread.park(),
                        11 => thread.unpark(),
                        12 => thread.spawn(task),
                        13 => thread.end(task, EndKind::Returned),
                        14 => thread.event(Event::TaskEnd {
                            task: TaskId(task),
                            end: EndKind::Cancelled,
                            inferred: false,
                            cancelled_by: CancelledBy::Unknown,
                        }),
                        15 if task < 2 => thread.ends(PollResult::Panicked),
                        15 => thread.ready(),
                        _ if task == 0 => thread.dropped(3, now.saturating_sub(4)),
                        _ => thread.pending(),
                    };
                }
                thread
            }
        };
        let start = move |t: Thread| if runtime { t.at(1).runtime(2) } else { t };
        let half = second.len() / 2;
        let (one, two) = (second[..half].to_vec(), second[half..].to_vec());
        let recording = Recording::new()
            .thread(0, |t| on(first)(start(t).worker(0)))
            .blocks(1, vec![on(one)(Thread::default().worker(1)), on(two)(Thread::default())]);
        match lost {
            0 => recording.without_block(1),
            _ => recording.trace(),
        }
    })
}

/// Times of interest, and some around them.
pub fn times(trace: &Trace) -> Vec<u64> {
    let polls = trace.polls().flat_map(|(_, poll)| [poll.start, poll.end]);
    let wakes = trace.wakes().map(|wake| trace.wake(wake).time);
    let mut times: Vec<u64> = polls.chain(wakes).flat_map(|t| [t.saturating_sub(1), t]).collect();
    times.extend([0, trace.span().start, trace.span().end, trace.span().end + 1]);
    times.sort_unstable();
    times.dedup();
    times
}

/// A plausible program.
pub fn generated(polls: u64, tasks: u64, seed: u64) -> Trace {
    let mut file = Vec::new();
    generate(&Options { polls, tasks, workers: 3, seed }, &mut file).expect("it can be generated");
    Trace::from_bytes(&file).expect("it opens")
}
