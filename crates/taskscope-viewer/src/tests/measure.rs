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
    window.get_by_label("Histogram: How long a poll took");
    window.get_by_label("Histogram: How long tasks were ready");
    window.get_by_label_contains(" a second");
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

/// Labels of the rows of the list, as far as they are in sight.
fn first_of_list(window: &super::harness::Window) -> String {
    let row = window.get_by_label_contains("Longest 1: ");
    row.accesskit_node().label().unwrap_or_default()
}

#[test]
fn waits_hops_and_futures_are_listed_by_what_is_most() {
    let mut window = window();
    clock(&mut window).view.fit();
    press(&mut window, Key::X);
    let trace = document(&mut window).trace_for_jobs();
    let name = |task| format!("Longest 1: {}", trace.task_name(task));
    click(&mut window, "Most hops");
    window.run_steps(2);
    let tasks = || (0..).map(taskscope_model::TaskIx).zip(trace.tasks());
    let most =
        tasks().max_by_key(|(ix, task)| (task.hop_count(), std::cmp::Reverse(*ix))).unwrap().0;
    assert_eq!(first_of_list(&window), name(most));
    click(&mut window, "Largest futures");
    window.run_steps(2);
    let largest = tasks().max_by_key(|(ix, task)| (task.size, std::cmp::Reverse(*ix))).unwrap().0;
    assert_eq!(first_of_list(&window), name(largest));
    click(&mut window, "Longest waits");
    window.run_steps(2);
    let waits = tasks().flat_map(|(ix, _)| trace.states(ix).map(move |span| (ix, span)));
    let waits = waits.filter(|(ix, span)| {
        let polls = trace.task_polls(*ix);
        // Those that ended, after a first poll.
        span.state == State::Waiting
            && polls.iter().any(|poll| trace.poll(poll).start >= span.end)
            && polls.iter().any(|poll| trace.poll(poll).end <= span.start)
    });
    let (task, _) = waits.max_by_key(|(_, span)| span.end - span.start).unwrap();
    assert_eq!(first_of_list(&window), name(task));
}

/// Each figure of the panel against sums that are plainly right.
#[test]
fn the_range_says_how_busy_each_worker_was_and_what_tasks_did() {
    let mut window = window();
    press(&mut window, Key::V);
    let trace = document(&mut window).trace_for_jobs();
    let span = trace.span();
    for (from, to) in [(0.2, 0.5), (0.0, 1.0), (0.31, 0.33)] {
        let at = |part: f64| span.start + ((span.end - span.start) as f64 * part) as u64;
        let times = at(from)..at(to);
        clock(&mut window).measured = Some((times.start as f64, times.end as f64));
        window.run_steps(4);
        let within =
            |start: u64, end: u64| end.min(times.end).saturating_sub(start.max(times.start));
        let length = times.end - times.start;
        for &worker in &trace.runtimes()[0].workers {
            let polls = trace.lane_polls(worker).filter(|(_, poll)| poll.depth == 0);
            let busy: u64 = polls.map(|(_, poll)| within(poll.start, poll.end)).sum();
            let share = time::share(busy, length);
            // Marks are gathered at the edges: a hundredth more or less.
            let near = [busy.saturating_sub(length / 100), busy, busy + length / 100];
            let shares = near.map(|busy| format!("busy {}", time::share(busy, length)));
            let found = shares.iter().any(|share| window.query_all_by_label(share).count() > 0);
            assert!(found, "{} is busy {share}", trace.lane_name(worker));
        }
        let tasks = (0..trace.task_count() as u32).map(taskscope_model::TaskIx);
        let waiting: u64 = tasks
            .flat_map(|task| trace.states(task))
            .filter(|span| span.state == State::Waiting)
            .map(|span| within(span.start, span.end))
            .sum();
        let shown = window.query_all_by_label_contains("at once");
        let shown: Vec<_> = shown.filter_map(|node| node.accesskit_node().value()).collect();
        // (Curves are exact to a hundredth.)
        let near = |text: &String| {
            let number: f64 = text.trim_end_matches(" at once").parse().unwrap();
            (number - waiting as f64 / length as f64).abs() < 0.01 * number + 0.06
        };
        assert!(shown.iter().any(near), "{shown:?}");
    }
}
