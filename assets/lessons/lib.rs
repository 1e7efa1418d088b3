//! The lessons that come with taskscope: for each a folder with its text (`lesson.md`, and `lesson.LANGUAGE.md`), the program
//! that it is about (`program.rs`, which the lesson shows), and the traces that were recorded of it.
//!
//! `taskscope lesson record NUMBER --out FOLDER` makes the traces of a lesson again. The programs run here, so that the
//! window can run them with other parameters; what is recorded, the tests of this crate hold against what the
//! lesson claims.

mod counting;
mod support;

#[path = "09-await-yields/program.rs"]
mod await_yields;
#[path = "01-concurrency/program.rs"]
mod concurrency;
#[path = "02-connections/program.rs"]
mod connections;
#[path = "03-join-handle/program.rs"]
mod join_handle;
#[path = "06-light/program.rs"]
mod light;
#[path = "04-results/program.rs"]
mod results;
#[path = "08-send/program.rs"]
mod send;
#[path = "10-shared-state/program.rs"]
mod shared_state;
#[path = "07-static/program.rs"]
mod statics;
#[path = "05-tasks-move/program.rs"]
mod tasks_move;

use std::collections::BTreeMap;
use std::io;

use taskscope::Recording;

pub use counting::{Allocations, CountingAllocator, counted};

/// A lesson, with all that belongs to it.
#[derive(Debug)]
pub struct Shipped {
    /// Its number, from 1.
    pub number: u32,
    /// The name of its folder.
    pub folder: &'static str,
    /// Its text in each language: the two letters of that, and the file. English comes first.
    pub texts: &'static [(&'static str, &'static str)],
    /// The program's source.
    pub source: &'static str,
    /// The names and contents of the traces' files.
    pub traces: &'static [(&'static str, &'static [u8])],
    /// The program.
    pub program: Program,
}

/// A program that a lesson is about.
#[derive(Debug)]
pub struct Program {
    /// What can be chosen for a run.
    pub parameters: &'static [Parameter],
    /// What it runs, one after the other: each is a trace, whose file is called so.
    pub runs: &'static [&'static str],
    /// Does one of these runs.
    run: fn(&Recording, &str, &Values) -> io::Result<()>,
}

/// Something that can be chosen for a run.
#[derive(Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// What it is if nothing else is chosen.
    pub usual: u64,
    /// The least and the most that it can be.
    pub range: (u64, u64),
}

/// What was chosen for a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<&'static str, u64>);

impl Values {
    /// The value of a parameter; 0 for one that the program does not have.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

impl Program {
    /// The values for a run: those that were chosen, each within its range, and the usual ones for the rest.
    ///
    /// # Errors
    /// The name of a value that is no parameter.
    pub fn values(&self, chosen: &BTreeMap<String, u64>) -> Result<Values, String> {
        let is_known = |name: &&String| !self.parameters.iter().any(|of| of.name == **name);
        if let Some(unknown) = chosen.keys().find(is_known) {
            return Err(unknown.clone());
        }
        let value = |of: &Parameter| {
            let value = chosen.get(of.name).copied().unwrap_or(of.usual);
            (of.name, value.clamp(of.range.0, of.range.1))
        };
        Ok(Values(self.parameters.iter().map(value).collect()))
    }

    /// Does one of its runs in this process, which is being recorded; returns when all of its runtimes are gone.
    ///
    /// # Errors
    /// What building a runtime or (in some) the network gives.
    pub fn run(&self, recording: &Recording, run: &str, values: &Values) -> io::Result<()> {
        (self.run)(recording, run, values)
    }
}

/// A file of a lesson, which lies in its folder.
macro_rules! lesson {
    (
        $number:literal, $folder:literal, $module:ident,
        languages: [$($language:literal),*], traces: [$($trace:literal),*]
    ) => {
        Shipped {
            number: $number,
            folder: $folder,
            texts: &[
                ("en", include_str!(concat!($folder, "/lesson.md"))),
                $(($language, include_str!(concat!($folder, "/lesson.", $language, ".md"))),)*
            ],
            source: include_str!(concat!($folder, "/program.rs")),
            traces: &[$((
                concat!($trace, ".tscope"),
                include_bytes!(concat!($folder, "/", $trace, ".tscope")),
            )),*],
            program: $module::PROGRAM,
        }
    };
}

/// All lessons, in the order of their numbers.
pub const LESSONS: &[Shipped] = &[
    lesson!(
        1, "01-concurrency", concurrency,
        languages: ["de"], traces: ["one-thread", "several-threads"]
    ),
    lesson!(
        2, "02-connections", connections,
        languages: ["de"], traces: ["server"]
    ),
    lesson!(
        3, "03-join-handle", join_handle,
        languages: ["de"], traces: ["parent-and-child"]
    ),
    lesson!(
        4, "04-results", results,
        languages: ["de"], traces: ["four-ends"]
    ),
    lesson!(
        5, "05-tasks-move", tasks_move,
        languages: ["de"], traces: ["moves"]
    ),
    lesson!(
        6, "06-light", light,
        languages: ["de"], traces: ["tasks"]
    ),
    lesson!(
        7, "07-static", statics,
        languages: ["de"], traces: ["moved"]
    ),
    lesson!(
        8, "08-send", send,
        languages: ["de"], traces: ["sizes"]
    ),
    lesson!(
        9, "09-await-yields", await_yields,
        languages: ["de"], traces: ["three-ways", "never", "yield_now", "spawn_blocking"]
    ),
    lesson!(
        10, "10-shared-state", shared_state,
        languages: ["de"], traces: ["std-mutex", "tokio-mutex", "shards", "owner", "held"]
    ),
];

/// The lesson with this number.
pub fn find(number: u32) -> Option<&'static Shipped> {
    LESSONS.iter().find(|lesson| lesson.number == number)
}
