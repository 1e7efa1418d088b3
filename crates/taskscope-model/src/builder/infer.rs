//! What a recording leaves out of its tasks and runtimes, and something else in it implies.

use std::sync::Arc;

use foldhash::HashMap;
use taskscope_format::{Flavor, TaskKind};

use super::replay::{Replay, Undescribed};
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, Runtime, TaskIx};

/// The name that Tokio gives the threads of a runtime that has none.
const TOKIOS_THREADS: &str = "tokio-rt-worker";

/// Finds out what those tasks are of which no spawn was read: they are older than the recording,
/// the block of the spawn is damaged, or it was dropped. Without it a `block_on` looks like a task.
///
/// Tasks of hooked runtimes have their polls recorded by hooks, and `block_on` has none. What only
/// spans report is, on a worker of a multi-thread runtime, a task; within another poll, a task of a
/// `LocalSet`; on a thread that is no worker, a `block_on`. A current-thread runtime without hooks
/// does both on the same lane: there its first task is taken for the `block_on`, if no other is known
/// to be one.
pub(super) fn kinds(replay: &Replay, trace: &mut Trace) {
    let mut first_of_lane: HashMap<LaneIx, TaskIx> = HashMap::default();
    let unknown = replay.undescribed.iter().filter(|of| !replay.described.contains(&of.task));
    for &Undescribed { task, lane, is_nested } in unknown {
        let kind = match trace.lanes[lane.get()].kind {
            _ if is_nested => TaskKind::Local,
            LaneKind::Thread(_) => TaskKind::BlockOn,
            LaneKind::Worker { runtime, .. } => match &trace.runtimes[runtime as usize] {
                Runtime { flavor: Flavor::MultiThread, .. } => TaskKind::Task,
                Runtime { hooked: true, .. } => TaskKind::BlockOn,
                Runtime { flavor: Flavor::Unknown, .. } => TaskKind::Task,
                Runtime { flavor: Flavor::CurrentThread, .. } => {
                    let first = first_of_lane.entry(lane).or_insert(task);
                    if trace.tasks[task.get()].id < trace.tasks[first.get()].id {
                        *first = task;
                    }
                    TaskKind::Task
                }
            },
        };
        set_kind(trace, task, kind);
    }
    for (lane, task) in first_of_lane {
        if !replay.block_on_lanes.contains(&lane) {
            set_kind(trace, task, TaskKind::BlockOn);
        }
    }
}

fn set_kind(trace: &mut Trace, task: TaskIx, kind: TaskKind) {
    if trace.tasks[task.get()].kind != kind
        && let Some(task) = trace.tasks.get_mut(task.get())
    {
        task.kind = kind;
    }
}

/// Gives runtimes without a name that of their threads, where the program has named these.
pub(super) fn runtime_names(builder: &mut Trace) {
    let thread_names: HashMap<_, _> =
        builder.threads.iter().map(|thread| (thread.id, thread.name.clone())).collect();
    let mut names: HashMap<u32, Vec<Arc<str>>> = HashMap::default();
    for lane in &builder.lanes {
        let LaneKind::Worker { runtime, .. } = lane.kind else { continue };
        let first = lane.threads.iter().min().map(|behind| behind.thread);
        let name = first.and_then(|thread| thread_names.get(&thread).cloned().flatten());
        names.entry(runtime).or_default().extend(name);
    }
    for (position, runtime) in (0..).zip(&mut builder.runtimes) {
        if runtime.name.is_none() {
            runtime.name = names.get(&position).and_then(|names| common_name(names));
        }
    }
}

/// What names such as `api-0` and `api-1` have in common.
fn common_name(names: &[Arc<str>]) -> Option<Arc<str>> {
    let (first, others) = names.split_first()?;
    if others.iter().all(|name| name == first) {
        return (**first != *TOKIOS_THREADS).then(|| Arc::clone(first));
    }
    let common = others.iter().fold(&**first, |common, name| {
        let same = common.chars().zip(name.chars()).take_while(|(a, b)| a == b);
        &common[..same.map(|(a, _)| a.len_utf8()).sum()]
    });
    let common = common.trim_end_matches(|c: char| c.is_ascii_digit() || "-_. #:".contains(c));
    (common.len() >= 2 && common != TOKIOS_THREADS).then(|| common.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_is_called_what_its_threads_have_in_common() {
        let name = |names: &[&str]| {
            common_name(&names.iter().map(|&name| name.into()).collect::<Vec<_>>())
        };
        assert_eq!(name(&["api", "api"]).as_deref(), Some("api"));
        assert_eq!(name(&["api-0", "api-1"]).as_deref(), Some("api"));
        assert_eq!(name(&["main"]).as_deref(), Some("main"));
        assert_eq!(name(&["tokio-rt-worker", "tokio-rt-worker"]), None);
        assert_eq!(name(&["a", "b"]), None);
        assert_eq!(name(&[]), None);
    }
}
