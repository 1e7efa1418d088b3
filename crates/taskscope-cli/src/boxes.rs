//! `taskscope boxes`: what black boxes there are, and what each says in a line.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use taskscope_format::black_box::Utc;
use taskscope_model::{LaneIx, Nanos, PollEnd, PollIx, State, TaskIx, Trace};
use taskscope_viewer::trace_file::{self, BlackBox, ReadError};

use crate::args::BoxesArgs;
use crate::error::Error;
use crate::{human, output};

pub(crate) fn run(args: &BoxesArgs) -> Result<(), Error> {
    let found = find(&args.directory)?;
    let text = if args.json {
        serde_json::to_string_pretty(&found)? + "\n"
    } else {
        text(&args.directory, &found)
    };
    output::print(&text)
}

/// One box. With `--json` an object with these keys.
#[derive(Debug, Serialize)]
struct Entry {
    path: PathBuf,
    program: String,
    process: u32,
    started_unix_ns: u64,
    /// When the process was last seen alive: each 50 ms it says that it is.
    last_seen_unix_ns: u64,
    ending: Ending,
    /// Between the first event that is kept and the last.
    duration_ns: Nanos,
    events: u64,
    dropped_events: u64,
    longest_open_poll: Option<OpenPoll>,
    /// How many tasks were to be polled and were not, at the end.
    runnable: u64,
    workers: Workers,
    /// What shows it.
    command: String,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Ending {
    /// It lives.
    Alive,
    /// It finished its recording.
    Finished,
    /// It ended without.
    Killed,
    /// It did not finish, and whether it lives is not known.
    Unknown,
}

/// A poll that had not ended.
#[derive(Debug, Serialize)]
struct OpenPoll {
    task: u64,
    name: String,
    lasted_ns: Nanos,
}

/// What workers did at the end.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Workers {
    polling: u64,
    parked: u64,
    /// Neither: between two polls.
    other: u64,
}

/// The boxes in a directory, the last one seen alive first.
fn find(directory: &Path) -> Result<Vec<Entry>, Error> {
    let failed = |source| Error::List { path: directory.to_owned(), source };
    let mut found = Vec::new();
    for entry in directory.read_dir().map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        // No links, pipes or devices.
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        match read(&path) {
            Ok(Some(entry)) => found.push(entry),
            Ok(None) => {}
            Err(error) => output::notice(&error),
        }
    }
    found.sort_by(|a, b| {
        let key = |entry: &Entry| (std::cmp::Reverse(entry.last_seen_unix_ns), entry.path.clone());
        key(a).cmp(&key(b))
    });
    Ok(found)
}

/// One box; `None` if the file is none.
fn read(path: &Path) -> Result<Option<Entry>, Error> {
    let found = trace_file::read_black_box(path).map_err(|error| match error {
        ReadError::Read(source) => Error::Read { path: path.to_owned(), source },
        ReadError::Open(source) => Error::Open { path: path.to_owned(), source },
    })?;
    let Some(BlackBox { state, is_alive, trace }) = found else { return Ok(None) };
    let trace = Trace::from_bytes(&trace)
        .map_err(|source| Error::Open { path: path.to_owned(), source })?;
    let ending = match (state.finished, is_alive) {
        (true, _) => Ending::Finished,
        (false, Some(true)) => Ending::Alive,
        (false, Some(false)) => Ending::Killed,
        (false, None) => Ending::Unknown,
    };
    let span = trace.span();
    Ok(Some(Entry {
        program: state.program,
        process: state.process,
        started_unix_ns: state.started_unix_ns,
        last_seen_unix_ns: state.last_seen_unix_ns,
        ending,
        duration_ns: span.end - span.start,
        events: trace.report().records,
        dropped_events: trace.report().dropped,
        longest_open_poll: longest_open_poll(&trace),
        runnable: runnable(&trace),
        workers: workers(&trace),
        command: format!("taskscope view {}", quoted(path)),
        path: path.to_owned(),
    }))
}

