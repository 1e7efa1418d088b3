//! Whether what Tokio reports reaches the layer at all.
//!
//! A filter on a layer concerns that layer. A filter on the whole subscriber
//! (`registry().with(EnvFilter::new("info"))…`) concerns all layers, and Tokio's
//! spans are at the level `TRACE`. No layer can get them back: it isn't asked.
//! But it is called when its subscriber is ready, and can ask that one what it would
//! say to such a span.
//!
//! A filter that the program has put on the recorder's layer itself
//! (`recording.layer().with_filter(…)`) lets the subscriber say yes. Then the recorder's own
//! filter is not asked, and that shows.
//!
//! It asks on a thread of its own. The subscriber is being put in place at that
//! moment, under a lock of `tracing`'s, and what other layers do when they are
//! asked is not ours to know. Nor would a thread's filter state survive the
//! question unchanged.

use std::cell::Cell;
use std::sync::Arc;

use tracing::callsite::{Callsite, Identifier};
use tracing::field::FieldSet;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Level, Metadata};

use crate::stderr::warn;
use crate::tracker::slot::Slot;
use crate::unstable;

/// The message for the user, on stderr and in the trace.
pub(crate) const MESSAGE: &str = "a level filter hides Tokio's spans from the recorder, so tasks \
     and wakes are missing from the trace: give the filter to the layer it is meant for, as in \
     `fmt::layer().with_filter(EnvFilter::from_default_env())`, and build without tracing's \
     `max_level_*` features";

/// Looks into it, and if so, says so.
pub(crate) fn look_into(slot: &Arc<Slot>, dispatch: &Dispatch) {
    if !unstable::IS_ON {
        // There are none to be hidden.
        return;
    }
    let (slot, dispatch) = (Arc::clone(slot), dispatch.clone());
    let look = move || {
        if is_hidden(&dispatch) && slot.shared().is_some_and(|shared| shared.hidden()) {
            warn(&MESSAGE);
        }
    };
    // Without a thread there is no answer, and recording goes on without it.
    let _ = std::thread::Builder::new().name("taskscope-filter".to_owned()).spawn(look);
}

/// Whether the subscriber, or a filter on the layer, refuses an event as Tokio's wakers send them.
fn is_hidden(dispatch: &Dispatch) -> bool {
    if STATIC_MAX_LEVEL < LevelFilter::TRACE {
        return true;
    }
    IS_ASKED.set(false);
    !dispatch.enabled(&WAKE) || !IS_ASKED.get()
}

thread_local! {
    /// The question has come as far as to the recorder's own filter.
    static IS_ASKED: Cell<bool> = const { Cell::new(false) };
}

/// The recorder's own filter is asked whether it wants this.
#[inline]
pub(crate) fn note_question(metadata: &Metadata<'_>) {
    if std::ptr::addr_eq(metadata, &raw const WAKE) {
        // A thread that is being torn down asks nothing.
        let _ = IS_ASKED.try_with(|is_asked| is_asked.set(true));
    }
}

static WAKE: Metadata<'static> = Metadata::new(
    "a wake",
    "tokio::task::waker",
    Level::TRACE,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&Probe)),
    Kind::EVENT,
);

/// The callsite of [`WAKE`]. Nothing is ever sent from it.
struct Probe;

impl Callsite for Probe {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &WAKE
    }
}

#[cfg(all(test, tokio_unstable))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::{EnvFilter, fmt, registry};

    use super::*;
    use crate::Recorder;

    #[test]
    fn a_filter_of_another_layer_hides_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let recording = Recorder::builder().file(directory.path().join("a.tscope")).start();
        let recording = recording.unwrap();
        let filtered = fmt::layer().with_filter(EnvFilter::new("info"));
        assert!(!is_hidden(&registry().with(filtered).with(recording.layer()).into()));
        assert!(!is_hidden(&registry().with(recording.layer()).into()));
    }

    /// As `console_subscriber::init()` puts it together. Its layer gets a filter
    /// of its own, or in programs that build it themselves none.
    #[test]
    fn nor_does_the_console_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let recording = Recorder::builder().file(directory.path().join("a.tscope")).start();
        let recording = recording.unwrap();
        let console = || console_subscriber::ConsoleLayer::builder().build().0;
        macro_rules! log {
            () => {
                fmt::layer().with_filter(EnvFilter::new("info"))
            };
        }
        macro_rules! own_filter {
            () => {
                console().with_filter(EnvFilter::new("tokio=trace,runtime=trace"))
            };
        }
        let recorder_last = registry().with(own_filter!()).with(log!()).with(recording.layer());
        assert!(!is_hidden(&recorder_last.into()));
        let recorder_first = registry().with(recording.layer()).with(own_filter!()).with(log!());
        assert!(!is_hidden(&recorder_first.into()));
        let unfiltered = registry().with(console()).with(log!()).with(recording.layer());
        assert!(!is_hidden(&unfiltered.into()));
        let all_filtered = registry()
            .with(console())
            .with(recording.layer())
            .with(fmt::layer())
            .with(EnvFilter::new("info"));
        assert!(is_hidden(&all_filtered.into()));
    }

    #[test]
    fn a_filter_of_the_whole_subscriber_can_let_tokios_spans_through() {
        let directory = tempfile::tempdir().unwrap();
        let recording = Recorder::builder().file(directory.path().join("a.tscope")).start();
        let filter = EnvFilter::new("info,tokio::task=trace");
        assert!(!is_hidden(&registry().with(filter).with(recording.unwrap().layer()).into()));
    }

    #[test]
    fn a_filter_of_the_whole_subscriber_is_reported_in_the_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.tscope");
        for recorder_first in [false, true] {
            let recording = Recorder::builder().file(&path).start().unwrap();
            let filter = EnvFilter::new("info");
            let dispatch: Dispatch = if recorder_first {
                registry().with(recording.layer()).with(filter).into()
            } else {
                registry().with(filter).with(recording.layer()).into()
            };
            assert!(is_hidden(&dispatch));
            // It is looked into on another thread.
            let begun = std::time::Instant::now();
            while !recording.recorder().is_hidden() {
                assert!(begun.elapsed().as_secs() < 60, "it has not been noticed");
                std::thread::yield_now();
            }
            recording.finish().unwrap();
            let trace = taskscope_model::Trace::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
            assert_eq!(trace.info().get(taskscope_format::meta::NOTICE), Some(MESSAGE));
        }
    }
}
