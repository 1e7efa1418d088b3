//! The tree of lanes: runtimes with their workers, other threads, the blocking pool, and tasks by the place where they were
//! spawned, or by what else they have in common.
//!
//! What is folded is one row: a runtime its name, the pool how many of its threads were busy, a place how many of
//! its tasks were in which state. What a person has folded or unfolded stays so; the rest is as suits the trace: a
//! few tasks have a lane each from the start, a hundred thousand have not.
//!
//! The tree is a list of *blocks*. A block is a row, or all the tasks of a place in rows of one height; so a
//! million tasks are one block, of which only those rows are made that can be seen (`rows.rs`).

use std::collections::HashMap;
use std::sync::Arc;

use taskscope_model::{Flavor, LaneIx, LaneKind, TaskIx};

use super::groups::{Group, GroupBy, GroupKey, Groups, Membership};
use super::rows::RowKind;
use crate::context::Context;
use crate::time;

/// All tasks have a lane from the start where there are no more than so many.
const FEW_TASKS: usize = 40;
/// The threads of the blocking pool have a lane each from the start where there are no more than so many.
const FEW_THREADS: usize = 2;

/// So many of the tasks that had to wait have lanes.
const MOST_AFFECTED: usize = 6;

/// Something that can be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fold {
    /// The workers of a runtime, by its position.
    Runtime(u32),
    /// Threads that are neither workers nor of the blocking pool.
    Threads,
    Pool,
    /// All that concerns single tasks.
    Tasks,
    /// The tasks of a group.
    Group(GroupKey),
}

/// A row, or many of one kind.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) rows: BlockRows,
    pub(super) name: String,
    pub(super) detail: String,
    /// What a click on the row's name folds or unfolds, and whether it is folded.
    pub(super) fold: Option<(Fold, bool)>,
}

/// The rows of a block.
#[derive(Debug)]
pub(super) enum BlockRows {
    One(RowKind),
    Tasks(Arc<Vec<TaskIx>>),
}

/// What is folded, pinned, and known of the tasks there are lanes for.
#[derive(Debug, Default)]
pub(crate) struct Outline {
    /// What a person has folded (`true`) or unfolded.
    chosen: HashMap<Fold, bool>,
    pinned: Vec<TaskIx>,
    /// Tasks that had to wait because of what was found and is looked at.
    affected: Vec<TaskIx>,
    membership: Membership,
    /// What tasks are grouped by.
    pub(crate) group_by: GroupBy,
}

impl Outline {
    /// Folds what is unfolded, and the other way round.
    pub(super) fn set(&mut self, fold: Fold, folded: bool) {
        self.chosen.insert(fold, folded);
    }

    /// Folds all places, or unfolds them if all are folded.
    pub(crate) fn toggle_all(&mut self) {
        let Some(groups) = self.membership.known() else { return };
        let suits = suits_folded(&groups);
        let is_open = |group: &Group| !self.is_folded(Fold::Group(group.key), suits);
        let fold = groups.groups.iter().any(is_open);
        self.set(Fold::Tasks, false);
        groups.groups.iter().for_each(|group| self.set(Fold::Group(group.key), fold));
    }

    /// Gives a task a lane of its own below the workers, or takes that away.
    pub(crate) fn toggle_pin(&mut self, task: TaskIx) {
        match self.pinned.iter().position(|&pinned| pinned == task) {
            Some(position) => {
                self.pinned.remove(position);
            }
            None => self.pinned.push(task),
        }
    }

    /// Gives those that had to wait lanes below the workers, as long as that is looked at.
    pub(crate) fn show_affected(&mut self, tasks: Vec<TaskIx>) {
        self.affected = tasks;
    }

    /// The groups, if they have been asked for.
    pub(super) fn groups(&self) -> Option<Arc<Groups>> {
        self.membership.known()
    }

    fn is_folded(&self, fold: Fold, suits: bool) -> bool {
        self.chosen.get(&fold).copied().unwrap_or(suits)
    }

    /// The tree as it is now, from the top.
    pub(super) fn blocks(&mut self, cx: &Context<'_>) -> Vec<Block> {
        let mut blocks = Vec::new();
        self.push_lanes(cx, &mut blocks);
        // There also while no task is selected: a selection must not move the lanes.
        let (name, detail) = match cx.open.selected {
            Some(task) => (cx.trace().task_name(task), "its states"),
            None => ("no task selected".to_owned(), "click a poll to see its task's states"),
        };
        blocks.push(row(RowKind::States, name, detail));
        let affected = &self.affected[..self.affected.len().min(MOST_AFFECTED)];
        let waited = match self.affected.len() {
            many if many > MOST_AFFECTED => {
                format!("{MOST_AFFECTED} of {}", time::count(many as u64))
            }
            _ => String::new(),
        };
        for (title, detail, tasks) in
            [("waited meanwhile", waited, affected), ("pinned", String::new(), &self.pinned)]
        {
            if !tasks.is_empty() {
                blocks.push(row(RowKind::Heading, title, detail));
                let rows = BlockRows::Tasks(Arc::new(tasks.to_vec()));
                blocks.push(Block { rows, ..row(RowKind::States, "", "") });
            }
        }
        self.push_tasks(cx, &mut blocks);
        blocks.push(row(RowKind::Legend, "", ""));
        blocks
    }

