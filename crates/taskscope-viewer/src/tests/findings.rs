//! From what is wrong to the place, by clicks.

use std::path::PathBuf;

use egui::Key;
use egui_kittest::kittest::Queryable;
use taskscope_model::Trace;
use taskscope_model::findings::{Kind, affected, findings};
use taskscope_model::questions::now;

use super::harness::{Window, click, clock, document, press, window, window_with_trace};

fn sick() -> Window {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demos/recordings/blocking.tscope");
    let file = std::fs::read(PathBuf::from(path)).unwrap();
    let mut window = window_with_trace(Trace::from_bytes(&file).unwrap());
    window.run_steps(2);
    window
}

#[test]
fn one_click_leads_to_the_poll_and_to_those_that_waited() {
    let mut window = sick();
    let (finding, affected) = {
        let trace = document(&mut window).trace();
        let mut found = now(findings(trace));
        let finding = found.swap_remove(0);
        let affected = now(affected(trace, None, &finding));
        (finding, affected)
    };
    assert_eq!(finding.kind, Kind::HeldWorker);
    click(&mut window, "Finding: a poll held its worker");
    assert_eq!(document(&mut window).selected, finding.task);
    let (start, end) = (finding.start as f64, finding.end as f64);
    let clock = *clock(&mut window);
    assert!(clock.view.start() <= start && clock.view.end() >= end);
    assert_eq!(clock.measured, Some((start, end)));
    let moment = clock.replay.moment();
    let trace = document(&mut window).trace();
    assert_eq!(trace.poll_at(finding.worker.unwrap(), moment), finding.poll);
    let names: Vec<String> = affected.iter().map(|&task| trace.task_name(task)).collect();
    let said = format!("{} tasks were scheduled", affected.len());
    assert!(finding.evidence.contains(&said), "{}: {}", affected.len(), finding.evidence);
    for name in names.iter().take(3) {
        let label = format!("Task lane {name}");
        window.get_by_label(&label);
    }
    window.get_by_label("Waited meanwhile:");
}

#[test]
fn who_waited_says_for_whom_and_escape_leads_back() {
    let mut window = sick();
    click(&mut window, "Finding: a poll held its worker");
    let (waited, by) = {
        let document = document(&mut window);
        let found = &document.findings().unwrap()[0];
        (found.affected[0], found.finding.task)
    };
    let name = document(&mut window).trace().task_name(waited);
    click(&mut window, &format!("Task lane {name}"));
    window.get_by_label_contains(" it had to wait because of");
    let by_name = document(&mut window).trace().task_name(by.unwrap());
    let links = window.query_all_by_label(&by_name);
    assert!(links.count() > 0);
    // First what is marked, then the selection.
    press(&mut window, Key::Escape);
    assert_eq!(clock(&mut window).measured, None);
    assert_eq!(document(&mut window).selected, Some(waited));
    press(&mut window, Key::Escape);
    window.get_by_label("Finding: a poll held its worker");
    assert!(window.query_by_label(&format!("Task lane {name}")).is_none(), "its lane is gone");
}

#[test]
fn of_a_healthy_program_it_says_so() {
    let window = window();
    window.get_by_label("What is wrong");
    window.get_by_label_contains("Nothing that the");
}
