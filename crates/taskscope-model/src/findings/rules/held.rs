//! A poll that held its worker, while tasks stood in that worker's queue.
//!
//! # What is counted
//! A task is scheduled on a worker by who wakes or spawns it there, and stands in that worker's queue until it is polled
//! by any. All that stood there at any time while the poll went on are counted, also those that another worker
//! stole before long; beside the count stands how long the one of them waited that waited longest. (Where the runtime has only
//! one worker, what stands in the injection queue waits for it, too.)
//!
//! A stay can lie across a thousand long polls: of these only the first and the last are touched. What lies between is
//! added up once at the end, from where stays begin and end.
//!
//! A poll can do harm though no task stands in its worker's queue: if no worker looks after timers and I/O meanwhile. See
//! `late.rs`.
//!
//! # No false alarm
//! If no one stood in its queue for [`HARM`], and none was woken late, a long poll harmed no one, and is a note. Closures on the blocking pool, the
//! futures of `block_on`, and what goes on after `block_in_place` hold no worker: see [`LongPoll::of`].
//!
//! A short poll becomes a long one if its thread must wait for a processor, on a machine with more to do than it can. The
//! trace does not show when a thread runs. But such delays come in all lengths, short ones more often than long ones, while a
//! piece of work takes as long as it takes. So there must be more polls of [`HELD`] or longer from one place than
//! *fairly long* ones (a quarter of that), or half of all polls from there must be fairly long; a poll of
//! [`SURE`] is beyond any such delay. If the program's own workers were busy meanwhile, more of them than there are processors, then
//! some of them stood still, and it may have been this one. What fails this is a note that says so.

use std::collections::BTreeMap;

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::Rule;
use crate::findings::late::woken_late;
use crate::findings::long::LongPoll;
use crate::findings::seen::Seen;
use crate::findings::stay::Stay;
use crate::findings::{Finding, Kind, Known, Severity};
use crate::trace::Trace;
use crate::types::{PlaceIx, TaskIx};
use crate::units::{count, duration, plural};

/// From here on it can be an alarm: some turns of other threads (3 ms each, on Linux).
pub(in crate::findings) const HELD: Nanos = 20_000_000;
/// Some task must have waited for so long.
const HARM: Nanos = HELD / 4;
/// From here on a poll is fairly long.
const FAIRLY: Nanos = HELD / 4;
/// From here on it is an alarm, whatever else there is.
const SURE: Nanos = 500_000_000;

/// Polls are compared with those of tasks that were spawned at the same place; of a task of which that is not
/// known, with its own.
type Key = (Option<PlaceIx>, Option<TaskIx>);

fn key(trace: &Trace, task: TaskIx) -> Key {
    let place = trace.task(task).place;
    (place, place.is_none().then_some(task))
}

/// Who stood in the queues of workers that were held: by the position of long polls.
#[derive(Default)]
pub(in crate::findings) struct Held {
    /// Stays that begin to overlap here, less those that did until the one before.
    overlap: HashMap<usize, i64>,
    /// Likewise, of those that lie across all of it.
    across: HashMap<usize, i64>,
    /// The longest overlap of those that lie across a part of it.
    longest: HashMap<usize, Nanos>,
    /// How many polls there are, and how many of them are fairly long and no longer.
    polls: HashMap<Key, (u64, u64)>,
}

impl Held {
    fn touch(&mut self, known: &Known<'_>, at: usize, stay: &Stay) {
        let of = &known.long.all()[at];
        let waited = stay.times.end.min(of.end) - stay.times.start.max(of.start);
        let longest = self.longest.entry(at).or_default();
        *longest = waited.max(*longest);
    }

