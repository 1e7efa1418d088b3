//! The command line.

use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Parser, Subcommand, ValueEnum};
use taskscope_demos::DEMOS;
use taskscope_model::questions::search::Query;
use taskscope_viewer::time;

use crate::compare::CompareArgs;
use crate::film::FilmArgs;
use crate::findings::FindingsArgs;
use crate::lesson::LessonArgs;
use crate::run::RunArgs;

/// See Tokio schedule your tasks.
///
/// taskscope replays how a recorded Tokio program was scheduled: which worker
/// polled which task and for how long, who woke it, and when it hopped from one
/// worker to another.
///
/// Without a command it opens the window with its welcome page.
#[derive(Debug, Parser)]
#[command(name = "taskscope", version, max_term_width = 100, after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

const AFTER_HELP: &str = "\
Examples:
  taskscope demo                          record a demo and watch it
  taskscope run -- cargo run              run a program that records itself, and watch it
  taskscope view app-4711.tscope          open a recording
  taskscope summary app-4711.tscope       its figures in the terminal
  taskscope findings app-4711.tscope      what is wrong in it
  taskscope compare a.tscope b.tscope     what got slower from one to the other
  taskscope render app-4711.tscope -o app.png --at 12.5ms

To record a program of your own, add the crate `taskscope` to it and call
`let _recording = taskscope::init();` as the first line of main.";

/// Adds to the error for an unknown command that it may be a trace to open.
pub(crate) fn with_hint(mut error: clap::Error) -> clap::Error {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidSubcommand)) {
        (ErrorKind::InvalidSubcommand, Some(ContextValue::String(unknown))) => unknown.clone(),
        _ => return error,
    };
    let path = Path::new(&unknown);
    let is_trace = path.extension().is_some_and(|name| name == taskscope_format::EXTENSION);
    if is_trace || path.is_file() {
        let hint = format!("to open a trace, run `taskscope view {unknown}`");
        let hints = ContextValue::StyledStrs(vec![hint.into()]);
        error.insert(ContextKind::Suggested, hints);
    }
    error
}

#[cfg(feature = "console")]
const DEMO_EXAMPLES: &str = "\
Examples:
  taskscope demo                       tasks that hop between four workers
  taskscope demo --list                the demos
  taskscope demo server --size 200     a TCP server with 200 clients
  taskscope demo yields --no-view --out yields.tscope
  taskscope demo migration --size 20x --console
                                       and in another terminal: tokio-console";

#[cfg(not(feature = "console"))]
const DEMO_EXAMPLES: &str = "\
Examples:
  taskscope demo                       tasks that hop between four workers
  taskscope demo --list                the demos
  taskscope demo server --size 200     a TCP server with 200 clients
  taskscope demo yields --no-view --out yields.tscope";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    // What each does is said where its arguments are: a comment here would take the place of that.
    View(ViewArgs),
    Run(RunArgs),
    Demo(DemoArgs),
    Summary(SummaryArgs),
    Findings(FindingsArgs),
    Compare(CompareArgs),
    Render(RenderArgs),
    Lesson(LessonArgs),
    Boxes(BoxesArgs),
    Generate(GenerateArgs),
    Bench(BenchArgs),
}

/// Open the window, with traces or with the welcome page
///
/// Several traces are shown side by side, on one axis of time. The welcome page offers the
/// demos and the traces that were opened last. A trace can also be dropped on the window.
///
/// What took longer than two seconds to open is kept in your cache directory (on Linux
/// ~/.cache/taskscope/indexes), so that it opens at once the next time: the three files that were used
/// last, up to 16 GiB. You can remove these at any time; with TASKSCOPE_INDEX=off none are read or written.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ViewArgs {
    /// The traces to open; the welcome page without them
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Show what is written while the program still runs, with the end in sight
    ///
    /// The file need not be there yet. When the program starts anew, or another file takes the
    /// name, it is shown from its begin.
    #[arg(long, requires = "files")]
    pub(crate) follow: bool,

    /// The task to select: its Tokio id or its name
    #[arg(long, value_name = "TASK", requires = "files")]
    pub(crate) task: Option<String>,

    /// Where the playhead stands, from the start of the trace: 12.5ms, 3us, 1.2s
    #[arg(long, value_name = "TIME", value_parser = parse_time, requires = "files")]
    pub(crate) at: Option<u64>,

    /// What to mark and show: 10ms..20ms
    #[arg(long, value_name = "START..END", value_parser = parse_range, requires = "files")]
    pub(crate) range: Option<(u64, u64)>,

    /// What to search for, as in `poll>1ms worker:2`
    #[arg(long, value_name = "SEARCH", value_parser = parse_search, requires = "files")]
    pub(crate) find: Option<String>,
}

