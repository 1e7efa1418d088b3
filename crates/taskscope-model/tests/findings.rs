//! What the rules about polls and queues find, and what they must not take for that.

mod common;
#[path = "common/found.rs"]
mod found;

use common::{Recording, Thread, ix, lane};
use found::{MS, alarms, found, only, spawn_at};
use taskscope_format::{Event, Level, Location, Span, SpanId, Spawn, TaskKind, meta};
use taskscope_model::findings::{Kind, RULES, Severity, affected};
use taskscope_model::questions::now;
use taskscope_model::{Nanos, Trace};

/// A poll of task 1 that spawns others and goes on for so long.
fn holds(t: Thread, begin: Nanos, length: Nanos) -> Thread {
    t.at(begin).poll(1).spawn_with(spawn_at(7, 9)).at(begin + length).pending_with_waker()
}

#[test]
fn a_poll_that_held_its_worker() {
    let trace = Recording::new()
        .thread(0, |t| {
            let t = t
                .runtime(2)
                .worker(0)
                .spawn_with(Spawn { name: Some("conn 47"), ..spawn_at(1, 3) });
            holds(t, 5 * MS, 31 * MS).at(37 * MS).poll(7).at(38 * MS).ready()
        })
        .trace();
    let of = only(&trace);
    assert_eq!((of.kind, of.severity, of.certain), (Kind::HeldWorker, Severity::Severe, true));
    assert_eq!((of.task, of.worker), (Some(ix(&trace, 1)), Some(lane(&trace, 0))));
    assert_eq!((of.start, of.end), (5 * MS, 36 * MS));
    assert_eq!(of.poll, trace.task_polls(ix(&trace, 1)).first());
    let expected = "`conn 47` held worker 0 for 31.0 ms; 1 task was scheduled there meanwhile, for 31.0 ms of it";
    assert_eq!(of.evidence, expected);
    assert!(of.advice().contains("spawn_blocking"));
    assert_eq!(now(affected(&trace, None, &of)), [ix(&trace, 7)]);
}

/// Two tasks wait; task 1 holds one of two workers, and right behind that the driver of worker 0 wakes both.
fn unattended(meanwhile: impl FnOnce(Thread) -> Thread) -> Trace {
    Recording::new()
        .thread(0, |t| {
            let t = t.runtime(2).worker(0);
            let t =
                t.spawn_with(spawn_at(1, 3)).spawn_with(spawn_at(7, 9)).spawn_with(spawn_at(8, 9));
            let t = t.at(MS).poll(7).at(MS + 1000).pending_with_waker();
            let t = t.at(2 * MS).poll(8).at(2 * MS + 1000).pending_with_waker();
            let t = t.at(5 * MS).poll(1).at(40 * MS).pending_with_waker();
            let t = t.park().at(40 * MS + 5_000).wake(7).wake(8).unpark();
            t.at(40 * MS + 9_000)
                .poll(7)
                .at(41 * MS)
                .ready()
                .at(42 * MS)
                .poll(8)
                .at(43 * MS)
                .ready()
        })
        .thread(1, |t| meanwhile(t.worker(1)))
        .trace()
}

#[test]
fn a_poll_while_nobody_looks_after_timers_and_sockets() {
    let of = only(&unattended(|t| t.at(3 * MS).park().at(41 * MS).unpark()));
    assert_eq!((of.kind, of.severity, of.certain), (Kind::HeldWorker, Severity::Severe, false));
    let expected = "`task 1` held worker 0 for 35.0 ms; meanwhile no worker looked after timers and I/O, and 2 tasks were \
                    woken only after it (inferred)";
    assert_eq!(of.evidence, expected);
    let trace = unattended(|t| t);
    assert_eq!(now(affected(&trace, None, &of)), [ix(&trace, 7), ix(&trace, 8)]);
}