    /// Runtimes with their workers, other threads, the blocking pool.
    fn push_lanes(&self, cx: &Context<'_>, blocks: &mut Vec<Block>) {
        let trace = cx.trace();
        let heading = |blocks: &mut Vec<Block>, fold: Fold, name: &str, detail: &str| {
            let folded = self.is_folded(fold, false);
            let fold = Some((fold, folded));
            blocks.push(Block { fold, ..row(RowKind::Heading, name, detail) });
            !folded
        };
        let lane = |lane: LaneIx| row(RowKind::Lane(lane), trace.lane_name(lane), "");
        for (number, runtime) in (0..).zip(trace.runtimes()) {
            let flavor = match runtime.flavor {
                Flavor::CurrentThread => "current thread",
                Flavor::MultiThread => "multi-thread",
                Flavor::Unknown => "",
            };
            let id = runtime.id.to_string();
            let name = format!("runtime {}", runtime.name.as_deref().unwrap_or(&id));
            // Beside the text of a lesson there is little room, and of one runtime the name says nothing.
            let is_plain = cx.open.writes_messages && trace.runtimes().len() == 1;
            if is_plain || heading(blocks, Fold::Runtime(number), &name, flavor) {
                blocks.extend(runtime.workers.iter().map(|&of| lane(of)));
            }
        }
        let lanes = trace.lane_order().iter().copied();
        let threads = lanes
            .filter(|&lane| matches!(trace.lane(lane).kind, LaneKind::Thread(_)))
            .filter(|&lane| trace.lane(lane).poll_count() > 0 || cx.prepared().has_drops(lane));
        let (pool, others): (Vec<_>, Vec<_>) = threads.partition(|&lane| trace.is_pool(lane));
        if !others.is_empty() {
            let (what, detail) = match trace.runtimes() {
                [] => ("threads", "no runtime of Tokio's"),
                _ => ("other threads", "no workers"),
            };
            if heading(blocks, Fold::Threads, what, detail) {
                blocks.extend(others.iter().map(|&of| lane(of)));
            }
        }
        if !pool.is_empty() {
            let folded = self.is_folded(Fold::Pool, pool.len() > FEW_THREADS);
            let threads = time::plural(pool.len() as u64, "thread");
            let kind = if folded { RowKind::Pool } else { RowKind::Heading };
            let fold = Some((Fold::Pool, folded));
            blocks.push(Block { fold, ..row(kind, "blocking pool", threads) });
            if !folded {
                blocks.extend(pool.iter().map(|&of| lane(of)));
            }
        }
    }

    /// Tasks by the place where they were spawned.
    fn push_tasks(&mut self, cx: &Context<'_>, blocks: &mut Vec<Block>) {
        if cx.trace().task_count() == 0 {
            return;
        }
        // Beside the text of a lesson there is little room, and its steps say what to look at.
        let folded = self.is_folded(Fold::Tasks, cx.open.writes_messages);
        let fold = Some((Fold::Tasks, folded));
        let groups = if folded { None } else { self.membership.groups(cx, self.group_by) };
        let known = groups.as_ref().map(|groups| time::count(groups.task_count() as u64));
        let detail = known.unwrap_or_default();
        let by = groups.as_ref().map_or(self.group_by, |groups| groups.by);
        let title = format!("tasks by {}", by.word());
        blocks.push(Block { fold, ..row(RowKind::Tasks, title, detail) });
        let Some(groups) = groups else { return };
        let suits = suits_folded(&groups);
        if groups.groups.len() > 1 {
            blocks.push(row(RowKind::Curve(None), "all tasks", ""));
        }
        for group in &groups.groups {
            let folded = self.is_folded(Fold::Group(group.key), suits);
            let in_view = self.membership.in_view(cx, group);
            let name = group.title.clone();
            let all = time::plural(group.len() as u64, "task");
            let detail = match in_view.len() == group.len() {
                true => all,
                false => format!("{} of {all} in view", time::count(in_view.len() as u64)),
            };
            let fold = Some((Fold::Group(group.key), folded));
            blocks.push(Block { fold, ..row(RowKind::Curve(Some(group.key)), name, detail) });
            if !folded {
                let rows = BlockRows::Tasks(in_view);
                blocks.push(Block { rows, ..row(RowKind::States, "", "") });
            }
        }
    }
}

/// Whether places are folded until somebody unfolds them.
fn suits_folded(groups: &Groups) -> bool {
    groups.task_count() > FEW_TASKS
}

fn row(kind: RowKind, name: impl Into<String>, detail: impl Into<String>) -> Block {
    let rows = BlockRows::One(kind);
    Block { rows, name: name.into(), detail: detail.into(), fold: None }
}
