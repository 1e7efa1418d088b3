//! Tasks from one place that only become more, and do nothing.
//!
//! The recording is cut into eight parts. At the end of each more tasks of the place must be alive than at the end of the part
//! before, and of those that are old at last nearly all must have done nothing for half of their lives.
//!
//! No false alarm: many tasks that are spawned at once and live long do not become more. A server whose load grows has
//! connections that do something. Connections that are kept open and idle look the same as a leak while they are opened, so
//! this is never certain.

use std::collections::BTreeMap;

use taskscope_format::Nanos;

use super::Rule;
use crate::CancelledBy;
use crate::findings::{Finding, Kind, Known};
use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::{PlaceIx, PollEnd, PollIx, TaskIx};
use crate::units::{count, duration};

const PARTS: usize = 8;
/// So many must be alive at the end.
const LEAST: i64 = 100;
/// In a shorter recording anything that begins grows.
const SHORTEST: Nanos = 300_000_000;
/// In percent: such a part of the old ones must be idle.
const IDLE: u64 = 90;

/// By place.
#[derive(Default)]
pub(super) struct Leak(BTreeMap<PlaceIx, Alive>);

#[derive(Default)]
struct Alive {
    /// Tasks spawned in each part, less those that ended in it.
    change: [i64; PARTS],
    spawned: i64,
    old: u64,
    idle: u64,
    /// The oldest that is alive.
    oldest: Option<(Nanos, TaskIx)>,
}

/// When a task ended by itself, or was aborted: what the end of its runtime has dropped would have lived on.
fn ended(trace: &Trace, task: TaskIx) -> Option<Nanos> {
    let of = trace.task(task);
    if let Some(end) = of.end {
        return (end.cancelled_by != CancelledBy::Shutdown).then_some(end.time);
    }
    // Where its end is missing, its last poll may say so.
    let last = (of.hot.last != NONE).then_some(PollIx(of.hot.last))?;
    let has_returned = matches!(trace.poll(last).how, PollEnd::Ready | PollEnd::Panicked);
    has_returned.then(|| trace.polls.end(last))
}

impl Rule for Leak {
    fn task(&mut self, trace: &Trace, task: TaskIx) {
        let (of, span) = (trace.task(task), trace.span());
        let length = span.end.saturating_sub(span.start);
        let Some(place) = of.place.filter(|_| of.is_async() && length >= SHORTEST) else { return };
        let part = |time: Nanos| {
            let after = time.clamp(span.start, span.end) - span.start;
            ((u128::from(after) * PARTS as u128 / u128::from(length)) as usize).min(PARTS - 1)
        };
        let begin = of.spawned.unwrap_or(span.start);
        let alive = self.0.entry(place).or_default();
        alive.change[part(begin)] += 1;
        alive.spawned += 1;
        if let Some(end) = ended(trace, task) {
            alive.change[part(end)] -= 1;
            return;
        }
        let life = span.end.saturating_sub(begin);
        if life >= length / PARTS as u64 {
            let idle = span.end.saturating_sub(of.hot.last_end());
            alive.old += 1;
            alive.idle += u64::from(of.poll_count() > 0 && idle >= life / 2);
        }
        if alive.oldest.is_none_or(|(oldest, _)| begin < oldest) {
            alive.oldest = Some((begin, task));
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let findings = self.0.into_iter();
        findings.filter_map(|(place, alive)| finding(known.trace, place, &alive)).collect()
    }
}

fn finding(trace: &Trace, place: PlaceIx, alive: &Alive) -> Option<Finding> {
    let at_end = alive.change.iter().sum::<i64>();
    let only_grows = alive.change.iter().all(|&change| change > 0);
    let is_idle = alive.old > 0 && alive.idle * 100 >= alive.old * IDLE;
    if at_end < LEAST || !only_grows || !is_idle || at_end * 2 < alive.spawned {
        return None;
    }
    let (begin, oldest) = alive.oldest?;
    let after = |parts: usize| alive.change[..parts].iter().sum::<i64>().unsigned_abs();
    let span = trace.span();
    let evidence = format!(
        "tasks from {} only became more: {} were alive after a quarter of the recording, {} after half of it, and {} \
         at its end, of {} spawned; {} is the oldest of them, and has done nothing for {}",
        trace.place(place).short(),
        count(after(PARTS / 4)),
        count(after(PARTS / 2)),
        count(after(PARTS)),
        count(alive.spawned.unsigned_abs()),
        trace.quoted(oldest),
        duration(span.end.saturating_sub(trace.task(oldest).hot.last_end()) as f64),
    );
    let last = trace.task_polls(oldest).last();
    Some(Finding {
        certain: false,
        task: Some(oldest),
        poll: last,
        place: Some(place),
        worker: last.map(|last| trace.poll(last).lane).filter(|&lane| trace.is_worker(lane)),
        start: begin,
        end: span.end,
        count: at_end.unsigned_abs(),
        cost: alive.idle,
        ..Finding::new(Kind::Leak, evidence)
    })
}
