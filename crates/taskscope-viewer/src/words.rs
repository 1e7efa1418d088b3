//! The model's facts in words, the same wherever they stand. What was inferred
//! says so.

use taskscope_model::{Cause, End, EndKind, PollEnd, TaskKind, Trace, Waker};

/// How a poll ended.
pub(crate) fn poll_end(how: PollEnd) -> &'static str {
    match how {
        PollEnd::Pending => "pending",
        PollEnd::Yielded { inferred: false } => "yielded",
        PollEnd::Yielded { inferred: true } => "yielded (inferred)",
        PollEnd::Ready => "ready",
        PollEnd::Panicked => "panicked",
        PollEnd::Open => "not seen to end",
    }
}

/// How a task ended.
pub(crate) fn task_end(end: Option<End>) -> String {
    let Some(end) = end else { return "alive at the end".to_owned() };
    let word = match end.kind {
        EndKind::Returned => "returned",
        EndKind::Panicked => "panicked",
        EndKind::Cancelled => "cancelled",
        EndKind::Unknown => "ended",
    };
    if end.inferred { format!("{word} (inferred)") } else { word.to_owned() }
}

/// What sort of task it is.
pub(crate) fn kind(kind: TaskKind) -> &'static str {
    match kind {
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
                Waker::Driver(lane) => {
                    format!("timer or I/O on {} woke {whose}", trace.lane_name(lane))
                }
                Waker::Deferred(_) => format!("{whose} had yielded (inferred)"),
                Waker::Thread(id) => format!("{} woke {whose}", trace.thread_name(id)),
            }
        }
        Cause::Unknown => format!("what scheduled {whose} is not recorded"),
    }
}

/// Who called a waker, as "woken by …".
fn waker(trace: &Trace, by: Waker, itself: bool) -> String {
    match by {
        Waker::Task(_) if itself => "woke itself".to_owned(),
        Waker::Task(task) => format!("woken by {}", trace.task_name(task)),
        Waker::Driver(lane) => format!("timer or I/O, on {}", trace.lane_name(lane)),
        Waker::Deferred(_) => "had yielded (inferred)".to_owned(),
        Waker::Thread(id) => format!("woken by {}", trace.thread_name(id)),
    }
}
