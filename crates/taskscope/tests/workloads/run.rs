//! Runs a script as a program.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use taskscope::Recording;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::sync::{Mutex as Lock, Notify, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinHandle, yield_now};
use tracing::{Dispatch, Span};

use crate::common::carry_subscriber;
use crate::script::{Channel, Script, Step, Then};
use crate::truth::{Known, SHUTS_DOWN, Truth, lock};

/// What all tasks of a program share.
pub struct Program {
    pub truth: Arc<Truth>,
    recording: Arc<Recording>,
    hooked: bool,
    locks: [Lock<()>; 2],
    semaphore: Semaphore,
    runtimes: AtomicU32,
    /// How tasks abort themselves.
    aborts: Mutex<HashMap<tokio::task::Id, AbortHandle>>,
}

/// Where a task runs, and what it may do there.
#[derive(Clone, Copy)]
pub struct Scope {
    /// Spawned by `spawn_local`, and so are its children.
    pub local: bool,
    /// No other task waits for its end.
    pub may_hang: bool,
    /// It is a task, and not the future of a `block_on`.
    pub is_task: bool,
}

impl Scope {
    /// Of the future of a `block_on`.
    pub fn main(local: bool) -> Self {
        Self { local, may_hang: false, is_task: false }
    }
}

impl Program {
    pub fn new(recording: &Arc<Recording>, hooked: bool) -> Arc<Self> {
        Arc::new(Self {
            truth: Arc::default(),
            recording: Arc::clone(recording),
            hooked,
            locks: [Lock::new(()), Lock::new(())],
            semaphore: Semaphore::new(2),
            runtimes: AtomicU32::new(0),
            aborts: Mutex::default(),
        })
    }

    /// How many runtimes there have been.
    pub fn runtimes(&self) -> u32 {
        self.runtimes.load(Ordering::Relaxed)
    }

    /// Each runtime has a name of its own, by which the trace and the truth call
    /// its workers.
    pub fn prepare(&self, builder: &mut Builder) {
        let number = self.runtimes.fetch_add(1, Ordering::Relaxed);
        builder.enable_all().name(format!("runtime {number}"));
        carry_subscriber(builder);
        if self.hooked {
            self.recording.hooks(builder);
        }
    }

    fn spawn(
        self: &Arc<Self>,
        scope: Scope,
        script: Script,
    ) -> (JoinHandle<()>, Arc<Mutex<Known>>) {
        let (future, known) = self.truth.watch(Arc::clone(self).run(scope, script));
        let task = match scope.local {
            true => tokio::task::spawn_local(future),
            false => tokio::spawn(future),
        };
        self.truth.spawned(task.id(), Arc::clone(&known));
        lock(&self.aborts).insert(task.id(), task.abort_handle());
        (task, known)
    }

