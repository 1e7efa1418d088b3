//! From what a file calls things to where they stand in the trace: threads, runtimes,
//! lanes, tasks, places, texts. Each is made when it is first named.

use std::sync::Arc;

use foldhash::HashMap;
use taskscope_format::{
    Flavor, LocationOf, Nanos, ResourceId, ResourceOf, RuntimeId, Source, SpawnOf, TaskId,
    TaskKind, ThreadId,
};

use super::replay::Replay;
use crate::store::id_map::IdMap;
use crate::types::{
    Hot, Lane, LaneIx, LaneKind, MORE_KINDS, Place, PlaceIx, Resource, ResourceIx, ResourceRow,
    Runtime, Task, TaskIx, TextIx, Thread,
};

/// A runtime says how many workers it has. Lanes are made at once for at most
/// this many of all runtimes, the others when they are first seen.
const MAX_LANES_AHEAD: u32 = 1024;

/// Where things stand, by what a file calls them. (Tasks stand in the trace's own map.)
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    texts: HashMap<Arc<str>, TextIx>,
    threads: HashMap<ThreadId, usize>,
    runtimes: HashMap<RuntimeId, u32>,
    lanes: HashMap<LaneKind, LaneIx>,
    places: HashMap<Place, PlaceIx>,
    resources: IdMap,
    resource_kinds: HashMap<(Arc<str>, bool, Option<PlaceIx>), u32>,
    wait_kinds: HashMap<(ResourceIx, TextIx), u32>,
}

impl Names {
    /// The threads and lanes alone.
    pub(crate) fn of_lanes(&self) -> Self {
        Self { threads: self.threads.clone(), lanes: self.lanes.clone(), ..Self::default() }
    }

    pub(crate) fn has_thread(&self, id: ThreadId) -> bool {
        self.threads.contains_key(&id)
    }

    pub(crate) fn known_lane(&self, kind: LaneKind) -> Option<LaneIx> {
        self.lanes.get(&kind).copied()
    }
}

/// A text of a record; `None` for one that its thread never defined, which no recorder writes.
type Text = Option<TextIx>;

