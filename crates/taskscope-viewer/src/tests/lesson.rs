//! Lessons: walked from the first step to the last, as a student does.

use std::sync::Arc;

use egui::Key;
use egui_kittest::kittest::Queryable;
use taskscope_lesson::{Lesson, Words};
use taskscope_model::{LaneIx, Trace};

use super::harness::{Window, click, clock, document, press, window_on, workspace};
use crate::replay::Pace;
use crate::workspace::{PanelId, PanelKind};
use crate::{LessonEntry, LessonParameter, LessonTitle, Lessons, Options};

const LESSON: &str = r#"+++
title = "A lesson"
summary = "What it shows."
program = "moves"
source = "moves.rs"
[traces]
A = "migration.tscope"
+++
There are {= tasks} tasks.

## Everything

```step
at = "start"
view = "all"
claims = ["tasks == 164"]
```

Look at *all* of it.

## A hop

```step
show = "stage"
at = "hop 3"
view = "1ms"
select = "task 6"
pace = "hops 1"
play = "forward"
until = "hop 5"
lines = "2"
lane = "worker 1"
mark = ["hop 3", "hop 4"]
```

```question
ask = "How many workers are there?"
then = "Each is a thread."
[[answers]]
text = "one"
claim = "workers == 1"
[[answers]]
text = "four"
claim = "workers == 4"
```
"#;

fn entry() -> LessonEntry {
    let trace = Arc::new(super::harness::recorded_trace());
    LessonEntry {
        number: Some(3),
        lesson: Arc::new(Lesson::parse(LESSON).unwrap()),
        source: Some("fn main() {\n    spawn();\n}\n".into()),
        traces: vec![("A".to_owned(), "migration.tscope".to_owned(), trace)],
        parameters: vec![LessonParameter {
            name: "workers".to_owned(),
            about: "workers".to_owned(),
            usual: 4,
            range: (1, 16),
        }],
    }
}

fn lessons(language: &str) -> Lessons {
    Lessons {
        titles: vec![LessonTitle {
            number: 3,
            title: "A lesson".to_owned(),
            summary: "What it shows.".to_owned(),
        }],
        open: Arc::new(|number| match number {
            3 => Ok(entry()),
            _ => Err("there is no such lesson".to_owned()),
        }),
        run: Some(Arc::new(|_, values| match values["workers"] {
            4 => Ok(vec![super::harness::recorded()]),
            _ => Err("only four".to_owned()),
        })),
        words: Arc::new(Words::of(language).unwrap()),
    }
}

fn in_lesson() -> Window {
    window_on(Options { lessons: Some(lessons("en")), lesson: Some(entry()), ..Options::default() })
}

#[test]
fn the_start_page_leads_to_a_lesson() {
    let mut window = window_on(Options { lessons: Some(lessons("en")), ..Options::default() });
    click(&mut window, "Lesson 3: A lesson");
    window.get_by_label("step 1 of 2");
    window.get_by_label_contains("There are 164 tasks.");
}

#[test]
fn a_step_says_where_to_look() {
    let mut window = in_lesson();
    assert!(clock(&mut window).view.is_whole());
    let start = document(&mut window).trace().span().start;
    assert_eq!(clock(&mut window).replay.moment(), start);
    assert!(window.query_by_label("Stage").is_none());

    press(&mut window, Key::N);
    window.get_by_label("step 2 of 2");
    window.get_by_label("Stage");
    let hops: Vec<u64> = {
        let trace: &Trace = document(&mut window).trace();
        trace.hops().take(5).map(|hop| trace.poll(hop.to).start).collect()
    };
    assert!(clock(&mut window).replay.moment() >= hops[2]);
    assert_eq!(clock(&mut window).replay.pace(), Pace::Hops);
    assert_eq!(clock(&mut window).view.width(), 1e6);
    assert_eq!(clock(&mut window).measured, Some((hops[2] as f64, hops[3] as f64)));
    let selected =
        document(&mut window).selected.map(|task| document(&mut window).trace().task_name(task));
    assert_eq!(selected.as_deref(), Some("task 6"));
    let lit =
        document(&mut window).lit.map(|lane: LaneIx| document(&mut window).trace().lane_name(lane));
    assert_eq!(lit.as_deref(), Some("worker 1"));
    assert!(clock(&mut window).replay.is_playing());
    for _ in 0..60 {
        workspace(&mut window).pass_time(0.25);
    }
    let replay = clock(&mut window).replay;
    assert!(!replay.is_playing() && replay.moment() == hops[4], "it stops where it is to");

    press(&mut window, Key::B);
    window.get_by_label("step 1 of 2");
    let panel = PanelId { trace: workspace(&mut window).active_id(), kind: PanelKind::Stage };
    assert!(!workspace(&mut window).layout.shows(panel));
}