    /// Does what a script says. (Boxed, as it calls itself.)
    pub fn run(
        self: Arc<Self>,
        scope: Scope,
        script: Script,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut to_join = Vec::new();
            for step in script {
                self.step(scope, step, &mut to_join).await;
            }
            for task in to_join {
                // It may have panicked.
                let _ = task.await;
            }
        })
    }

    async fn step(self: &Arc<Self>, scope: Scope, step: Step, to_join: &mut Vec<JoinHandle<()>>) {
        match step {
            Step::Yield => yield_now().await,
            Step::WakeSelf => wake_self().await,
            Step::Sleep => tokio::time::sleep(Duration::from_millis(1)).await,
            Step::Lock(which) => {
                let _guard = self.locks[which].lock().await;
                yield_now().await;
            }
            Step::Acquire => {
                let _permit = self.semaphore.acquire().await.unwrap();
                yield_now().await;
            }
            Step::Receive(channel) => self.receive(scope, channel).await,
            Step::Budget(units) => {
                for _ in 0..units {
                    tokio::task::consume_budget().await;
                }
            }
            Step::Spawn(script, then) => {
                let joined = matches!(then, Then::Join | Then::JoinAtTheEnd);
                let may_hang = scope.may_hang || !joined;
                let scope_of_child = Scope { may_hang, is_task: true, ..scope };
                let (task, known) = self.spawn(scope_of_child, script);
                match then {
                    Then::Join => _ = task.await,
                    Then::JoinAtTheEnd => to_join.push(task),
                    Then::Detach => {}
                    Then::AbortAtOnce | Then::AbortLater => {
                        if then == Then::AbortLater {
                            yield_now().await;
                        }
                        lock(&known).aborted = true;
                        task.abort();
                        let _ = task.await;
                    }
                }
            }
            Step::Blocking { wait } => {
                let task = tokio::task::spawn_blocking(|| ());
                if wait {
                    task.await.unwrap();
                }
            }
            Step::InPlace => {
                if may_run_in_place(scope) {
                    tokio::task::block_in_place(std::thread::yield_now);
                }
            }
            Step::Nested(script) => {
                let program = Arc::clone(self);
                let run = move || program.run_elsewhere(script);
                tokio::task::spawn_blocking(run).await.unwrap();
            }
            Step::NestedInPlace(script) => {
                if may_run_in_place(scope) {
                    tokio::task::block_in_place(|| Arc::clone(self).run_elsewhere(script));
                }
            }
            Step::Threads(scripts) => {
                let program = Arc::clone(self);
                let dispatch = tracing::dispatcher::get_default(Clone::clone);
                let run = move || {
                    for script in scripts {
                        let (program, dispatch) = (Arc::clone(&program), dispatch.clone());
                        let run = move || {
                            let _default = tracing::dispatcher::set_default(&dispatch);
                            program.run_elsewhere(script);
                        };
                        std::thread::spawn(run).join().unwrap();
                    }
                };
                tokio::task::spawn_blocking(run).await.unwrap();
            }
            Step::Io { sockets, rounds } => self.talk(scope, sockets, rounds).await,
            Step::SpanGuard(script) => {
                self.truth.holds_spans.store(true, Ordering::Relaxed);
                let _guard = SpanGuard::enter(tracing::info_span!("guard"));
                Box::pin(async {
                    for step in script {
                        self.step(scope, step, to_join).await;
                    }
                })
                .await;
            }
            Step::AbortSelf { keeps_waker } => self.abort_self(scope, keeps_waker).await,
            // As `panic!`, without a message on standard error.
            Step::Panic => std::panic::resume_unwind(Box::new("on purpose")),
            Step::Forever if scope.may_hang => forever().await,
            Step::Forever => {}
        }
    }

    async fn receive(self: &Arc<Self>, scope: Scope, channel: Channel) {
        let send: Pin<Box<dyn Future<Output = ()> + Send>>;
        let receive: Pin<Box<dyn Future<Output = ()> + Send>>;
        match channel {
            Channel::Oneshot => {
                let (sender, receiver) = oneshot::channel();
                send = Box::pin(async move { sender.send(()).unwrap() });
                receive = Box::pin(async move { receiver.await.unwrap() });
            }
            Channel::Mpsc => {
                let (sender, mut receiver) = mpsc::channel(1);
                send = Box::pin(async move { sender.send(()).await.unwrap() });
                receive = Box::pin(async move { receiver.recv().await.unwrap() });
            }
            Channel::Watch => {
                let (sender, mut receiver) = watch::channel(0);
                send = Box::pin(async move { sender.send(1).unwrap() });
                receive = Box::pin(async move { receiver.changed().await.unwrap() });
            }
            Channel::Broadcast => {
                let (sender, mut receiver) = broadcast::channel(1);
                send = Box::pin(async move { _ = sender.send(()).unwrap() });
                receive = Box::pin(async move { receiver.recv().await.unwrap() });
            }
            Channel::Notify => {
                let notify = Arc::new(Notify::new());
                let waits = Arc::clone(&notify);
                send = Box::pin(async move { notify.notify_one() });
                receive = Box::pin(async move { waits.notified().await });
            }
        }
        self.spawn_watched(scope, async move {
            yield_now().await;
            send.await;
        });
        receive.await;
    }

    /// Sends a byte through each of some sockets, and waits until it comes back from the task at
    /// the other end, again and again.
    async fn talk(self: &Arc<Self>, scope: Scope, sockets: u8, rounds: u8) {
        let mut ends = Vec::new();
        for _ in 0..sockets {
            let (end, mut other) = UnixStream::pair().unwrap();
            ends.push(end);
            self.spawn_watched(scope, async move {
                let mut byte = [0];
                while other.read(&mut byte).await.is_ok_and(|read| read > 0) {
                    // The task that sent it may have ended.
                    let _ = other.write_all(&byte).await;
                }
            });
        }
        for _ in 0..rounds {
            for end in &mut ends {
                end.write_all(b"x").await.unwrap();
            }
            for end in &mut ends {
                end.read_exact(&mut [0]).await.unwrap();
            }
        }
    }

    fn spawn_watched(
        self: &Arc<Self>,
        scope: Scope,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let (future, known) = self.truth.watch(future);
        let task = match scope.local {
            true => tokio::task::spawn_local(future),
            false => tokio::spawn(future),
        };
        self.truth.spawned(task.id(), known);
    }

    /// Runs a script in a runtime of its own, on this thread, from its beginning to its end.
    fn run_elsewhere(self: Arc<Self>, script: Script) {
        let mut builder = Builder::new_current_thread();
        self.prepare(&mut builder);
        let runtime = builder.build().unwrap();
        let run = || runtime.block_on(Arc::clone(&self).run(Scope::main(false), script));
        // It panics if the script does.
        let _ = std::panic::catch_unwind(AssertUnwindSafe(run));
        let before = SHUTS_DOWN.replace(true);
        drop(runtime);
        SHUTS_DOWN.set(before);
    }

    async fn abort_self(&self, scope: Scope, keeps_waker: bool) {
        let id = tokio::task::try_id().filter(|_| scope.is_task);
        // It may run before `spawn` has returned on another thread.
        let Some(abort) = id.and_then(|id| lock(&self.aborts).get(&id).cloned()) else { return };
        self.truth.aborts(abort.id());
        abort.abort();
        if keeps_waker {
            forever().await;
        } else {
            // Such a poll looks like one in which the task returns. The longer it takes, the
            // less sure the recorder is.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_micros(50) {
                std::hint::spin_loop();
            }
            std::future::pending::<()>().await;
        }
    }
}

/// A span that its task stays in while it waits, and leaves on the thread where it is then.
struct SpanGuard(Span);

impl SpanGuard {
    fn enter(span: Span) -> Self {
        span.with_subscriber(|(id, dispatch): (_, &Dispatch)| dispatch.enter(id));
        Self(span)
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        self.0.with_subscriber(|(id, dispatch): (_, &Dispatch)| dispatch.exit(id));
    }
}

fn may_run_in_place(scope: Scope) -> bool {
    !scope.local && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
}

async fn wake_self() {
    let mut woken = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut woken, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Keeps its waker, as everything does that can be woken.
async fn forever() {
    let mut waker = None;
    poll_fn(|cx| {
        waker.get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    })
    .await
}
