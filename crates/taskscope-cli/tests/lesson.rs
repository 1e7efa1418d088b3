//! `taskscope lesson`: lessons as a teacher and a student use them.

mod common;

use common::{Picture, Sandbox};

#[test]
fn the_lessons_are_listed() {
    let sandbox = Sandbox::new();
    let english = sandbox.run(&["lesson", "--language", "en"]).done().out;
    assert!(english.contains(" 5  Tasks move"), "{english}");
    assert!(english.contains("`taskscope lesson NUMBER` opens one"));
}

#[test]
fn a_step_can_be_drawn() {
    let sandbox = Sandbox::new();
    let draw = |step: &str, more: &[&str]| {
        let usual = ["lesson", "5", "--picture", "a.png", "--step", step];
        sandbox.run(&[&usual[..], more].concat()).done();
        Picture::open(&sandbox.path("a.png"))
    };
    let (first, second) = (draw("1", &[]), draw("2", &[]));
    assert_eq!(first.size, (1280, 720));
    assert!(first.pixels_unlike(&second) > 1000);
    let large = draw("1", &["--present", "--size", "1920x1080", "--theme", "light"]);
    assert_eq!(large.size, (1920, 1080));
    assert!(large.brightness() > 160);
}

#[test]
fn what_lesson_new_makes_is_right_and_can_be_shown() {
    let sandbox = Sandbox::with_trace();
    let run = sandbox.run(&["lesson", "new", "mine", "--from", "a.tscope"]).done();
    assert!(run.out.contains("taskscope lesson check mine"), "{}", run.out);
    let checked = sandbox.run(&["lesson", "check", "mine"]).done();
    assert_eq!(checked.out, "nothing is wrong with the lesson\n");
    sandbox.run(&["lesson", "mine", "--picture", "a.png"]).done();
    let again = sandbox.run(&["lesson", "new", "mine", "--from", "a.tscope"]).failed(&[]);
    assert!(again.err.contains("mine is there already"), "{}", again.err);
}

#[test]
fn what_is_wrong_with_a_lesson_is_said_with_its_place() {
    let sandbox = Sandbox::with_trace();
    sandbox.run(&["lesson", "new", "mine", "--from", "a.tscope"]).done();
    let file = sandbox.path("mine/lesson.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let run = sandbox.run(&["lesson", "check", "mine"]);
        assert_eq!(run.code, Some(1));
        run
    };
    let false_claim =
        check(&text.replace("claims = [\"tasks ==", "claims = [\"hops > 1000000 and tasks =="));
    assert!(false_claim.out.contains("mine/lesson.md:15: "), "{}", false_claim.out);
    assert!(false_claim.out.contains("does not hold: hops is"), "{}", false_claim.out);
    let misspelt = check(&text.replace("show = \"lanes\"", "shows = \"lanes\""));
    assert!(misspelt.out.contains("mine/lesson.md:12: unknown field `shows`"), "{}", misspelt.out);
    std::fs::remove_file(sandbox.path("mine/trace.tscope")).unwrap();
    let missing = check(&text);
    assert!(missing.out.contains("mine/trace.tscope: it cannot be read"), "{}", missing.out);
    assert!(missing.err.contains("1 thing is wrong with the lesson"), "{}", missing.err);
}

#[test]
fn a_lessons_program_is_recorded_with_the_values_that_were_chosen() {
    let sandbox = Sandbox::new();
    let record = ["lesson", "record", "5", "--out", "new"];
    sandbox.run(&[&record[..], &["--set", "workers=2", "--set", "jobs=7"]].concat()).done();
    let summary = sandbox.run(&["summary", "new/moves.tscope", "--json"]).done().out;
    let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["runtimes"][0]["workers"].as_array().unwrap().len(), 2);
    assert_eq!(summary["dropped_events"], 0);
    let wrong = sandbox.run(&[&record[..], &["--set", "wheels=4"]].concat()).failed(&[]);
    assert!(wrong.err.contains("has no parameter `wheels`"), "{}", wrong.err);
    let unknown = sandbox.run(&["lesson", "77"]).failed(&[]);
    assert!(unknown.err.contains("there is no lesson 77"), "{}", unknown.err);
}

#[test]
fn each_lesson_can_be_walked_from_its_first_step_to_its_last() {
    let sandbox = Sandbox::new();
    for lesson in taskscope_lessons::LESSONS {
        let number = lesson.number.to_string();
        for (language, text) in lesson.texts {
            let steps = text.lines().filter(|line| line.starts_with("## ")).count();
            assert!((3..=9).contains(&steps), "lesson {number} has {steps} steps");
            let mut before: Option<Picture> = None;
            // In the second language the first and the last will do.
            let wanted = (1..=steps).filter(|step| *language == "en" || [1, steps].contains(step));
            for step in wanted.map(|step| step.to_string()) {
                let run = ["lesson", &number, "--language", language, "--picture", "a.png"];
                let size = ["--size", "640x400", "--step", &step];
                sandbox.run(&[&run[..], &size].concat()).done();
                let picture = Picture::open(&sandbox.path("a.png"));
                let changed = before.is_none_or(|before| before.pixels_unlike(&picture) > 500);
                assert!(
                    changed,
                    "step {step} of lesson {number} ({language}) is like the one before"
                );
                before = Some(picture);
            }
        }
    }
}
