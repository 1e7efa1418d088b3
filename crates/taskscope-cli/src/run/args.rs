//! The command line of `taskscope run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use taskscope::Detail;

/// Run a program that records itself, and watch it while it runs
///
/// The program needs the recorder built in: `#[taskscope::main]` in place of `#[tokio::main]`, or
/// `let _recording = taskscope::init();` as the first line of `main`. COMMAND may also start such
/// programs, as `cargo run` or a script does; each process that records joins the window, all on
/// one axis, aligned by wall clock.
///
/// The terminal is the program's: its input, its output, Ctrl+C. The window stays open when the
/// program has ended. If it is closed before, the program runs on. taskscope ends after both, with
/// the program's exit code; with 128 + N if signal N has ended the program, 127 if there is no such
/// program, 126 if it cannot be started, 125 if taskscope itself has failed. Without a display the
/// figures of what was recorded go to standard error.
///
/// TASKSCOPE_FILE is set for the program, and TASKSCOPE_DETAIL by --detail. All else that is set
/// in the environment holds as without taskscope; so does TASKSCOPE_FILE, if it is set already and
/// --keep is not given.
#[derive(Debug, clap::Args)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// How much is recorded, where the program does not say itself
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(Detail::ALL.map(Detail::name)))]
    pub(crate) detail: Option<String>,

    /// Keep the recordings: in this directory, or if only one process records as this file
    ///
    /// A name that ends in `.tscope` is a file's, any other a directory's, which is created if it
    /// is not there. In the directory a recording is called PROGRAM-PID.tscope. FILE is replaced if
    /// it is there; if several processes record, they lie beside it under its name and their PIDs.
    /// Without this option the recordings lie in a temporary directory, which is removed when the
    /// window is closed and the program has ended.
    #[arg(long, value_name = "DIR|FILE")]
    pub(crate) keep: Option<PathBuf>,

    /// Open no window, and print the figures when the program has ended
    #[arg(long)]
    pub(crate) no_view: bool,

    /// The program and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<OsString>,
}

const RUN_EXAMPLES: &str = "\
Examples:
  taskscope run -- cargo run --release             build it, run it, watch it
  taskscope run --keep app.tscope -- ./app --port 8080
  taskscope run --keep traces --detail polls -- ./start-all-services.sh
  taskscope run --no-view -- ./app 2> figures.txt  no window
  TASKSCOPE=after=30s,for=10s taskscope run -- ./app";
