//! Which tasks there are lanes for: those of each spawn place that live within the view.
//!
//! A server of an hour has a million tasks, and of those that have ended long ago, or are still to come, there is
//! nothing to see in a view of a second. So an unfolded place lists the tasks that live in the view. When each
//! task lives is looked up once, aside; which of them to list, whenever the view changes.

use std::collections::HashMap;
use std::sync::Arc;

use taskscope_model::{Nanos, PlaceIx, TaskIx, Trace};

use crate::context::Context;
use crate::jobs::{Question, pause};
use crate::time_view::TimeView;

/// The tasks that were spawned at one place, or whose place was not recorded.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) place: Option<PlaceIx>,
    /// Those that are tasks, in the order in which they were first seen.
    tasks: Vec<TaskIx>,
    /// When each of these lives, from its first moment until its end.
    lives: Vec<(Nanos, Nanos)>,
}

impl Group {
    /// How many tasks there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }
}

/// All tasks by the place where they were spawned, those with the most polls first.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
}

impl Groups {
    async fn new(trace: Arc<Trace>) -> Self {
        let mut by_place: HashMap<Option<PlaceIx>, (u64, Group)> = HashMap::new();
        for (number, task) in (0..trace.task_count() as u32).map(TaskIx).enumerate() {
            let of = trace.task(task);
            // What runs on the blocking pool has lanes of its own: its threads.
            if of.is_async() || of.is_part {
                let empty = || Group { place: of.place, tasks: Vec::new(), lives: Vec::new() };
                let (polls, group) = by_place.entry(of.place).or_insert_with(|| (0, empty()));
                *polls += u64::from(of.poll_count());
                group.tasks.push(task);
                let end = of.end.map_or(Nanos::MAX, |end| end.time);
                group.lives.push((trace.first_seen(task), end));
            }
            if number % 16_384 == 16_383 {
                pause().await;
            }
        }
        let mut groups: Vec<(u64, Group)> = by_place.into_values().collect();
        groups.sort_by_key(|(polls, group)| (std::cmp::Reverse(*polls), group.tasks[0]));
        Self { groups: groups.into_iter().map(|(_, group)| group).collect() }
    }

    /// How many tasks all groups have.
    pub(super) fn task_count(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }
}

/// The tasks of a group that live in a view.
#[derive(Debug)]
struct InView {
    key: (u64, TimeView),
    tasks: Arc<Vec<TaskIx>>,
}

/// Which tasks live in the view, kept until that changes.
#[derive(Debug, Default)]
pub(super) struct Membership {
    groups: Question<(), Arc<Groups>>,
    in_view: HashMap<Option<PlaceIx>, InView>,
}

impl Membership {
    /// All groups, as far as they are known.
    pub(super) fn groups(&mut self, cx: &Context<'_>) -> Option<Arc<Groups>> {
        let trace = cx.open.trace_for_jobs();
        let work = || async move { Arc::new(Groups::new(trace).await) };
        self.groups.ask(cx.jobs, cx.open.snapshot(), &(), work).map(|answer| answer.value.clone())
    }

    /// The groups, if they have been asked for.
    pub(super) fn known(&self) -> Option<Arc<Groups>> {
        self.groups.answer().map(|answer| answer.value.clone())
    }

    /// The tasks of a group that live in the view.
    pub(super) fn in_view(&mut self, cx: &Context<'_>, group: &Group) -> Arc<Vec<TaskIx>> {
        let revision = self.groups.answer().map_or(0, |answer| answer.revision);
        let key = (revision, cx.view);
        if let Some(known) = self.in_view.get(&group.place).filter(|known| known.key == key) {
            return known.tasks.clone();
        }
        let view = cx.view.range();
        let lives = |(begin, end): (Nanos, Nanos)| begin <= view.end && end >= view.start;
        let tasks = group.tasks.iter().zip(&group.lives).filter(|(_, life)| lives(**life));
        let tasks: Arc<Vec<TaskIx>> = Arc::new(tasks.map(|(&task, _)| task).collect());
        self.in_view.insert(group.place, InView { key, tasks: tasks.clone() });
        tasks
    }
}
