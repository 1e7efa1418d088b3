//! The search language against filters that are plainly right.

#[path = "common/any_trace.rs"]
mod any_trace;
mod common;

use any_trace::{any_trace, generated, times};
use proptest::prelude::*;
use taskscope_model::questions::search::{Hit, Names, Query, WORDS, complete, search};
use taskscope_model::questions::{Activity, now};
use taskscope_model::{PollIx, Queue, State, TaskIx, TaskKind, Trace, WaitedFor};

type OfTask = fn(&Trace, TaskIx, u64) -> bool;
type OfStretch = fn(&Trace, &Hit) -> bool;

/// A search, and the same in Rust: what is said of the task, and of a stretch for each group.
const CASES: &[(&str, OfTask, &[OfStretch])] = &[
    ("", |_, _, _| true, &[]),
    ("  hops>0 ", |t, x, _| t.task(x).hop_count() > 0, &[]),
    ("-hops>0", |t, x, _| t.task(x).hop_count() == 0, &[]),
    ("polls >= 2 wakes<3", |t, x, _| t.task(x).poll_count() > 1 && t.task(x).wake_count() < 3, &[]),
    ("busy<=100ns", |t, x, _| t.task(x).busy() <= 100, &[]),
    ("longest = 3 ns", |t, x, _| t.task(x).longest() == 3, &[]),
    ("size>0.1k", |t, x, _| t.task(x).size.is_some_and(|size| size > 100), &[]),
    (
        "kind:task,blocking",
        |t, x, _| {
            !t.task(x).is_part && matches!(t.task(x).kind, TaskKind::Task | TaskKind::Blocking)
        },
        &[],
    ),
    ("ended:alive", |t, x, _| t.task(x).end.is_none(), &[]),
    ("id:1,2", |t, x, _| matches!(t.task(x).id.0, 1 | 2), &[]),
    ("now:running", |t, x, at| t.state_at(x, at).is_some_and(|s| s.state == State::Running), &[]),
    ("TASK", |t, x, _| named(t, x, "task"), &[]),
    ("-task 1", |t, x, _| !named(t, x, "task") && named(t, x, "1"), &[]),
    ("name:\"task *\"", |t, x, _| t.task_name(x).starts_with("task "), &[]),
    ("name:\"task ?\"", |t, x, _| t.task_name(x).contains("task ?"), &[]),
    ("poll>2ns", |_, _, _| true, &[|_, h| h.state == State::Running && h.end - h.start > 2]),
    (
        "poll>2ns hops>0",
        |t, x, _| t.task(x).hop_count() > 0,
        &[|_, h| h.state == State::Running && h.end - h.start > 2],
    ),
    (
        "worker:0 poll<40ns",
        |_, _, _| true,
        &[|t, h| h.state == State::Running && h.end - h.start < 40 && lane(t, h) == "worker 0"],
    ),
    (
        "is:hop -worker:1",
        |_, _, _| true,
        &[|t, h| h.state == State::Running && t.is_hop(poll(h)) && lane(t, h) != "worker 1"],
    ),
    (
        "how:pending,budget",
        |_, _, _| true,
        &[|t, h| {
            use taskscope_model::PollEnd::{BudgetSpent, Pending};
            h.state == State::Running && matches!(t.poll(poll(h)).how, Pending | BudgetSpent)
        }],
    ),
    (
        "span:a,request",
        |_, _, _| true,
        &[|t, h| {
            h.state == State::Running
                && t.span_visits().any(|visit| {
                    let name = t.span_of(visit.span).name.to_lowercase();
                    visit.lane == t.poll(poll(h)).lane
                        && visit.start < h.end
                        && visit.end > h.start
                        && (name.contains('a') || name.contains("request"))
                })
        }],
    ),
    (
        "from:stolen",
        |_, _, _| true,
        &[|t, h| {
            let arrival = || t.arrival(poll(h)).map(|arrival| arrival.queue);
            h.state == State::Running && matches!(arrival(), Some(Queue::Stolen { .. }))
        }],
    ),
    ("state:scheduled", |_, _, _| true, &[|_, h| h.state == State::Scheduled]),
    (
        "scheduled>5ns t<=300ns",
        |_, _, _| true,
        &[|t, h| {
            h.state == State::Scheduled && h.end - h.start > 5 && h.start - t.span().start <= 300
        }],
    ),
    ("t>100ns", |_, _, _| true, &[|t, h| h.end.max(h.start + 1) - 1 - t.span().start > 100]),
    (
        "lasts>=7ns -state:running",
        |_, _, _| true,
        &[|_, h| h.end - h.start >= 7 && h.state != State::Running],
    ),
    (
        "state:waiting poll>2ns",
        |_, _, _| true,
        &[
            |_, h| h.state == State::Waiting,
            |_, h| h.state == State::Running && h.end - h.start > 2,
        ],
    ),
    (
        "waits:sleep,join",
        |_, _, _| true,
        &[|t, h| {
            h.state == State::Waiting
                && h.poll.is_some_and(|poll| match t.waited_for(poll) {
                    Some(WaitedFor::Operations(waits)) => {
                        let is_sleep = |text: &str| text.to_lowercase().contains("sleep");
                        waits.iter().any(|wait| {
                            let resource = t.resource(wait.resource);
                            is_sleep(&resource.concrete_type)
                                || is_sleep(resource.operation(wait.operation))
                        })
                    }
                    other => matches!(other, Some(WaitedFor::Join(_))),
                })
        }],
    ),
];

