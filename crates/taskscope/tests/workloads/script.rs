//! Programs made up by proptest: trees of tasks that do what tasks do.

use proptest::collection::vec;
use proptest::prelude::*;

/// What a task does, step by step.
pub type Script = Vec<Step>;

#[derive(Clone, Debug)]
pub enum Step {
    /// `yield_now`.
    Yield,
    /// Wakes itself, and is pending once.
    WakeSelf,
    Sleep,
    /// Takes one of the program's locks, and yields while it has it.
    Lock(usize),
    /// Takes part of a semaphore.
    Acquire,
    /// Waits for a message of a task that sends it after a yield.
    Receive(Channel),
    /// Consumes this much of its budget; 128 is all that it has.
    Budget(u16),
    Spawn(Script, Then),
    /// Hands a closure to the blocking pool, and waits for it or doesn't.
    Blocking {
        wait: bool,
    },
    /// Runs in place; then the worker goes on elsewhere. Only where it may.
    InPlace,
    /// Another runtime, on a thread of the blocking pool, with these tasks in it.
    Nested(Script),
    /// Another runtime, run in place by the task itself. Only where it may.
    NestedInPlace(Script),
    /// Threads that come and go, each with a runtime of its own.
    Threads(Vec<Script>),
    /// Messages that go back and forth through sockets, all of which have something to read
    /// nearly all the time.
    Io {
        sockets: u8,
        rounds: u8,
    },
    /// Does the rest within a span that is entered by a guard, across every `.await`.
    SpanGuard(Script),
    /// Aborts itself in the middle of this poll, and waits. It keeps its waker, or goes on for some
    /// time: otherwise nothing distinguishes such a poll from one in which the task returns.
    AbortSelf {
        keeps_waker: bool,
    },
    Panic,
    /// Waits for nothing. Skipped by tasks that another task waits for.
    Forever,
}

#[derive(Clone, Copy, Debug)]
pub enum Channel {
    Oneshot,
    Mpsc,
    Watch,
    Broadcast,
    Notify,
}

/// What becomes of a task's handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    Join,
    JoinAtTheEnd,
    Detach,
    AbortAtOnce,
    AbortLater,
}

/// A script of a task whose descendants go `depth` deep.
pub fn script(depth: u32) -> impl Strategy<Value = Script> {
    let leaf = prop_oneof![
        6 => Just(Step::Yield),
        3 => Just(Step::WakeSelf),
        2 => Just(Step::Sleep),
        3 => (0..2_usize).prop_map(Step::Lock),
        2 => Just(Step::Acquire),
        3 => channel().prop_map(Step::Receive),
        1 => (1..300_u16).prop_map(Step::Budget),
        2 => any::<bool>().prop_map(|wait| Step::Blocking { wait }),
        1 => Just(Step::InPlace),
        1 => (1..4_u8, 1..8_u8).prop_map(|(sockets, rounds)| Step::Io { sockets, rounds }),
        1 => any::<bool>().prop_map(|keeps_waker| Step::AbortSelf { keeps_waker }),
        1 => Just(Step::Panic),
        1 => Just(Step::Forever),
    ];
    let steps = vec(leaf, 0..5);
    steps.prop_recursive(depth, 40, 6, |inner| {
        let spawn = (inner.clone(), then()).prop_map(|(script, then)| Step::Spawn(script, then));
        let step = prop_oneof![
            6 => spawn,
            1 => inner.clone().prop_map(Step::Nested),
            1 => inner.clone().prop_map(Step::NestedInPlace),
            1 => vec(inner.clone(), 1..4).prop_map(Step::Threads),
            1 => inner.clone().prop_map(Step::SpanGuard),
            2 => Just(Step::Yield),
            1 => Just(Step::Sleep),
        ];
        vec(step, 1..6)
    })
}

fn channel() -> impl Strategy<Value = Channel> {
    prop_oneof![
        Just(Channel::Oneshot),
        Just(Channel::Mpsc),
        Just(Channel::Watch),
        Just(Channel::Broadcast),
        Just(Channel::Notify),
    ]
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![
        3 => Just(Then::Join),
        4 => Just(Then::JoinAtTheEnd),
        2 => Just(Then::Detach),
        1 => Just(Then::AbortAtOnce),
        2 => Just(Then::AbortLater),
    ]
}
