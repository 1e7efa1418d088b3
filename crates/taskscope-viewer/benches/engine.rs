//! What a trace costs, part by part: `cargo bench -p taskscope-viewer`.
//!
//! With `TASKSCOPE_TRACE=FILE` of that file. `taskscope bench FILE` measures the whole, as people meet it.

#![allow(missing_docs, reason = "a bench is no library")]

use std::sync::OnceLock;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use taskscope_format::Reader;
use taskscope_generate::{Options, generate};
use taskscope_model::{LaneIx, TaskTimes, Trace};
use taskscope_viewer::bench::Frames;

const POLLS: u64 = 1_000_000;

/// A trace of a million polls, in memory, or the file that is named.
fn file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        if let Some(path) = std::env::var_os("TASKSCOPE_TRACE") {
            return std::fs::read(path).expect("TASKSCOPE_TRACE names a file");
        }
        let mut file = Vec::new();
        generate(&Options::new(POLLS), &mut file).expect("memory can be written");
        file
    })
}

fn trace() -> Trace {
    static TRACE: OnceLock<Trace> = OnceLock::new();
    TRACE.get_or_init(|| Trace::from_bytes(file()).expect("a generated trace opens")).clone()
}

fn main() {
    divan::main();
}

/// Events from bytes.
#[divan::bench(sample_count = 10)]
fn decode(bencher: Bencher<'_, '_>) {
    let count = || Reader::new(file()).expect("it opens").count();
    bencher.counter(ItemsCount::new(count())).bench(count);
}

/// A trace from bytes, on one thread.
#[divan::bench(sample_count = 5)]
fn build(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(POLLS)).bench(|| Trace::from_bytes(black_box(file())));
}

/// The times of all tasks.
#[divan::bench(sample_count = 10)]
fn task_times(bencher: Bencher<'_, '_>) {
    let trace = trace();
    bencher.counter(ItemsCount::new(POLLS)).bench(|| {
        let mut times = TaskTimes::new(&trace);
        while !times.step(&trace) {}
        times
    });
}

/// What a lane shows: the whole, a hundredth, a ten-thousandth.
#[divan::bench(args = [1, 100, 10_000])]
fn lane(bencher: Bencher<'_, '_>, part: u64) {
    let trace = trace();
    let span = trace.span();
    let (middle, width) = (u64::midpoint(span.start, span.end), (span.end - span.start) / part);
    let window = middle - width / 2..middle + width / 2;
    bencher.bench(|| trace.lod_spans(black_box(LaneIx(0)), window.clone(), width / 800));
}

/// A frame of the window: a half, a hundredth, a ten-thousandth.
#[divan::bench(args = [2, 100, 10_000])]
fn frame(bencher: Bencher<'_, '_>, part: u64) {
    let mut frames = Frames::new(trace());
    let mut turn = 0;
    bencher.bench_local(|| {
        // Another time each, so that all is painted anew.
        turn += 1;
        frames.show(1.0 / part as f64, 0.4 + 0.001 * f64::from(turn % 100))
    });
}
