//! A snapshot takes over what has not changed since the one before: all of it is right nevertheless.

mod common;

use std::io;
use std::sync::{Arc, Mutex};

use common::{Recording, Thread, all_lanes};
use taskscope_format::{EndKind, Event, PollResult};
use taskscope_model::{Direction, LaneIx, Loader, Nanos, PollIx, Source, Trace};

/// What a lane says of its polls in steps of this length.
fn counted(trace: &Trace, lane: LaneIx, step: Nanos) -> (u64, Nanos) {
    let spans = trace.lod_spans(lane, trace.span(), step);
    let outer = spans.iter().filter(|span| span.depth == 0);
    (spans.iter().map(|span| u64::from(span.count)).sum(), outer.map(|span| span.busy).sum())
}

/// Holds what a trace has summed up against its polls, one by one.
fn check(trace: &Trace) {
    let mut times: Vec<Nanos> = Vec::new();
    for lane in all_lanes(trace) {
        let polls: Vec<(PollIx, _)> = trace.lane_polls(lane).collect();
        let outer = polls.iter().filter(|(_, poll)| poll.depth == 0);
        let busy = outer.map(|(ix, poll)| trace.lane_end(*ix) - poll.start).sum::<Nanos>();
        let of = trace.lane(lane);
        assert_eq!((of.poll_count(), of.busy), (polls.len() as u64, busy));
        for step in [1, 1_000, 100_000, 10_000_000] {
            let (count, in_spans) = counted(trace, lane, step);
            assert_eq!((count, in_spans), (polls.len() as u64, busy), "in steps of {step}");
        }
        times.extend(polls.iter().flat_map(|(ix, poll)| [poll.start, trace.lane_end(*ix)]));
    }
    for task in trace.tasks().map(|task| task.id) {
        let ix = trace.find_task(task).expect("it has the task");
        assert_eq!(trace.task(ix).id, task);
        let (polls, of) = (trace.task_polls(ix), trace.task(ix));
        let busy: Nanos = polls.iter().map(|poll| trace.poll(poll).duration()).sum();
        assert_eq!((polls.iter().count(), of.busy()), (of.poll_count() as usize, busy));
        let hops = polls.iter().filter(|&poll| trace.is_hop(poll)).count();
        assert_eq!(of.hop_count() as usize, hops);
        times.extend(trace.task_wakes(ix).map(|wake| trace.wake(wake).time));
        times.extend(polls.iter().map(|poll| trace.poll(poll).end));
        times.extend(of.spawned.into_iter().chain(of.end.map(|end| end.time)));
    }
    times.sort_unstable();
    for time in [0, trace.span().end / 2, trace.span().end - 1] {
        let next = times.iter().find(|&&event| event > time).copied();
        assert_eq!(trace.next_event(time, Direction::Forward), next, "after {time}");
        let before = times.iter().rfind(|&&event| event < time).copied();
        assert_eq!(trace.next_event(time, Direction::Back), before, "before {time}");
    }
}

const BLOCKS: u64 = 20;

/// What a worker does: tasks are polled again and again, in an order that has no pattern, and one after
/// another ends, some time after what may have been its drop.
fn works(index: u64) -> Vec<Thread> {
    const TASKS: u64 = 300;
    let of = |number: u64| 1 + index * TASKS + number * 7_919 % TASKS;
    let mut now = 10 + index;
    (0..BLOCKS)
        .map(|block| {
            let mut thread = Thread::default().at(now).worker(index as u32);
            for turn in block * 400..(block + 1) * 400 {
                let task = of(turn * turn);
                let other = of(turn);
                now += 300;
                thread = thread.at(now).enter(task).at(now + 40).wake(other);
                thread = match turn % 5 {
                    0 => thread.at(now + 100).wake(task).at(now + 120).pending(),
                    1 => thread.at(now + 60).enter(other).at(now + 150).pending().pending(),
                    2 => thread.at(now + 200 + turn % 50).pending_with_waker(),
                    // The thread stops being the worker meanwhile.
                    3 if turn % 40 == 3 => {
                        let left = thread.at(now + 50).no_worker().at(now + 130).pending();
                        left.at(now + 131).worker(index as u32)
                    }
                    _ => thread.at(now + 100).ends(PollResult::Pending),
                };
                if turn % 16 == 7 {
                    thread = thread.at(now + 280).end(of(turn / 16), EndKind::Returned);
                }
                if turn % 64 == 9 {
                    thread = thread.at(now + 281).event(Event::Park);
                    now += if turn % 640 == 9 { 5_000_000_000 } else { 1_000 };
                    thread = thread.at(now + 282).event(Event::Unpark);
                }
            }
            thread
        })
        .collect()
}

/// A file that grows.
#[derive(Default)]
struct Growing(Mutex<Vec<u8>>);

impl Source for Growing {
    fn length(&self) -> io::Result<u64> {
        self.0.lock().expect("no thread panics").length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().expect("no thread panics").read_at(offset, buffer)
    }
}

#[test]
fn what_each_snapshot_has_summed_up_is_what_its_polls_say() {
    // One poll goes on while much else comes.
    let mut recording = Recording::new().thread(9, |t| t.at(1).poll(1_000_000));
    let mut threads: Vec<_> = (0..3).map(|index| works(index).into_iter()).collect();
    for block in 0.. {
        if block == BLOCKS / 2 {
            recording = recording.thread(9, |t| t.at(20_000_000_000).ready());
        }
        let blocks: Vec<_> = threads.iter_mut().filter_map(Iterator::next).collect();
        if blocks.is_empty() {
            break;
        }
        recording = (0..)
            .zip(blocks)
            .fold(recording, |recording, (thread, block)| recording.blocks(thread, vec![block]));
    }
    let file = recording.file();
    let growing = Arc::new(Growing::default());
    let mut loader = Loader::follow(growing.clone()).expect("it opens");
    let mut snapshots = Vec::new();
    for piece in file.chunks(file.len() / 20) {
        growing.0.lock().expect("no thread panics").extend_from_slice(piece);
        loader.catch_up().expect("memory can be read");
        let snapshot = loader.snapshot();
        check(&snapshot);
        snapshots.push(snapshot);
    }
    assert!(loader.is_complete());
    let whole = loader.finish();
    check(&whole);
    assert_eq!(whole.poll_count(), Trace::from_bytes(&file).expect("it opens").poll_count());
    snapshots.iter().for_each(check);
}
