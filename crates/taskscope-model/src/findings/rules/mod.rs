//! The rules: one file each, and what all of them are asked.

mod budget;
mod convoy;
mod cores;
pub(super) mod held;
mod huge;
mod idle;
mod leak;
mod lost_waker;
mod never_yields;
mod self_wake;
mod starved;
mod wakes;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use taskscope_format::Nanos;

use super::seen::Seen;
use super::stay::Stay;
use super::{Finding, Known};
use crate::trace::Trace;
use crate::types::{PlaceIx, TaskIx};

/// A rule: what it has seen so far. It is shown things in any order, and adds up.
pub(super) trait Rule: Default + Send {
    /// Looks at a task.
    #[inline]
    fn task(&mut self, _trace: &Trace, _task: TaskIx) {}

    /// Looks at a poll. There may be 100 million: most must be done with after a comparison.
    #[inline]
    fn poll(&mut self, _seen: &Seen<'_>) {}

    /// Looks at the stay of a task in a queue.
    #[inline]
    fn stay(&mut self, _known: &Known<'_>, _stay: &Stay) {}

    /// Adds what another has seen: of later polls.
    fn join(&mut self, _other: Self) {}

    /// What it found.
    fn findings(self, known: &Known<'_>) -> Vec<Finding>;
}

/// Declares [`Rules`], which asks each in turn.
macro_rules! rules {
    ($($name:ident: $rule:ty,)*) => {
        /// All rules.
        #[derive(Default)]
        pub(super) struct Rules { $($name: $rule,)* }

        /// How many there are.
        pub(super) const COUNT: usize = [$(stringify!($name)),*].len();

        impl Rules {
            pub(super) fn task(&mut self, trace: &Trace, task: TaskIx) {
                $(self.$name.task(trace, task);)*
            }

            #[inline]
            pub(super) fn poll(&mut self, seen: &Seen<'_>) {
                $(self.$name.poll(seen);)*
            }

            pub(super) fn stay(&mut self, known: &Known<'_>, stay: &Stay) {
                $(self.$name.stay(known, stay);)*
            }

            pub(super) fn join(&mut self, other: Self) {
                $(self.$name.join(other.$name);)*
            }

            pub(super) fn findings(self, known: &Known<'_>) -> Vec<Finding> {
                let mut findings = Vec::new();
                $(findings.extend(self.$name.findings(known));)*
                findings
            }
        }
    };
}

rules! {
    held: held::Held,
    never_yields: never_yields::NeverYields,
    starved: starved::Starved,
    convoy: convoy::Convoy,
    self_wake: self_wake::SelfWakes,
    wakes: wakes::ExcessWakes,
    leak: leak::Leak,
    huge: huge::Huge,
    budget: budget::Budget,
    idle: idle::Idle,
    cores: cores::Cores,
    lost_waker: lost_waker::LostWaker,
}

/// Cases of the tasks from one place.
struct Group {
    /// The worst: its task, how bad it is, and its cost.
    worst: (TaskIx, u64, Nanos),
    tasks: u64,
    cost: Nanos,
}

/// Folds cases by where their tasks were spawned: each task, how bad it is, and its cost. Those of which it is not known
/// where stand for themselves.
fn by_place(
    trace: &Trace,
    cases: impl Iterator<Item = (TaskIx, u64, Nanos)>,
) -> impl Iterator<Item = (Option<PlaceIx>, Group)> {
    let mut groups = BTreeMap::<_, Group>::new();
    for case @ (task, bad, cost) in cases {
        let place = trace.task(task).place;
        let key = (place, place.is_none().then_some(task));
        let group = groups.entry(key).or_insert(Group { worst: case, tasks: 0, cost: 0 });
        group.tasks += 1;
        group.cost = group.cost.saturating_add(cost);
        // Whatever the order they come in, of equally bad ones the first task.
        if (bad, Reverse(task)) > (group.worst.1, Reverse(group.worst.0)) {
            group.worst = case;
        }
    }
    groups.into_iter().map(|((place, _), group)| (place, group))
}

impl Trace {
    /// When a task lived, as far as it was recorded.
    fn life(&self, task: TaskIx) -> Range<Nanos> {
        let begin = self.first_seen(task);
        begin..self.task(task).end.map_or(self.span.end, |end| end.time).max(begin)
    }
}
