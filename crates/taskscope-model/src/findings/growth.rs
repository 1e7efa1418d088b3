//! Tasks that become more and more, and futures that are large.

use foldhash::{HashMap, HashMapExt};
use taskscope_format::Nanos;

use super::{Finding, Kind, Severity, duration, plural};
use crate::questions::{Outcome, pause};
use crate::trace::Trace;
use crate::types::{PlaceIx, TaskIx};
use crate::units;

/// From so many tasks on.
const MANY: u64 = 100;
/// Of ten tasks at most so many have ended by themselves.
const ENDED_OF_TEN: u64 = 1;
/// In each quarter of the recording at least a tenth of them is spawned.
const QUARTERS: usize = 4;
/// Futures of so many bytes: what Tokio itself puts on the heap first, in a release build
/// (`BOX_FUTURE_THRESHOLD` in tokio/src/runtime/mod.rs).
const HUGE: u64 = 16_384;

#[derive(Default)]
struct OfPlace {
    spawned: u64,
    ended: u64,
    in_quarter: [u64; QUARTERS],
    /// The first that did not end.
    lasting: Option<TaskIx>,
    /// The largest future, and whose.
    largest: Option<(u64, TaskIx)>,
    huge: u64,
}

pub(super) async fn find(trace: &Trace, findings: &mut Vec<Finding>) {
    let span = trace.span();
    let quarter = (span.end - span.start) / QUARTERS as u64 + 1;
    let mut places: HashMap<PlaceIx, OfPlace> = HashMap::new();
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        let view = trace.task(task);
        let Some(place) = view.place.filter(|_| view.is_async()) else { continue };
        let of = places.entry(place).or_default();
        let size = view.size.unwrap_or(0).max(view.original_size.unwrap_or(0));
        of.huge += u64::from(size >= HUGE);
        if of.largest.is_none_or(|(most, _)| size > most) {
            of.largest = Some((size, task));
        }
        if let Some(spawned) = view.spawned {
            of.spawned += 1;
            of.in_quarter[((spawned - span.start.min(spawned)) / quarter) as usize % QUARTERS] += 1;
            let ends = view.end.map(Outcome::of);
            match ends.is_none_or(|how| how == Outcome::DroppedAtShutdown) {
                true => of.lasting = of.lasting.or(Some(task)),
                false => of.ended += 1,
            }
        }
        if task.0 % 16_384 == 16_383 {
            pause().await;
        }
    }
    let mut places: Vec<(PlaceIx, OfPlace)> = places.into_iter().collect();
    places.sort_by_key(|(place, _)| *place);
    for (place, of) in &places {
        findings.extend(leak(trace, *place, of));
        findings.extend(huge(trace, *place, of));
    }
}

fn leak(trace: &Trace, place: PlaceIx, of: &OfPlace) -> Option<Finding> {
    let grows = of.in_quarter.iter().all(|&spawned| 10 * spawned >= of.spawned);
    if of.spawned < MANY || 10 * of.ended > ENDED_OF_TEN * of.spawned || !grows {
        return None;
    }
    let task = of.lasting?;
    let mut alive = 0;
    let counts = of.in_quarter.map(|spawned| {
        alive += spawned;
        units::count(alive)
    });
    let evidence = format!(
        "{} were spawned at {}, {} with each quarter of the recording, and {} ended by itself. `{}` has lived for {}.",
        plural(of.spawned, "task"),
        trace.place(place).short(),
        counts.join(", "),
        match of.ended {
            0 => "none".to_owned(),
            some => units::count(some),
        },
        trace.task_name(task),
        duration(life(trace, task)),
    );
    Some(Finding {
        kind: Kind::Leak,
        severity: Severity::Warning,
        // They may be meant to live on.
        certain: false,
        task: Some(task),
        poll: None,
        place: Some(place),
        lane: None,
        times: trace.span(),
        evidence,
        affected: Vec::new(),
        cost: of.spawned - of.ended,
    })
}

fn life(trace: &Trace, task: TaskIx) -> Nanos {
    let end = trace.task(task).end.map_or(trace.span().end, |end| end.time);
    end.saturating_sub(trace.first_seen(task))
}

fn huge(trace: &Trace, place: PlaceIx, of: &OfPlace) -> Option<Finding> {
    let (size, task) = of.largest.filter(|&(size, _)| size >= HUGE)?;
    let view = trace.task(task);
    let boxed = match view.original_size {
        Some(_) => " Tokio had to put it into an allocation of its own.",
        None => "",
    };
    let alike = match of.huge {
        1 => String::new(),
        many => format!(
            " {} tasks of this place have one of {} bytes or more.",
            units::count(many),
            units::count(HUGE)
        ),
    };
    let evidence = format!(
        "The future of `{}`, spawned at {}, takes {} bytes.{alike}{boxed}",
        trace.task_name(task),
        trace.place(place).short(),
        units::count(size),
    );
    let spawned = trace.first_seen(task);
    Some(Finding {
        kind: Kind::HugeFuture,
        severity: Severity::Warning,
        certain: true,
        task: Some(task),
        poll: None,
        place: Some(place),
        lane: None,
        times: spawned..spawned + life(trace, task),
        evidence,
        affected: Vec::new(),
        cost: size,
    })
}
