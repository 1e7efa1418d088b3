//! The slots name what the model says is polled at the playhead, and nothing else.

use egui::Key;
use egui_kittest::kittest::Queryable;
use proptest::prelude::*;
use taskscope_format::{
    Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId, ThreadId,
};
use taskscope_model::Trace;

use super::harness::{
    Window, click, clock, document, painted_texts, press, seek, window, window_with_trace,
    workspace,
};

/// The texts painted in and left of the slots' column, slot by slot: what a person sees.
fn slots(window: &Window, lanes: u32) -> Vec<Vec<String>> {
    let texts = painted_texts(window);
    let slot = |lane| {
        let rect = window.get_by_label(&format!("Now on worker {lane}")).rect();
        let column = rect.with_min_x(rect.left() - 28.0);
        let inside = texts.iter().filter(|text| column.contains(text.rect.center()));
        inside.map(|text| text.text.clone()).collect()
    };
    (0..lanes).map(slot).collect()
}

/// What the model says is polled on each worker: the innermost poll that has begun and still
/// occupies its lane. Asked the long way.
fn polled(window: &mut Window, lanes: u32) -> Vec<Vec<String>> {
    let moment = clock(window).replay.moment();
    let trace = document(window).trace();
    let on = |lane: u32| {
        let polls = trace.polls().map(|(ix, _)| ix).filter(|&ix| {
            let poll = trace.poll(ix);
            poll.lane == trace.lane_order()[lane as usize]
                && (poll.start..trace.lane_end(ix)).contains(&moment)
        });
        let innermost = polls.map(|poll| trace.poll(poll)).max_by_key(|poll| poll.depth);
        innermost.map(|poll| trace.task(poll.task).id.to_string()).into_iter().collect()
    };
    (0..lanes).map(on).collect()
}

/// The name may stand in full or without the word `task`.
fn numbers(slots: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let number = |text: String| text.trim_start_matches("task ").to_owned();
    slots.into_iter().map(|slot| slot.into_iter().map(number).collect()).collect()
}

#[test]
fn stepping_from_poll_to_poll_the_slots_name_what_is_polled() {
    let mut window = window();
    click(&mut window, "Row task 8");
    for stop in 0..12 {
        press(&mut window, Key::Period);
        let seen = numbers(slots(&window, 4));
        assert_eq!(seen, polled(&mut window, 4), "stop {stop}");
        assert!(seen.iter().flatten().any(|task| task == "8"), "the selected task is polled");
    }
}

#[test]
fn nothing_is_on_its_way_when_the_end_is_reached() {
    let mut window = window();
    let doc = document(&mut window);
    let last = doc.trace().hops().last().map(|hop| doc.trace().poll(hop.to).start).unwrap();
    seek(&mut window, last as f64);
    clock(&mut window).replay.toggle(taskscope_model::Direction::Forward);
    // A few frames from the last hop to the end, as fast as the window plays.
    for _ in 0..400 {
        window.step();
        if clock(&mut window).replay.at_end() {
            break;
        }
        workspace(&mut window).pass_time(1.0);
    }
    window.run_steps(2);
    assert!(clock(&mut window).replay.at_end());
    assert_eq!(numbers(slots(&window, 4)), polled(&mut window, 4));
}

/// A random trace: on each of three workers polls follow one another, of tasks that may
/// come from any of the others.
pub(super) fn random_trace() -> impl Strategy<Value = Trace> {
    let poll = (1..400u64, 1..300u64, 0..12u64);
    let worker = prop::collection::vec(poll, 1..30);
    prop::collection::vec(worker, 3).prop_map(|workers| {
        let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
        for (index, polls) in workers.iter().enumerate() {
            let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
            encoder.sync(0, &mut bytes);
            let worker = Event::Worker(Some((RuntimeId(0), index as u32)));
            encoder.event(0, &worker, &mut bytes);
            let mut time = 0;
            for &(pause, length, task) in polls {
                time += pause;
                let start = Event::PollStart { task: TaskId(task), source: Source::Hook };
                encoder.event(time, &start, &mut bytes);
                time += length;
                let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
                encoder.event(time, &end, &mut bytes);
            }
            writer.block(ThreadId(index as u32), &bytes).unwrap();
        }
        Trace::from_bytes(&writer.finish().unwrap()).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn at_any_playhead_a_slot_names_what_is_polled_there(
        trace in random_trace(),
        moments in prop::collection::vec((0.0..=1.0f64, any::<bool>()), 6),
    ) {
        let mut window = window_with_trace(trace);
        let span = document(&mut window).trace().span();
        for (part, play) in moments {
            let moment = span.start as f64 + part * (span.end - span.start) as f64;
            seek(&mut window, moment.round());
            // As slowly as can be: two microseconds would be over at once.
            let replay = &mut clock(&mut window).replay;
            replay.set_speed(0.0);
            if play {
                replay.toggle(taskscope_model::Direction::Forward);
            }
            window.run_steps(1);
            let seen = numbers(slots_alone(&window));
            prop_assert_eq!(seen, polled(&mut window, 3));
        }
    }
}

/// The texts in the slots themselves: while the recording plays, discs pass left of them.
fn slots_alone(window: &Window) -> Vec<Vec<String>> {
    let texts = painted_texts(window);
    let slot = |lane| {
        let rect = window.get_by_label(&format!("Now on worker {lane}")).rect();
        let inside = texts.iter().filter(|text| rect.intersects(text.rect));
        inside.map(|text| text.text.clone()).collect()
    };
    (0..3).map(slot).collect()
}
