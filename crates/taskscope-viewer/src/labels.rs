//! The model's facts in words, the same wherever they stand. What was inferred
//! says so.

use taskscope_model::questions::Outcome;
use taskscope_model::{
    Arrival, Cause, End, PollEnd, PollIx, Queue, State, Task, TaskKind, Trace, Wait, WaitedFor,
    WakeEffect, Waker,
};

/// What a state means.
pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Running => "A worker polls it.",
        State::Deferred => {
            "It has yielded: its worker sets it aside, and puts it into the queue again when it has \
             looked after timers and I/O."
        }
        State::Scheduled => "It could run: it stands in a queue, and no worker has taken it yet.",
        State::Waiting => {
            "It waits to be woken: by a timer, a lock, a channel, I/O, another task's end."
        }
        State::Idle => "It is not polled. Whether it waits or could run is not recorded.",
        State::Unknown => "Events are missing: what it does then is not known.",
    }
}

/// How a poll ended.
pub(crate) fn poll_end(how: PollEnd) -> &'static str {
    match how {
        PollEnd::Pending => "pending",
        PollEnd::Cancelled => "pending, then cancelled",
        PollEnd::Yielded { inferred: false } => "yielded",
        PollEnd::Yielded { inferred: true } => "yielded (inferred)",
        PollEnd::BudgetSpent => "budget spent",
        PollEnd::Ready => "ready",
        PollEnd::Panicked => "panicked",
        PollEnd::Open => "end not recorded",
    }
}

/// How a task ended, in a word or two.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Returned => "returned",
        Outcome::Panicked => "panicked",
        Outcome::Aborted => "aborted",
        Outcome::DroppedAtShutdown => "dropped at shutdown",
        Outcome::Cancelled => "cancelled",
        Outcome::Unknown => "ended",
    }
}

/// How a task ended, if it did.
pub(crate) fn task_end(end: Option<End>) -> String {
    let Some(end) = end else { return "alive at the end".to_owned() };
    let word = outcome(Outcome::of(end));
    if end.inferred { format!("{word} (inferred)") } else { word.to_owned() }
}

/// What sort of task it is.
pub(crate) fn kind(task: &Task) -> &'static str {
    match task.kind {
        _ if task.is_part => "part of a task",
        TaskKind::Task => "task",
        TaskKind::Local => "local task",
        TaskKind::Blocking => "blocking task",
        TaskKind::BlockOn => "block_on",
    }
}

/// What scheduled a task for a poll.
pub(crate) fn cause(trace: &Trace, cause: Cause) -> String {
    match cause {
        Cause::Spawned { by: Some(parent), .. } => {
            format!("spawned by {}", trace.task_name(parent))
        }
        Cause::Spawned { by: None, .. } => "spawned".to_owned(),
        Cause::Woken(wake) => {
            let wake = trace.wake(wake);
            waker(trace, wake.by, wake.by == Waker::Task(wake.task))
        }
        Cause::Unknown => "cause not recorded".to_owned(),
    }
}

/// The same as a sentence about the task called `whose`.
pub(crate) fn because(trace: &Trace, cause: Cause, whose: &str) -> String {
    match cause {
        Cause::Spawned { by: Some(parent), .. } => {
            format!("{} spawned {whose}", trace.task_name(parent))
        }
        Cause::Spawned { by: None, .. } => format!("{whose} was spawned"),
        Cause::Woken(wake) => {
            let wake = trace.wake(wake);
            match wake.by {
                Waker::Task(by) if by == wake.task => format!("{whose} woke itself"),
                Waker::Task(by) => format!("{} woke {whose}", trace.task_name(by)),
                Waker::Driver(lane) if trace.records_parks(lane) => {
                    format!("timer or I/O on {} woke {whose}", trace.lane_name(lane))
                }
                Waker::Driver(lane) => {
                    format!("{} woke {whose} between two polls", trace.lane_name(lane))
                }
                Waker::Deferred(_) => format!("{whose} had yielded (inferred)"),
                Waker::Thread(id) => format!("{} woke {whose}", trace.thread_name(id)),
            }
        }
        Cause::Unknown => format!("what scheduled {whose} is not recorded"),
    }
}

