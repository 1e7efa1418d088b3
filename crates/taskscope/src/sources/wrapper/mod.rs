//! Recording a future from within: on any executor, in any build.
//!
//! # The problem
//! Tokio reports what its tasks do if the whole program is built with
//! `--cfg tokio_unstable`. Not every program can be, and other executors report
//! nothing at all. But an executor must call `poll`, and a wake must call the waker
//! that `poll` was given. A wrapper around the future sees both calls.
//!
//! # The plan
//! [`Recorded`] passes each poll on to the future and brackets it, and hands it a
//! waker of its own, which says who calls it and passes that on. So polls, results
//! and wakes are exact, and so is the end: the future returns or panics in a poll,
//! or is dropped before. Nothing is inferred.
//!
//! What it cannot see is what the executor does: parks, queues, which thread is
//! which worker (Tokio answers that one when it is asked). And it sees what is
//! wrapped, nothing else.
//!
//! # Not twice
//! Where Tokio reports the task, the wrapper learns that at the first poll: then the hooks'
//! bracket is open on this thread, or the layer's visit. So in a build with `tokio_unstable` the
//! spawn is written no sooner than that, and in others, where it is the only source, at once.
//! Inside such a poll the wrapped future is one of two things:
//!
//! * *The whole task*, if it was wrapped elsewhere: `tokio::spawn(future.recorded_as("x"))`.
//!   Tokio reports its polls. The wrapper adds the name, and that the future returned, of which
//!   Tokio says nothing (`tracker/polls.rs`).
//! * *A part* of the task, if the task itself has wrapped it: an arm of a `select!`, say. It is
//!   recorded as that, with polls and wakes of its own inside those of the task.

pub(crate) mod state;

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;

use crate::Recorder;
use crate::sources::wrapper::state::{DropGuard, WrapperState};

/// Spawns a task on the current Tokio runtime, as `tokio::spawn` does, and records
/// it whether or not Tokio reports it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let answer = taskscope::spawn(async { 6 * 7 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # }
/// ```
///
/// It is [`recorded`](RecordExt::recorded), spawned; see there.
///
/// # Panics
/// Outside of a Tokio runtime, as `tokio::spawn` does.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.recorded())
}

/// Records a future wherever it runs: in a build without `tokio_unstable`, and on
/// executors that are not Tokio.
///
/// ```
/// use taskscope::RecordExt;
///
/// let answer = smol::block_on(smol::spawn(async { 6 * 7 }.recorded()));
/// assert_eq!(answer, 42);
/// ```
///
/// In the trace the future is a task: spawned where `recorded` is called, polled
/// when and where it is polled, woken by what calls its waker, and cancelled if
/// it is dropped before it returns. It need not be spawned: one arm of a `select!`
/// can be recorded inside of the task that it belongs to, and its polls lie within
/// those of that task. (Where Tokio reports the task, the trace says that the arm is a part of
/// it, and does not count it as a task.)
///
/// [`recorded`](Self::recorded) records by the recorder of this process; where several are
/// running, by the one that was started last, and
/// [`recorded_in`](Self::recorded_in) names another. Without a recorder the future is not
/// recorded, and costs next to nothing.
///
/// A future that is a whole task which Tokio reports (by [`Recording::hooks`] or
/// [`Recording::layer`], with `tokio_unstable`) is not recorded twice: the wrapper adds its name
/// and that it returned. To find that out, in such a build the spawn is recorded at the first
/// poll.
///
/// This trait is sealed: all futures have it, and nothing else can.
///
/// [`Recording::hooks`]: crate::Recording::hooks
/// [`Recording::layer`]: crate::Recording::layer
pub trait RecordExt: Future + Sized + sealed::Sealed {
    /// Records this future.
    #[track_caller]
    fn recorded(self) -> Recorded<Self> {
        Recorded::new(self, None, None, Location::caller())
    }

    /// Records this future under a name.
    #[track_caller]
    fn recorded_as(self, name: impl Into<String>) -> Recorded<Self> {
        Recorded::new(self, None, Some(name.into()), Location::caller())
    }

    /// Records this future by a certain recorder, where several are running.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// use taskscope::{RecordExt, Recorder};
    ///
    /// let recording = Recorder::builder().file(path).start()?;
    /// let answer = smol::block_on(async { 6 * 7 }.recorded_in(&recording.recorder()));
    /// assert_eq!(answer, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    fn recorded_in(self, recorder: &Recorder) -> Recorded<Self> {
        Recorded::new(self, Some(recorder), None, Location::caller())
    }

    /// Records this future by a certain recorder and under a name.
    #[track_caller]
    fn recorded_in_as(self, recorder: &Recorder, name: impl Into<String>) -> Recorded<Self> {
        Recorded::new(self, Some(recorder), Some(name.into()), Location::caller())
    }
}

impl<F: Future> RecordExt for F {}

mod sealed {
    pub trait Sealed {}
    impl<F: Future> Sealed for F {}
}

pin_project! {
    /// A future that is recorded; [`RecordExt::recorded`] makes it.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Recorded<F> {
        // Fields are dropped in the order in which they stand here: the first
        // says that the future is being dropped, the last that it has been.
        state: WrapperState,
        #[pin]
        future: F,
        guard: DropGuard,
    }
}

impl<F> Recorded<F> {
    fn new(
        future: F,
        recorder: Option<&Recorder>,
        name: Option<String>,
        place: &'static Location<'static>,
    ) -> Self {
        let (state, guard) = match recorder.map(Recorder::slot) {
            // An idle recorder was named, and no other is meant.
            Some(None) => WrapperState::not_recorded(),
            Some(Some(slot)) => WrapperState::begin(Some(slot), name, place, size_of::<F>()),
            None => WrapperState::begin(None, name, place, size_of::<F>()),
        };
        Self { state, future, guard }
    }
}

impl<F: Future> Future for Recorded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(open) = this.state.poll(context) else {
            let result = this.future.poll(context);
            if result.is_ready() {
                this.state.returned();
            }
            return result;
        };
        let result = match open.waker() {
            Some(waker) => this.future.poll(&mut Context::from_waker(waker)),
            None => this.future.poll(context),
        };
        open.returns(result.is_ready());
        result
    }
}
