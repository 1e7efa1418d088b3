//! What can be wrong: the names, and what to do.

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing need be wrong.
    Note,
    /// It cost time, or will.
    Warning,
    /// It kept many others waiting.
    Severe,
}

impl Severity {
    /// The word for it, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Severe => "severe",
        }
    }
}

/// Makes the enum of kinds: each with its name in JSON, its title, and what to do.
macro_rules! kinds {
    ($($(#[$about:meta])* $kind:ident, $name:literal, $title:literal, $advice:literal;)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$about])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its name in JSON. It stays.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// A title, in some words.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$kind => $title,)*
                }
            }

            /// What to do, in a sentence.
            pub fn advice(self) -> &'static str {
                match self {
                    $(Self::$kind => $advice,)*
                }
            }
        }
    };
}

kinds! {
    /// One poll kept its worker while other tasks stood in line.
    HeldWorker, "held-worker", "Held its worker",
        "Move the computing or the blocking call to `spawn_blocking`, or give way in between with `yield_now`.";
    /// Tasks are ready for long, and workers are busy with others all the time.
    Starved, "starved", "Tasks starve",
        "More is ready than the workers can run: shorten the polls, limit how many tasks run at once, or add workers.";
    /// Many tasks wait for one lock, one after the other.
    LockConvoy, "lock-convoy", "Tasks queue for one lock",
        "Hold the lock for less time, and never across a slow `.await`; split what it guards, or let one task own it.";
    /// A task wakes itself in each of its polls.
    SelfWake, "self-wake-loop", "Wakes itself in a loop",
        "A future that returns `Pending` should wait for an event; to give way once use `yield_now`.";
    /// Tasks of one place become more and more.
    Leak, "growing-tasks", "Tasks without an end",
        "Give these tasks an end: a timeout, a `CancellationToken`, or abort them when their work is done.";
    /// A future takes much memory.
    HugeFuture, "huge-future", "Huge future",
        "Do not hold large buffers across an `.await`: put them into a `Vec` or `Box`, or end their scope before.";
    /// A worker was parked while tasks stood in a queue.
    IdleWorker, "idle-worker", "A worker sleeps while tasks wait",
        "Such a task may stand in the LIFO slot of a busy worker, from which none can steal: shorten the poll that woke it.";
    /// Threads that were polling were more than there are processors, and polls took long because of it.
    FewProcessors, "few-processors", "Too few processors for the workers",
        "Run as many workers as there are processors, or record on a machine with more: how long polls took says little here.";
    /// Tokio forces tasks to give way.
    BudgetSpent, "budget-spent", "Budget spent again and again",
        "These tasks always find work ready, which is no fault; if others are late because of them, give way earlier.";
    /// A task is woken much more often than it is polled.
    IdleWakes, "idle-wakes", "Woken in vain",
        "Many wakes find the task scheduled already: wake once for a batch, or notify only when the state has changed.";
}
