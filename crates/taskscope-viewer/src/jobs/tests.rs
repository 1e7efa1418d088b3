//! Jobs on threads and in slices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use super::{Jobs, Mode, Question, Snapshot, pause};

const MODES: [Mode; 3] = [Mode::Threads, Mode::Slices, Mode::AtOnce];

fn jobs(mode: Mode) -> Jobs {
    Jobs::new(&egui::Context::default(), mode)
}

fn whole(revision: u64) -> Snapshot {
    Snapshot { revision, grows: false }
}

async fn double(number: u32) -> u32 {
    pause().await;
    2 * number
}

/// An answer that is there when somebody says so.
async fn after(wait: Receiver<()>, answer: u32) -> u32 {
    while wait.try_recv().is_err() {
        pause().await;
    }
    answer
}

#[test]
fn the_last_answer_is_there_until_the_new_one_is() {
    for mode in MODES {
        let jobs = jobs(mode);
        let mut question = Question::default();
        question.ask(&jobs, whole(0), &1, || double(1));
        jobs.wait();
        let answer = question.ask(&jobs, whole(0), &1, || async { unreachable!("it is answered") });
        assert_eq!(answer.map(|answer| answer.value), Some(2), "{mode:?}");
        let (go_on, wait) = channel();
        let expected = if mode == Mode::AtOnce {
            go_on.send(()).unwrap();
            (2, 4)
        } else {
            // What is asked anew is not ready, and the last answer says to what it was one.
            (1, 2)
        };
        let answer = question.ask(&jobs, whole(0), &2, || after(wait, 4));
        assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some(expected), "{mode:?}");
        if mode != Mode::AtOnce {
            go_on.send(()).unwrap();
        }
        jobs.wait();
        let answer = question.ask(&jobs, whole(0), &2, || async { unreachable!("it is answered") });
        assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some((2, 4)), "{mode:?}");
    }
}

#[test]
fn another_key_cancels_and_another_revision_does_not() {
    for mode in [Mode::Threads, Mode::Slices] {
        let jobs = jobs(mode);
        let mut question = Question::default();
        let (go_on, wait) = channel::<()>();
        question.ask(&jobs, whole(0), &'a', || after(wait, 10));
        // A newer snapshot of the trace: the answer for the older one is still worth showing.
        question.ask(&jobs, whole(1), &'a', || async { unreachable!("the first is not done") });
        go_on.send(()).unwrap();
        jobs.wait();
        let (go_on, wait) = channel::<()>();
        let answer = question.ask(&jobs, whole(1), &'a', || after(wait, 11));
        assert_eq!(answer.map(|answer| (answer.revision, answer.value)), Some((0, 10)));
        go_on.send(()).unwrap();
        jobs.wait();
        let forever = || async {
            loop {
                pause().await;
            }
        };
        let answer = question.ask(&jobs, whole(1), &'b', forever);
        assert_eq!(answer.map(|answer| (answer.revision, answer.value)), Some((1, 11)));
        // It would never end by itself.
        question.ask(&jobs, whole(1), &'c', || async { 12 });
        jobs.wait();
        let answer =
            question.ask(&jobs, whole(1), &'c', || async { unreachable!("it is answered") });
        assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some(('c', 12)));
    }
}

#[test]
fn of_a_trace_that_grows_the_same_is_not_asked_again_at_once() {
    let jobs = jobs(Mode::Threads);
    let mut question = Question::default();
    let (go_on, wait) = channel();
    let asked = Instant::now();
    question.ask(&jobs, Snapshot { revision: 0, grows: true }, &1, || after(wait, 10));
    // So long that a tenth of the time has not passed when it is asked again.
    while asked.elapsed() < Duration::from_millis(20) {
        std::thread::yield_now();
    }
    go_on.send(()).unwrap();
    jobs.wait();
    let newer = Snapshot { revision: 1, grows: true };
    let answer = question.ask(&jobs, newer, &1, || async { unreachable!("it is too soon") });
    assert_eq!(answer.map(|answer| (answer.revision, answer.value)), Some((0, 10)));
    question.ask(&jobs, newer, &2, || async { 11 });
    jobs.wait();
    question.ask(&jobs, Snapshot { grows: false, ..newer }, &1, || async { 12 });
    jobs.wait();
    let answer = question.ask(&jobs, whole(1), &1, || async { unreachable!("it is answered") });
    assert_eq!(answer.map(|answer| (answer.revision, answer.value)), Some((1, 12)));
}

#[test]
fn what_is_asked_of_all_of_a_trace_that_grows_is_the_same_question() {
    let jobs = jobs(Mode::Threads);
    let mut question = Question::default();
    let grows = |revision| Snapshot { revision, grows: true };
    let is_like = |one: &u32, other: &u32| one % 2 == other % 2;
    let (go_on, wait) = channel();
    let asked = Instant::now();
    question.ask_on(&jobs, grows(0), &2, is_like, || after(wait, 10));
    // It grows: what is being worked out goes on.
    question
        .ask_on(&jobs, grows(1), &4, is_like, || async { unreachable!("the first is not done") });
    while asked.elapsed() < Duration::from_millis(20) {
        std::thread::yield_now();
    }
    go_on.send(()).unwrap();
    jobs.wait();
    let too_soon = || async { unreachable!("it is too soon") };
    let answer = question.ask_on(&jobs, grows(2), &6, is_like, too_soon);
    assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some((2, 10)));
    // Something else is asked at once, and so is all once there is all.
    question.ask_on(&jobs, grows(2), &7, is_like, || async { 11 });
    jobs.wait();
    let answer = question.ask_on(&jobs, grows(2), &7, is_like, too_soon);
    assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some((7, 11)));
    question.ask_on(&jobs, whole(2), &9, is_like, || async { 12 });
    jobs.wait();
    let answer = question.ask_on(&jobs, whole(2), &9, is_like, too_soon);
    assert_eq!(answer.map(|answer| (answer.key, answer.value)), Some((9, 12)));
}

#[test]
fn work_that_panics_is_not_tried_again_and_stops_no_other() {
    let jobs = jobs(Mode::Threads);
    let tried = Arc::new(AtomicU32::new(0));
    let mut question: Question<u32, u32> = Question::default();
    for _ in 0..3 {
        let tried = tried.clone();
        question.ask(&jobs, whole(0), &1, || async move {
            tried.fetch_add(1, Ordering::Relaxed);
            panic!("as it should be in this test")
        });
        jobs.wait();
    }
    assert_eq!(tried.load(Ordering::Relaxed), 1);
    question.ask(&jobs, whole(0), &2, || double(2));
    jobs.wait();
    assert_eq!(question.ask(&jobs, whole(0), &2, || double(2)).map(|answer| answer.value), Some(4));
}

/// Says on which thread it is freed.
struct Large(std::sync::mpsc::Sender<std::thread::ThreadId>);

impl Drop for Large {
    fn drop(&mut self) {
        self.0.send(std::thread::current().id()).unwrap();
    }
}

#[test]
fn what_is_large_is_freed_on_another_thread() {
    let jobs = jobs(Mode::Threads);
    let (sender, freed) = channel();
    jobs.free(Large(sender));
    assert_ne!(freed.recv().unwrap(), std::thread::current().id());
}
