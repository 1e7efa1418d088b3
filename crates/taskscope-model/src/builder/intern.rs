//! From what a file calls things to where they stand in the trace: threads, runtimes,
//! lanes, tasks, places, texts. Each is made when it is first named.

use std::sync::Arc;

use taskscope_format::{Flavor, Location, RuntimeId, TaskId, TaskKind, ThreadId};

use super::raw::RawLane;
use super::replay::Builder;
use crate::types::{LaneIx, LaneKind, Place, PlaceIx, Runtime, Task, TaskIx, Thread};

/// A runtime says how many workers it has. Lanes are made at once for at most
/// this many of all runtimes, the others when they are first seen.
const MAX_LANES_AHEAD: u32 = 1024;

/// Texts longer than this are rare.
pub(crate) const LONG: usize = 256;

impl Builder {
    pub(crate) fn thread(&mut self, id: ThreadId, os_id: u64, name: &str) {
        let name = self.optional_string(Some(name));
        let position = *self.thread_of.entry(id).or_insert_with(|| {
            self.threads.push(Thread { id, os_id, name: None });
            self.threads.len() - 1
        });
        let thread = &mut self.threads[position];
        thread.name = name.or(thread.name.take());
    }

    pub(crate) fn runtime(
        &mut self,
        id: RuntimeId,
        flavor: Flavor,
        workers: u32,
        name: &str,
        hooked: bool,
    ) {
        let name = self.optional_string(Some(name));
        let position = self.runtime_position(id);
        let runtime = &mut self.runtimes[position as usize];
        runtime.flavor = flavor;
        runtime.hooked |= hooked;
        runtime.name = name.or(runtime.name.take());
        self.lanes_ahead(position, workers.min(MAX_LANES_AHEAD));
    }

    pub(crate) fn runtime_position(&mut self, id: RuntimeId) -> u32 {
        *self.runtime_of.entry(id).or_insert_with(|| {
            self.runtimes.push(Runtime {
                id: id.0,
                name: None,
                flavor: Flavor::Unknown,
                hooked: false,
                workers: Vec::new(),
            });
            self.runtimes.len() as u32 - 1
        })
    }

    /// Makes lanes for a runtime's workers before they are seen.
    fn lanes_ahead(&mut self, runtime: u32, workers: u32) {
        // Recorders introduce a runtime again and again.
        let last = workers.checked_sub(1).map(|index| LaneKind::Worker { runtime, index });
        if last.is_none_or(|last| self.lane_of.contains_key(&last)) {
            return;
        }
        for index in 0..workers {
            if self.lanes.len() >= MAX_LANES_AHEAD as usize {
                return;
            }
            self.lane(LaneKind::Worker { runtime, index });
        }
    }

    pub(crate) fn worker_lane(&mut self, runtime: RuntimeId, index: u32) -> LaneIx {
        let runtime = self.runtime_position(runtime);
        self.lane(LaneKind::Worker { runtime, index })
    }

    pub(crate) fn lane(&mut self, kind: LaneKind) -> LaneIx {
        if let Some(&known) = self.lane_of.get(&kind) {
            return known;
        }
        // No program has so many; the last lane takes what a broken file may
        // claim.
        let last = LaneIx(u16::MAX);
        if self.lanes.len() > last.get() {
            return last;
        }
        let new = LaneIx(self.lanes.len() as u16);
        self.lanes.push(RawLane { kind, parks: Vec::new(), threads: Vec::new() });
        self.lane_of.insert(kind, new);
        new
    }

    pub(crate) fn task(&mut self, id: TaskId) -> TaskIx {
        *self.task_of.entry(id).or_insert_with(|| {
            self.tasks.push(Task {
                id,
                kind: TaskKind::Task,
                is_part: false,
                name: None,
                function: None,
                place: None,
                runtime: None,
                parent: None,
                size: None,
                original_size: None,
                spawned: None,
                spawned_on: None,
                end: None,
                hops: 0,
                busy: 0,
                longest: 0,
                polls: 0..0,
                wakes: 0..0,
            });
            TaskIx(self.tasks.len() as u32 - 1)
        })
    }

    /// A text, kept once however often it is named.
    pub(crate) fn string(&mut self, text: &str) -> Arc<str> {
        let stands_at = (text.as_ptr() as usize, text.len());
        if let Some(known) = self.long_strings.get(&stands_at) {
            return known.clone();
        }
        let known = self.equal_string(text);
        if text.len() > LONG {
            self.long_strings.insert(stands_at, known.clone());
        }
        known
    }

    fn equal_string(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.strings.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.strings.insert(text.clone());
        text
    }

    pub(crate) fn optional_string(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        text.filter(|text| !text.is_empty()).map(|text| self.string(text))
    }

    pub(crate) fn place(&mut self, location: Location<'_>) -> PlaceIx {
        let file = self.string(location.file);
        let place = Place { file, line: location.line, column: location.column };
        *self.place_of.entry(place).or_insert_with_key(|place| {
            self.places.push(place.clone());
            PlaceIx(self.places.len() as u32 - 1)
        })
    }
}
