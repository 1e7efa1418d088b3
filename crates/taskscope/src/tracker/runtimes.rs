//! Which runtimes there are.
//!
//! Hooks and the layer learn of a runtime by different ways. What joins them
//! is Tokio's own id, which `Handle::current()` answers on a worker of the
//! runtime, inside a hook too.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use taskscope_format::{Event, Flavor, RuntimeId};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::tracker::ids;

/// The runtimes of a recording, in the order in which they were first seen.
#[derive(Debug, Default)]
pub(crate) struct Runtimes {
    list: Vec<Runtime>,
    /// Counts the changes, so that the writer sees when there is something new
    /// to write.
    pub(crate) version: u64,
}

#[derive(Debug)]
struct Runtime {
    tokio_id: u64,
    flavor: Flavor,
    workers: u32,
    name: String,
    hooked: bool,
    /// [`Runtimes::version`] when something of this was last new.
    changed: u64,
}

impl Runtimes {
    /// The number of the runtime behind `handle`. `hooks` are those that are
    /// known to be on it.
    pub(crate) fn number(
        &mut self,
        recording: u64,
        handle: &Handle,
        hooks: Option<&HookSet>,
    ) -> RuntimeId {
        let tokio_id = ids::runtime(handle.id());
        let known = self.list.iter().position(|runtime| runtime.tokio_id == tokio_id);
        let index = known.unwrap_or_else(|| {
            self.version += 1;
            self.list.push(Runtime {
                tokio_id,
                flavor: match handle.runtime_flavor() {
                    RuntimeFlavor::CurrentThread => Flavor::CurrentThread,
                    RuntimeFlavor::MultiThread => Flavor::MultiThread,
                    _ => Flavor::Unknown,
                },
                workers: u32::try_from(handle.metrics().num_workers()).unwrap_or(0),
                name: handle.name().unwrap_or_default().to_owned(),
                hooked: false,
                changed: self.version,
            });
            self.list.len() - 1
        });
        let id = RuntimeId(index as u32);
        let runtime = &mut self.list[index];
        if let Some(hooks) = hooks {
            hooks.seen_on(recording, id);
            if !runtime.hooked {
                runtime.hooked = true;
                if !hooks.name.is_empty() {
                    runtime.name.clone_from(&hooks.name);
                }
                self.version += 1;
                runtime.changed = self.version;
            }
        }
        id
    }

    /// The events that introduce the runtimes of which something is new since `version`: all, since
    /// version 0.
    pub(crate) fn introductions(&self, version: u64) -> impl Iterator<Item = Event<'_>> {
        let new = self.list.iter().zip(0..).filter(move |(runtime, _)| runtime.changed > version);
        new.map(|(runtime, id)| Event::Runtime {
            id: RuntimeId(id),
            flavor: runtime.flavor,
            workers: runtime.workers,
            name: &runtime.name,
            hooked: runtime.hooked,
        })
    }
}

/// The hooks of one `tokio::runtime::Builder`.
///
/// A builder may build more than one runtime, and each then calls the same
/// hooks.
#[derive(Debug)]
pub(crate) struct HookSet {
    /// Unique within the process, never 0.
    pub(crate) number: u32,
    /// The user's name for the runtime, empty where there is none.
    pub(crate) name: String,
    /// The runtime that was seen to call these hooks, behind the number of the recording in
    /// which it was: each recording counts its runtimes anew.
    runtime: AtomicU64,
}

/// Values of [`HookSet::runtime`] that are no runtime.
const NOT_YET: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

impl HookSet {
    pub(crate) fn new(name: String) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, name, runtime: AtomicU64::new(NOT_YET.into()) }
    }

    /// The runtime that calls these hooks, where there is just one and a
    /// worker of it has been seen.
    ///
    /// The spawn hook needs this: it is called on the thread that spawns, which
    /// may be no worker of the runtime, or a worker of another.
    pub(crate) fn runtime(&self, recording: u64) -> Option<RuntimeId> {
        let seen = self.runtime.load(Ordering::Relaxed);
        let id = seen as u32;
        (seen >> 32 == recording & u64::from(u32::MAX) && id < SEVERAL).then_some(RuntimeId(id))
    }

    fn seen_on(&self, recording: u64, id: RuntimeId) {
        let seen = |id: u32| recording << 32 | u64::from(id);
        let before = self.runtime.load(Ordering::Relaxed);
        let now = if before >> 32 != seen(0) >> 32 || before as u32 == NOT_YET {
            seen(id.0)
        } else if before == seen(id.0) {
            return;
        } else {
            seen(SEVERAL)
        };
        // Called under the lock of the recording's runtimes.
        self.runtime.store(now, Ordering::Relaxed);
    }
}