#[test]
fn a_question_is_answered_by_the_trace() {
    let mut window = in_lesson();
    click(&mut window, "Next");
    assert!(window.query_by_label_contains("Each is a thread.").is_none());
    click(&mut window, "one");
    window.get_by_label_contains("Not so: it is “four”.");
    window.get_by_label_contains("Each is a thread.");
}

#[test]
fn the_right_answer_is_called_right() {
    let mut window = in_lesson();
    click(&mut window, "Next");
    click(&mut window, "four");
    window.get_by_label_contains("Right.");
}

#[test]
fn the_program_runs_again_beside_its_run_before() {
    let mut window = in_lesson();
    click(&mut window, "Run");
    let started = std::time::Instant::now();
    while workspace(&mut window).members().len() < 2 {
        assert!(started.elapsed().as_secs() < 60, "the run has not been opened");
        std::thread::yield_now();
        window.step();
    }
    window.run_steps(3);
    window.get_by_label("The runs side by side");
    window.get_by_label("step 1 of 2");
}

#[test]
fn a_lesson_can_be_left_and_presented() {
    let mut window = in_lesson();
    press(&mut window, Key::F5);
    window.run_steps(3);
    window.get_by_label("step 1 of 2");
    press(&mut window, Key::PageDown);
    window.get_by_label("step 2 of 2");
    press(&mut window, Key::Escape);
    window.run_steps(3);
    click(&mut window, "Leave the lesson");
    assert!(window.query_by_label("step 2 of 2").is_none());
    window.get_by_label("Timeline");
}

#[test]
fn lessons_speak_other_languages() {
    let lesson = Some(entry());
    let window = window_on(Options { lessons: Some(lessons("de")), lesson, ..Options::default() });
    window.get_by_label("Schritt 1 von 2");
    window.get_by_label("Weiter");
}

/// The lesson, with some of its text in other words.
fn in_lesson_with(words: &[(&str, &str)]) -> Window {
    let text = words.iter().fold(LESSON.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    });
    let lesson = LessonEntry { lesson: Arc::new(Lesson::parse(&text).unwrap()), ..entry() };
    window_on(Options { lessons: Some(lessons("en")), lesson: Some(lesson), ..Options::default() })
}

#[test]
fn parameters_are_called_as_the_lesson_calls_them() {
    let field = egui::accesskit::Role::SpinButton;
    in_lesson().get_by_role_and_label(field, "workers");
    let window = in_lesson_with(&[("[traces]", "[labels]\nworkers = \"Arbeiter\"\n[traces]")]);
    window.get_by_role_and_label(field, "Arbeiter");
    assert!(window.query_by_role_and_label(field, "workers").is_none());
}

#[test]
fn code_in_questions_and_answers_has_no_backticks() {
    let mut window = in_lesson_with(&[
        ("How many workers are there?", "What of `Rc`?"),
        ("text = \"four\"", "text = \"it is not `Send`\""),
    ]);
    click(&mut window, "Next");
    window.get_by_label("What of Rc?");
    click(&mut window, "it is not Send");
    window.get_by_label_contains("Right.");
}