fn longest_open_poll(trace: &Trace) -> Option<OpenPoll> {
    let lasted = |ix: PollIx| {
        let poll = trace.poll(ix);
        trace.span().end.saturating_sub(trace.began_before(ix).unwrap_or(poll.start))
    };
    let open = trace.polls().filter(|(_, poll)| {
        // One that a gap has cut ended some time before.
        poll.how == PollEnd::Open && poll.end == trace.span().end
    });
    // A `LocalSet` is polled as long as what it polls: the innermost is what it is about.
    let (longest, poll) = open.max_by_key(|&(ix, poll)| (lasted(ix), poll.start))?;
    let task = poll.task;
    Some(OpenPoll {
        task: trace.task(task).id.0,
        name: trace.task_name(task),
        lasted_ns: lasted(longest),
    })
}

fn runnable(trace: &Trace) -> u64 {
    let end = trace.span().end;
    let tasks = (0..trace.tasks().len()).map(|number| TaskIx(number as u32));
    let waits = tasks.filter(|&task| {
        trace.state_at(task, end).is_some_and(|span| span.state == State::Scheduled)
    });
    waits.count() as u64
}

fn workers(trace: &Trace) -> Workers {
    let end = trace.span().end;
    let mut workers = Workers::default();
    let lanes = (0..trace.lanes().len()).map(|number| LaneIx(number as u16));
    for lane in lanes.filter(|&lane| trace.is_worker(lane)) {
        let is_open = |&ix: &PollIx| trace.poll(ix).how == PollEnd::Open;
        let is_parked = trace.lane(lane).parks().next_back().is_some_and(|park| park.end >= end);
        if trace.poll_at(lane, end.saturating_sub(1)).filter(is_open).is_some() {
            workers.polling += 1;
        } else if is_parked {
            workers.parked += 1;
        } else {
            workers.other += 1;
        }
    }
    workers
}

/// As a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

fn text(directory: &Path, found: &[Entry]) -> String {
    if found.is_empty() {
        return format!(
            "no black boxes in {}; Recorder::builder().black_box(…) or TASKSCOPE_BLACK_BOX makes \
             one\n",
            directory.display()
        );
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let mut text = String::new();
    for (number, entry) in found.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let _ =
            writeln!(text, "{}  (process {}) {}", entry.program, entry.process, ending(entry, now));
        let _ = writeln!(text, "  {}", last_second(entry));
        let _ = writeln!(text, "  {}", entry.command);
    }
    text
}

fn ending(entry: &Entry, now: u64) -> String {
    let at = Utc::from_unix_ns(entry.last_seen_unix_ns);
    let ago = ago(now.saturating_sub(entry.last_seen_unix_ns));
    match entry.ending {
        Ending::Alive => "is alive".to_owned(),
        Ending::Finished => format!("finished its recording at {at}, {ago} ago"),
        Ending::Killed => format!("ended without finishing at {at}, {ago} ago"),
        Ending::Unknown => {
            format!("did not finish, and may be alive; last seen at {at}, {ago} ago")
        }
    }
}

fn ago(time: Nanos) -> String {
    const MINUTE: u64 = 60_000_000_000;
    match time {
        0..MINUTE => human::time(time),
        _ if time < 120 * MINUTE => human::counted(time / MINUTE, "minute"),
        _ if time < 48 * 60 * MINUTE => human::counted(time / (60 * MINUTE), "hour"),
        _ => human::counted(time / (24 * 60 * MINUTE), "day"),
    }
}

fn last_second(entry: &Entry) -> String {
    let Workers { polling, parked, other } = entry.workers;
    let mut words = Vec::new();
    if let Some(open) = &entry.longest_open_poll {
        let lasted = match open.lasted_ns {
            // It is the last that was recorded.
            0 => String::new(),
            time => format!(" for {}", human::time(time)),
        };
        words.push(format!("{} was being polled{lasted}", open.name));
    }
    words.push(format!("{} runnable", human::counted(entry.runnable, "task")));
    let counts = [(polling, "polling"), (parked, "parked"), (other, "between polls")];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    if !counts.is_empty() {
        words.push(format!("workers: {}", counts.join(", ")));
    }
    let kept = format!("{} kept", human::time(entry.duration_ns));
    words.push(kept);
    if entry.dropped_events > 0 {
        words.push(format!("{} dropped", human::counted(entry.dropped_events, "event")));
    }
    words.join("; ")
}
