//! The table, the inspector, the palette.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};

use taskscope_model::State;

use super::harness::{Window, click, clock, document, panels, press, press_with, window};

#[test]
fn a_row_selects_its_task_everywhere() {
    let mut window = window();
    click(&mut window, "Row task 8");
    let selected = document(&mut window).selected.unwrap();
    assert_eq!(document(&mut window).trace().task(selected).id.0, 8);
    window.get_by_label("Time in each state");
    window.get_by_label_contains("task 8 selected");
    press(&mut window, Key::Escape);
    assert_eq!(document(&mut window).selected, None);
    window.get_by_label("The recording");
}

#[test]
fn sorting_by_hops_brings_the_task_that_hops_most_to_the_top() {
    let mut window = window();
    let most = {
        let trace = document(&mut window).trace();
        trace.tasks().max_by_key(|task| task.hop_count()).unwrap().id
    };
    let label = format!("Row task {most}");
    let below_header = |window: &Window| {
        let header = window.get_by_label("Sort by Hops").rect();
        window.query_by_label(&label).map(|row| row.rect().top() - header.bottom())
    };
    assert!(below_header(&window).is_none_or(|distance| distance > 12.0), "not first before");
    click(&mut window, "Sort by Hops");
    assert!(below_header(&window).is_some_and(|distance| distance < 12.0), "first now");
}

#[test]
fn the_search_field_keeps_what_matches() {
    let mut window = window();
    press(&mut window, Key::Slash);
    window.get_by_label("Find tasks").type_text("bursts.rs:22");
    window.run_steps(3);
    window.get_by_label("4 of 165");
    // Letters belong to the field now, and are no commands.
    let width = clock(&mut window).view.width();
    press(&mut window, Key::W);
    assert_eq!(clock(&mut window).view.width(), width);
}

#[test]
fn a_search_without_a_match_says_what_is_searched() {
    let mut window = window();
    window.get_by_label("Find tasks").focus();
    window.get_by_label("Find tasks").type_text("no such task");
    window.run_steps(3);
    window.get_by_label_contains("No task matches");
}

#[test]
fn the_palette_finds_a_command_by_its_words() {
    let mut window = window();
    let whole = document(&mut window).trace().span();
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.get_by_label("Find a command").type_text("everything");
    window.run_steps(2);
    press(&mut window, Key::Enter);
    assert_eq!(clock(&mut window).view.range(), whole);
    assert!(window.query_by_label("Find a command").is_none(), "the palette has closed");
}

#[test]
fn the_page_of_keys_opens_and_closes() {
    let mut window = window();
    press(&mut window, Key::F1);
    window.get_by_label("Zoom at the pointer");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("Zoom at the pointer").is_none());
}

#[test]
fn escape_leaves_the_search_and_keeps_the_selection() {
    let mut window = window();
    click(&mut window, "Row task 8");
    press(&mut window, Key::Slash);
    press(&mut window, Key::Escape);
    assert!(document(&mut window).selected.is_some());
    press(&mut window, Key::Escape);
    assert!(document(&mut window).selected.is_none());
}

#[test]
fn escape_closes_the_palette_and_keeps_the_selection() {
    let mut window = window();
    click(&mut window, "Row task 8");
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.get_by_label("Find a command");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("Find a command").is_none());
    assert!(document(&mut window).selected.is_some());
}

#[test]
fn escape_closes_a_menu_and_keeps_the_selection() {
    let mut window = window();
    click(&mut window, "Row task 8");
    click(&mut window, "Trace");
    window.get_by_label_contains("Save as…");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label_contains("Save as…").is_none());
    assert!(document(&mut window).selected.is_some());
}

/// The first row below the table's header.
fn first_row(window: &Window) -> String {
    let header = window.get_by_label("Sort by Hops").rect();
    let rows = window.query_all_by_role(egui::Role::Row);
    let rows = rows.filter(|row| row.rect().top() > header.bottom() - 1.0);
    let first = rows.min_by(|a, b| a.rect().top().total_cmp(&b.rect().top())).unwrap();
    format!("{:?}", first.accesskit_node().label())
}

#[test]
fn a_search_without_a_match_keeps_the_tables_size() {
    let mut window = window();
    let rows = |window: &Window| window.query_all_by_label_contains("Row task").count();
    let before = rows(&window);
    assert!(before > 3, "{before} rows");
    window.get_by_label("Find tasks").focus();
    window.get_by_label("Find tasks").type_text("no such task");
    window.run_steps(4);
    assert_eq!(rows(&window), 0);
    document(&mut window).search.set(String::new());
    window.run_steps(4);
    assert_eq!(rows(&window), before);
}

#[test]
fn blanks_around_the_words_do_not_matter() {
    let mut window = window();
    window.get_by_label("Find tasks").focus();
    window.get_by_label("Find tasks").type_text(" bursts.rs:22 ");
    window.run_steps(3);
    window.get_by_label("4 of 165");
}

#[test]
fn another_order_begins_at_its_top() {
    let mut window = window();
    // The selection of a late task scrolls down.
    let last = document(&mut window).trace().tasks().len() as u32 - 1;
    document(&mut window).select(Some(taskscope_model::TaskIx(last)));
    window.run_steps(4);
    press(&mut window, Key::Escape);
    let longest = {
        let trace = document(&mut window).trace();
        let longest = trace.tasks().max_by_key(|task| task.longest()).unwrap();
        format!("Row task {}", longest.id)
    };
    click(&mut window, "Sort by Longest poll");
    window.run_steps(3);
    assert!(first_row(&window).contains(&longest), "{} is not {longest}", first_row(&window));
}

#[test]
fn sorted_by_now_running_tasks_come_first_and_those_that_have_ended_last() {
    let mut window = window();
    click(&mut window, "Sort by Now");
    let rows = panels(&mut window).tasks.rows().to_vec();
    let moment = clock(&mut window).replay.moment();
    let doc = document(&mut window);
    let state = |task| doc.trace().state_at(task, moment).map(|span| span.state);
    let states: Vec<_> = rows.iter().map(|&task| state(task)).collect();
    let alive = states.iter().take_while(|state| state.is_some()).count();
    assert!(alive > 4 && states[alive..].iter().all(Option::is_none), "{states:?}");
    let running = states.iter().filter(|&&state| state == Some(State::Running)).count();
    assert!(running > 0);
    assert!(states[..running].iter().all(|&state| state == Some(State::Running)));
}
