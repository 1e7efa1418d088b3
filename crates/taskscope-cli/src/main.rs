//! `taskscope`: see Tokio schedule your tasks.
//!
//! One binary for everything that is done with a trace: record a demo, open the
//! window, print a summary, draw a picture. `taskscope --help` has the commands.

mod allocator;
mod args;
mod bench;
mod boxes;
mod compare;
#[cfg(feature = "console")]
mod console;
#[cfg(not(feature = "console"))]
#[path = "no_console.rs"]
mod console;
mod demo;
mod error;
mod film;
mod findings;
mod generate;
mod human;
mod lesson;
mod output;
mod render;
mod run;
mod summary;
mod trace;
mod view;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command, ViewArgs};

fn main() -> ExitCode {
    allocator::set_up();
    // Wrong usage ends here, with exit code 2.
    let args = Args::try_parse().unwrap_or_else(|error| args::with_hint(error).exit());
    let done = match args.command {
        None => view::run(&ViewArgs::default()),
        Some(Command::View(args)) => view::run(&args),
        Some(Command::Demo(args)) => demo::run(&args),
        Some(Command::Summary(args)) => summary::run(&args),
        Some(Command::Findings(args)) => findings::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Render(args)) => render::run(&args),
        Some(Command::Lesson(args)) => lesson::run(&args),
        Some(Command::Generate(args)) => generate::run(&args),
        Some(Command::Bench(args)) => bench::run(&args),
        Some(Command::Boxes(args)) => boxes::run(&args),
        // It ends as the program does.
        Some(Command::Run(args)) => return run::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of our output has seen enough, as in `taskscope … | head`.
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::FAILURE
        }
    }
}