/// Record a demo, print its summary and open it
///
/// Runs the demo in this process, records it, and prints its figures. Then the
/// window opens. On a machine without a display a picture of the trace is written
/// beside the trace instead.
#[derive(Debug, clap::Args)]
#[command(after_help = DEMO_EXAMPLES)]
pub(crate) struct DemoArgs {
    /// Which demo
    #[arg(default_value = DEMOS[0].name, value_parser = PossibleValuesParser::new(DEMOS.iter().map(|demo| demo.name)))]
    pub(crate) name: String,

    /// List the demos, and what to look for in each
    #[arg(long)]
    pub(crate) list: bool,

    /// Record and print, and open no window
    #[arg(long)]
    pub(crate) no_view: bool,

    /// The file that the trace is written to; an existing one is replaced
    ///
    /// Without it: what TASKSCOPE_FILE says, or `taskscope-demo-NAME.tscope` in the current
    /// directory, with a number behind NAME if that file exists.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    /// Picks the amounts of work; the same seed gives the same work
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// How many tasks (in `server`: clients), or how many times the usual number
    #[arg(long, value_name = "N|Nx", value_parser = parse_size)]
    pub(crate) size: Option<DemoSize>,

    /// Serve console_subscriber on 127.0.0.1:6669 too, for tokio-console
    #[cfg(feature = "console")]
    #[arg(long)]
    pub(crate) console: bool,
}

impl DemoArgs {
    /// Whether the run is served to tokio-console, too.
    pub(crate) fn console(&self) -> bool {
        #[cfg(feature = "console")]
        let asked = self.console;
        #[cfg(not(feature = "console"))]
        let asked = false;
        asked
    }
}

/// Print the figures of a trace
///
/// Standard error says what of the trace could not be read; the JSON has it as
/// `truncated`, `damaged_parts` and `dropped_events`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope summary app.tscope
  taskscope summary --json app.tscope | jq '.runtimes[0].workers'")]
pub(crate) struct SummaryArgs {
    /// The trace
    pub(crate) file: PathBuf,

    /// Print one JSON object; times in nanoseconds
    ///
    /// Later versions may add keys. They change and remove none.
    #[arg(long)]
    pub(crate) json: bool,
}

/// List the black boxes in a directory: what ended, when, how, and its last second
///
/// A black box is the file of a program that was recorded with `black_box(…)` or
/// `TASKSCOPE_BLACK_BOX`. It is there however the program ended.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope boxes /var/lib/app
  taskscope boxes --json /var/lib/app | jq '.[0].longest_open_poll'")]
pub(crate) struct BoxesArgs {
    /// The directory
    #[arg(default_value = ".")]
    pub(crate) directory: PathBuf,

    /// Print a JSON array, the last one seen alive first; times in nanoseconds
    ///
    /// Later versions add keys, and never change or remove one.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a plausible trace of any size, to try out what reads traces
///
/// It is no recording: a simulation follows the rules of Tokio's scheduler. The same
/// arguments give the same bytes on every machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope generate -o large.tscope --polls 100M
  taskscope generate -o many.tscope --polls 10M --tasks 1M --workers 16 --seed 7")]
pub(crate) struct GenerateArgs {
    /// Polls of tasks: 1_000_000, 10k, 100M
    #[arg(long, value_name = "N", default_value = "1M", value_parser = parse_count)]
    pub(crate) polls: u64,

