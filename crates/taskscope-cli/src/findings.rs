//! `taskscope findings`: what is wrong in a recorded program.

use std::fmt::Write;
use std::path::PathBuf;

use serde::Serialize;
use taskscope_model::findings::{Finding, RULES, Severity, findings};
use taskscope_model::{LaneKind, Trace, questions};

use crate::error::Error;
use crate::{human, output, trace};

/// Say what is wrong in a recorded program, and what to do about it
///
/// Looks at the whole trace for what is known to go wrong in Tokio programs: polls that hold their worker,
/// tasks that starve, lines at a lock, tasks that wake themselves or only become more, huge futures, and
/// so on. Each finding has its evidence with figures, the place in the source, the time and the worker, and
/// one sentence on the cure. What is marked "probably" is concluded, or events are missing there.
///
/// Notes are no alarms: healthy programs have some. The exit code is 0, whatever is found, if the file can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope findings app-4711.tscope
  taskscope findings --json app-4711.tscope | jq '.[] | select(.severity != \"note\")'")]
pub(crate) struct FindingsArgs {
    /// The trace
    pub(crate) file: PathBuf,

    /// Print one JSON array; times in nanoseconds from the first event
    ///
    /// Later versions may add keys and kinds. They change and remove none.
    #[arg(long)]
    pub(crate) json: bool,
}

pub(crate) fn run(args: &FindingsArgs) -> Result<(), Error> {
    let trace = trace::open(&args.file)?;
    let findings = questions::now(findings(&trace));
    let text = if args.json { json(&trace, &findings)? } else { text(&trace, &findings) };
    output::print(&text)
}

/// A finding in JSON.
#[derive(Serialize)]
struct Row<'a> {
    kind: &'static str,
    severity: &'static str,
    certain: bool,
    /// The task's name, or `task 42`; `null` where it is about none.
    task: Option<String>,
    /// Tokio's id of the task.
    task_id: Option<u64>,
    place: Option<String>,
    /// The worker's index within its runtime.
    worker: Option<u32>,
    runtime: Option<&'a str>,
    start_ns: u64,
    end_ns: u64,
    count: u64,
    evidence: &'a str,
    advice: &'static str,
}

fn json(trace: &Trace, findings: &[Finding]) -> Result<String, Error> {
    let begin = trace.span().start;
    let row = |of: &'_ Finding| {
        let worker = of.worker.map(|lane| trace.lane(lane).kind);
        let worker = worker.and_then(|kind| match kind {
            LaneKind::Worker { runtime, index } => Some((runtime, index)),
            LaneKind::Thread(_) => None,
        });
        let runtime = worker.and_then(|(runtime, _)| trace.runtimes().get(runtime as usize));
        (of.clone(), worker.map(|(_, index)| index), runtime.and_then(|of| of.name.as_deref()))
    };
    let rows: Vec<_> = findings.iter().map(row).collect();
    let rows = rows.iter().map(|(of, worker, runtime)| Row {
        kind: of.kind.name(),
        severity: of.severity.name(),
        certain: of.certain,
        task: of.task.map(|task| trace.task_name(task)),
        task_id: of.task.map(|task| trace.task(task).id.0),
        place: place(trace, of),
        worker: *worker,
        runtime: *runtime,
        start_ns: of.start.saturating_sub(begin),
        end_ns: of.end.saturating_sub(begin),
        count: of.count,
        evidence: &of.evidence,
        advice: of.advice(),
    });
    Ok(serde_json::to_string_pretty(&rows.collect::<Vec<_>>())? + "\n")
}

/// As editors and terminals open it: `src/main.rs:12:5`.
fn place(trace: &Trace, of: &Finding) -> Option<String> {
    let place = trace.place(of.place?);
    Some(format!("{}:{}:{}", place.file, place.line, place.column))
}

fn text(trace: &Trace, findings: &[Finding]) -> String {
    let looked = format!("{} looked", human::counted(RULES as u64, "rule"));
    if findings.is_empty() {
        return format!("nothing is wrong that these rules know; {looked}\n");
    }
    let mut text = String::new();
    for of in findings {
        text.push_str(&paragraph(trace, of));
        text.push('\n');
    }
    let number = |severity| findings.iter().filter(|of| of.severity == severity).count() as u64;
    let counts = [
        (number(Severity::Severe), "severe finding"),
        (number(Severity::Warning), "warning"),
        (number(Severity::Note), "note"),
    ];
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let counts: Vec<_> = counts.map(|(number, what)| human::counted(*number, what)).collect();
    let _ = writeln!(text, "{}; {looked}", counts.join(", "));
    if findings.iter().all(|of| !of.is_alarm()) {
        text.push_str("nothing else is wrong that these rules know\n");
    }
    text
}

/// One finding: a sentence, where and when it was, and what to do.
fn paragraph(trace: &Trace, of: &Finding) -> String {
    let begin = trace.span().start;
    let probably = if of.certain { "" } else { "probably " };
    let mut text = format!("{}: {probably}{}\n", of.severity.name(), of.kind.title());
    let mut line = |what: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {what}");
    };
    line(&format!("{}.", of.evidence));
    let from = human::exact(of.start.saturating_sub(begin));
    let mut spot = match place(trace, of) {
        Some(place) => format!("at {place}, from {from}"),
        None => format!("from {from}"),
    };
    if of.end > of.start {
        let _ = write!(spot, " for {}", human::time(of.end - of.start));
    }
    if let Some(worker) = of.worker {
        let _ = write!(spot, ", {}", trace.lane_name(worker));
    }
    line(&spot);
    line(&format!("cure: {}", of.advice()));
    text
}
