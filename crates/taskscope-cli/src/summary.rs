//! `taskscope summary`: a trace in a few figures.

use std::fmt::Write;

use taskscope_model::{DropSummary, GapSummary, RuntimeSummary, Summary, WaitSummary};

use crate::args::SummaryArgs;
use crate::error::Error;
use crate::{human, output, trace};

pub(crate) fn run(args: &SummaryArgs) -> Result<(), Error> {
    let summary = trace::summary(&args.file)?;
    let text = if args.json { json(&summary)? } else { text(&summary) };
    output::print(&text)
}

fn json(summary: &Summary) -> Result<String, Error> {
    Ok(serde_json::to_string_pretty(summary)? + "\n")
}

/// The figures as people read them.
pub(crate) fn text(summary: &Summary) -> String {
    let mut text = table(summary);
    for runtime in &summary.runtimes {
        text.push('\n');
        text.push_str(&workers(runtime, summary.duration_ns));
    }
    text.push_str(&drops(&summary.drops));
    text.push_str(&gaps(&summary.gaps));
    if !summary.threads.is_empty() {
        text.push('\n');
        text.push_str(&threads(summary));
    }
    text
}

/// What holds for the whole: a word, a figure, and what there is to say of it.
fn table(summary: &Summary) -> String {
    let tasks = &summary.tasks;
    let mut ends = counted(&tasks.by_end());
    if tasks.inferred > 0 {
        let _ = write!(ends, "; how {} ended is inferred", human::count(tasks.inferred));
    }
    let mut rows = Vec::new();
    let mut row = |name: &str, figure: String, more: String| {
        rows.push(vec![name.to_owned(), figure, more]);
    };
    let program = summary.program.as_deref().map(|name| format!("of {name}"));
    row("duration", human::time(summary.duration_ns), program.unwrap_or_default());
    if let Some(cause) = &summary.dump {
        row("dump", String::new(), format!("the last part of a recording: {cause}"));
    }
    row("tasks", human::count(tasks.spawned), ends);
    if tasks.parts > 0 {
        let what = "wrapped futures inside tasks, such as arms of a `select!`";
        row("parts", human::count(tasks.parts), what.to_owned());
    }
    if tasks.blocking > 0 {
        row("blocking", human::count(tasks.blocking), "closures on the blocking pool".to_owned());
    }
    let longest = match summary.polls {
        0 => String::new(),
        _ => format!("the longest took {}", human::time(summary.longest_poll_ns)),
    };
    row("polls", human::count(summary.polls), longest);
    row("", String::new(), counted(&summary.poll_ends.by_end()));
    if let Some(latency) = &summary.schedule_latency {
        let [half, most, longest] =
            [latency.p50_ns, latency.p99_ns, latency.longest_ns].map(human::time);
        let what = format!("from scheduled to polled: half {half}, 99 % {most}, longest {longest}");
        row("latency", human::count(latency.polls), what);
    }
    if summary.forced_yields > 0 {
        let what = "polls that used up their task's budget, so that it yielded";
        row("forced", human::count(summary.forced_yields), what.to_owned());
    }
    if let Some(these @ [_, ..]) = summary.waits.as_deref() {
        let all = these.iter().map(|wait| wait.count).sum();
        row("waits", human::count(all), waits(these));
    }
    row("wakes", recorded(summary.wakes), String::new());
    let elsewhere = if summary.runtimes.is_empty() { "thread" } else { "worker" };
    row(
        "hops",
        human::count(summary.hops),
        format!("polls on another {elsewhere} than the one before"),
    );
    row(
        "events",
        human::count(summary.events),
        format!("format version {}", summary.format_version),
    );
    if summary.dropped_events > 0 {
        row("dropped", human::count(summary.dropped_events), "events that are missing".to_owned());
    }
    if summary.damaged_parts > 0 {
        let what = "parts of the file, which were passed over";
        row("damaged", human::count(summary.damaged_parts), what.to_owned());
    }
    if summary.truncated {
        row("truncated", "yes".to_owned(), "the recording was not finished".to_owned());
    }
    human::table(&rows, &[false, true, false])
}

/// A count, or that there is none.
fn recorded(count: Option<u64>) -> String {
    count.map_or_else(|| "not recorded".to_owned(), human::count)
}

/// Counts of things by what they are, in words.
fn counted(counts: &[(u64, &str)]) -> String {
    let words = counts.iter().map(|(count, what)| format!("{} {what}", human::count(*count)));
    words.collect::<Vec<_>>().join(", ")
}

/// What was waited for most.
fn waits(waits: &[WaitSummary]) -> String {
    const SHOWN: usize = 4;
    let most = waits.iter().take(SHOWN);
    let mut words: Vec<_> =
        most.map(|wait| format!("{} {}", human::count(wait.count), wait.operation)).collect();
    if waits.len() > SHOWN {
        words.push("…".to_owned());
    }
    words.join(", ")
}