#[test]
fn a_long_poll_is_said_to_be_in_the_programs_own_span() {
    let span = |id, name| {
        let (level, target, fields) = (Level::Info, "shop", "");
        let location = Some(Location { file: "src/shop.rs", line: 28, column: 1 });
        Event::Span(Span { id: SpanId(id), parent: None, level, name, target, fields, location })
    };
    let trace = Recording::new()
        .thread(0, |t| {
            let t = t.runtime(2).worker(0).spawn_with(spawn_at(1, 3)).at(5 * MS).poll(1);
            let t = t.event(span(0, "request")).event(Event::SpanEnter(SpanId(0)));
            let t = t.at(6 * MS).event(span(1, "report")).event(Event::SpanEnter(SpanId(1)));
            let t = t.spawn_with(spawn_at(7, 9)).at(35 * MS).event(Event::SpanExit(SpanId(1)));
            let t = t.at(36 * MS).event(Event::SpanExit(SpanId(0))).pending_with_waker();
            t.at(37 * MS).poll(7).at(38 * MS).ready()
        })
        .trace();
    let of = only(&trace);
    assert!(
        of.evidence
            .starts_with("`task 1` held worker 0 for 31.0 ms, in its span `report` (shop.rs:28); "),
        "{}",
        of.evidence
    );
}

#[test]
fn a_poll_beside_a_worker_that_looks_after_timers_and_sockets_harms_no_one() {
    let trace = unattended(|t| {
        let t = t.at(3 * MS).spawn_with(spawn_at(9, 9)).poll(9).at(4 * MS).pending_with_waker();
        t.at(5 * MS).park().at(30 * MS).wake(9).unpark().poll(9).at(31 * MS).ready()
    });
    assert_eq!(alarms(&trace), []);
}

#[test]
fn who_waited_longest_for_a_held_worker_is_named_first() {
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(2).worker(0).spawn_with(spawn_at(1, 3)).at(5 * MS).poll(1);
            for (task, after) in [(10, 1), (8, 3), (7, 9), (9, 20)] {
                t = t.at((5 + after) * MS).spawn_with(spawn_at(task, 9));
            }
            t = t.at(45 * MS).pending_with_waker();
            for task in [7, 8, 9] {
                t = t.poll(task).ready();
            }
            t
        })
        // It steals one, and polls another that never stood in that queue.
        .thread(1, |t| {
            let t = t.worker(1).at(8 * MS).poll(10).at(9 * MS).ready();
            t.at(10 * MS).spawn_with(spawn_at(11, 9)).at(12 * MS).poll(11).at(13 * MS).ready()
        })
        .trace();
    let held = only(&trace);
    assert!(held.evidence.contains("4 tasks were scheduled there"), "{}", held.evidence);
    let waited = now(affected(&trace, None, &held));
    assert_eq!(waited, [8, 7, 9, 10].map(|task| ix(&trace, task)));
}

#[test]
fn a_poll_that_held_its_worker_again_and_again_is_one_finding_with_the_worst() {
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0).spawn_with(spawn_at(1, 3));
            for turn in 0..1_000 {
                let length = if turn == 600 { 90 } else { 30 };
                t = t.at(turn * 100 * MS).poll(1).spawn_with(spawn_at(1_000 + turn, 9));
                t = t.at((turn * 100 + length) * MS).pending_with_waker();
                t = t.poll(1_000 + turn).ready();
            }
            t
        })
        .trace();
    let of = only(&trace);
    assert_eq!((of.count, of.start), (1_000, 60_000 * MS));
    assert!(of.evidence.contains("held worker 0 for 90.0 ms"), "{}", of.evidence);
    assert!(of.evidence.contains("1,000 polls of 1 task from this place"), "{}", of.evidence);
}

#[test]
fn a_poll_that_no_one_waited_for_is_a_note() {
    let idle = Recording::new()
        .thread(0, |t| t.runtime(2).worker(0).spawn(1).at(5 * MS).poll(1).at(99 * MS).ready());
    let of = only(&idle.trace());
    assert_eq!((of.kind, of.severity), (Kind::HeldWorker, Severity::Note));
    assert!(of.evidence.contains("no task was scheduled there"), "{}", of.evidence);
    // What it spawned was stolen at once.
    let stolen = Recording::new()
        .thread(0, |t| holds(t.runtime(2).worker(0).spawn(1), 5 * MS, 40 * MS))
        .thread(1, |t| t.worker(1).at(6 * MS).poll(7).at(7 * MS).ready());
    assert_eq!(only(&stolen.trace()).severity, Severity::Note);
}

