//! What a flight recorder wrote: a window, and what still held when it begins.

mod common;

use common::{Recording, ix, lane, polls, task};
use taskscope_format::{Event, Source, Spawn, TaskId, TaskKind};
use taskscope_model::{PollEnd, Trace, meta};

/// Task 1 has been polled since long before the window, task 2 waits, worker 1 sleeps.
fn dump() -> Trace {
    let spawn = |task| {
        let mut spawn = Spawn::new(TaskId(task), TaskKind::Task, Source::Hook);
        spawn.name = Some("old");
        spawn
    };
    let window = |key, value| Event::Meta { key, value };
    Recording::new()
        .thread(0, |t| {
            let recorded = t.at(1_500).event(window(meta::WINDOW, "1000"));
            recorded.event(window(meta::DUMP, "signal SIGUSR2"))
        })
        .thread(3, |t| t.at(10).spawn_with(spawn(1)).at(20).spawn_with(spawn(2)))
        .thread(1, |t| {
            let before = t.worker(0).at(900).poll(1);
            before.at(1_200).pending().at(1_300).poll(2).at(1_310).ready()
        })
        .thread(2, |t| t.worker(1).at(500).park().at(1_000).unpark().at(1_100).park())
        .trace()
}

#[test]
fn a_window_begins_with_what_was_going_on() {
    let trace = dump();
    assert_eq!(trace.span(), 1_000..1_310);
    let [open] = polls(&trace, 1)[..] else { panic!("one poll") };
    assert_eq!((open.start, open.end, open.how), (1_000, 1_200, PollEnd::Pending));
    let parks: Vec<_> =
        trace.lane(lane(&trace, 1)).parks().map(|park| (park.start, park.end)).collect();
    assert_eq!(parks, [(1_000, 1_000), (1_100, 1_310)]);
    assert_eq!(trace.summary().dump.as_deref(), Some("signal SIGUSR2"));
}

#[test]
fn what_is_older_keeps_its_facts_and_says_that_it_is() {
    let trace = dump();
    for id in [1, 2] {
        let task = task(&trace, id);
        assert_eq!((task.spawned, task.name()), (None, Some("old")));
    }
    let begun = |id| trace.began_before(trace.task_polls(ix(&trace, id)).first().unwrap());
    assert_eq!((begun(1), begun(2)), (Some(900), None));
}

#[test]
fn a_window_that_makes_no_sense_is_none() {
    for value in ["", "soon", "-1"] {
        let window = Event::Meta { key: meta::WINDOW, value };
        let trace = Recording::new()
            .thread(0, |t| t.event(window))
            .thread(1, |t| t.worker(0).at(10).poll(1).at(20).ready())
            .trace();
        assert_eq!(trace.span(), 0..20);
    }
    let far = Event::Meta { key: meta::WINDOW, value: "18446744073709551615" };
    let trace = Recording::new()
        .thread(0, |t| t.event(far))
        .thread(1, |t| t.worker(0).at(10).poll(1).at(20).dropped(1, 15))
        .trace();
    assert_eq!(trace.span(), u64::MAX..u64::MAX);
}
