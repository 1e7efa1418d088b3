//! Traces of anything, and all that can be said of one.

use std::fmt::Write as _;

use proptest::prelude::*;
use taskscope_format::Event;
use taskscope_model::findings::findings;
use taskscope_model::{TaskIx, Trace, questions};

use super::common::{Recording, Thread, all_lanes};
use super::events;

/// All that can be said of a trace.
pub fn facts(trace: &Trace) -> String {
    let mut facts = format!("{:?}\n{:?}\n", trace.summary(), trace.report());
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        let of = trace.task(task);
        let figures = (of.busy(), of.longest(), of.hop_count(), of.wake_count());
        writeln!(facts, "{:?} {:?} {figures:?}", task, of.id).expect("a string takes it");
        for poll in trace.task_polls(task) {
            let (cause, arrival) = (trace.cause(poll), trace.arrival(poll));
            writeln!(facts, " {:?} {cause:?} {arrival:?}", trace.poll(poll))
                .expect("a string takes it");
            writeln!(facts, " {:?}", trace.waited_for(poll)).expect("a string takes it");
        }
        let wakes: Vec<_> = trace.task_wakes(task).map(|wake| trace.wake(wake)).collect();
        writeln!(facts, " {wakes:?} {:?}", trace.states(task).collect::<Vec<_>>())
            .expect("a string takes it");
    }
    for lane in all_lanes(trace) {
        let marks = trace.lod_spans(lane, trace.span(), 50);
        let parks: Vec<_> = trace.lane(lane).parks().collect();
        writeln!(facts, "{} {marks:?} {parks:?}", trace.lane_name(lane))
            .expect("a string takes it");
    }
    let hops: Vec<_> = trace.hops().map(|hop| (trace.poll(hop.from), trace.poll(hop.to))).collect();
    writeln!(facts, "{hops:?} {:?} {:?}", trace.gaps(), trace.drops()).expect("a string takes it");
    let (visits, said): (Vec<_>, Vec<_>) =
        (trace.span_visits().collect(), trace.messages().collect());
    writeln!(facts, "{visits:?} {said:?}").expect("a string takes it");
    let findings = questions::now(findings(trace));
    writeln!(facts, "{findings:?}").expect("a string takes it");
    facts
}

/// The first line in which two differ.
pub fn difference<'a>(a: &'a str, b: &'a str) -> Option<(&'a str, &'a str)> {
    a.lines().zip(b.lines()).find(|(a, b)| a != b).or((a.len() != b.len()).then_some((a, b)))
}

/// What threads do: most of it makes sense, and time passes.
pub fn anything() -> impl Strategy<Value = Vec<(u32, u64, Event<'static>)>> {
    let elapsed = prop_oneof![4 => 0..5u64, 8 => 1..100u64, 1 => Just(10_000_000_000)];
    prop::collection::vec((0..4u32, elapsed, events::event()), 0..150)
}

/// A recording in blocks of a few events.
pub fn file(events: &[(u32, u64, Event<'static>)], length: usize) -> Vec<u8> {
    let mut recording = Recording::new();
    for thread in 0..4 {
        let mut now = 0u64;
        let its: Vec<_> = events.iter().filter(|event| event.0 == thread).collect();
        let blocks = its.chunks(length).map(|block| {
            block.iter().fold(Thread::default(), |t, (_, elapsed, event)| {
                now += elapsed;
                t.at(now).event(*event)
            })
        });
        recording = recording.blocks(thread, blocks.collect());
    }
    recording.file()
}
