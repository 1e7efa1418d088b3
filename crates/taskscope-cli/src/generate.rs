//! `taskscope generate`: writes a plausible trace, to try out what reads traces.

use std::fs::File;

use taskscope_generate::Options;

use crate::args::GenerateArgs;
use crate::error::Error;
use crate::{human, output};

pub(crate) fn run(args: &GenerateArgs) -> Result<(), Error> {
    let usual = Options::new(args.polls);
    let tasks = args.tasks.unwrap_or(usual.tasks);
    let options = Options { tasks, workers: args.workers, seed: args.seed, ..usual };
    // Before a file is replaced for nothing.
    options.check()?;
    let unwritable = |source| Error::Write { path: args.out.clone(), source };
    let mut file = File::create(&args.out).map_err(unwritable)?;
    let generated =
        taskscope_generate::generate(&options, &mut file).map_err(|error| match error {
            taskscope_generate::Error::Write(source) => unwritable(source),
            error => Error::Generate(error),
        })?;
    output::print(&format!(
        "generated {}: {} of {}, {} of time ({})\n",
        args.out.display(),
        human::counted(options.polls, "poll"),
        human::counted(options.tasks, "task"),
        human::time(generated.duration),
        human::bytes(generated.bytes),
    ))
}
