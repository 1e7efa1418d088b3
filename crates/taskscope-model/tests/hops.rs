//! Tasks that move from worker to worker.

mod common;

use common::{Recording, ix, lane, polls, task};
use taskscope_format::TaskKind;
use taskscope_model::Trace;

/// From and to, as workers and times.
fn hops(trace: &Trace) -> Vec<(String, u64, String, u64)> {
    let side = |poll| trace.lane_name(trace.poll(poll).lane);
    let hop = |hop: &taskscope_model::Hop| {
        (side(hop.from), trace.poll(hop.from).end, side(hop.to), trace.poll(hop.to).start)
    };
    trace.hops().map(|found| hop(&found)).collect()
}

#[test]
fn a_hop_is_a_poll_on_another_worker_than_the_poll_before() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7).at(20).pending().at(50).poll(7).at(60).ready())
        .thread(1, |t| t.worker(1).at(30).poll(7).at(35).pending().at(40).poll(7).at(45).pending())
        .trace();
    let (zero, one) = ("worker 0".to_owned(), "worker 1".to_owned());
    assert_eq!(hops(&trace), [(zero.clone(), 20, one.clone(), 30), (one, 45, zero, 50)]);
    assert_eq!((task(&trace, 7).hop_count(), trace.summary().hops), (2, 2));
}

#[test]
fn another_thread_behind_the_same_worker_is_no_hop() {
    // block_in_place hands the worker's core to another thread.
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7).at(20).pending().no_worker())
        .thread(1, |t| t.worker(0).at(30).poll(7).at(35).pending())
        .trace();
    assert_eq!(hops(&trace), []);
    assert_eq!(polls(&trace, 7)[0].lane, polls(&trace, 7)[1].lane);
}

#[test]
fn leaving_a_worker_for_a_plain_thread_or_another_runtime_is_no_hop() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7).at(20).pending())
        .thread(1, |t| t.at(30).poll(7).at(35).pending())
        .thread(2, |t| t.worker_of(1, 0).at(40).poll(7).at(45).pending())
        .trace();
    assert_eq!(hops(&trace), []);
}

#[test]
fn local_tasks_do_not_hop() {
    let trace = Recording::new()
        .thread(0, |t| t.spawn_kind(7, TaskKind::Local).worker(0).at(10).enter(7).at(20).pending())
        .thread(1, |t| t.worker(1).at(30).enter(7).at(35).pending())
        .trace();
    assert_eq!(hops(&trace), []);
}

#[test]
fn hops_of_a_window_are_those_that_arrive_in_it() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(7).at(20).pending().at(10).poll(8).at(20).pending())
        .thread(1, |t| {
            t.worker(1).at(30).poll(8).at(35).pending().at(200).poll(7).at(210).pending()
        })
        .trace();
    let arriving = |window| trace.hops_arriving(window).count();
    assert_eq!(arriving(0..30), 0, "before both");
    assert_eq!(arriving(30..31), 1, "task 8");
    assert_eq!(arriving(0..300), 2);
    assert_eq!(arriving(31..200), 0, "between them");
    assert_eq!(arriving(201..300), 0, "after both");
    assert_eq!(lane(&trace, 1).get(), 1);
}

/// Blocks reach a file in any order; people read runtimes in one.
#[test]
fn runtimes_stand_in_the_order_in_which_the_recorder_met_them() {
    let trace = Recording::new()
        .thread(0, |t| t.worker_of(1, 0).at(10).poll(7).at(20).ready())
        .thread(1, |t| t.worker_of(0, 0).at(30).poll(8).at(40).ready())
        .trace();
    let ids: Vec<u32> = trace.summary().runtimes.iter().map(|runtime| runtime.id).collect();
    assert_eq!(ids, [0, 1]);
    let lanes = [8, 7].map(|task| polls(&trace, task)[0].lane);
    assert_eq!(trace.lane_order(), lanes);
    for (task, id) in [(8, 0), (7, 1)] {
        let runtime = trace.task(ix(&trace, task)).runtime.unwrap();
        assert_eq!(trace.runtimes()[runtime as usize].id, id);
        assert_eq!(trace.runtimes()[runtime as usize].workers, [polls(&trace, task)[0].lane]);
    }
}