    /// Tasks, no more than polls
    ///
    /// Without it: a hundredth of the polls, and ten at least.
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub(crate) tasks: Option<u64>,

    /// Workers of the main runtime, up to 1000
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) workers: u32,

    /// Another seed makes another trace
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// The file that the trace is written to; an existing one is replaced
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Measure what a trace costs the window: time, memory, frames
///
/// Opens the trace in a window that is on no screen, looks around in it, always in the same way,
/// and follows a copy of it that grows. Frames, and what a key or a click leads to, are measured in
/// processor time; what takes several threads, on the clock. Memory is that of this process. At last
/// the file is opened once more, with an index of it that lies among the temporary files.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope generate --polls 10M -o large.tscope
  taskscope bench large.tscope
  taskscope bench --json large.tscope | jq .frame_ms")]
pub(crate) struct BenchArgs {
    /// The trace
    pub(crate) file: PathBuf,

    /// Print one JSON object; times in milliseconds, sizes in bytes
    ///
    /// Later versions may add keys. They change and remove none.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Draw a trace as a picture or a film; needs neither GPU nor display
///
/// A picture is the window as `taskscope view` would show it. A film shows the stage and the lanes while a
/// stretch of time passes. The same arguments make the same bytes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope render app.tscope -o app.png
  taskscope render app.tscope -o app.png --at 12.5ms --span 10ms --select 42
  taskscope render app.tscope -o app.png --select 'connection 3' --theme light --scale 2
  taskscope render app.tscope -o app.png --stage --at 12.5ms
  taskscope render app.tscope -o app.gif --film 10ms..20ms --hops 1")]
pub(crate) struct RenderArgs {
    /// The trace
    pub(crate) file: PathBuf,

    /// The file that the picture or film is written to; an existing one is replaced
    ///
    /// A picture is a PNG file. What a film is, its name says: OUT.gif, OUT.webm (for which ffmpeg must be
    /// installed), or OUT-%d.png for its frames, each with its number.
    #[arg(long, short, value_name = "OUT")]
    pub(crate) out: PathBuf,

    /// Width and height of the window: 1600x1000 for a picture, 960x600 for a film
    #[arg(long, value_name = "WxH", value_parser = parse_picture_size)]
    pub(crate) size: Option<[u32; 2]>,

    #[command(flatten)]
    pub(crate) film: FilmArgs,

    /// Where the playhead stands, from the start of the trace: 12.5ms, 3us, 1.2s
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(crate) at: Option<u64>,

    /// How much time the timeline shows, around the playhead: 10ms
    ///
    /// Without it: so much that single polls can be told apart.
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    pub(crate) span: Option<u64>,

    /// The task to select: its Tokio id or its name
    #[arg(long, value_name = "TASK")]
    pub(crate) select: Option<String>,

    /// Draw what held up the selected task's poll at the playhead over the lanes
    #[arg(long, requires = "select")]
    pub(crate) why: bool,

    /// What to search for: its hits are lit, as in `poll>1ms worker:2` (the window lists the words of the search)
    #[arg(long, value_name = "SEARCH", value_parser = parse_search)]
    pub(crate) find: Option<String>,

    /// Show the stage: the scheduler as a place, with its workers, its queues, and the rooms in which
    /// tasks wait
    #[arg(long)]
    pub(crate) stage: bool,

    /// Colours
    #[arg(long, value_enum, default_value_t = Theme::Dark)]
    pub(crate) theme: Theme,

