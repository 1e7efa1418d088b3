//! `taskscope findings`: what is wrong in a recorded program, each with its evidence.

use serde::Serialize;
use taskscope_model::Trace;
use taskscope_model::findings::{Finding, RULES, findings};
use taskscope_model::questions::now;

use crate::args::FindingsArgs;
use crate::error::Error;
use crate::{human, output, trace};

pub(crate) fn run(args: &FindingsArgs) -> Result<(), Error> {
    let trace = trace::open(&args.file)?;
    let found = now(findings(&trace, None));
    let text = if args.json { json(&trace, &found)? } else { text(&trace, &found) };
    output::print(&text)
}

/// A finding as JSON has it.
#[derive(Serialize)]
struct Row {
    kind: &'static str,
    severity: &'static str,
    certain: bool,
    task: Option<String>,
    task_id: Option<u64>,
    place: Option<String>,
    worker: Option<String>,
    start_ns: u64,
    end_ns: u64,
    evidence: String,
    affected: Vec<String>,
    advice: &'static str,
}

impl Row {
    fn new(trace: &Trace, of: &Finding) -> Self {
        Self {
            kind: of.kind.name(),
            severity: of.severity.name(),
            certain: of.certain,
            task: of.task.map(|task| trace.task_name(task)),
            task_id: of.task.map(|task| trace.task(task).id.0),
            place: of.place.map(|place| trace.place(place).short()),
            worker: of.lane.map(|lane| trace.lane_name(lane)),
            start_ns: of.times.start,
            end_ns: of.times.end,
            evidence: of.evidence.clone(),
            affected: of.affected.iter().map(|&task| trace.task_name(task)).collect(),
            advice: of.kind.advice(),
        }
    }
}

fn json(trace: &Trace, found: &[Finding]) -> Result<String, Error> {
    let rows: Vec<Row> = found.iter().map(|of| Row::new(trace, of)).collect();
    Ok(serde_json::to_string_pretty(&rows)? + "\n")
}

/// The findings as people read them, the worst first.
fn text(trace: &Trace, found: &[Finding]) -> String {
    if found.is_empty() {
        return format!(
            "{RULES} rules looked at {} polls: nothing is wrong that they know\n",
            human::count(trace.poll_count())
        );
    }
    let mut text = String::new();
    for (number, of) in found.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let sure = if of.certain { "" } else { ", likely" };
        let (title, severity) = (of.kind.title(), of.severity.name());
        text.push_str(&format!("{title}  ({severity}{sure})\n  {}\n", of.evidence));
        let start = of.times.start.saturating_sub(trace.span().start);
        let mut facts = vec![format!("at {}", human::time(start))];
        facts.extend(of.lane.map(|lane| format!("on {}", trace.lane_name(lane))));
        facts.extend(of.place.map(|place| {
            let place = trace.place(place);
            format!("{}:{}", place.file, place.line)
        }));
        text.push_str(&format!("  {}\n  {}\n", facts.join(", "), of.kind.advice()));
    }
    text
}
