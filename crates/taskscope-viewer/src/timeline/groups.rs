//! Which tasks there are lanes for: those of each group that live within the view. Groups are made by spawn place, or by what
//! else tasks have in common.
//!
//! A server of an hour has a million tasks, and of those that have ended long ago, or are still to come, there is
//! nothing to see in a view of a second. So an unfolded group lists the tasks that live in the view. When each
//! task lives is looked up once, aside; which of them to list, whenever the view changes.

use std::collections::HashMap;
use std::sync::Arc;

use taskscope_model::{Nanos, PlaceIx, TaskIx, Trace};

use crate::context::Context;
use crate::jobs::{Question, pause};
use crate::labels;
use crate::time_view::TimeView;

/// What tasks of one group have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum GroupBy {
    /// Where they were spawned.
    #[default]
    Place,
    /// Their names, but for a number at the end.
    Name,
    /// The name of the task that spawned them, likewise.
    Parent,
    /// How they ended.
    Outcome,
    /// The runtime they live on.
    Runtime,
}

impl GroupBy {
    pub(crate) const ALL: [Self; 5] =
        [Self::Place, Self::Name, Self::Parent, Self::Outcome, Self::Runtime];

    /// As in "tasks by …".
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Place => "spawn place",
            Self::Name => "name",
            Self::Parent => "parent",
            Self::Outcome => "end",
            Self::Runtime => "runtime",
        }
    }

    /// The next one, by key.
    pub(crate) fn next(self) -> Self {
        let at = Self::ALL.iter().position(|by| *by == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// What a task has in common with others of its group; not asked of places, which have numbers.
    fn title(self, trace: &Trace, task: TaskIx) -> String {
        let of = trace.task(task);
        match self {
            Self::Place => String::new(),
            Self::Name => match of.name() {
                Some(name) => without_number(name),
                None => "without a name".to_owned(),
            },
            Self::Parent => match of.parent {
                Some(parent) => {
                    let name = trace.task_name(parent);
                    // Of tasks without a name the number is all that there is.
                    let is_named = trace.task(parent).name().is_some();
                    let name = if is_named { without_number(&name) } else { name };
                    format!("spawned by {name}")
                }
                None => "spawned by no task".to_owned(),
            },
            Self::Outcome => labels::task_end(of.end),
            Self::Runtime => match of.runtime.map(|runtime| &trace.runtimes()[runtime as usize]) {
                Some(runtime) => {
                    let id = runtime.id.to_string();
                    format!("runtime {}", runtime.name.as_deref().unwrap_or(&id))
                }
                None => "runtime not recorded".to_owned(),
            },
        }
    }
}

/// `conn *` for `conn 47`: tasks that do the same are mostly numbered.
fn without_number(name: &str) -> String {
    let stem = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    match stem.len() < name.len() && !stem.trim().is_empty() {
        true => format!("{stem}*"),
        false => name.to_owned(),
    }
}

/// Names a group, as long as tasks are grouped by the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum GroupKey {
    /// By spawn place, or that it was not recorded.
    Place(Option<PlaceIx>),
    /// By something else: the first task of the group.
    Of(GroupBy, TaskIx),
}

impl GroupKey {
    /// The spawn place of its tasks, where they are grouped by that.
    pub(super) fn place(self) -> Option<PlaceIx> {
        match self {
            Self::Place(place) => place,
            Self::Of(..) => None,
        }
    }
}

/// Tasks with something in common.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) title: String,
    /// Those that are tasks, in the order in which they were first seen.
    pub(super) tasks: Vec<TaskIx>,
    /// When each of these lives, from its first moment until its end.
    lives: Vec<(Nanos, Nanos)>,
}

impl Group {
    /// How many tasks there are.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }
}

/// All tasks in groups, those with the most polls first.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) by: GroupBy,
    pub(super) groups: Vec<Group>,
}

impl Groups {
    async fn new(trace: Arc<Trace>, by: GroupBy) -> Self {
        let mut of_places: HashMap<Option<PlaceIx>, usize> = HashMap::new();
        let mut of_titles: HashMap<String, usize> = HashMap::new();
        let mut groups: Vec<(u64, Group)> = Vec::new();
        for (number, task) in (0..trace.task_count() as u32).map(TaskIx).enumerate() {
            let of = trace.task(task);
            // What runs on the blocking pool has lanes of its own: its threads.
            if of.is_async() || of.is_part {
                let next = groups.len();
                let at = match by {
                    GroupBy::Place => *of_places.entry(of.place).or_insert(next),
                    by => *of_titles.entry(by.title(&trace, task)).or_insert(next),
                };
                if at == next {
                    let (key, title) = match by {
                        GroupBy::Place => {
                            (GroupKey::Place(of.place), place_title(&trace, of.place))
                        }
                        by => (GroupKey::Of(by, task), by.title(&trace, task)),
                    };
                    groups.push((0, Group { key, title, tasks: Vec::new(), lives: Vec::new() }));
                }
                let (polls, group) = &mut groups[at];
                *polls += u64::from(of.poll_count());
                group.tasks.push(task);
                let end = of.end.map_or(Nanos::MAX, |end| end.time);
                group.lives.push((trace.first_seen(task), end));
            }
            if number % 16_384 == 16_383 {
                pause().await;
            }
        }
        groups.sort_by_key(|(polls, group)| (std::cmp::Reverse(*polls), group.tasks[0]));
        Self { by, groups: groups.into_iter().map(|(_, group)| group).collect() }
    }

    /// One of them.
    pub(super) fn get(&self, key: GroupKey) -> Option<&Group> {
        self.groups.iter().find(|group| group.key == key)
    }

    /// How many tasks all groups have.
    pub(super) fn task_count(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }
}

fn place_title(trace: &Trace, place: Option<PlaceIx>) -> String {
    place.map_or("place not recorded".to_owned(), |place| trace.place(place).short())
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
    groups: Question<GroupBy, Arc<Groups>>,
    in_view: HashMap<GroupKey, InView>,
}

impl Membership {
    /// All groups, as far as they are known.
    pub(super) fn groups(&mut self, cx: &Context<'_>, by: GroupBy) -> Option<Arc<Groups>> {
        let trace = cx.open.trace_for_jobs();
        let work = || async move { Arc::new(Groups::new(trace, by).await) };
        self.groups.ask(cx.jobs, cx.open.snapshot(), &by, work).map(|answer| answer.value.clone())
    }

    /// The groups, if they have been asked for.
    pub(super) fn known(&self) -> Option<Arc<Groups>> {
        self.groups.answer().map(|answer| answer.value.clone())
    }

    /// The tasks of a group that live in the view.
    pub(super) fn in_view(&mut self, cx: &Context<'_>, group: &Group) -> Arc<Vec<TaskIx>> {
        let revision = self.groups.answer().map_or(0, |answer| answer.revision);
        let key = (revision, cx.view);
        if let Some(known) = self.in_view.get(&group.key).filter(|known| known.key == key) {
            return known.tasks.clone();
        }
        let view = cx.view.range();
        let lives = |(begin, end): (Nanos, Nanos)| begin <= view.end && end >= view.start;
        let tasks = group.tasks.iter().zip(&group.lives).filter(|(_, life)| lives(**life));
        let tasks: Arc<Vec<TaskIx>> = Arc::new(tasks.map(|(&task, _)| task).collect());
        self.in_view.insert(group.key, InView { key, tasks: tasks.clone() });
        tasks
    }
}
