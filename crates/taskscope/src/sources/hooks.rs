//! The hooks on `tokio::runtime::Builder`.

use std::sync::Arc;

use taskscope_format::Event;
use tokio::runtime::Builder;

use crate::tracker::runtimes::HookSet;
use crate::tracker::shared::Shared;
use crate::tracker::thread::record;

/// Puts all hooks on a builder.
pub(crate) fn install(shared: &Arc<Shared>, builder: &mut Builder, name: String) {
    let hooks = Arc::new(HookSet::new(name));
    for (is_park, event) in [(true, Event::Park), (false, Event::Unpark)] {
        let (shared, hooks) = (Arc::clone(shared), Arc::clone(&hooks));
        let hook = move || record(&shared, |thread, shared| thread.park(shared, &hooks, &event));
        if is_park {
            builder.on_thread_park(hook)
        } else {
            builder.on_thread_unpark(hook)
        };
    }
    #[cfg(tokio_unstable)]
    install_task_hooks(shared, builder, &hooks);
}

#[cfg(tokio_unstable)]
fn install_task_hooks(shared: &Arc<Shared>, builder: &mut Builder, hooks: &Arc<HookSet>) {
    use taskscope_format::Location;

    use crate::tracker::ids;

    let for_hook = || (Arc::clone(shared), Arc::clone(hooks));
    let (shared, hooks) = for_hook();
    builder.on_task_spawn(move |meta| {
        let at = meta.spawned_at();
        let location = Location { file: at.file(), line: at.line(), column: at.column() };
        let spawned = (ids::task(meta.id()), location);
        record(&shared, |thread, shared| thread.hook_spawn(shared, &hooks, spawned));
    });
    let (shared, hooks) = for_hook();
    builder.on_before_task_poll(move |meta| {
        let task = ids::task(meta.id());
        record(&shared, |thread, shared| thread.before_poll(shared, &hooks, task));
    });
    let (shared, _) = for_hook();
    builder.on_after_task_poll(move |meta| {
        let task = ids::task(meta.id());
        record(&shared, |thread, shared| thread.after_poll(shared, task));
    });
    let (shared, _) = for_hook();
    builder.on_task_terminate(move |meta| {
        let task = ids::task(meta.id());
        record(&shared, |thread, shared| thread.terminate(shared, task));
    });
}