    /// For each long poll how many stood in its worker's queue, and how long one of them did at most.
    pub(in crate::findings) fn waiting(&self, known: &Known<'_>) -> Vec<(u64, Nanos)> {
        let change = |of: &HashMap<usize, i64>, at| of.get(&at).copied().unwrap_or(0);
        let (mut overlap, mut across) = (0, 0);
        let waiting = known.long.all().iter().enumerate().map(|(at, of)| {
            overlap += change(&self.overlap, at);
            across += change(&self.across, at);
            let longest = self.longest.get(&at).copied().unwrap_or(0);
            let longest = if across > 0 { of.duration() } else { longest };
            (overlap.unsigned_abs(), longest)
        });
        waiting.collect()
    }
}

impl Rule for Held {
    fn task(&mut self, trace: &Trace, task: TaskIx) {
        self.polls.entry(key(trace, task)).or_default().0 +=
            u64::from(trace.task(task).poll_count());
    }

    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        if (FAIRLY..HELD).contains(&seen.duration()) {
            self.polls.entry(key(seen.trace, seen.task())).or_default().1 += 1;
        }
    }

    fn stay(&mut self, known: &Known<'_>, stay: &Stay) {
        let Some(lane) = stay.waited_for(known.trace) else { return };
        let within = known.long.overlapping(lane, &stay.times);
        if within.is_empty() {
            return;
        }
        let last = within.end - 1;
        *self.overlap.entry(within.start).or_default() += 1;
        *self.overlap.entry(within.end).or_default() -= 1;
        if within.start + 1 < last {
            *self.across.entry(within.start + 1).or_default() += 1;
            *self.across.entry(last).or_default() -= 1;
        }
        self.touch(known, within.start, stay);
        self.touch(known, last, stay);
    }

    fn join(&mut self, other: Self) {
        for (key, (all, fairly)) in other.polls {
            let of = self.polls.entry(key).or_default();
            *of = (of.0 + all, of.1 + fairly);
        }
        for (at, change) in other.overlap {
            *self.overlap.entry(at).or_default() += change;
        }
        for (at, change) in other.across {
            *self.across.entry(at).or_default() += change;
        }
        for (at, waited) in other.longest {
            let longest = self.longest.entry(at).or_default();
            *longest = waited.max(*longest);
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let mut groups = BTreeMap::<Key, Group>::new();
        for (of, (tasks, waited)) in known.long.all().iter().zip(self.waiting(known)) {
            if of.is_open(trace) && of.duration() >= super::never_yields::ENDLESS {
                continue;
            }
            let group = groups.entry(key(trace, of.task)).or_default();
            let late = match of.duration() >= HELD {
                true => woken_late(trace, of.lane, of.task, &(of.start..of.end)).len() as u64,
                false => 0,
            };
            group.add(Case { of: *of, tasks, waited, late });
        }
        let polls = |key| self.polls.get(&key).copied().unwrap_or_default();
        let groups = groups.into_iter();
        groups.filter_map(|(key, group)| group.finding(trace, key.0, polls(key))).collect()
    }
}

#[derive(Clone, Copy)]
struct Case {
    of: LongPoll,
    tasks: u64,
    waited: Nanos,
    /// How many were woken late because of it.
    late: u64,
}

impl Case {
    fn is_harmful(&self) -> bool {
        self.of.duration() >= HELD && (self.waited >= HARM || self.late > 0)
    }

    fn rank(&self) -> (bool, u64, Nanos) {
        (self.is_harmful(), self.late, self.of.duration())
    }
}

/// Those of the tasks from one place.
#[derive(Default)]
struct Group {
    worst: Option<Case>,
    tasks: foldhash::HashSet<TaskIx>,
    count: u64,
    /// Of them so many of [`HELD`] or longer.
    held: u64,
    /// And so many made somebody wait.
    harmful: u64,
    cost: Nanos,
}

impl Group {
    fn add(&mut self, case: Case) {
        self.count += 1;
        self.held += u64::from(case.of.duration() >= HELD);
        self.harmful += u64::from(case.is_harmful());
        self.cost = self.cost.saturating_add(case.of.duration());
        self.tasks.insert(case.of.task);
        if self.worst.is_none_or(|worst| worst.rank() < case.rank()) {
            self.worst = Some(case);
        }
    }