/// What came of a wake.
pub(crate) fn effect(effect: WakeEffect) -> &'static str {
    match effect {
        WakeEffect::Scheduled => "scheduled it",
        WakeEffect::WhileRunning => "while it ran",
        WakeEffect::Duplicate => "woken already",
        WakeEffect::TooLate => "after its end",
    }
}

/// How the task of a poll came to its worker, and whether that is inferred; `None` where it is
/// not known.
pub(crate) fn arrival(trace: &Trace, poll: PollIx) -> Option<(String, bool)> {
    let Arrival { queue, inferred } = trace.arrival(poll)?;
    let lane = trace.poll(poll).lane;
    let hopped = trace.poll_before(poll).is_some_and(|before| trace.poll(before).lane != lane);
    let text = match queue {
        // The task moves to the worker on which its waker was called.
        Queue::Own if hopped => format!("woken on {}", trace.lane_name(lane)),
        Queue::Own => "from the worker's own queue".to_owned(),
        Queue::Stolen { from } => format!("stolen from {}", trace.lane_name(from)),
        Queue::Injection => "from the injection queue".to_owned(),
    };
    Some((if inferred { format!("{text} (inferred)") } else { text }, inferred))
}

/// What a task waited for after a poll, as in "it waits for …"; `None` where it did
/// not wait, or that isn't known.
pub(crate) fn waited_for(trace: &Trace, poll: PollIx) -> Option<String> {
    let waited = trace.waited_for(poll)?;
    let is_inferred = waited.is_inferred();
    let what = match waited {
        WaitedFor::Operations(waits) => {
            let mut operations: Vec<_> = waits.iter().map(|wait| operation(trace, wait)).collect();
            operations.dedup();
            operations.join(" or ")
        }
        WaitedFor::Join(task) => format!("the end of {}", trace.task_name(task)),
        WaitedFor::Io => "I/O".to_owned(),
        WaitedFor::Unknown => return None,
    };
    Some(if is_inferred { format!("{what} (inferred)") } else { what })
}

/// The same in a word for each thing.
pub(crate) fn operations(trace: &Trace, waited: WaitedFor<'_>) -> Vec<String> {
    let what = match waited {
        WaitedFor::Operations(waits) => {
            let operation = |wait: &Wait<'_>| {
                trace.resource(wait.resource).operation(wait.operation).to_owned()
            };
            return waits.iter().map(operation).collect();
        }
        WaitedFor::Join(_) => "join (inferred)",
        WaitedFor::Io => "I/O (inferred)",
        WaitedFor::Unknown => return Vec::new(),
    };
    vec![what.to_owned()]
}

/// An operation that was pending, with the place where its resource was made.
fn operation(trace: &Trace, wait: &Wait<'_>) -> String {
    let resource = trace.resource(wait.resource);
    let operation = resource.operation(wait.operation);
    match resource.place {
        Some(place) => format!("{operation} ({})", trace.place(place).short()),
        None => operation.to_owned(),
    }
}

/// Who called a waker, as "woken by …".
fn waker(trace: &Trace, by: Waker, itself: bool) -> String {
    match by {
        Waker::Task(_) if itself => "woke itself".to_owned(),
        Waker::Task(task) => format!("woken by {}", trace.task_name(task)),
        Waker::Driver(lane) if trace.records_parks(lane) => {
            format!("woken by timer or I/O on {}", trace.lane_name(lane))
        }
        Waker::Driver(lane) => format!("woken by {}", trace.lane_name(lane)),
        Waker::Deferred(_) => "had yielded (inferred)".to_owned(),
        Waker::Thread(id) => format!("woken by {}", trace.thread_name(id)),
    }
}
