//! Whether what was set up can record at all.
//!
//! # The problem
//! A recorder that receives nothing writes an empty trace, and one that receives half of what there is
//! writes half of one, both without an error: the layer was made and not put anywhere, a filter
//! stands in front of it, the runtime was built without hooks, the recording was dropped where it
//! was made. No single place can see that, for each of these is a correct program.
//!
//! # The plan
//! The sources note that they have been set up (`tracker/set_up.rs`) and that something has come from them
//! ([`Shared`]). The writer thread compares the two twice: a second after the start, when there is
//! still time to stop the program and mend it, and at the end. What it finds is said on stderr
//! and in the trace, with the line to change. The sooner check reports only what cannot have a
//! harmless reason; a program without tasks is none before its end.
//!
//! A filter in front of the layer is found by asking: `sources/tracing/filter_check.rs`.

use std::time::Duration;

use taskscope_format::Nanos;
use tracing::level_filters::LevelFilter;

use crate::tracker::shared::Shared;
use crate::{Detail, unstable};

/// When the first look is taken.
pub(crate) const FIRST: Duration = Duration::from_secs(1);

/// A recording that ends so soon with nothing in it was not meant to.
const AT_ONCE: Nanos = 20_000_000;

/// What is wrong, and the line to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    DroppedAtOnce,
    NothingSetUp,
    LayerForgotten,
    LayerUnused,
    SubscriberUnused,
    SpansHidden,
    NoHooks,
    NoTasks,
}

impl Finding {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::DroppedAtOnce => {
                "the recording ended as soon as it had begun, and has nothing in it: keep it in a \
                 variable for as long as the program runs, as in `let _recording = …` (`let _ = …` \
                 drops it at once)"
            }
            Self::NothingSetUp => {
                "nothing has been recorded, for no source has been set up: put \
                 `.with(recording.layer())` on the subscriber and call \
                 `recording.hooks(&mut builder)` before the runtime is built, or use \
                 `taskscope::init()` or `#[taskscope::main]`"
            }
            Self::LayerForgotten => {
                "wakes, names and ends of tasks are missing from the trace, for there is no layer: \
                 put `.with(recording.layer())` on the subscriber, or choose `Detail::Polls`, \
                 which leaves them out"
            }
            Self::LayerUnused => {
                "the recorder's layer has been made, and no subscriber has it, so tasks and wakes \
                 are missing from the trace: put it there before the subscriber is set, as in \
                 `registry().with(recording.layer()).init()` (a layer that is put into a \
                 `reload::Layer` later gets nothing; use `Recorder::builder().paused()` and \
                 `resume()` instead)"
            }
            Self::SubscriberUnused => {
                "the recorder's subscriber is not in place where tasks are spawned, so tasks and \
                 wakes are missing from the trace: set it before the runtime is built, as in \
                 `tracing::dispatcher::set_global_default(recording.subscriber())`"
            }
            Self::SpansHidden => {
                "none of Tokio's spans reaches the recorder's layer, so tasks, names and wakes \
                 are missing from the trace: put no filter on it or in front of it, add it \
                 by itself, as in `registry().with(fmt::layer().with_filter(…))\
                 .with(recording.layer())`, and build without tracing's `max_level_*` features"
            }
            Self::NoHooks => {
                "nothing has been recorded, for `Detail::Polls` (`TASKSCOPE_DETAIL=polls`) records \
                 by hooks, and no runtime has them: call `recording.hooks(&mut builder)` before \
                 the runtime is built, or use `#[taskscope::main]`"
            }
            Self::NoTasks => {
                "nothing has been recorded: while the recording lasted, no task ran where the \
                 recorder listens. It records runtimes with its hooks, of what is spawned once \
                 its layer is in place, and of futures that are `.recorded()`"
            }
        }
    }
}

/// What is wrong with a recording, if anything is.
pub(crate) fn look(shared: &Shared, detail: Detail, at_end: bool) -> Option<Finding> {
    let set_up = &shared.set_up;
    let is_empty = !shared.has_threads();
    if at_end && is_empty && shared.now() < AT_ONCE {
        // A stretch may be as short as one likes.
        return (!shared.is_paused.is_so()).then_some(Finding::DroppedAtOnce);
    }
    if !unstable::IS_ON {
        // There are wrapped futures or nothing, and that is said at the start.
        return None;
    }
    if detail == Detail::Polls {
        return match (is_empty, set_up.hooks.is_so()) {
            (true, false) => Some(Finding::NoHooks),
            (true, true) if at_end => Some(Finding::NoTasks),
            _ => None,
        };
    }
    let is_half = shared.hooks_report.is_so() && !shared.spans_report.is_so();
    if !is_empty && !is_half {
        return None;
    }
    // Whether any subscriber at all wants what Tokio sends.
    let is_level_too_high = LevelFilter::current() < LevelFilter::TRACE;
    match () {
        () if set_up.layer_in_subscriber.is_so() => (is_half || is_level_too_high)
            .then_some(Finding::SpansHidden)
            .or(at_end.then_some(Finding::NoTasks)),
        () if set_up.layer.is_so() => Some(Finding::LayerUnused),
        () if set_up.subscriber.is_so() => {
            is_half.then_some(Finding::SubscriberUnused).or(at_end.then_some(Finding::NoTasks))
        }
        () if is_half => Some(Finding::LayerForgotten),
        () if set_up.hooks.is_so() => at_end.then_some(Finding::NoTasks),
        () => Some(Finding::NothingSetUp),
    }
}
