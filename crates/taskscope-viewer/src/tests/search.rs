//! The search: what is typed, what is found, and where it is seen.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_model::{State, TaskIx};

use super::harness::{Window, clock, document, panels, press, press_with, window};

fn search(window: &mut Window, text: &str) {
    window.get_by_label("Find tasks").focus();
    window.get_by_label("Find tasks").type_text(text);
    window.run_steps(4);
}

fn field(window: &Window) -> String {
    window.get_by_label("Find tasks").accesskit_node().value().unwrap_or_default()
}

#[test]
fn what_is_found_is_counted_and_keeps_the_other_tasks_out() {
    let mut window = window();
    search(&mut window, "poll>2ms worker:1");
    let trace = document(&mut window).trace_for_jobs();
    let hits: Vec<_> = trace
        .polls()
        .filter(|(_, poll)| {
            poll.end - poll.start > 2_000_000 && trace.lane_name(poll.lane) == "worker 1"
        })
        .collect();
    let mut tasks: Vec<TaskIx> = hits.iter().map(|(_, poll)| poll.task).collect();
    tasks.sort();
    tasks.dedup();
    assert!(hits.len() > tasks.len() && tasks.len() > 1, "{} hits", hits.len());
    window.get_by_label(&format!("{} hits", hits.len()));
    window.get_by_label(&format!("{} of 165", tasks.len()));
    let mut rows = panels(&mut window).tasks.rows().to_vec();
    rows.sort();
    assert_eq!(rows, tasks);
    let other = (0..).map(TaskIx).find(|task| !tasks.contains(task)).unwrap();
    assert!(document(&mut window).is_bright(tasks[0]));
    assert!(!document(&mut window).is_bright(other), "what was not found is dimmed");
}

#[test]
fn enter_goes_from_hit_to_hit_and_back() {
    let mut window = window();
    search(&mut window, "is:hop poll>1ms");
    let trace = document(&mut window).trace_for_jobs();
    let mut starts: Vec<u64> = trace
        .polls()
        .filter(|(ix, poll)| trace.is_hop(*ix) && poll.end - poll.start > 1_000_000)
        .map(|(_, poll)| poll.start)
        .collect();
    starts.sort();
    clock(&mut window).replay.seek(trace.span().start as f64);
    let moment = |window: &mut Window| clock(window).replay.moment();
    for start in &starts[..3] {
        press(&mut window, Key::Enter);
        assert_eq!(moment(&mut window), *start);
    }
    window.get_by_label(&format!("3 of {} hits", starts.len()));
    let selected = document(&mut window).selected.unwrap();
    assert_eq!(trace.state_at(selected, starts[2]).unwrap().state, State::Running);
    press_with(&mut window, Modifiers::SHIFT, Key::Enter);
    assert_eq!(moment(&mut window), starts[1]);
    // Before the first comes the last.
    for _ in 0..2 {
        press_with(&mut window, Modifiers::SHIFT, Key::Enter);
    }
    assert_eq!(moment(&mut window), *starts.last().unwrap());
    // The keys that need no field.
    press(&mut window, Key::Escape);
    press(&mut window, Key::F3);
    assert_eq!(moment(&mut window), starts[0]);
}

#[test]
fn tasks_are_gone_through_one_by_one() {
    let mut window = window();
    search(&mut window, "bursts.rs:22");
    let mut seen = Vec::new();
    for _ in 0..5 {
        press(&mut window, Key::Enter);
        seen.push(document(&mut window).selected.unwrap());
    }
    assert_eq!(seen[4], seen[0], "there are four");
    window.get_by_label("1 of 4 tasks");
}

#[test]
fn what_is_wrong_is_said_and_what_was_found_stays() {
    let mut window = window();
    search(&mut window, "hops>2");
    let found = panels(&mut window).tasks.rows().len();
    search(&mut window, " pol>5");
    window.get_by_label_contains("Did you mean “poll”?");
    assert_eq!(panels(&mut window).tasks.rows().len(), found);
}

#[test]
fn a_search_is_completed_by_key_and_by_click() {
    let mut window = window();
    search(&mut window, "sta");
    press(&mut window, Key::Tab);
    window.run_steps(2);
    assert_eq!(field(&window), "state:");
    window.get_by_label_contains("scheduled  in a queue").click();
    window.run_steps(3);
    assert_eq!(field(&window), "state:scheduled ");
    search(&mut window, "wor");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Enter);
    window.run_steps(2);
    assert_eq!(field(&window), "state:scheduled worker:");
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::ArrowDown);
    press(&mut window, Key::Tab);
    window.run_steps(2);
    assert_eq!(field(&window), "state:scheduled worker:1 ");
}
