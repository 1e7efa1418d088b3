//! What stands at the end of an index: where all else stands, and the few things beside it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskscope_format::{Damage, DamageKind, Flavor, Report, ThreadId};

use super::chunks::ChunkAt;
use super::pieces::ArrayAt;
use super::texts::{TextTable, Texts};
use crate::dropped_events::DroppedEvents;
use crate::gaps::Gap;
use crate::trace::Trace;
use crate::types::{
    Info, Lane, LaneIx, LaneKind, LaneThread, Place, PlaceIx, PollIx, Resource, Runtime, Thread,
};
use crate::yields::Decisions;

/// See [the module](self).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) tag: Vec<u8>,
    pub(super) chunks: Vec<ChunkAt>,
    pub(super) arrays: Arrays,
    pub(super) few: Few,
}

/// In the order in which they stand.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Arrays {
    pub(super) hot: ArrayAt,
    pub(super) hops_of: ArrayAt,
    pub(super) marks: ArrayAt,
    pub(super) tasks: ArrayAt,
    pub(super) ends_off_lane: ArrayAt,
    pub(super) odd_times: ArrayAt,
    pub(super) spawns: ArrayAt,
    pub(super) ends: ArrayAt,
    pub(super) hops: ArrayAt,
    pub(super) more_wakes: ArrayAt,
    pub(super) odd_wakers: ArrayAt,
    pub(super) resources: ArrayAt,
    pub(super) wait_kinds: ArrayAt,
    pub(super) spans: ArrayAt,
    pub(super) messages: ArrayAt,
    /// By lane.
    pub(super) parks: Vec<ArrayAt>,
    /// By lane, with the longest.
    pub(super) visits: Vec<(ArrayAt, u64)>,
    /// The numbers of `Trace::texts`.
    pub(super) texts: ArrayAt,
    pub(super) text_lengths: ArrayAt,
    pub(super) text_bytes: ArrayAt,
}

#[cfg(test)]
impl Arrays {
    pub(super) fn all_mut(&mut self) -> Vec<&mut ArrayAt> {
        let Self { hot, hops_of, marks, tasks, ends_off_lane, odd_times, spawns, .. } = self;
        let Self { ends, hops, more_wakes, odd_wakers, resources, wait_kinds, .. } = self;
        let Self { spans, messages, parks, visits, texts, text_lengths, text_bytes, .. } = self;
        let mut all = vec![hot, hops_of, marks, tasks, ends_off_lane, odd_times, spawns];
        all.extend([ends, hops, more_wakes, odd_wakers, resources, wait_kinds]);
        all.extend([spans, messages, texts, text_lengths, text_bytes]);
        all.extend(parks);
        all.extend(visits.iter_mut().map(|(visits, _)| visits));
        all
    }
}

/// Number, name, flavor, hooks, workers.
type FewOfRuntime = (u32, Option<u32>, u8, bool, Vec<u16>);

/// Thread, lane, from, until, count.
type FewOfDrop = (Option<u32>, Option<u16>, u64, u64, u64);

/// What there is little of. Texts are numbers.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Few {
    format_version: u16,
    started_unix_ns: u64,
    meta: Vec<(String, String)>,
    complete: bool,
    damages: Vec<(u64, u64, u8)>,
    more_damage: u64,
    records: u64,
    dropped: u64,
    unread_ends: Vec<(u32, u64)>,
    span: (u64, u64),
    runtimes: Vec<FewOfRuntime>,
    threads: Vec<(u32, u64, Option<u32>)>,
    lanes: Vec<FewOfLane>,
    lane_order: Vec<u16>,
    places: Vec<(u32, u32, u32)>,
    resource_kinds: Vec<(u32, bool, Option<u32>)>,
    poll_count: u64,
    wake_count: u64,
    hop_count: u64,
    known_ends: u64,
    drops: Vec<FewOfDrop>,
    gaps: Vec<(u32, Option<u16>, u64, u64)>,
    before: Vec<(u32, u64)>,
    habits: Vec<Option<bool>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct FewOfLane {
    /// Runtime and index of a worker.
    worker: Option<(u32, u32)>,
    /// Number of the thread that is none.
    thread: u32,
    threads: Vec<(u64, u32)>,
    busy: u64,
    parked: u64,
}

