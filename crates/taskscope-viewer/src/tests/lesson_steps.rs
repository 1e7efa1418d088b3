//! What a step of a lesson brings before people's eyes, and what it keeps from them.

use std::sync::Arc;

use egui_kittest::kittest::Queryable;
use taskscope_lesson::{Lesson, Words};

use super::harness::{Window, click, recorded_trace, window_on, workspace};
use crate::workspace::{PanelId, PanelKind};
use crate::{LessonEntry, Lessons, Options};

/// The same trace twice; the first step guesses, and the second compares.
const LESSON: &str = r#"+++
title = "A lesson"
summary = "What it shows."
[traces]
A = "a.tscope"
B = "b.tscope"
+++
## A guess

```step
traces = ["A"]
at = "hop 3"
select = "at"
view = "2ms"
ahead = false
```

```question
ask = "Where next?"
[[answers]]
text = "here"
claim = "worker('hop 3') == worker_before('hop 3')"
[[answers]]
text = "elsewhere"
claim = "worker('hop 3') != worker_before('hop 3')"
```

## Both

```step
at = "B.hop 3"
select = "task 6"
view = "2ms"
```
"#;

fn window() -> Window {
    let trace = Arc::new(recorded_trace());
    let named = |name: &str| (name.to_owned(), format!("{name}.tscope"), trace.clone());
    let lesson = LessonEntry {
        number: None,
        lesson: Arc::new(Lesson::parse(LESSON).unwrap()),
        source: None,
        traces: vec![named("A"), named("B")],
        parameters: Vec::new(),
    };
    let lessons = Lessons {
        titles: Vec::new(),
        open: Arc::new(|_| Err("there is no other".to_owned())),
        run: None,
        words: Arc::new(Words::of("en").unwrap()),
    };
    let (lesson, lessons) = (Some(lesson), Some(lessons));
    window_on(Options { lesson, lessons, ..Options::default() })
}

/// Of how many traces the lanes are shown.
fn timelines(window: &mut Window) -> usize {
    let workspace = workspace(window);
    let ids = workspace.ids();
    let shows = |trace| workspace.layout.shows(PanelId { trace, kind: PanelKind::Timeline });
    ids.into_iter().filter(|&trace| shows(trace)).count()
}

#[test]
fn a_step_shows_the_lanes_that_it_names_and_else_all() {
    let mut window = window();
    assert_eq!(timelines(&mut window), 1);
    click(&mut window, "Next");
    assert_eq!(timelines(&mut window), 2);
    click(&mut window, "Back");
    assert_eq!(timelines(&mut window), 1);
}

#[test]
fn the_task_of_the_moment_is_selected_and_a_named_one_in_all_traces() {
    let mut window = window();
    let selected = |window: &mut Window| -> Vec<_> {
        workspace(window).members().iter().map(|member| member.open.selected).collect()
    };
    let trace = recorded_trace();
    let hop = trace.hops().nth(2).unwrap();
    assert_eq!(selected(&mut window), [Some(trace.poll(hop.to).task), None]);
    click(&mut window, "Next");
    let of_both = selected(&mut window);
    assert!(of_both[0].is_some() && of_both[0] == of_both[1], "{of_both:?}");
}

#[test]
fn what_comes_is_hidden_until_the_question_is_answered() {
    let mut window = window();
    let guesses = |window: &mut Window| workspace(window).members()[0].open.guesses;
    let playhead = workspace(&mut window).clock.replay.playhead();
    let end = workspace(&mut window).clock.view.range().end as f64;
    assert!(
        (end - playhead).abs() <= 2.0,
        "the view ends at {end}, and the playhead is at {playhead}"
    );
    assert!(guesses(&mut window));
    window.get_by_label("Where next?");
    click(&mut window, "elsewhere");
    assert!(!guesses(&mut window));
}
