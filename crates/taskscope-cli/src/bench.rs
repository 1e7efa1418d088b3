//! `taskscope bench`: what a trace costs the window.

use taskscope_viewer::bench::{Bench, BenchError, Quantiles};

use crate::args::BenchArgs;
use crate::error::Error;
use crate::{human, output};

pub(crate) fn run(args: &BenchArgs) -> Result<(), Error> {
    let path = || args.file.clone();
    let bench = taskscope_viewer::bench::run(&args.file).map_err(|source| match source {
        BenchError::Open(reason) => Error::Bench { path: path(), reason },
        error => Error::Bench { path: path(), reason: error.to_string() },
    })?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&bench)? + "\n",
        false => text(&bench),
    };
    output::print(&text)
}

/// The figures as people read them.
fn text(bench: &Bench) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, figure: String, more: String| {
        rows.push(vec![name.to_owned(), figure, more]);
    };
    let ms = |ms: f64| human::time((ms * 1e6) as u64);
    let quantiles = |of: &Quantiles| {
        (ms(of.p50), format!("half of {}; 99 % {}, longest {}", of.count, ms(of.p99), ms(of.max)))
    };
    let size = |bytes: Option<u64>| bytes.map_or("unknown".to_owned(), human::bytes);
    row("polls", human::count(bench.polls), format!("of {}", human::counted(bench.tasks, "task")));
    row("events", human::count(bench.events), format!("in {}", human::bytes(bench.file_bytes)));
    row("first", ms(bench.first_picture_ms), "until something was in the window".to_owned());
    let processor = format!("until all was, of processor time {}", ms(bench.open_cpu_ms));
    row("open", ms(bench.open_ms), processor);
    let again = bench.open_again_ms.map_or("unknown".to_owned(), ms);
    row("again", again, "until all was, with an index of the file".to_owned());
    let each = bench.bytes_per_poll.map(|bytes| format!("{bytes:.1} bytes a poll"));
    row("memory", size(bench.resident_bytes), each.unwrap_or_default());
    row("peak", size(bench.peak_bytes), "while it was opened".to_owned());
    for (name, times) in
        [("frame", &bench.frame_ms), ("seek", &bench.seek_ms), ("sort", &bench.sort_ms)]
    {
        let (half, more) = quantiles(times);
        row(name, half, more);
    }
    let first = format!("first rows after {}", ms(bench.search_ms.first));
    row("search", ms(bench.search_ms.all), first);
    let lag = bench.follow_lag_ms.map_or("unknown".to_owned(), ms);
    row("follow", lag, "at most, from the file to the window".to_owned());
    row("summary", ms(bench.summary_ms), "once the trace is open".to_owned());
    let (half, more) = quantiles(&bench.stage_ms);
    row(
        "stage",
        half,
        format!("{more}; up to {}", human::counted(bench.stage_tasks as u64, "task")),
    );
    let (half, more) = quantiles(&bench.stage_seek_ms);
    row("to moment", half, format!("{more}, until the stage shows it"));
    let asked = &bench.questions;
    let of = human::bytes(asked.activity_bytes);
    row("activity", ms(asked.activity_ms), format!("what questions lean on: {of}"));
    for (name, times) in [
        ("scene", &asked.scene_ms),
        ("instant", &asked.instant_ms),
        ("curves", &asked.curves_ms),
        ("range", &asked.range_ms),
        ("hundredth", &asked.hundredth_ms),
        ("find", &asked.find_ms),
        ("link", &asked.link_ms),
    ] {
        let (half, more) = quantiles(times);
        row(name, half, more);
    }
    human::table(&rows, &[false, true, false])
}
