//! Tasks that stand in line for one lock.
//!
//! # What is counted
//! A wait begins with the end of a poll in which taking a lock was all that was pending, and ends with the wake. All waits for a
//! lock together, over the time from the first to the last, are how many stood in line on average: no sorting is
//! needed for that.
//!
//! Who held the lock is inferred: a lock is handed to the next in line by whoever lets it go, so the task that woke a waiter
//! had held it.
//!
//! No false alarm: two tasks that meet at a lock now and then are no line. A semaphore is made for waiting (it bounds how
//! much goes on at once), so only `Mutex` and `RwLock` are looked at. A task that waits for a lock or something else
//! (`select!`) may not have waited for the lock.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashSet};
use taskscope_format::Nanos;

use super::Rule;
use crate::findings::seen::Seen;
use crate::findings::{Finding, Kind, Known};
use crate::store::polls::{Flags, WakerKind};
use crate::trace::Trace;
use crate::types::{PollIx, Resource, ResourceIx, TaskIx};
use crate::units::{duration, plural};

/// So many waits at least.
const LEAST: u64 = 10;
/// So many tasks stand in line on average.
const LINE: u128 = 2;
/// So long they wait together, at least.
const COST: Nanos = 10_000_000;

/// By lock.
#[derive(Default)]
pub(super) struct Convoy(HashMap<ResourceIx, Line>);

struct Line {
    waits: u64,
    sum: Nanos,
    first: Nanos,
    last: Nanos,
    longest: Wait,
    waiters: HashSet<TaskIx>,
    /// How many got the lock from whom.
    holders: HashMap<TaskIx, u64>,
}

#[derive(Clone, Copy)]
struct Wait {
    /// The poll in which it began.
    poll: PollIx,
    task: TaskIx,
    start: Nanos,
    end: Nanos,
    holder: Option<TaskIx>,
}

impl Wait {
    fn length(&self) -> Nanos {
        self.end - self.start
    }
}

fn is_lock(resource: &Resource) -> bool {
    !resource.is_internal && matches!(&*resource.concrete_type, "Mutex" | "RwLock")
}

/// The wait for a lock that this poll ended, if one did.
#[inline]
fn ended(seen: &Seen<'_>) -> Option<(ResourceIx, Wait)> {
    let trace = seen.trace;
    let before = seen.before()?;
    let chunk = trace.polls.chunk(before.chunk());
    if chunk.waits.is_empty() || !chunk.rows[before.slot()].flags.has(Flags::WAITS) {
        return None;
    }
    let [only] = chunk.waits_of(before.slot()) else { return None };
    let (lock, _) = trace.wait_kind(only.kind);
    if !is_lock(trace.resource(lock)) {
        return None;
    }
    let woken = seen.start() - seen.chunk.delay(seen.slot)?;
    let start = chunk.end(before.slot());
    let row = seen.row();
    let holder = match row.flags.waker() {
        WakerKind::Poll => Some(TaskIx(trace.polls.row(PollIx(row.waker)).task)),
        _ => None,
    };
    let end = woken.max(start);
    Some((lock, Wait { poll: before, task: seen.task(), start, end, holder }))
}

impl Line {
    fn new(wait: Wait) -> Self {
        Self {
            waits: 0,
            sum: 0,
            first: wait.start,
            last: wait.end,
            longest: wait,
            waiters: HashSet::default(),
            holders: HashMap::default(),
        }
    }

    fn extend(&mut self, other: &Self) {
        self.waits += other.waits;
        self.sum = self.sum.saturating_add(other.sum);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        if other.longest.length() > self.longest.length() {
            self.longest = other.longest;
        }
    }

    /// How many stood in line on average, times ten.
    fn average(&self) -> u128 {
        u128::from(self.sum) * 10 / u128::from((self.last - self.first).max(1))
    }

    fn is_convoy(&self) -> bool {
        self.waits >= LEAST && self.sum >= COST && self.average() >= 10 * LINE
    }
}

impl Rule for Convoy {
    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        let Some((lock, wait)) = ended(seen) else { return };
        let line = self.0.entry(lock).or_insert_with(|| Line::new(wait));
        line.extend(&Line { waits: 1, sum: wait.length(), ..Line::new(wait) });
        line.waiters.insert(wait.task);
        if let Some(holder) = wait.holder {
            *line.holders.entry(holder).or_default() += 1;
        }
    }

    fn join(&mut self, other: Self) {
        for (lock, of) in other.0 {
            let line = self.0.entry(lock).or_insert_with(|| Line::new(of.longest));
            line.extend(&of);
            line.waiters.extend(of.waiters);
            for (holder, count) in of.holders {
                *line.holders.entry(holder).or_default() += count;
            }
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        // The worst lock of each place where locks are made.
        let mut places = BTreeMap::<_, (ResourceIx, Line, u64)>::new();
        for (lock, line) in self.0.into_iter().filter(|(_, line)| line.is_convoy()) {
            let place = trace.resource(lock).place;
            let key = (place, place.is_none().then_some(lock));
            match places.remove(&key) {
                Some((worst, most, count)) => {
                    let is_worse = (line.sum, lock) > (most.sum, worst);
                    let (lock, line) = if is_worse { (lock, line) } else { (worst, most) };
                    places.insert(key, (lock, line, count + 1));
                }
                None => drop(places.insert(key, (lock, line, 1))),
            }
        }
        let places = places.into_values();
        places.map(|(lock, line, count)| finding(trace, lock, &line, count)).collect()
    }
}

fn finding(trace: &Trace, lock: ResourceIx, line: &Line, locks: u64) -> Finding {
    let resource = trace.resource(lock);
    let Wait { poll, task, start, end, holder } = line.longest;
    let average = line.average();
    let made = resource
        .place
        .map_or(String::new(), |place| format!(" made at {}", trace.place(place).short()));
    // Where its poll left off.
    let end_of_poll = trace.poll(poll).end;
    let span = trace.in_span(trace.poll(poll).lane, end_of_poll.saturating_sub(1)..end_of_poll);
    let mut evidence = format!(
        "on average {}.{} tasks stood in line for one {}{made}; {} waited longest{span}, {}",
        average / 10,
        average % 10,
        resource.concrete_type,
        trace.quoted(task),
        duration(line.longest.length() as f64),
    );
    if let Some(holder) = holder {
        evidence += &format!(", until {} let it go", trace.quoted(holder));
    }
    evidence += &format!(
        "; {} of {}, {} in all",
        plural(line.waits, "wait"),
        plural(line.waiters.len() as u64, "task"),
        duration(line.sum as f64),
    );
    // Of equally many the first task.
    let most = line.holders.iter().max_by_key(|(task, count)| (**count, std::cmp::Reverse(**task)));
    if let Some((holder, count)) = most.filter(|(_, count)| **count * 2 > line.waits) {
        evidence += &format!(", {count} of them for {}", trace.quoted(*holder));
    }
    if locks > 1 {
        evidence += &format!("; so it is with {}", plural(locks - 1, "other lock"));
    }
    let lane = trace.poll(poll).lane;
    Finding {
        // That the tasks waited is recorded; that the one who woke the next had held it is not.
        certain: trace.is_whole(&(line.first..line.last)),
        task: Some(task),
        poll: Some(poll),
        place: resource.place,
        worker: Some(lane).filter(|&lane| trace.is_worker(lane)),
        start,
        end,
        count: line.waits,
        cost: line.sum,
        ..Finding::new(Kind::LockConvoy, evidence)
    }
}