    /// Whether a lack of processors explains it as well. `all` and `fairly` count polls, and fairly long ones.
    fn is_doubtful(&self, trace: &Trace, worst: &Case, (all, fairly): (u64, u64)) -> bool {
        let is_their_kind = (fairly + self.held) * 2 >= all;
        let stands_out = self.held > fairly && !is_crowded(trace, &worst.of);
        worst.of.duration() < SURE && !is_their_kind && !stands_out
    }

    fn finding(self, trace: &Trace, place: Option<PlaceIx>, polls: (u64, u64)) -> Option<Finding> {
        let worst = self.worst?;
        let Case { of, tasks, waited, late } = worst;
        let span = trace.span_in(of.lane, of.start..of.end);
        let ms = |ns: Nanos| duration(ns as f64);
        let meanwhile = match tasks {
            0 if !trace.records_wakes() => {
                "whether tasks were scheduled there meanwhile was not recorded".to_owned()
            }
            0 => "no task was scheduled there meanwhile".to_owned(),
            1 => format!("1 task was scheduled there meanwhile, for {} of it", ms(waited)),
            _ => format!(
                "{} tasks were scheduled there meanwhile, one of them for {} of it",
                count(tasks),
                ms(waited)
            ),
        };
        let meanwhile = match (tasks, late) {
            (_, 0) => meanwhile,
            (0, late) => format!("meanwhile {}", unattended(late)),
            (_, late) => format!("{meanwhile}, and {}", unattended(late)),
        };
        let mut evidence = format!(
            "{} held {} for {}{}; {meanwhile}",
            trace.quoted(of.task),
            trace.worker_name(of.lane),
            ms(of.duration()),
            trace.in_span(of.lane, of.start..of.end),
        );
        if self.count > 1 {
            evidence += &format!(
                "; {} of {} from this place took {} or longer, {} in all",
                plural(self.count, "poll"),
                plural(self.tasks.len() as u64, "task"),
                ms(crate::findings::long::LONG),
                ms(self.cost),
            );
            if (1..self.count).contains(&self.harmful) {
                evidence += &format!(", and {} of them made others wait", count(self.harmful));
            }
        }
        let is_doubtful = worst.is_harmful() && self.is_doubtful(trace, &worst, polls);
        if is_doubtful {
            evidence += "; perhaps its thread only waited for a processor, for it does not stand out from the rest";
        }
        let mut finding = Finding::new(Kind::HeldWorker, evidence);
        if is_doubtful || !worst.is_harmful() {
            finding.severity = Severity::Note;
        }
        Some(Finding {
            certain: !is_doubtful
                && (late == 0 || waited >= HARM)
                && trace.is_whole(&(of.start..of.end)),
            task: Some(of.task),
            poll: Some(of.poll),
            // The program's own span is nearer to the line than the place of a spawn, which may be a library's.
            place: span.and_then(|span| span.place).or(place),
            worker: Some(of.lane),
            start: of.start,
            end: of.end,
            count: self.count,
            cost: self.cost,
            ..finding
        })
    }
}

/// That no worker looked after timers and I/O.
fn unattended(late: u64) -> String {
    let whose = match late {
        1 => "1 task was woken only after it".to_owned(),
        _ => format!("{} tasks were woken only after it", count(late)),
    };
    format!("no worker looked after timers and I/O, and {whose} (inferred)")
}

/// Whether so many workers were busy meanwhile that this one may have stood still for most of its time.
fn is_crowded(trace: &Trace, of: &LongPoll) -> bool {
    let Some(processors) = trace.processors() else { return false };
    let workers = trace.runtimes().iter().flat_map(|runtime| &runtime.workers);
    let (_, busy) = trace.polled(workers, &(of.start..of.end));
    let too_much = busy.saturating_sub(of.duration().saturating_mul(processors));
    too_much > of.duration() / 2
}
