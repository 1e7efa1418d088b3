//! Small Tokio programs that are worth watching.
//!
//! Each demo lives in a file of its own and uses nothing of taskscope but what
//! any program can use. A demo runs inside a [`Recording`] and returns its
//! [`Truth`]: figures that hold by construction, however the scheduler behaves.
//! A recording is right if it has them.
//!
//! ```
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("yields.tscope");
//! use taskscope_demos::{Size, find};
//!
//! let recording = taskscope::Recorder::builder().file(path).start()?;
//! let demo = find("yields").expect("there is such a demo");
//! let truth = demo.run(&recording, &Size { tasks: Some(10), ..Size::default() })?;
//! assert_eq!(truth.spawned, 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! For the whole picture, have [`Recording::layer`] in the current `tracing`
//! subscriber; the demos carry it to the threads they start.

mod blocking;
mod bursts;
mod convoy;
mod hugefuture;
mod leak;
mod migration;
mod random;
mod runtime;
mod selfwake;
mod server;
mod single;
mod starving;
mod yields;

use std::io;

use taskscope::Recording;

/// A program to watch.
#[derive(Debug)]
pub struct Demo {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What to look for in the picture.
    pub look_for: &'static str,
    /// What `taskscope findings` says of a run of the usual size: the names of their kinds. Nothing of a healthy
    /// program; notes are not among them.
    pub findings: &'static [&'static str],
    /// How many tasks (in `server`: clients) it has where [`Size::tasks`] says
    /// nothing.
    pub default_tasks: u32,
    /// A trace file of a run of the usual size. Builds without `tokio_unstable` cannot make one.
    pub recording: &'static [u8],
    run: fn(&Recording, seed: u64, tasks: u32) -> io::Result<Truth>,
}

/// All demos, the one to begin with first.
pub const DEMOS: &[Demo] = &[
    migration::DEMO,
    server::DEMO,
    yields::DEMO,
    single::DEMO,
    // In each of these one thing is wrong.
    blocking::DEMO,
    starving::DEMO,
    convoy::DEMO,
    selfwake::DEMO,
    leak::DEMO,
    hugefuture::DEMO,
];

/// The demo of that name.
pub fn find(name: &str) -> Option<&'static Demo> {
    DEMOS.iter().find(|demo| demo.name == name)
}

/// How large a run is, and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Picks the amounts of work. The same seed gives the same work, though the
    /// scheduler may deal it out differently.
    pub seed: u64,
    /// How many tasks; [`Demo::default_tasks`] where `None`. At least 1.
    pub tasks: Option<u32>,
}

/// What is true of a run by construction.
///
/// Tasks are those of `tokio::spawn`; futures of `block_on` are not among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// Tasks spawned.
    pub spawned: u64,
    /// Tasks that returned; none is aborted or panics.
    pub returned: u64,
    /// Tasks that the end of their runtime dropped: the others.
    pub dropped: u64,
    /// Polls of these tasks, where they do not depend on the schedule.
    pub polls: Option<u64>,
    /// No run has fewer polls than this.
    pub least_polls: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Runtimes.
    pub runtimes: u32,
    /// Workers of all runtimes.
    pub workers: u32,
}

impl Demo {
    /// Runs the demo and waits until it is done, runtimes included.
    ///
    /// # Errors
    /// What building a runtime or (in `server`) the network gives.
    pub fn run(&self, recording: &Recording, size: &Size) -> io::Result<Truth> {
        let tasks = size.tasks.unwrap_or(self.default_tasks).max(1);
        (self.run)(recording, size.seed, tasks)
    }
}

impl Truth {
    /// Of one runtime with so many workers, and tasks of which each is polled so often and returns.
    fn uniform(workers: u32, tasks: u32, polls_each: u64) -> Self {
        let tasks = u64::from(tasks);
        let polls = tasks * polls_each;
        Self {
            spawned: tasks,
            returned: tasks,
            polls: Some(polls),
            least_polls: polls,
            runtimes: 1,
            workers,
            ..Self::default()
        }
    }
}