#[test]
fn where_wakes_are_not_recorded_no_one_is_said_to_have_waited_or_not() {
    let trace = Recording::new()
        .thread(9, |t| t.event(Event::Meta { key: meta::DETAIL, value: meta::DETAIL_POLLS }))
        .thread(0, |t| t.runtime(2).worker(0).spawn(1).at(5 * MS).poll(1).at(99 * MS).ready())
        .trace();
    let of = only(&trace);
    assert_eq!(of.severity, Severity::Note);
    assert!(of.evidence.ends_with("meanwhile was not recorded"), "{}", of.evidence);
}

#[test]
fn what_holds_no_worker_is_not_found() {
    for kind in [TaskKind::Blocking, TaskKind::BlockOn] {
        let trace = Recording::new()
            .thread(0, |t| holds(t.runtime(2).worker(0).spawn_kind(1, kind), 5 * MS, 99 * MS))
            .trace();
        assert_eq!(found(&trace), [], "{kind:?}");
    }
    // No worker's thread.
    let trace = Recording::new().thread(0, |t| holds(t.spawn(1), 5 * MS, 99 * MS)).trace();
    assert_eq!(found(&trace), []);
}

/// Polls of a few microseconds of which some take what a thread waits for its turn: the longer, the fewer.
#[test]
fn delays_of_all_lengths_are_a_lack_of_processors() {
    let lengths = [6, 6, 7, 8, 11, 12, 14, 19, 24, 37];
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0);
            for (task, begin) in (1..=200).zip((0..).step_by(100)) {
                let length = lengths.get(task as usize / 3).copied().unwrap_or(0) * MS;
                t = t.at(begin * MS).spawn_with(spawn_at(task, 3)).poll(task);
                t = t.spawn_with(spawn_at(1_000 + task, 9));
                t = t.at(begin * MS + length + 5_000).ready().poll(1_000 + task).ready();
            }
            t
        })
        .trace();
    let of = only(&trace);
    assert_eq!((of.severity, of.certain), (Severity::Note, false));
    assert!(of.evidence.contains("perhaps its thread only waited for a processor"));
}

#[test]
fn a_poll_may_have_stood_still_if_more_workers_were_busy_than_there_are_processors() {
    let recorded = |processors: &'static str| {
        let mut recording = Recording::new()
            .thread(9, |t| t.event(Event::Meta { key: meta::PROCESSORS, value: processors }));
        for worker in 1..4 {
            recording = recording.thread(worker, |mut t| {
                t = t.worker(worker);
                for turn in 0..400 {
                    let task = 10 + u64::from(worker) * 1_000 + turn;
                    let at = turn * MS / 10;
                    t = t.at(at).spawn_with(spawn_at(task, 4)).poll(task).at(at + MS / 10).ready();
                }
                t
            });
        }
        let recording = recording.thread(0, |mut t| {
            t = t.runtime(4).worker(0).spawn_with(spawn_at(1, 3));
            for turn in 0..50 {
                t = t.at(turn * 10_000).poll(1).at(turn * 10_000 + 5_000).pending_with_waker();
            }
            holds(t, 5 * MS, 25 * MS)
        });
        recording.trace()
    };
    assert_eq!(alarms(&recorded("4")), [Kind::HeldWorker]);
    assert_eq!(alarms(&recorded("2")), []);
}

#[test]
fn where_events_are_missing_nothing_is_certain() {
    let trace = Recording::new()
        .thread(0, |t| holds(t.runtime(1).worker(0).spawn(1), 5 * MS, 40 * MS))
        .thread(1, |t| t.at(20 * MS).dropped(3, 10 * MS))
        .trace();
    let of = only(&trace);
    assert_eq!((of.kind, of.certain), (Kind::HeldWorker, false));
}

#[test]
fn a_poll_that_never_ends() {
    let recorded = |length| {
        Recording::new()
            .thread(0, |t| t.runtime(1).worker(0).spawn_with(spawn_at(1, 3)).at(MS).poll(1))
            .thread(1, |t| t.at(length).wake(1))
            .trace()
    };
    let of = only(&recorded(3_000 * MS));
    assert_eq!((of.kind, of.start, of.end), (Kind::NeverYields, MS, 3_000 * MS));
    assert!(of.evidence.contains("for 3.00 s and still did"), "{}", of.evidence);
    // It has just begun.
    assert_eq!(alarms(&recorded(400 * MS)), []);
}

