//! What lanes with many polls show, at every zoom: questions that sum over groups and chunks of polls
//! have the same answers as a look at each poll, in traces that are large enough to have many.

mod common;

use common::file;
use taskscope_generate::Options;
use taskscope_model::{LaneIx, TaskIx, TaskTimes, Trace};

fn trace() -> Trace {
    let options = Options { polls: 200_000, tasks: 3_000, workers: 3, seed: 5 };
    Trace::from_bytes(&file(&options).0).expect("a generated trace opens")
}

#[test]
fn marks_of_many_polls_add_up() {
    let trace = trace();
    let span = trace.span();
    for lane in (0..trace.lanes().len() as u16).map(LaneIx) {
        let polls: Vec<_> = trace.lane_polls(lane).collect();
        let steps =
            std::iter::successors(Some(span.end - span.start), |step| Some(step / 3)).take(16);
        for step in steps {
            let marks = trace.lod_spans(lane, span.clone(), step);
            let depths = polls.iter().map(|(_, poll)| poll.depth).max().unwrap_or(0);
            for depth in 0..=depths {
                let mut rest = polls.iter().filter(|(_, poll)| poll.depth == depth);
                for mark in marks.iter().filter(|mark| mark.depth == depth) {
                    let of_mark: Vec<_> = rest.by_ref().take(mark.count as usize).collect();
                    let first = of_mark.first().expect("a mark has a poll");
                    assert_eq!(mark.start, first.1.start, "step {step}");
                    let occupied = |&&(ix, ref poll): &&(_, taskscope_model::Poll)| {
                        trace.lane_end(ix) - poll.start
                    };
                    let busy: u64 = of_mark.iter().map(occupied).sum();
                    assert_eq!(mark.busy, busy, "step {step}");
                    let longest = of_mark.iter().map(occupied).max();
                    let poll = trace.poll(mark.poll);
                    assert_eq!(Some(trace.lane_end(mark.poll) - poll.start), longest);
                    assert!(mark.count == 1 || longest < Some(step), "long ones stand alone");
                    // It ends with its step, or a little later where there are many in it.
                    let last = of_mark.last().map_or(0, |(_, poll)| poll.start);
                    let of_step = (mark.start / step + 1) * step;
                    let late = of_mark.iter().filter(|(_, poll)| poll.start >= of_step).count();
                    assert!(
                        last < of_step || late * 4 <= of_mark.len(),
                        "{late} of {} are late",
                        of_mark.len()
                    );
                }
                assert_eq!(rest.next(), None, "every poll is in a mark; step {step}");
            }
        }
    }
}

#[test]
fn times_of_all_tasks_are_those_of_each_task() {
    let trace = trace();
    let mut times = TaskTimes::new(&trace);
    while !times.step(&trace) {}
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        assert_eq!(times.get(task), trace.state_times(task));
    }
}