const DAMAGES: [DamageKind; 6] = [
    DamageKind::NoBlock,
    DamageKind::Checksum,
    DamageKind::Piece,
    DamageKind::Record,
    DamageKind::MissingBlock,
    DamageKind::BehindEnd,
];

impl Few {
    /// `None` if there is something that this cannot say.
    pub(super) fn of(trace: &Trace, texts: &mut TextTable) -> Option<Self> {
        let Report { complete, damages, more_damage, records, dropped, unread_ends } =
            &trace.report;
        let damages = damages.iter().map(|damage| {
            let kind = DAMAGES.iter().position(|kind| *kind == damage.what)?;
            Some((damage.offset, damage.length, kind as u8))
        });
        let mut name = |name: &Option<Arc<str>>| name.as_ref().map(|name| texts.number(name));
        let runtimes = trace.runtimes.iter().map(|runtime| {
            let workers = runtime.workers.iter().map(|lane| lane.0).collect();
            (runtime.id, name(&runtime.name), runtime.flavor.code(), runtime.hooked, workers)
        });
        let runtimes = runtimes.collect();
        let threads = trace.threads.iter().map(|of| (of.id.0, of.os_id, name(&of.name))).collect();
        let places = trace.places.iter();
        let places = places.map(|at| (texts.number(&at.file), at.line, at.column)).collect();
        let resource_kinds = trace.resource_kinds.iter().map(|kind| {
            let place = kind.place.map(|place| place.0);
            (texts.number(&kind.concrete_type), kind.is_internal, place)
        });
        let resource_kinds = resource_kinds.collect();
        let meta = trace.info.meta.iter();
        let lane = |lane: Option<LaneIx>| lane.map(|lane| lane.0);
        let drops = trace.drops.iter().map(|of| {
            (of.thread.map(|thread| thread.0), lane(of.lane), of.from, of.until, of.count)
        });
        let gaps = trace.gaps.iter().map(|of| (of.thread.0, lane(of.lane), of.from, of.until));
        Some(Self {
            format_version: trace.info.format_version,
            started_unix_ns: trace.info.started_unix_ns,
            meta: meta.map(|(key, value)| (key.to_string(), value.to_string())).collect(),
            complete: *complete,
            damages: damages.collect::<Option<_>>()?,
            more_damage: *more_damage,
            records: *records,
            dropped: *dropped,
            unread_ends: unread_ends.iter().map(|(thread, time)| (thread.0, *time)).collect(),
            span: (trace.span.start, trace.span.end),
            runtimes,
            threads,
            lanes: trace.lanes.iter().map(FewOfLane::of).collect(),
            lane_order: trace.lane_order.iter().map(|lane| lane.0).collect(),
            places,
            resource_kinds,
            poll_count: trace.poll_count,
            wake_count: trace.wake_count,
            hop_count: trace.hop_count,
            known_ends: trace.known_ends,
            drops: drops.collect(),
            gaps: gaps.collect(),
            before: trace.before.iter().map(|(poll, time)| (poll.0, *time)).collect(),
            habits: trace.habits.of_place.clone(),
        })
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn runtimes(&self) -> usize {
        self.runtimes.len()
    }

    pub(super) fn places(&self) -> usize {
        self.places.len()
    }

    pub(super) fn resource_kinds(&self) -> usize {
        self.resource_kinds.len()
    }

    /// A trace with this alone; `None` if it makes no sense.
    pub(super) fn trace(&self, texts: &Texts) -> Option<Trace> {
        let lane = |lane: u16| (usize::from(lane) < self.lanes.len()).then_some(LaneIx(lane));
        let lane_if_any = |at: Option<u16>| at.map_or(Some(None), |at| lane(at).map(Some));
        let lanes_of = |list: &[u16]| list.iter().map(|at| lane(*at)).collect::<Option<Vec<_>>>();
        let name = |name: Option<u32>| name.map_or(Some(None), |name| texts.get(name).map(Some));
        let damages = self.damages.iter().map(|&(offset, length, kind)| {
            Some(Damage { offset, length, what: *DAMAGES.get(usize::from(kind))? })
        });
        let runtimes = self.runtimes.iter().map(|(id, named, flavor, hooked, workers)| {
            let flavor = Flavor::from_code(*flavor)?;
            let (id, hooked) = (*id, *hooked);
            Some(Runtime { id, name: name(*named)?, flavor, hooked, workers: lanes_of(workers)? })
        });
        let threads = self.threads.iter().map(|&(id, os_id, named)| {
            Some(Thread { id: ThreadId(id), os_id, name: name(named)? })
        });
        let drops = self.drops.iter().map(|&(thread, at, from, until, count)| {
            let thread = thread.map(ThreadId);
            Some(DroppedEvents { thread, lane: lane_if_any(at)?, from, until, count })
        });
        let gaps = self.gaps.iter().map(|&(thread, at, from, until)| {
            Some(Gap { thread: ThreadId(thread), lane: lane_if_any(at)?, from, until })
        });
        let lane_order = lanes_of(&self.lane_order)?;
        let mut sorted = lane_order.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let holds = sorted.len() == self.lanes.len()
            && lane_order.len() == self.lanes.len()
            && self.span.0 <= self.span.1;
        let mut trace = Trace {
            info: Info {
                format_version: self.format_version,
                started_unix_ns: self.started_unix_ns,
                meta: self
                    .meta
                    .iter()
                    .map(|(k, v)| (k.as_str().into(), v.as_str().into()))
                    .collect(),
            },
            report: Report {
                complete: self.complete,
                damages: damages.collect::<Option<_>>()?,
                more_damage: self.more_damage,
                records: self.records,
                dropped: self.dropped,
                unread_ends: self.unread_ends.iter().map(|&(id, at)| (ThreadId(id), at)).collect(),
            },
            span: self.span.0..self.span.1,
            runtimes: runtimes.collect::<Option<_>>()?,
            threads: threads.collect::<Option<_>>()?,
            lanes: self.lanes.iter().map(|lane| lane.lane(self)).collect::<Option<_>>()?,
            lane_order,
            poll_count: self.poll_count,
            wake_count: self.wake_count,
            hop_count: self.hop_count,
            known_ends: self.known_ends,
            drops: drops.collect::<Option<_>>()?,
            gaps: gaps.collect::<Option<_>>()?,
            before: self.before.iter().map(|&(poll, time)| (PollIx(poll), time)).collect(),
            habits: Decisions { of_place: self.habits.clone() },
            ..Trace::default()
        };
        for &(file, line, column) in &self.places {
            trace.places.push(Place { file: texts.get(file)?, line, column });
        }
        for &(concrete_type, is_internal, place) in &self.resource_kinds {
            let is_there = place.is_none_or(|place| (place as usize) < self.places.len());
            let place = place.filter(|_| is_there).map(PlaceIx);
            let concrete_type = texts.get(concrete_type)?;
            trace.resource_kinds.push(Resource { concrete_type, is_internal, place });
        }
        holds.then_some(trace)
    }
}

impl FewOfLane {
    fn of(lane: &Lane) -> Self {
        let (worker, thread) = match lane.kind {
            LaneKind::Worker { runtime, index } => (Some((runtime, index)), 0),
            LaneKind::Thread(thread) => (None, thread.0),
        };
        let threads = lane.threads.iter().map(|of| (of.since, of.thread.0)).collect();
        Self { worker, thread, threads, busy: lane.busy, parked: lane.parked }
    }

    fn lane(&self, few: &Few) -> Option<Lane> {
        let kind = match self.worker {
            Some((runtime, _)) if runtime as usize >= few.runtimes.len() => return None,
            Some((runtime, index)) => LaneKind::Worker { runtime, index },
            None => LaneKind::Thread(ThreadId(self.thread)),
        };
        let thread = |&(since, thread)| LaneThread { since, thread: ThreadId(thread) };
        let mut lane = Lane::new(kind);
        lane.threads = self.threads.iter().map(thread).collect();
        (lane.busy, lane.parked) = (self.busy, self.parked);
        Some(lane)
    }
}