/// Tasks that each compute for so long, behind one another on one worker.
fn queue(step: Nanos) -> Trace {
    Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0);
            for task in 1..=50 {
                t = t.spawn_with(spawn_at(task, 3));
            }
            for task in 1..=50 {
                t = t.at((task - 1) * step).poll(task).at(task * step).ready();
            }
            t
        })
        .trace()
}

#[test]
fn tasks_that_starve() {
    let of = only(&queue(4 * MS));
    assert_eq!((of.kind, of.count, of.end), (Kind::Starved, 25, 196 * MS));
    assert!(
        of.evidence.starts_with("`task 50` was scheduled for 196 ms before worker 0 polled it")
    );
    assert!(of.evidence.contains("49 times and was busy 100 %"), "{}", of.evidence);
    assert_eq!(found(&queue(MS)), []);
    // The process was stopped, or had no processor: no one polled meanwhile.
    let stopped = Recording::new()
        .thread(0, |t| t.runtime(1).worker(0).spawn(1).at(500 * MS).poll(1).at(501 * MS).ready());
    assert_eq!(found(&stopped.trace()), []);
}

#[test]
fn a_worker_that_was_idle_while_a_task_waited() {
    let recorded = |polled: Nanos, unpark| {
        Recording::new()
            .thread(0, |t| {
                let t = t.runtime(2).worker(0).spawn(1).spawn(2).at(MS).poll(1).at(2 * MS).wake(2);
                t.at(3 * MS).ready().at(polled).poll(2).at(polled + MS).ready()
            })
            .thread(1, |t| t.worker(1).park().at(unpark).unpark())
            .trace()
    };
    let of = only(&recorded(160 * MS, 170 * MS));
    assert_eq!((of.kind, of.severity, of.certain), (Kind::IdleWorker, Severity::Warning, false));
    assert_eq!(of.evidence, "`task 2` was scheduled for 160 ms while worker 1 was parked");
    // So long a busy machine keeps a thread waiting.
    assert_eq!(only(&recorded(60 * MS, 70 * MS)).severity, Severity::Note);
    assert_eq!(found(&recorded(60 * MS, 40 * MS)), []);
}

#[test]
fn yields_that_the_budget_forced_are_a_note() {
    let trace = Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0).spawn_with(spawn_at(1, 3));
            for turn in 0..12 {
                t = t.at(turn * 10).poll(1).event(Event::BudgetSpent);
                t = t.at(turn * 10 + 5).pending_with_waker().wake(1);
            }
            t
        })
        .trace();
    let of = only(&trace);
    assert_eq!((of.kind, of.severity, of.count), (Kind::ForcedYields, Severity::Note, 12));
    assert!(of.evidence.contains("12 polls of tasks from src/main.rs:3"), "{}", of.evidence);
}

#[test]
fn more_workers_than_processors_are_a_note() {
    let recorded = |processors: &'static str| {
        let mut recording = Recording::new()
            .thread(9, |t| t.event(Event::Meta { key: meta::PROCESSORS, value: processors }));
        for worker in 0..4 {
            recording = recording.thread(worker, |mut t| {
                t = if worker == 0 { t.runtime(4) } else { t }.worker(worker);
                for turn in 0..100 {
                    let task = 10 + u64::from(worker) * 1_000 + turn;
                    let length = if turn % 10 == 3 { 6 * MS } else { 40_000 };
                    let at = turn * 20 * MS;
                    t = t.at(at).spawn_with(spawn_at(task, 4)).poll(task).at(at + length).ready();
                }
                t
            });
        }
        recording.trace()
    };
    let of = only(&recorded("2"));
    assert_eq!((of.kind, of.severity, of.certain), (Kind::TooFewCores, Severity::Note, false));
    assert!(of.evidence.starts_with("4 workers on 2 processors, and 40 polls"), "{}", of.evidence);
    assert_eq!(found(&recorded("4")), []);
}

#[test]
fn the_worst_comes_first() {
    let trace = Recording::new()
        .thread(0, |t| {
            let huge = Spawn { size: Some(1 << 20), ..spawn_at(1, 3) };
            holds(t.runtime(1).worker(0).spawn_with(huge), 5 * MS, 40 * MS)
        })
        .trace();
    let kinds: Vec<_> = found(&trace).iter().map(|of| of.kind).collect();
    assert_eq!(kinds, [Kind::HeldWorker, Kind::HugeFuture]);
    assert_eq!(RULES, Kind::ALL.len(), "a rule for each kind");
}