fn named(trace: &Trace, task: TaskIx, text: &str) -> bool {
    let of = trace.task(task);
    let place =
        of.place.map(|place| format!("{}:{}", trace.place(place).file, trace.place(place).line));
    trace.task_name(task).to_lowercase().contains(text)
        || place.is_some_and(|place| place.to_lowercase().contains(text))
        || of.id.to_string() == text
}

fn poll(hit: &Hit) -> PollIx {
    hit.poll.expect("a poll has itself")
}

fn lane(trace: &Trace, hit: &Hit) -> String {
    trace.lane_name(trace.poll(poll(hit)).lane)
}

/// All stretches of a task's life: its polls, and the states between.
fn stretches(trace: &Trace, task: TaskIx) -> Vec<Hit> {
    let polls = trace.task_polls(task).iter().map(|ix| {
        let poll = trace.poll(ix);
        Hit { start: poll.start, end: poll.end, task, poll: Some(ix), state: State::Running }
    });
    let mut all: Vec<Hit> = polls.collect();
    let mut before = None;
    for span in trace.states(task) {
        before = span.poll.or(before);
        if span.poll.is_none() {
            let (start, end, state) = (span.start, span.end, span.state);
            all.push(Hit { start, end, task, poll: before, state });
        }
    }
    all
}

