//! Recording a future from within: on any executor, in any build.
//!
//! # The problem
//! Tokio tells what its tasks do if the whole program is built with
//! `--cfg tokio_unstable`. Not everybody can do that, and other executors tell
//! nothing at all. But whoever polls a future calls it, and whoever wakes it calls
//! the waker that it was given. A wrapper stands between the two.
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
//! Where Tokio tells of the task, the wrapper must keep out. It learns that at the
//! first poll: then the hooks' bracket is open on this thread, or the layer's
//! visit. So in a build with `tokio_unstable` the spawn is written no sooner than
//! that, and in others, where nobody else will tell of it, at once.

pub(crate) mod state;

use std::fmt::Debug;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;

use crate::sources::wrapper::state::{DropGuard, WrapperState};

/// Spawns a task on the current Tokio runtime, as `tokio::spawn` does, and records
/// it whether or not Tokio tells of it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let answer = taskscope::spawn(async { 6 * 7 });
/// assert_eq!(answer.await.unwrap(), 42);
/// # }
/// ```
///
/// It is [`recorded`](Record::recorded), spawned; see there.
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
/// use taskscope::Record;
///
/// let answer = smol::block_on(smol::spawn(async { 6 * 7 }.recorded()));
/// assert_eq!(answer, 42);
/// ```
///
/// In the trace the future is a task: spawned where `recorded` is called, polled
/// when and where it is polled, woken by whoever calls its waker, and cancelled if
/// it is dropped before it returns. It need not be spawned: one arm of a `select!`
/// can be recorded inside of the task that it belongs to, and its polls lie within
/// those of that task.
///
/// It goes into the recording that is running in this process when this is called;
/// of several, the one that began last. If there is none, the future is not
/// recorded, and costs next to nothing.
///
/// Within a task of which Tokio tells (by [`Recording::hooks`] or
/// [`Recording::layer`], with `tokio_unstable`) this adds nothing but a name, so
/// that nothing is told twice. To find that out, in such a build the
/// spawn is recorded at the first poll.
///
/// [`Recording::hooks`]: crate::Recording::hooks
/// [`Recording::layer`]: crate::Recording::layer
pub trait Record: Future + Sized {
    /// Records this future.
    #[track_caller]
    fn recorded(self) -> Recorded<Self> {
        Recorded::new(self, None, Location::caller())
    }

    /// Records this future under a name.
    #[track_caller]
    fn recorded_as(self, name: impl Into<String>) -> Recorded<Self> {
        Recorded::new(self, Some(name.into()), Location::caller())
    }
}

impl<F: Future> Record for F {}

pin_project! {
    /// A future that is recorded; [`Record::recorded`] makes it.
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
    fn new(future: F, name: Option<String>, place: &'static Location<'static>) -> Self {
        let (state, guard) = WrapperState::begin(name, place, size_of::<F>());
        Self { state, future, guard }
    }
}

impl<F: Future> Future for Recorded<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(open) = this.state.poll(context) else {
            return this.future.poll(context);
        };
        let result = match open.waker() {
            Some(waker) => this.future.poll(&mut Context::from_waker(waker)),
            None => this.future.poll(context),
        };
        open.returns(result.is_ready());
        result
    }
}