impl Replay {
    /// A text, kept once however often it is defined.
    pub(crate) fn text(&mut self, text: &str) -> TextIx {
        if let Some(&known) = self.names.texts.get(text) {
            return known;
        }
        let new = TextIx(self.trace.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.trace.texts.push(text.clone());
        self.names.texts.insert(text, new);
        new
    }

    pub(crate) fn text_of(&self, text: Text) -> Arc<str> {
        text.and_then(|text| self.trace.texts.get(text.get())).cloned().unwrap_or_default()
    }

    /// A name; `None` for an empty one.
    fn name(&self, text: Text) -> Text {
        text.filter(|text| !self.trace.text(*text).is_empty())
    }

    pub(crate) fn thread(&mut self, id: ThreadId, os_id: u64, name: Text) {
        let name = self.name(name).map(|name| self.text_of(Some(name)));
        let threads = &mut self.trace.threads;
        let position = *self.names.threads.entry(id).or_insert_with(|| {
            threads.push(Thread { id, os_id, name: None });
            threads.len() - 1
        });
        let thread = &mut threads[position];
        thread.name = name.or(thread.name.take());
    }

    pub(crate) fn runtime(
        &mut self,
        id: RuntimeId,
        flavor: Flavor,
        workers: u32,
        name: Text,
        hooked: bool,
    ) {
        let name = self.name(name).map(|name| self.text_of(Some(name)));
        let position = self.runtime_position(id);
        let runtime = &mut self.trace.runtimes[position as usize];
        runtime.flavor = flavor;
        runtime.hooked |= hooked;
        runtime.name = name.or(runtime.name.take());
        self.lanes_ahead(position, workers.min(MAX_LANES_AHEAD));
    }

    fn runtime_position(&mut self, id: RuntimeId) -> u32 {
        let runtimes = &mut self.trace.runtimes;
        *self.names.runtimes.entry(id).or_insert_with(|| {
            runtimes.push(Runtime {
                id: id.0,
                name: None,
                flavor: Flavor::Unknown,
                hooked: false,
                workers: Vec::new(),
            });
            runtimes.len() as u32 - 1
        })
    }

    /// Makes lanes for a runtime's workers before they are seen.
    fn lanes_ahead(&mut self, runtime: u32, workers: u32) {
        // Recorders introduce a runtime again and again.
        let last = workers.checked_sub(1).map(|index| LaneKind::Worker { runtime, index });
        if last.is_none_or(|last| self.names.lanes.contains_key(&last)) {
            return;
        }
        for index in 0..workers {
            if self.trace.lanes.len() >= MAX_LANES_AHEAD as usize {
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
        if let Some(&known) = self.names.lanes.get(&kind) {
            return known;
        }
        // No program has so many; the last lane takes what a broken file may
        // claim.
        let last = LaneIx(u16::MAX);
        if self.trace.lanes.len() > last.get() {
            return last;
        }
        let new = LaneIx(self.trace.lanes.len() as u16);
        self.trace.lanes.push(Lane::new(kind));
        self.occupants.push(Vec::new());
        self.names.lanes.insert(kind, new);
        new
    }

    #[inline]
    pub(crate) fn task(&mut self, id: TaskId) -> TaskIx {
        match self.trace.task_of.get(id.0) {
            Some(known) => TaskIx(known),
            None => self.new_task(id),
        }
    }

    #[cold]
    fn new_task(&mut self, id: TaskId) -> TaskIx {
        let new = TaskIx(self.trace.tasks.len() as u32);
        self.trace.tasks.push(Task::new(id));
        self.hot.push(Hot::NEW);
        self.hops_of.push(0);
        self.trace.task_of.insert(id.0, new.0);
        self.orphan_end(id, new);
        new
    }

    pub(super) fn place(&mut self, location: LocationOf<Text>) -> PlaceIx {
        let file = self.text_of(location.file);
        let place = Place { file, line: location.line, column: location.column };
        let places = &mut self.trace.places;
        *self.names.places.entry(place).or_insert_with_key(|place| {
            places.push(place.clone());
            PlaceIx(places.len() as u32 - 1)
        })
    }

    /// Takes in a spawn; the layer and a hook may both report the same one.
    pub(crate) fn spawn(&mut self, stream: usize, time: Nanos, spawn: &SpawnOf<Text>) {
        let ix = self.task(spawn.task);
        let parent = match spawn.parent {
            Some(parent) => Some(self.task(parent)),
            // A wrapper names its task from inside of it.
            None => {
                let open = self.streams[stream].open.last();
                open.map(|open| open.task).filter(|task| *task != ix)
            }
        };
        let (name, function) = (spawn.name.flatten(), spawn.function.flatten());
        let (name, function) = (self.name(name), self.name(function));
        let place = spawn.location.map(|location| self.place(location));
        let runtime = spawn.runtime.map(|id| self.runtime_position(id));
        let worker = self.streams[stream].worker;
        self.described.insert(ix);
        let trace = &mut self.trace;
        let Some(task) = trace.tasks.get_mut(ix.get()) else { return };
        if spawn.source == Source::Span {
            task.kind = spawn.kind;
        }
        task.is_part |= spawn.is_part;
        let hot = &mut self.hot[ix.get()];
        // A part moves with its task, whose hops these are.
        hot.set(Hot::HOPS, task.is_queued());
        hot.set(Hot::BLOCK_ON, task.kind == TaskKind::BlockOn);
        if task.spawned.is_none() {
            task.spawned = Some(time);
            trace.spawns.push(time);
        }
        task.spawned_on = task.spawned_on.or(worker);
        task.parent = task.parent.or(parent);
        task.name = task.name.take().or(name);
        task.function = task.function.take().or(function);
        task.place = task.place.or(place);
        task.runtime = task.runtime.or(runtime);
        task.size = task.size.or(spawn.size);
        task.original_size = task.original_size.or(spawn.original_size);
    }

    pub(crate) fn resource(&mut self, resource: &ResourceOf<Text>) {
        let ix = self.resource_ix(resource.id);
        let place = resource.location.map(|location| self.place(location));
        let kind =
            self.resource_kind(self.text_of(resource.concrete_type), resource.is_internal, place);
        if let Some(row) = self.trace.resources.get_mut(ix.get()) {
            row.kind = kind;
        }
    }

    fn resource_kind(
        &mut self,
        concrete_type: Arc<str>,
        is_internal: bool,
        place: Option<PlaceIx>,
    ) -> u32 {
        let kinds = &mut self.trace.resource_kinds;
        let key = (concrete_type, is_internal, place);
        *self.names.resource_kinds.entry(key).or_insert_with_key(|(concrete_type, ..)| {
            kinds.push(Resource { concrete_type: concrete_type.clone(), is_internal, place });
            kinds.len() as u32 - 1
        })
    }

    /// The position of a resource, also of one that is described later, or whose
    /// record is lost.
    fn resource_ix(&mut self, id: ResourceId) -> ResourceIx {
        if let Some(known) = self.names.resources.get(id.0) {
            return ResourceIx(known);
        }
        let kind = self.resource_kind("".into(), false, None);
        let ix = self.trace.resources.len() as u32;
        self.trace.resources.push(ResourceRow { kind, operation: None });
        self.names.resources.insert(id.0, ix);
        ResourceIx(ix)
    }

    /// What a [`WaitRow`](crate::store::polls::WaitRow) calls an operation: mostly by its resource,
    /// since nearly all have one operation.
    pub(crate) fn wait_kind(&mut self, resource: ResourceId, operation: Text) -> u32 {
        let ix = self.resource_ix(resource);
        let operation = operation.unwrap_or_else(|| self.text(""));
        let Some(row) = self.trace.resources.get_mut(ix.get()) else { return 0 };
        if *row.operation.get_or_insert(operation) == operation {
            return ix.0;
        }
        let kinds = &mut self.trace.wait_kinds;
        *self.names.wait_kinds.entry((ix, operation)).or_insert_with_key(|kind| {
            kinds.push(*kind);
            MORE_KINDS | (kinds.len() as u32 - 1)
        })
    }
}
