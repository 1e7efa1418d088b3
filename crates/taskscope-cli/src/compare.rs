//! `taskscope compare`: what got slower from one recording to another.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use taskscope_model::questions::compare::{
    Comparison, Figures, PlaceFigures, Row, TraceFigures, average, compare, factor, figures, time,
};
use taskscope_model::questions::now;

use crate::error::Error;
use crate::{human, output, trace};

/// Say what got slower from one recording of a program to another
///
/// Compares by the places where tasks are spawned, per poll and per task, since two runs seldom have the same amount of work. A
/// sentence says what got slower most; a table has all places, and what costs most time at the pace of the other recording stands on
/// top. What may be chance is no change: a place needs 20 polls in each, and must differ by a tenth.
///
/// Places are found again when lines have moved in the source; what was on another line says so. The exit code is 0,
/// whatever got slower, if both files can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  taskscope compare before.tscope after.tscope
  taskscope compare --json before.tscope after.tscope | jq '.places[] | select(.change == \"slower\")'")]
pub(crate) struct CompareArgs {
    /// The trace that is compared with
    #[arg(value_name = "A")]
    pub(crate) before: PathBuf,

    /// The trace that may be slower
    #[arg(value_name = "B")]
    pub(crate) after: PathBuf,

    /// Print one JSON object; times in nanoseconds
    ///
    /// Later versions may add keys and kinds of change. They change and remove none.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Of so many more places that got slower a sentence says so; the table has all.
const MOST_SAID: usize = 4;

pub(crate) fn run(args: &CompareArgs) -> Result<(), Error> {
    // One after the other: the first is not needed any more.
    let read = |path: &Path| Ok::<_, Error>(Arc::new(now(figures(&trace::open(path)?, None))));
    let comparison = compare(read(&args.before)?, read(&args.after)?);
    let text = match args.json {
        true => json(args, &comparison)?,
        false => text(args, &comparison),
    };
    output::print(&text)
}

fn text(args: &CompareArgs, of: &Comparison) -> String {
    let mut text = of.sentence() + "\n";
    let worse = || of.rows.iter().filter(|row| row.change.is_worse()).skip(1);
    for says in worse().take(MOST_SAID).filter_map(|row| of.says(row)) {
        text.push_str(&says);
        text.push_str(".\n");
    }
    if let more @ 1.. = worse().count().saturating_sub(MOST_SAID) {
        let _ =
            writeln!(text, "{} more got slower or are late.", human::counted(more as u64, "place"));
    }
    let _ = write!(text, "\nA: {}\nB: {}\n\n", args.before.display(), args.after.display());
    let heads = ["", "A", "B", "B / A"].map(str::to_owned).to_vec();
    let lines = of.overall().into_iter().map(|line| {
        let [a, b] = line.values;
        vec![line.name.to_owned(), a, b, factor(line.ratio)]
    });
    let rows: Vec<_> = std::iter::once(heads).chain(lines).collect();
    text.push_str(&human::table(&rows, &[false, true, true, true]));
    if of.rows.is_empty() {
        return text;
    }
    text.push('\n');
    let heads = [
        "",
        "spawned at",
        "polls A",
        "B",
        "a poll A",
        "B",
        "B / A",
        "99 % A",
        "B",
        "ready A",
        "B",
        "B / A",
    ];
    let heads = heads.map(str::to_owned).to_vec();
    let rows: Vec<_> =
        std::iter::once(heads).chain(of.rows.iter().map(|row| cells(of, row))).collect();
    let mut right = [true; 12];
    (right[0], right[1]) = (false, false);
    text.push_str(&human::table(&rows, &right));
    text
}

/// A row of the table.
fn cells(of: &Comparison, row: &Row) -> Vec<String> {
    let place = of.newest(row).map(PlaceFigures::title).unwrap_or_default();
    let place = match row.moved_from {
        Some(line) => format!("{place}, moved from line {line}"),
        None => place,
    };
    let both = [of.in_a(row), of.in_b(row)].map(|of| of.map(|of| &of.sums));
    let pair = |text: fn(&Figures) -> String| both.map(|of| of.map_or("–".to_owned(), text));
    let [polls_a, polls_b] = pair(|of| human::count(of.polls));
    let [mean_a, mean_b] = pair(|of| average(&of.times));
    let [most_a, most_b] = pair(|of| time(of.poll_quantile(0.99)));
    let [ready_a, ready_b] = pair(|of| average(&of.delays));
    let [poll, ready] = of.ratios(row).map(factor);
    let change = row.change.name().to_owned();
    vec![
        change, place, polls_a, polls_b, mean_a, mean_b, poll, most_a, most_b, ready_a, ready_b,
        ready,
    ]
}

/// A comparison in JSON.
#[derive(Serialize)]
struct Json {
    sentence: String,
    a: Whole,
    b: Whole,
    places: Vec<PlaceRow>,
}

/// One of the traces.
#[derive(Serialize)]
struct Whole {
    file: String,
    wall_ns: u64,
    overlap_ns: u64,
    /// For how long exactly one worker polled, exactly two, and so on.
    workers_at_once_ns: Vec<u64>,
    mean_workers: f64,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct PlaceRow {
    /// As editors and terminals open it, in B where it is there.
    place: Option<String>,
    title: String,
    change: &'static str,
    /// What the change says, in a sentence.
    says: Option<String>,
    moved_from_line: Option<u32>,
    ratio: Option<f64>,
    weight_ns: u64,
    a: Option<Sums>,
    b: Option<Sums>,
}

#[derive(Serialize)]
struct Sums {
    tasks: u64,
    polls: u64,
    busy_ns: u64,
    scheduled_ns: Option<u64>,
    waiting_ns: Option<u64>,
    hops: u64,
    poll_ns: Spread,
    delay_ns: Spread,
}

/// How long something took; `null` where it never happened.
#[derive(Serialize)]
struct Spread {
    mean: Option<f64>,
    p50: Option<u64>,
    p90: Option<u64>,
    p99: Option<u64>,
    longest: Option<u64>,
}

impl Sums {
    fn new(of: &Figures, records_wakes: bool) -> Self {
        let spread = |mean, quantile: &dyn Fn(f64) -> Option<u64>, longest| {
            let [p50, p90, p99] = [0.5, 0.9, 0.99].map(quantile);
            Spread { mean, p50, p90, p99, longest }
        };
        let longest = of.longest.map(|(_, time)| time);
        let latest = of.latest.map(|(_, time)| time);
        Self {
            tasks: of.tasks,
            polls: of.polls,
            busy_ns: of.busy,
            scheduled_ns: records_wakes.then_some(of.scheduled),
            waiting_ns: records_wakes.then_some(of.waiting),
            hops: of.hops,
            poll_ns: spread(of.times.mean(), &|part| of.poll_quantile(part), longest),
            delay_ns: spread(of.delays.mean(), &|part| of.delay_quantile(part), latest),
        }
    }
}

fn json(args: &CompareArgs, of: &Comparison) -> Result<String, Error> {
    let whole = |path: &Path, of: &TraceFigures| Whole {
        file: path.display().to_string(),
        wall_ns: of.wall,
        overlap_ns: of.overlap.several(),
        workers_at_once_ns: of.overlap.at_once.clone(),
        mean_workers: of.overlap.mean(),
        sums: Sums::new(&of.all, of.records_wakes),
    };
    let row = |row: &Row| {
        let newest = of.newest(row)?;
        let place = newest.place.as_ref();
        let sums = |of: Option<&PlaceFigures>, all: &TraceFigures| {
            of.map(|of| Sums::new(&of.sums, all.records_wakes))
        };
        Some(PlaceRow {
            place: place.map(|place| format!("{}:{}:{}", place.file, place.line, place.column)),
            title: newest.title(),
            change: row.change.name(),
            says: of.says(row),
            moved_from_line: row.moved_from,
            ratio: of.ratio(row),
            weight_ns: row.weight.round() as u64,
            a: sums(of.in_a(row), &of.a),
            b: sums(of.in_b(row), &of.b),
        })
    };
    let json = Json {
        sentence: of.sentence(),
        a: whole(&args.before, &of.a),
        b: whole(&args.after, &of.b),
        places: of.rows.iter().filter_map(row).collect(),
    };
    Ok(serde_json::to_string_pretty(&json)? + "\n")
}