    /// Pixels per point: 2 for a picture twice as sharp
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    pub(crate) scale: u8,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Theme {
    Dark,
    Light,
}

impl From<Theme> for taskscope_viewer::Theme {
    fn from(theme: Theme) -> Self {
        match theme {
            Theme::Dark => Self::Dark,
            Theme::Light => Self::Light,
        }
    }
}

/// How large a demo is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DemoSize {
    /// So many tasks.
    Tasks(u32),
    /// So many times as many as usual.
    Times(u32),
}

fn parse_size(text: &str) -> Result<DemoSize, String> {
    let (number, times) = match text.strip_suffix(['x', '×']) {
        Some(number) => (number, true),
        None => (text, false),
    };
    match number.parse() {
        Ok(number) if number > 0 && times => Ok(DemoSize::Times(number)),
        Ok(number) if number > 0 => Ok(DemoSize::Tasks(number)),
        _ => Err("expected a number of tasks such as 200, or a factor such as 5x".to_owned()),
    }
}

/// Reads a number such as `1_000_000`, `10k` or `100M`.
fn parse_count(text: &str) -> Result<u64, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'K', 'M', 'G']) {
        Some(digits) if text.ends_with('M') => (digits, 1_000_000),
        Some(digits) if text.ends_with('G') => (digits, 1_000_000_000),
        Some(digits) => (digits, 1_000),
        None => (text, 1),
    };
    let is_digits = digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.chars().all(|char| char.is_ascii_digit() || char == '_');
    let number = is_digits.then(|| digits.replace('_', "").parse::<u64>().ok()).flatten();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "expected a whole number such as 500, 10k, 100M or 1_000_000".to_owned())
}

pub(crate) fn parse_picture_size(text: &str) -> Result<[u32; 2], String> {
    let parse = || {
        let (width, height) = text.split_once(['x', '×'])?;
        Some([width.parse().ok()?, height.parse().ok()?])
    };
    let size: Option<[u32; 2]> = parse();
    size.filter(|size| !size.contains(&0))
        .ok_or_else(|| "expected a width and a height such as 1600x1000".to_owned())
}

/// Reads a time such as `12.5ms` as nanoseconds.
pub(crate) fn parse_time(text: &str) -> Result<u64, String> {
    time::parse(text).ok_or_else(|| TIME_EXPECTED.to_owned())
}

/// Likewise, and there must be some of it.
fn parse_span(text: &str) -> Result<u64, String> {
    time::parse(text).filter(|&span| span > 0).ok_or_else(|| TIME_EXPECTED.to_owned())
}

/// Two times with dots between.
fn parse_range(text: &str) -> Result<(u64, u64), String> {
    let expected = || format!("{RANGE_EXPECTED}; {TIME_EXPECTED}");
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    match (time::parse(from), time::parse(to)) {
        (Some(from), Some(to)) if from < to => Ok((from, to)),
        _ => Err(expected()),
    }
}

const RANGE_EXPECTED: &str = "expected two times, the earlier one first, such as 10ms..20ms";

/// A search that can be read.
fn parse_search(text: &str) -> Result<String, String> {
    Query::parse(text).map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}

const TIME_EXPECTED: &str =
    "expected a number with a unit (ns, us, ms or s), such as 12.5ms, 3us or 1.2s";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_of_each_command_has_all_of_its_words() {
        for command in Args::command().get_subcommands() {
            let words = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            assert!(words.lines().count() > 1, "{}: {words}", command.get_name());
        }
    }

    #[test]
    fn sizes_of_pictures_have_two_sides() {
        assert_eq!(parse_picture_size("640x480"), Ok([640, 480]));
        for wrong in ["640", "x", "0x10", "640x480x2", "-1x5"] {
            assert!(parse_picture_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn counts_have_units_and_underscores() {
        for (text, expected) in [
            ("0", 0),
            ("17", 17),
            ("1_000_000", 1_000_000),
            ("10k", 10_000),
            ("10K", 10_000),
            ("100M", 100_000_000),
            ("4G", 4_000_000_000),
        ] {
            assert_eq!(parse_count(text), Ok(expected), "{text}");
        }
        for wrong in ["", "k", "_1", "-1", "+1", "1.5M", "1 000", "10m", "20000000000G", "1kk"] {
            assert!(parse_count(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_of_demos_are_counts_or_factors() {
        assert_eq!(parse_size("200"), Ok(DemoSize::Tasks(200)));
        assert_eq!(parse_size("5x"), Ok(DemoSize::Times(5)));
        for wrong in ["0", "0x", "x", "many", "-3", "1.5x"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