fn check(trace: &Trace, moment: u64) {
    let activity = now(Activity::new(trace));
    let names = now(Names::new(trace));
    for (text, of_task, groups) in CASES {
        let (mut tasks, mut expected) = (Vec::new(), Vec::new());
        for task in (0..trace.task_count()).map(|task| TaskIx(task as u32)) {
            let stretches = stretches(trace, task);
            let has = |group: &OfStretch| stretches.iter().any(|stretch| group(trace, stretch));
            if !of_task(trace, task, moment) || !groups.iter().all(has) {
                continue;
            }
            tasks.push(task);
            let is_hit = |hit: &Hit| match groups {
                [] => false,
                groups => groups.iter().any(|group| group(trace, hit)),
            };
            expected.extend(stretches.into_iter().filter(is_hit));
        }
        expected.sort();
        let query = Query::parse(text).expect("the searches of this test can be read");
        for (activity, names) in [(Some(&activity), Some(&names)), (None, None)] {
            let hits = now(search(trace, activity, names, &query, moment));
            assert_eq!(hits.tasks, tasks, "tasks of {text:?}");
            assert_eq!(hits.stretches(), expected, "stretches of {text:?}");
            assert_eq!((hits.count, hits.are_cut()), (expected.len() as u64, false));
            for &task in &tasks {
                let of_task: Vec<&Hit> = hits.of_task(task).iter().collect();
                assert!(of_task.into_iter().eq(expected.iter().filter(|hit| hit.task == task)));
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_found_satisfies_the_search_and_nothing_else_does(trace in any_trace()) {
        for moment in times(&trace).into_iter().step_by(7) {
            check(&trace, moment);
        }
    }

    #[test]
    fn no_text_is_too_odd(text in r#"[a-z:><="*, -]{0,20}|\PC{0,20}"#, cut in 0..20usize) {
        match Query::parse(&text) {
            Ok(query) => drop(format!("{query:?}")),
            Err(error) => {
                prop_assert!(text.get(error.at.clone()).is_some(), "{error} at {:?}", error.at);
            }
        }
        let trace = Trace::default();
        for completion in complete(&trace, &text, cut) {
            prop_assert!(text.get(completion.at).is_some());
        }
    }
}

#[test]
fn the_searches_of_this_test_find_something() {
    let trace = generated(3_000, 60, 3);
    check(&trace, trace.span().end / 2);
    let names = now(Names::new(&trace));
    let found = |text: &str| {
        let query = Query::parse(text).unwrap();
        now(search(&trace, None, Some(&names), &query, trace.span().end / 2)).tasks.len()
    };
    let empty: Vec<&str> =
        CASES.iter().map(|(text, ..)| *text).filter(|text| found(text) == 0).collect();
    assert!(empty.len() < CASES.len() / 3, "{empty:?} find nothing");
}

#[test]
fn each_word_can_be_written_as_its_example_says() {
    for word in WORDS {
        if let Err(error) = Query::parse(word.example) {
            panic!("{}: {error}", word.example);
        }
    }
}

#[test]
fn errors_say_where_and_what() {
    for (text, at, contains) in [
        ("stat:running", "stat", "Did you mean “state”?"),
        ("state:runing", "runing", "Did you mean “running”?"),
        ("hops>3 poll>5", "5", "5ms"),
        ("poll>", "poll>", "poll>1ms"),
        ("name:\"conn", "\"conn", "quotes"),
        ("hops>many", "many", "hops>3"),
        ("ended>panicked", "ended>panicked", "more or less"),
        ("poll>1ms,2ms", "poll>1ms,2ms", "one figure"),
        ("id:seven", "seven", "42"),
    ] {
        let error = Query::parse(text).unwrap_err();
        assert_eq!(&text[error.at.clone()], at, "{error}");
        assert!(error.to_string().contains(contains), "{error}");
    }
}

#[test]
fn what_looks_like_a_place_or_a_path_is_looked_for_as_it_stands() {
    for text in ["server.rs:40", "a::b", "conn-7", "x:y", "poll", "http://a"] {
        assert!(!Query::parse(text).unwrap().is_of_stretches(), "{text}");
    }
}

#[test]
fn a_search_is_completed_by_what_there_is() {
    let trace = generated(3_000, 60, 3);
    let texts = |text: &str| -> Vec<String> {
        let all = complete(&trace, text, text.len());
        all.into_iter().map(|completion| completion.text).collect()
    };
    assert_eq!(texts("hops>3 sch"), ["scheduled>"]);
    assert_eq!(texts("-state:sch"), ["scheduled"]);
    assert_eq!(texts("state:running,wai"), ["waiting"]);
    assert_eq!(texts("worker:")[..2], ["0", "1"]);
    assert_eq!(texts("").len(), WORDS.len());
    assert!(texts("name:\"a b").is_empty());
}