/// Where events are missing, one line a stretch.
fn drops(drops: &[DropSummary]) -> String {
    const SHOWN: usize = 20;
    if drops.is_empty() {
        return String::new();
    }
    let mut rows = vec![["thread", "lane", "from", "to", "dropped"].map(str::to_owned).to_vec()];
    rows.extend(drops.iter().take(SHOWN).map(|drop| {
        let thread = match (drop.thread, &drop.name) {
            (_, Some(name)) => name.clone(),
            (Some(number), None) => number.to_string(),
            (None, None) => "ending or recording already".to_owned(),
        };
        let lane = drop.lane.clone().unwrap_or_default();
        let (from, until) = (human::exact(drop.from_ns), human::exact(drop.until_ns));
        vec![thread, lane, from, until, human::count(drop.events)]
    }));
    let mut text = "\nevents that were dropped; counts over these times are too low\n".to_owned();
    text.push_str(&human::table(&rows, &[false, false, true, true, true]));
    if let Some(more @ 1..) = drops.len().checked_sub(SHOWN) {
        let _ = writeln!(text, "  and {} more such times", human::count(more as u64));
    }
    text
}

/// Where events are missing from the file, one line a gap.
fn gaps(gaps: &[GapSummary]) -> String {
    const SHOWN: usize = 20;
    if gaps.is_empty() {
        return String::new();
    }
    let mut rows = vec![["thread", "lane", "from", "to"].map(str::to_owned).to_vec()];
    rows.extend(gaps.iter().take(SHOWN).map(|gap| {
        let thread = gap.name.clone().unwrap_or_else(|| gap.thread.to_string());
        let lane = gap.lane.clone().unwrap_or_default();
        vec![thread, lane, human::exact(gap.from_ns), human::exact(gap.until_ns)]
    }));
    let mut text = "\ngaps: events that a damaged part of the file has lost\n".to_owned();
    text.push_str(&human::table(&rows, &[false, false, true, true]));
    if let Some(more @ 1..) = gaps.len().checked_sub(SHOWN) {
        let _ = writeln!(text, "  and {} more gaps", human::count(more as u64));
    }
    text
}

fn workers(runtime: &RuntimeSummary, duration: u64) -> String {
    let name = match &runtime.name {
        Some(name) => format!("runtime {name}"),
        None => format!("runtime {}", runtime.id),
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{name} ({}, {})",
        runtime.flavor.replace('_', " "),
        human::counted(runtime.workers.len() as u64, "worker")
    );
    let mut rows = vec![["worker", "polls", "busy", "", "parks"].map(str::to_owned).to_vec()];
    rows.extend(runtime.workers.iter().map(|worker| {
        vec![
            worker.index.to_string(),
            human::count(worker.polls),
            human::time(worker.busy_ns),
            share(worker.busy_ns, duration),
            recorded(worker.parks),
        ]
    }));
    text.push_str(&human::table(&rows, &[true; 5]));
    text
}

/// The threads that polled tasks and are no workers.
fn threads(summary: &Summary) -> String {
    let mut rows = vec![["thread", "polls", "busy", ""].map(str::to_owned).to_vec()];
    rows.extend(summary.threads.iter().map(|thread| {
        vec![
            thread.name.clone().unwrap_or_else(|| thread.id.to_string()),
            human::count(thread.polls),
            human::time(thread.busy_ns),
            share(thread.busy_ns, summary.duration_ns),
        ]
    }));
    human::table(&rows, &[true; 4])
}

fn share(busy: u64, duration: u64) -> String {
    match duration {
        0 => String::new(),
        _ => format!("{:.0} %", 100.0 * busy as f64 / duration as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop(thread: Option<u32>, name: Option<&str>, lane: Option<&str>) -> DropSummary {
        DropSummary {
            thread,
            name: name.map(str::to_owned),
            lane: lane.map(str::to_owned),
            from_ns: 1_500_000,
            until_ns: 2_250_000,
            events: 1_204,
        }
    }

    #[test]
    fn drops_are_listed_by_thread_and_time() {
        let text = drops(&[
            drop(Some(3), Some("tokio-1"), Some("worker 1")),
            drop(Some(4), None, None),
            drop(None, None, None),
        ]);
        let lines: Vec<&str> = text.lines().skip(2).collect();
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(lines[0]), "thread lane from to dropped");
        assert_eq!(
            words(lines[1]),
            "tokio-1 worker 1 0.001 500 000 s 0.002 250 000 s 1,204",
            "{text}"
        );
        assert!(words(lines[2]).starts_with("4 0.001 5"), "{text}");
        assert!(lines[3].contains("ending or recording already"), "{text}");
        assert_eq!(drops(&[]), "");
    }

    #[test]
    fn of_many_drops_the_first_are_listed_and_the_rest_counted() {
        let text = drops(&vec![drop(Some(1), None, None); 25]);
        assert_eq!(text.lines().count(), 2 + 1 + 20 + 1);
        assert!(text.ends_with("  and 5 more such times\n"), "{text}");
    }
}
