//! The panels with the figures of a stretch of time and of a moment.

use egui::Key;
use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_model::State;
use taskscope_model::questions::{instant, now, range};

use super::harness::{click, clock, copied, document, press, seek, window};
use crate::time;

#[test]
fn the_range_is_what_is_in_view_until_something_is_marked() {
    let mut window = window();
    press(&mut window, Key::V);
    let (start, end) = {
        let view = clock(&mut window).view;
        (view.start(), view.end())
    };
    let polls = |window: &mut super::harness::Window, start: f64, end: f64| {
        let times = start.floor() as u64..end.ceil() as u64;
        let sums = now(range(document(window).trace(), None, times, false));
        assert!(sums.polls > 0);
        time::count(sums.polls)
    };
    let all = polls(&mut window, start, end);
    window.get_by_label(&all);
    let (a, b) = (start, start + 0.2 * (end - start));
    let part = polls(&mut window, a, b);
    assert_ne!(all, part);
    // From right to left, too.
    clock(&mut window).measured = Some((b, a));
    window.run_steps(3);
    assert!(window.query_all_by_label(&part).count() > 0);
    window.get_by_label_contains("what is marked");
    let copied = copied(&mut window, "Copy as text");
    assert!(copied.contains(&format!("polls\t{part}\n")), "{copied}");
}

#[test]
fn the_longest_poll_is_one_click_away() {
    let mut window = window();
    clock(&mut window).view.fit();
    press(&mut window, Key::X);
    let longest = {
        let trace = document(&mut window).trace();
        let (poll, _) = trace
            .polls()
            .max_by_key(|(ix, poll)| (poll.duration(), std::cmp::Reverse(*ix)))
            .unwrap();
        (poll, trace.poll(poll))
    };
    let name = document(&mut window).trace().task_name(longest.1.task);
    click(&mut window, &format!("Longest 1: {name}"));
    assert_eq!(document(&mut window).selected, Some(longest.1.task));
    let clock = *clock(&mut window);
    assert!(
        clock.view.start() <= longest.1.start as f64 && clock.view.end() >= longest.1.end as f64
    );
    let moment = clock.replay.moment();
    assert_eq!(document(&mut window).trace().poll_at(longest.1.lane, moment), Some(longest.0));
}

#[test]
fn at_an_instant_all_tasks_are_counted_by_state() {
    let mut window = window();
    press(&mut window, Key::Q);
    let span = document(&mut window).trace().span();
    for part in [2, 5, 8] {
        let at = span.start + (span.end - span.start) / 10 * part;
        seek(&mut window, at as f64);
        window.run_steps(3);
        let trace = document(&mut window).trace();
        let answer = now(instant(trace, None, at));
        for state in State::ALL.into_iter().filter(|&state| answer.count(state) > 0) {
            let label = format!("{}  {}", time::count(answer.count(state)), state.name());
            let header = window.get_by_label(&label);
            assert!(header.accesskit_node().label().is_some());
        }
    }
}
