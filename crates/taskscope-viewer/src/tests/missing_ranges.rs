//! Events that are missing: seen on the lane, explained beside the pointer and in the top bar.

use egui_kittest::kittest::Queryable;
use taskscope_format::{
    Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId, ThreadId,
};
use taskscope_model::{Trace, meta};

use super::harness::{clock, document, window, window_with_trace};

const DROPPED: &str =
    "1,204 events of thread tokio-1 were dropped here: the recorder's buffer was full";

/// A worker that polls ten times and loses its events for half of the time between.
fn overrun() -> Trace {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    let mut put = |time, event| encoder.event(time, &event, &mut bytes);
    put(0, Event::Thread { os_id: 0, name: "tokio-1" });
    put(0, Event::Worker(Some((RuntimeId(0), 0))));
    for number in 0..10 {
        let start = 1_000 * number + if number < 5 { 0 } else { 10_000 };
        if number == 5 {
            put(start - 1_000, Event::Dropped { count: 1_204, since: 6_000 });
        }
        put(start, Event::PollStart { task: TaskId(number), source: Source::Hook });
        put(start + 500, Event::PollEnd { result: PollResult::Ready, kept_waker: false });
    }
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(1), &bytes).unwrap();
    Trace::from_bytes(&writer.finish().unwrap()).unwrap()
}

#[test]
fn dropped_events_are_marked_on_their_lane_and_explained_under_the_pointer() {
    let mut window = window_with_trace(overrun());
    let span = document(&mut window).trace().span();
    clock(&mut window).view.show(span.start as f64, (span.end - span.start) as f64);
    window.run_steps(2);
    let range = window.get_by_label(DROPPED).rect();
    let lane = super::harness::lane(&window, "worker 0");
    let part = |x: f32| (x - lane.left()) / lane.width() * 19_500.0;
    assert!((part(range.left()) - 6_000.0).abs() < 50.0, "{range:?} of {lane:?}");
    assert!((part(range.right()) - 14_000.0).abs() < 50.0, "{range:?} of {lane:?}");

    window.hover_at(range.center());
    // Until a tooltip comes that follows the pointer, which is a second label.
    window.run_steps(90);
    assert!(window.query_all_by_label(DROPPED).count() > 1);
    window.hover_at(lane.right_center() - egui::vec2(4.0, 0.0));
    window.run_steps(90);
    assert_eq!(window.query_all_by_label(DROPPED).count(), 1);
}

#[test]
fn the_top_bar_reports_dropped_events_and_their_threads() {
    let mut window = window_with_trace(overrun());
    let notice = window.get_by_label_contains("1,204 events dropped");
    let pos = notice.rect().center();
    window.hover_at(pos);
    window.run_steps(90);
    window.get_by_label_contains("1,204 events of thread tokio-1 dropped between 0.000 006 000 s");
}

/// A worker whose thread's middle block is damaged.
fn damaged() -> Trace {
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    let mut encoder = Encoder::new();
    let mut blocks = Vec::new();
    for block in 0..3 {
        let (mut bytes, start) = (Vec::new(), 10_000 * block);
        encoder.sync(start, &mut bytes);
        let mut put = |time, event| encoder.event(time, &event, &mut bytes);
        put(start, Event::Thread { os_id: 0, name: "tokio-1" });
        put(start, Event::Worker(Some((RuntimeId(0), 0))));
        for number in 0..8 {
            let (task, time) = (TaskId(8 * block + number), start + 1_000 * number);
            put(time, Event::PollStart { task, source: Source::Hook });
            put(time + 500, Event::PollEnd { result: PollResult::Ready, kept_waker: false });
        }
        writer.block(ThreadId(1), &bytes).unwrap();
        blocks.push(bytes);
    }
    let mut file = writer.finish().unwrap();
    let middle = file.windows(blocks[1].len()).position(|part| part == blocks[1]).unwrap();
    file[middle + 20] ^= 0x55;
    Trace::from_bytes(&file).unwrap()
}

#[test]
fn a_damaged_part_is_marked_on_its_lane() {
    let trace = damaged();
    let [gap] = trace.gaps() else { panic!("one gap: {:?}", trace.gaps()) };
    let (gap, span) = (*gap, trace.span());
    let mut window = window_with_trace(trace);
    clock(&mut window).view.show(span.start as f64, (span.end - span.start) as f64);
    window.run_steps(2);
    let range = window.get_by_label_contains("is damaged or lost here").rect();
    let lane = super::harness::lane(&window, "worker 0");
    let whole = (span.end - span.start) as f32;
    let part = |x: f32| (x - lane.left()) / lane.width() * whole;
    assert!((part(range.left()) - (gap.from - span.start) as f32).abs() < 100.0, "{range:?}");
    assert!((part(range.right()) - (gap.until - span.start) as f32).abs() < 100.0, "{range:?}");
}

#[test]
fn a_trace_without_drops_has_no_such_marks() {
    let window = window();
    assert_eq!(window.query_all_by_label_contains("dropped").count(), 0);
}

#[test]
fn a_dump_says_why_it_was_written_and_when_its_first_polls_began() {
    let (mut encoder, mut about, mut bytes) = (Encoder::new(), Vec::new(), Vec::new());
    encoder.sync(0, &mut about);
    let cause = "a panic on thread main";
    for (key, value) in [(meta::WINDOW, "5000000"), (meta::DUMP, cause)] {
        encoder.event(0, &Event::Meta { key, value }, &mut about);
    }
    let mut encoder = Encoder::new();
    encoder.sync(0, &mut bytes);
    let mut put = |time, event| encoder.event(time, &event, &mut bytes);
    put(0, Event::Worker(Some((RuntimeId(0), 0))));
    put(1_000_000, Event::PollStart { task: TaskId(7), source: Source::Hook });
    put(9_000_000, Event::PollEnd { result: PollResult::Ready, kept_waker: false });
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(0), &about).unwrap();
    writer.block(ThreadId(1), &bytes).unwrap();
    let mut window = window_with_trace(Trace::from_bytes(&writer.finish().unwrap()).unwrap());

    let notice = window.get_by_label("dump: a panic on thread main").rect();
    window.hover_at(notice.center());
    window.run_steps(90);
    window.get_by_label_contains("The last part of a recording, which a flight recorder wrote");
    let lane = super::harness::lane(&window, "worker 0");
    window.hover_at(lane.center());
    window.run_steps(90);
    window.get_by_label("began 4.00 ms before what the flight recorder kept");
}
