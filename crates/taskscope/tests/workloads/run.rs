//! Runs a script as a program.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use taskscope::Recording;
use tokio::runtime::{Builder, Handle, RuntimeFlavor};
use tokio::sync::{Mutex as Lock, Notify, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, yield_now};

use crate::common::carry_subscriber;
use crate::script::{Channel, Script, Step, Then};
use crate::truth::{SHUTS_DOWN, Told, Truth, lock};

/// What all tasks of a program share.
pub struct Program {
    pub truth: Arc<Truth>,
    recording: Arc<Recording>,
    hooked: bool,
    locks: [Lock<()>; 2],
    semaphore: Semaphore,
    runtimes: AtomicU32,
}

/// Where a task runs, and what it may do there.
#[derive(Clone, Copy)]
pub struct Scope {
    /// Spawned by `spawn_local`, and so are its children.
    pub local: bool,
    /// Nobody waits for its end.
    pub may_hang: bool,
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

    fn spawn(self: &Arc<Self>, scope: Scope, script: Script) -> (JoinHandle<()>, Arc<Mutex<Told>>) {
        let (future, told) = self.truth.watch(Arc::clone(self).run(scope, script));
        let task = match scope.local {
            true => tokio::task::spawn_local(future),
            false => tokio::spawn(future),
        };
        self.truth.spawned(task.id(), Arc::clone(&told));
        (task, told)
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
                let scope_of_child = Scope { may_hang: scope.may_hang || !joined, ..scope };
                let (task, told) = self.spawn(scope_of_child, script);
                match then {
                    Then::Join => _ = task.await,
                    Then::JoinAtTheEnd => to_join.push(task),
                    Then::Detach => {}
                    Then::AbortAtOnce | Then::AbortLater => {
                        if then == Then::AbortLater {
                            yield_now().await;
                        }
                        lock(&told).aborted = true;
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
                if !scope.local && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
                {
                    tokio::task::block_in_place(std::thread::yield_now);
                }
            }
            Step::Nested(script) => {
                let program = Arc::clone(self);
                let run = move || {
                    let mut builder = Builder::new_current_thread();
                    program.prepare(&mut builder);
                    let runtime = builder.build().unwrap();
                    let scope = Scope { local: false, may_hang: false };
                    let run = || runtime.block_on(Arc::clone(&program).run(scope, script));
                    // It panics if the script does.
                    let _ = std::panic::catch_unwind(AssertUnwindSafe(run));
                    SHUTS_DOWN.set(true);
                    drop(runtime);
                    SHUTS_DOWN.set(false);
                };
                tokio::task::spawn_blocking(run).await.unwrap();
            }
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
        let (sends, told) = self.truth.watch(async move {
            yield_now().await;
            send.await;
        });
        let task = match scope.local {
            true => tokio::task::spawn_local(sends),
            false => tokio::spawn(sends),
        };
        self.truth.spawned(task.id(), told);
        receive.await;
    }
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

/// Keeps its waker, as everything does that somebody could wake.
async fn forever() {
    let mut waker = None;
    poll_fn(|cx| {
        waker.get_or_insert_with(|| cx.waker().clone());
        Poll::Pending
    })
    .await
}
