//! What makes a flight recorder write what it keeps.
//!
//! All of it leaves a mark for the writer thread and goes on: a call sends a request and waits
//! for the answer, a panic and a signal set a flag. Nothing here is done under a lock that
//! another thread holds for long: a panic hook runs wherever a program panics, and a signal
//! handler anywhere at all.

use std::fmt;
use std::panic::PanicHookInfo;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use taskscope_format::Nanos;

use crate::Error;
use crate::output::flight::FlightConfig;
use crate::output::flight::long_poll::LongPoll;
use crate::tracker::shared::Shared;

/// Where the answer to a call goes.
pub(crate) type Reply = SyncSender<Result<PathBuf, Error>>;

/// Asks the writer thread of a flight recording for dumps.
#[derive(Clone, Debug)]
pub(crate) struct Dumper {
    shared: Arc<Shared>,
    requests: Sender<Reply>,
}

impl Dumper {
    pub(crate) fn new(shared: Arc<Shared>, requests: Sender<Reply>) -> Self {
        Self { shared, requests }
    }

    /// See [`Recorder::dump`](crate::Recorder::dump).
    pub(crate) fn dump(&self) -> Result<PathBuf, Error> {
        // A process forked from the recorded one has no writer thread, and that thread itself
        // would wait for itself (in a panic hook).
        if self.shared.is_forked() || self.shared.is_writer() {
            return Err(Error::NotRecording);
        }
        let (reply, answer) = sync_channel(1);
        self.requests.send(reply).map_err(|_| Error::NotRecording)?;
        self.shared.call_writer();
        // The writer drops what it has not answered when it ends.
        answer.recv().unwrap_or(Err(Error::NotRecording))
    }
}

/// Why there is a dump.
#[derive(Clone, Debug)]
pub(crate) enum Cause {
    Call,
    Signal(&'static str),
    Panic(String),
    LongPoll(LongPoll),
}

impl Cause {
    /// The place of an automatic cause among [`TriggerFlags`]' limits.
    pub(crate) fn automatic(&self) -> Option<usize> {
        match self {
            Self::Call | Self::Signal(_) => None,
            Self::Panic(_) => Some(0),
            Self::LongPoll(_) => Some(1),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call => f.write_str("the program asked for it"),
            Self::Signal(name) => write!(f, "signal {name}"),
            Self::Panic(what) => f.write_str(what),
            Self::LongPoll(LongPoll { task, lasted, goes_on }) => {
                let took = in_words(*lasted);
                match goes_on {
                    true => write!(f, "task {task} had been polled for {took}, and still was"),
                    false => write!(f, "a poll of task {task} had taken {took}"),
                }
            }
        }
    }
}

/// A time as people say it.
pub(crate) fn in_words(time: Nanos) -> String {
    match time {
        0..10_000_000 => format!("{} µs", time / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", time / 1_000_000),
        _ => format!("{} s", time / 1_000_000_000),
    }
}

/// What panics and signals leave for the writer.
#[derive(Debug, Default)]
pub(crate) struct TriggerFlags {
    panicked: AtomicBool,
    /// What the panic was, if there was a way to write it down.
    panic: Mutex<Option<String>>,
    signalled: Arc<AtomicBool>,
}

impl TriggerFlags {
    /// The panic since this was last asked.
    pub(crate) fn take_panic(&self) -> Option<Cause> {
        self.panicked.swap(false, Ordering::AcqRel).then(|| {
            let what = self.panic.lock().unwrap_or_else(PoisonError::into_inner).take();
            Cause::Panic(what.unwrap_or_else(|| "a panic".to_owned()))
        })
    }

    pub(crate) fn take_signal(&self) -> bool {
        self.signalled.swap(false, Ordering::AcqRel)
    }

    fn panicked(&self, info: &PanicHookInfo<'_>) {
        match self.panic.try_lock() {
            Ok(mut panic) => *panic = Some(describe(info)),
            Err(TryLockError::Poisoned(panic)) => *panic.into_inner() = Some(describe(info)),
            // Another thread panics at the same time, and is reported instead.
            Err(TryLockError::WouldBlock) => {}
        }
        self.panicked.store(true, Ordering::Release);
    }
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    const MOST: usize = 200;
    let thread = std::thread::current();
    let mut text = format!("a panic on thread {}", thread.name().unwrap_or("without a name"));
    if let Some(location) = info.location() {
        text += &format!(" at {location}");
    }
    let payload = info.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    if let Some(message) = message {
        text.push_str(": ");
        text.extend(message.chars().take(MOST));
    }
    text
}

/// What is to be undone when a recording ends.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    pub(crate) flags: Arc<TriggerFlags>,
    #[cfg(all(unix, feature = "signal"))]
    signal: Option<signal_hook::SigId>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        #[cfg(all(unix, feature = "signal"))]
        if let Some(signal) = self.signal {
            signal_hook::low_level::unregister(signal);
        }
    }
}

/// Lets panics and signals leave their marks, as far as `flight` asks for it.
pub(crate) fn install(shared: &Arc<Shared>, flight: &FlightConfig) -> Result<Installed, Error> {
    #[cfg_attr(not(all(unix, feature = "signal")), expect(unused_mut, reason = "no signals"))]
    let mut installed = Installed::default();
    #[cfg(all(unix, feature = "signal"))]
    if let Some(signal) = flight.signal {
        let flag = Arc::clone(&installed.flags.signalled);
        let id = signal_hook::flag::register(signal.number(), flag);
        installed.signal = Some(id.map_err(|source| Error::Signal { source })?);
    }
    // (A hook cannot be set while this thread panics.)
    if flight.on_panic && !std::thread::panicking() {
        let (shared, flags) = (Arc::downgrade(shared), Arc::clone(&installed.flags));
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(shared) = shared.upgrade().filter(|shared| !shared.is_closed()) {
                flags.panicked(info);
                shared.call_writer();
            }
            before(info);
        }));
    }
    Ok(installed)
}
