//! What kinds of findings there are: the one table of their names, how bad they are, and what to do.

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing. Healthy programs have some of these.
    Note,
    /// It costs time or memory.
    Warning,
    /// Tasks stand still.
    Severe,
}

impl Severity {
    /// All of them, the worst last.
    pub const ALL: [Self; 3] = [Self::Note, Self::Warning, Self::Severe];

    /// The word for it, in the terminal and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Severe => "severe",
        }
    }
}

/// Declares [`Kind`] with its table.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $name:literal, $severity:ident, $title:literal, $advice:literal;)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Kind { $($(#[$doc])* $kind,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name in JSON. Later versions add some and change none.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// What people call it.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            /// How bad it is at worst.
            pub fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity,)* }
            }

            /// What to do about it, in a sentence.
            pub fn advice(self) -> &'static str {
                match self { $(Self::$kind => $advice,)* }
            }
        }
    };
}

kinds! {
    /// A poll held its worker while tasks were scheduled there.
    HeldWorker, "held_worker", Severe, "a poll held its worker",
        "Move the work that does not await to `spawn_blocking` or a thread pool, or `yield_now().await` now and then in it.";
    /// A poll has not ended when the recording does.
    NeverYields, "never_yields", Severe, "a poll never ends",
        "Look for a loop or a blocking call without an `.await` in this task, and move it to a thread of its own.";
    /// Tasks were scheduled for long before any worker polled them, since the workers were busy.
    Starved, "starved", Severe, "tasks starve",
        "There is more work than the workers can do: bound how much is taken on at once (a semaphore, a bounded channel), or move computing to threads of its own.";
    /// A task waits, and nothing is left that could wake it.
    LostWaker, "lost_waker", Severe, "a lost waker",
        "A future that returns `Poll::Pending` must have stored the waker of its context somewhere, and something must call it.";
    /// Tasks stand in line for one lock.
    LockConvoy, "lock_convoy", Warning, "a lock convoy",
        "Hold the lock for less: do not await while it is held, lock a part instead of the whole, or give the data to one task and send it messages.";
    /// A task wakes itself in poll after poll.
    SelfWakeLoop, "self_wake_loop", Warning, "a loop of self-wakes",
        "Register the waker with what the task waits for (a channel, a `Notify`, a timer) instead of calling it in `poll`.";
    /// A task is woken far more often than it is polled.
    ExcessWakes, "excess_wakes", Warning, "far more wakes than polls",
        "Send this task fewer, larger messages, or notify it only when there is something new.";
    /// Tasks from one place only become more.
    Leak, "leak", Warning, "a leak of tasks",
        "Make sure that each of these tasks ends: keep its `JoinHandle` in a `JoinSet`, close its channel, or give its wait a timeout.";
    /// A future is so large that moving it costs time.
    HugeFuture, "huge_future", Warning, "a huge future",
        "Put large buffers that live across an `.await` on the heap (`Vec`, `Box`), or `Box::pin` the large future inside.";
    /// A task stood in a queue while a worker slept.
    IdleWorker, "idle_worker", Warning, "a worker was idle while a task waited",
        "Look at what this process shared the machine with then: a worker that is woken, and does not run, waits for a processor.";
    /// Polls take far longer than most of their kind, and there are more workers than processors.
    TooFewCores, "too_few_cores", Note, "more workers than processors",
        "Give the runtimes together no more workers than there are processors (`worker_threads`, TOKIO_WORKER_THREADS), or the process more processors.";
    /// Tokio made tasks yield that had used up their budget.
    ForcedYields, "forced_yields", Note, "yields forced by the budget",
        "Nothing to do if others get their turn; else let this task take less at once, for its sources are always ready.";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_different_and_advice_is_a_sentence() {
        let names: HashSet<_> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(kind.advice().ends_with('.') && kind.advice().len() > 20);
        }
    }
}
