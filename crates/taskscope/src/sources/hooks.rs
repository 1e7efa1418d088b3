//! The hooks on `tokio::runtime::Builder`.

use std::sync::Arc;

use taskscope_format::Event;
use tokio::runtime::Builder;

use crate::tracker::runtimes::HookSet;
use crate::tracker::slot::Slot;
use crate::tracker::thread::record;

/// The recorder's hooks for one runtime, to be called from hooks of your own.
///
/// A `tokio::runtime::Builder` has room for one hook of each kind: one that is set later replaces
/// the one before. [`Recording::hooks`](crate::Recording::hooks) sets all of the recorder's. If
/// your program has some itself, let yours call these:
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.tscope");
/// # let recording = taskscope::Recorder::builder().file(path).start()?;
/// let hooks = recording.hook_set();
/// let mut builder = tokio::runtime::Builder::new_multi_thread();
/// hooks.install(&mut builder);
/// // Replaces the recorder's, and calls it.
/// builder.on_thread_park(move || {
///     hooks.on_thread_park();
///     // ... what yours does
/// });
/// let runtime = builder.build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Take one `Hooks` for each runtime: the trace tells runtimes apart by it. A clone is the same
/// one. The hooks of an idle recording do nothing.
///
/// The task hooks exist only with `--cfg tokio_unstable`, like Tokio's.
#[derive(Clone, Debug)]
pub struct Hooks {
    source: Option<(Arc<Slot>, Arc<HookSet>)>,
}

impl Hooks {
    pub(crate) fn new(slot: Option<Arc<Slot>>, name: &str) -> Self {
        let source = slot.map(|slot| {
            slot.set_up.hooks.note();
            (slot, Arc::new(HookSet::new(name.to_owned())))
        });
        Self { source }
    }

    /// Sets all of these hooks on a builder, in place of those that are there.
    pub fn install(&self, builder: &mut Builder) {
        if self.source.is_none() {
            return;
        }
        let hooks = self.clone();
        builder.on_thread_park(move || hooks.on_thread_park());
        let hooks = self.clone();
        builder.on_thread_unpark(move || hooks.on_thread_unpark());
        #[cfg(tokio_unstable)]
        self.install_task_hooks(builder);
    }

    #[cfg(tokio_unstable)]
    fn install_task_hooks(&self, builder: &mut Builder) {
        let hooks = self.clone();
        builder.on_task_spawn(move |task| hooks.on_task_spawn(task));
        let hooks = self.clone();
        builder.on_before_task_poll(move |task| hooks.on_before_task_poll(task));
        #[cfg(feature = "schedule-latency")]
        if self.source.as_ref().is_some_and(|(slot, _)| slot.detail == crate::Detail::Polls) {
            builder.track_task_schedule_latency();
        }
        let hooks = self.clone();
        builder.on_after_task_poll(move |task| hooks.on_after_task_poll(task));
        let hooks = self.clone();
        builder.on_task_terminate(move |task| hooks.on_task_terminate(task));
    }

    /// For `Builder::on_thread_park`: a worker is about to park.
    pub fn on_thread_park(&self) {
        self.park(&Event::Park);
    }

    /// For `Builder::on_thread_unpark`: a worker goes on.
    pub fn on_thread_unpark(&self) {
        self.park(&Event::Unpark);
    }

    #[inline]
    fn park(&self, event: &Event<'_>) {
        if let Some((slot, hooks)) = &self.source {
            record(slot, |thread, shared| thread.park(shared, hooks, event));
        }
    }
}

#[cfg(tokio_unstable)]
mod task_hooks {
    use taskscope_format::{Location, Nanos};
    use tokio::runtime::TaskMeta;

    use super::{Arc, HookSet, Hooks, Slot};
    use crate::tracker::ids;
    use crate::tracker::thread::record;

    // Not inlined, so that a recorder which is idle does not even save registers for these.

    #[inline(never)]
    fn before_poll(slot: &Arc<Slot>, hooks: &HookSet, task: &TaskMeta<'_>) {
        record(slot, |thread, shared| {
            thread.before_poll(shared, hooks, ids::task(task.id()), latency(task));
        });
    }

    /// How long the task was scheduled, where Tokio measures that: only in `Detail::Polls`, since
    /// elsewhere its wake is recorded.
    #[cfg(feature = "schedule-latency")]
    fn latency(task: &TaskMeta<'_>) -> Option<Nanos> {
        Some(task.schedule_latency()?.as_nanos().try_into().unwrap_or(Nanos::MAX))
    }

    #[cfg(not(feature = "schedule-latency"))]
    fn latency(_: &TaskMeta<'_>) -> Option<Nanos> {
        None
    }

    #[inline(never)]
    fn after_poll(slot: &Arc<Slot>, task: &TaskMeta<'_>) {
        record(slot, |thread, shared| thread.after_poll(shared, ids::task(task.id())));
    }

    impl Hooks {
        /// For `Builder::on_task_spawn`.
        pub fn on_task_spawn(&self, task: &TaskMeta<'_>) {
            let Some((slot, hooks)) = &self.source else { return };
            let at = task.spawned_at();
            let location = Location { file: at.file(), line: at.line(), column: at.column() };
            let spawned = (ids::task(task.id()), location);
            record(slot, |thread, shared| thread.hook_spawn(shared, hooks, spawned));
        }

        /// For `Builder::on_before_task_poll`.
        #[inline]
        pub fn on_before_task_poll(&self, task: &TaskMeta<'_>) {
            if let Some((slot, hooks)) = &self.source
                && !slot.is_idle()
            {
                before_poll(slot, hooks, task);
            }
        }

        /// For `Builder::on_after_task_poll`.
        #[inline]
        pub fn on_after_task_poll(&self, task: &TaskMeta<'_>) {
            if let Some((slot, _)) = &self.source
                && !slot.is_idle()
            {
                after_poll(slot, task);
            }
        }

        /// For `Builder::on_task_terminate`.
        pub fn on_task_terminate(&self, task: &TaskMeta<'_>) {
            let Some((slot, _)) = &self.source else { return };
            record(slot, |thread, shared| thread.terminate(shared, ids::task(task.id())));
        }
    }
}
