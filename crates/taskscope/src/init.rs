//! Recording with one call, and never an error.

#[cfg(feature = "macros")]
use std::future::Future;
use std::sync::{Arc, Mutex, Once, PoisonError};

use tracing::Dispatch;
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};
use tracing::subscriber::NoSubscriber;

use crate::stderr::warn;
use crate::tracker::slot::Slot;
use crate::{Detail, Error, Recorder, Recording, unstable};

/// Records this process: sets up a recording, and a global `tracing`
/// subscriber that records Tokio's spans and events and ignores all others.
///
/// ```no_run
/// #[tokio::main]
/// async fn main() {
///     let _recording = taskscope::init();
///     // ...
/// }
/// ```
///
/// Where it cannot record, it says so in one message on standard error, with
/// what to do, and the program runs on with an idle [`Recording`]. Use
/// [`Recorder`] to handle errors yourself, or if you have a subscriber of your
/// own.
///
/// `TASKSCOPE_FILE` and `TASKSCOPE_DETAIL` say where to and how much, as for
/// [`RecorderBuilder::file`](crate::RecorderBuilder::file) and [`RecorderBuilder::detail`](crate::RecorderBuilder::detail); `TASKSCOPE_KEEP` and
/// `TASKSCOPE_DUMP` make it a [flight recorder](crate::FlightConfig), and `TASKSCOPE_BLACK_BOX` one whose
/// events [outlive the process](crate::BlackBoxConfig).
///
/// In a program that was built without `--cfg tokio_unstable` it says so, and
/// records the futures that are [`recorded`](crate::RecordExt::recorded).
///
/// It records what is spawned after the call. A runtime that is running already
/// has no hooks; [`macro@crate::main`] or [`Recording::hooks`] bring them.
pub fn init() -> Recording {
    try_init().unwrap_or_else(|error| {
        warn(&error);
        Recording::idle()
    })
}

/// As [`init`], but returns the error.
///
/// # Errors
/// Those of [`RecorderBuilder::start`](crate::RecorderBuilder::start);
/// [`Error::SubscriberInPlace`] if a `tracing` subscriber is in place that is not the
/// recorder's; [`Error::AlreadyRecording`] if an earlier `init` is still recording.
pub fn try_init() -> Result<Recording, Error> {
    // The slot of the subscriber that is in place for the rest of this process.
    static IN_PLACE: Mutex<Option<Arc<Slot>>> = Mutex::new(None);
    let mut in_place = IN_PLACE.lock().unwrap_or_else(PoisonError::into_inner);
    let detail = Detail::from_environment()?;
    if let Some(slot) = &*in_place {
        if slot.is_open() {
            return Err(Error::AlreadyRecording);
        }
        return Recorder::builder().start_in(Arc::clone(slot));
    }
    if !unstable::IS_ON {
        let recording = Recorder::builder().detail(detail).start()?;
        warn(&unstable::MESSAGE);
        return Ok(recording);
    }
    // Asked first, so that no empty file is left behind.
    // (`has_been_set` is true for one that only some other thread ever had.)
    if detail == Detail::Full && !tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>) {
        return Err(Error::SubscriberInPlace);
    }
    let recording = Recorder::builder().detail(detail).start()?;
    if detail == Detail::Polls {
        return Ok(recording);
    }
    if STATIC_MAX_LEVEL != LevelFilter::TRACE {
        warn(
            &"`tracing` is built without TRACE (a feature `max_level_…` or `release_max_level_…`), \
              so that Tokio's spans are missing and no wakes, names or ends are recorded; remove \
              the feature",
        );
    }
    tracing::dispatcher::set_global_default(recording.subscriber())
        .map_err(|_| Error::SubscriberInPlace)?;
    explain_second_subscriber();
    *in_place = recording.recorder().slot();
    Ok(recording)
}

/// Where the program sets a second subscriber, `tracing` panics, and does not know who set the
/// first. So this is said before.
fn explain_second_subscriber() {
    static ONCE: Once = Once::new();
    if std::thread::panicking() {
        // Hooks cannot be set now.
        return;
    }
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let payload = panic.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            if text.is_some_and(|text| text.contains(SECOND_SUBSCRIBER)) {
                warn(&SECOND_SUBSCRIBER_MESSAGE);
            }
            before(panic);
        }));
    });
}

/// The name of the error in whose words `tracing_subscriber` panics.
const SECOND_SUBSCRIBER: &str = "SetGlobalDefaultError";

const SECOND_SUBSCRIBER_MESSAGE: &str = "this program sets a `tracing` subscriber, and \
     `taskscope::init()` or `#[taskscope::main]` has set one already, for the recorder. Put both \
     into one. With the attribute, instead of `tracing_subscriber::fmt::init()`:

    #[taskscope::main(subscriber = logs)]

    fn logs(recording: &taskscope::Recording) {
        use tracing_subscriber::prelude::*;
        tracing_subscriber::registry()
            .with(tracing_subscriber::fmt::layer().with_filter(tracing_subscriber::filter::LevelFilter::INFO))
            .with(recording.layer())
            .init();
    }

Without it, set the same subscriber after `let recording = taskscope::Recorder::builder().start()?`.
";

/// As [`init`], for a program that puts the layer into a subscriber of its own.
#[cfg(feature = "macros")]
fn init_without_subscriber() -> Recording {
    if !unstable::IS_ON {
        warn(&unstable::MESSAGE);
    }
    Recorder::builder().start().unwrap_or_else(|error| {
        warn(&error);
        Recording::idle()
    })
}

/// The runtime that `#[taskscope::main]` asks for.
#[cfg(feature = "macros")]
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct MainRuntime {
    /// `flavor = "current_thread"` rather than `"multi_thread"`.
    pub current_thread: bool,
    /// `worker_threads`, if it was given.
    pub workers: Option<usize>,
    /// `name`, empty if it was not given.
    pub name: &'static str,
    /// Sets the program's own subscriber, with the recorder's layer in it.
    pub subscriber: Option<fn(&Recording)>,
    /// Does what depends on the features of Tokio that the program has.
    pub configure: fn(&mut tokio::runtime::Builder),
}

/// What `#[taskscope::main]` makes of `main`.
///
/// # Panics
/// As `#[tokio::main]` does: where the runtime cannot be built, there is no
/// program to run.
#[cfg(feature = "macros")]
#[doc(hidden)]
// So that the future of `main` has its place in the program and not here.
#[track_caller]
pub fn run_main<F: Future>(runtime: MainRuntime, main: F) -> F::Output {
    // Declared first, so that it is dropped last, and records the shutdown.
    let recording = match runtime.subscriber {
        None => init(),
        Some(set) => {
            let recording = init_without_subscriber();
            set(&recording);
            recording
        }
    };
    let mut builder = if runtime.current_thread {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    if let Some(workers) = runtime.workers {
        builder.worker_threads(workers);
    }
    if !runtime.name.is_empty() {
        builder.name(runtime.name);
    }
    recording.hooks(&mut builder);
    (runtime.configure)(&mut builder);
    let runtime = builder.enable_all().build();
    #[expect(clippy::expect_used, reason = "there is nothing to go on with")]
    let runtime = runtime.expect("failed to build the Tokio runtime");
    runtime.block_on(main)
}
