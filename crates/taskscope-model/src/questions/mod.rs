//! Questions about many tasks and polls at once.
//!
//! # The problem
//! A window that shows a program as it was at an instant, or a chart of what its tasks did over a range
//! of time, asks about all polls of a trace, of which there may be a hundred million. To read each
//! of them takes a second, and to follow a poll to the one before takes a miss of the cache each. A
//! frame has some milliseconds.
//!
//! # The plan
//! What can be counted once is counted once: [`Activity`] is made of a finished trace in one pass, on
//! all processors. Its size is bounded: see there. Questions read from it what lies in whole blocks of polls, and
//! read polls themselves only at the ragged edges. Where there is no activity (the trace is still
//! being read) the questions read the polls, or say that they cannot answer yet: each says which.
//!
//! | question | function |
//! | --- | --- |
//! | what is each task doing at an instant, and what do those wait for that wait? | [`instant`] |
//! | how many tasks are in which state over a window, column by column? | [`curves`] |
//! | which polls and hops lie in a range, how long did they take, which are the longest? | [`range`] |
//! | which were the longest waits that ended in a range? | [`longest_waits`] |
//! | which is the next poll, hop, panic or wake that satisfies a filter? | [`find_poll`], [`find_wake`] |
//! | what led to a poll, and what to that? | [`links`] |
//! | what happened on the way to a poll, and for how long; and what came of it? | [`way`], [`effects`] |
//! | where is each task at an instant: in which slot, queue or room? | [`scene`] |
//! | which tasks, and which stretches of their lives, are as somebody wrote it? | [`search`](mod@search) |
//! | what got slower from one trace to another, by spawn place? | [`compare`] |
//!
//! # How to stop one
//! Questions that can take long are `async` functions that await nothing but a [`pause`], every few
//! milliseconds of work. To drop the future is to cancel the question. No runtime is needed: a thread polls it
//! until it is done ([`now`]), or as long as the answer is wanted ([`unless`]), and where there are no threads,
//! each frame polls it for some milliseconds; a flag that the question looked at could do the first
//! but not that. Between two pauses it uses all processors (through rayon), but in a browser, where it has one.
//!
//! # Recorded and inferred
//! States are those of [`Trace::states`](crate::Trace::states), to the nanosecond, with what is inferred there
//! (yields) and what is unknown (where events were dropped or the file is damaged). The queue that a
//! hop came through is inferred: see [`Trace::arrival`](crate::Trace::arrival). What a task waits for
//! is recorded or inferred: see [`WaitedFor`](crate::WaitedFor). Times, polls and wakes are recorded.

mod activity;
mod blocks;
mod cells;
mod chain;
pub mod compare;
mod curves;
mod facts;
mod find;
mod find_wake;
mod histogram;
mod instant;
mod lives;
mod longest_waits;
mod range;
mod scene;
pub mod search;
mod stage;
mod steps;
mod sums;
mod why;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use activity::Activity;
pub(crate) use blocks::Blocks;
pub use chain::{Link, links};
pub use curves::{Curves, Group, curves, curves_of};
pub(crate) use facts::Facts;
pub use find::{PollFilter, find_poll};
pub use find_wake::{WakeFilter, WokenBy, find_wake};
pub use histogram::Histogram;
pub use instant::{Instant, PlaceCount, TaskState, WaitCount, WaitsFor, instant};
pub use longest_waits::longest_waits;
pub use range::{RangeSums, TaskSum, range};
pub use scene::{Leaver, Room, Scene, Spot, Token, scene, token_at};
pub use stage::{Outcome, Stage};
pub use sums::{HopCount, HopQueue, MOST_LISTED, PlaceSum};
pub use why::{Effect, Leg, MOST_EFFECTS, Root, Way, effects, way};

use crate::parallel;

/// Lets others go on, or the question end that is not wanted any more.
///
/// It is ready the second time that it is polled, and wakes nothing: it is for those that poll again anyway.
pub async fn pause() {
    let mut has_paused = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut has_paused, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// The answer to a question, here and now.
pub fn now<A>(question: impl Future<Output = A>) -> A {
    let mut question = pin!(question);
    let context = &mut Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(answer) = question.as_mut().poll(context) {
            return answer;
        }
    }
}

/// The answer to a question, here and now; `None` if `is_stopped` says so at one of its pauses.
pub fn unless<A>(question: impl Future<Output = A>, is_stopped: impl Fn() -> bool) -> Option<A> {
    let mut question = pin!(question);
    let context = &mut Context::from_waker(Waker::noop());
    while !is_stopped() {
        if let Poll::Ready(answer) = question.as_mut().poll(context) {
            return Some(answer);
        }
    }
    None
}

/// Does some work for each item, several at a time where there are processors for it, and pauses now
/// and then. What comes of it is taken in the order of the items.
pub(crate) async fn each<T: Sync, A: Send>(
    items: &[T],
    work: impl Fn(&T) -> A + Send + Sync,
    mut take: impl FnMut(A),
) {
    // So many that each processor has some; one alone would keep a frame waiting.
    let at_once = match parallel::processors() {
        1 => 1,
        several => 4 * several,
    };
    for batch in items.chunks(at_once) {
        parallel::map(batch, &work).into_iter().for_each(&mut take);
        pause().await;
    }
}
