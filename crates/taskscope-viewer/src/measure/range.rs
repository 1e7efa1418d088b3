//! What a stretch of time costs: polls, how long they took and came late, hops, and where the time went.

use std::fmt::Write;
use std::ops::Range;

use egui::{Grid, RichText, ScrollArea, Ui};
use taskscope_model::questions::{Histogram, HopQueue, RangeSums};
use taskscope_model::{Nanos, PollEnd, Trace};

use super::bars::histogram;
use super::shares::{Shares, hops};
use super::{Sums, stretch, title};
use crate::context::Context;
use crate::jobs::Question;
use crate::{labels, menus, time};

/// So many spawn places are listed.
const MOST_PLACES: usize = 12;

/// The panel with the figures of what is marked, or in view.
#[derive(Debug, Default)]
pub(crate) struct RangePanel {
    sums: Sums,
    shares: Question<Range<Nanos>, Shares>,
}

impl RangePanel {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let times = stretch(cx);
        title(ui, cx, "The range", &times);
        let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
        let asked = times.clone();
        let work = || Shares::new(trace, activity, asked);
        let shares = self.shares.ask(cx.jobs, cx.open.snapshot(), &times, work);
        let none = Shares::default();
        let shares = shares.map_or(&none, |answer| &answer.value);
        let Some((of, sums)) = self.sums.get(cx, times) else {
            ui.weak("Adding up…");
            return;
        };
        ScrollArea::both().id_salt("range").auto_shrink(false).show(ui, |ui| {
            if ui.button("Copy as text").clicked() {
                crate::said::copy(ui.ctx(), text(cx.trace(), &of, sums, shares));
            }
            figures(ui, cx.trace(), &of, sums);
            shares.show(ui, cx);
            histogram(ui, "How long a poll took", &sums.times);
            if cx.trace().records_wakes() {
                histogram(ui, "How long tasks were ready", &sums.delays);
            }
            ui.add_space(6.0);
            ui.add_space(10.0);
            hops(ui, cx.trace(), &sums.hops);
            places(ui, cx, sums);
        });
    }
}

/// The lines of the panel, for the screen and the clipboard.
fn lines(trace: &Trace, times: &Range<Nanos>, sums: &RangeSums) -> Vec<(&'static str, String)> {
    let ends: Vec<String> = PollEnd::ALL
        .iter()
        .filter(|how| sums.ends[how.position()] > 0)
        .map(|&how| format!("{} {}", time::count(sums.ends[how.position()]), labels::poll_end(how)))
        .collect();
    let hops: u64 = sums.hops.iter().map(|hop| hop.count).sum();
    let by = |queue: HopQueue| {
        sums.hops.iter().filter(|hop| hop.queue == queue).map(|hop| hop.count).sum::<u64>()
    };
    let mut lines = vec![
        ("polls", time::count(sums.polls)),
        ("ended", ends.join("\n")),
        ("busy", time::duration(sums.busy as f64)),
        ("a poll took", spread(&sums.times, sums.longest.first().map(|(_, time)| *time))),
    ];
    if trace.records_wakes() {
        let woken = sums.delays.count();
        let seconds = (times.end - times.start).max(1) as f64 / 1e9;
        let a_second = time::count((woken as f64 / seconds).round() as u64);
        lines.push(("woken", format!("{}\n{a_second} a second", time::count(woken))));
        let latest = sums.latest.first().map(|(_, time)| *time);
        lines.push(("was ready for", spread(&sums.delays, latest)));
    }
    let share = time::share(hops, sums.polls.max(1));
    lines.push(("hops", format!("{}, {share} of the polls", time::count(hops))));
    if hops > 0 {
        let causes = format!(
            "{} stolen\n{} woken there\n{} injected",
            time::count(by(HopQueue::Stolen)),
            time::count(by(HopQueue::Own)),
            time::count(by(HopQueue::Injection))
        );
        lines.push(("(inferred)", causes));
    }
    lines
}

/// Half, 99 in a hundred, and the most.
fn spread(of: &Histogram, most: Option<Nanos>) -> String {
    // The longest is exact, the others to the width of a bucket.
    let cut = |ns: Nanos| ns.min(most.unwrap_or(ns));
    let at =
        |part: f64| of.quantile(part).map_or("–".to_owned(), |ns| time::duration(cut(ns) as f64));
    let most = most.map_or("–".to_owned(), |ns| time::duration(ns as f64));
    format!("p50 {}\np99 {}\nmost {most}", at(0.5), at(0.99))
}

fn figures(ui: &mut Ui, trace: &Trace, times: &Range<Nanos>, sums: &RangeSums) {
    Grid::new("range figures").num_columns(2).spacing([16.0, 5.0]).show(ui, |ui| {
        for (name, value) in lines(trace, times, sums) {
            ui.weak(name);
            ui.label(value);
            ui.end_row();
        }
    });
    ui.add_space(6.0);
}

fn places(ui: &mut Ui, cx: &Context<'_>, sums: &RangeSums) {
    if sums.places.is_empty() {
        return;
    }
    ui.label(RichText::new("By spawn place, the busiest first").size(13.5));
    Grid::new("range places").num_columns(6).spacing([14.0, 4.0]).striped(true).show(ui, |ui| {
        for head in ["", "polls", "busy", "longest", "hops", "hopped"] {
            ui.weak(head);
        }
        ui.end_row();
        for of in sums.places.iter().take(MOST_PLACES) {
            match of.place {
                Some(place) => menus::place_link(ui, cx, place),
                None => _ = ui.label("not recorded"),
            }
            ui.monospace(time::count(of.polls));
            ui.monospace(time::duration(of.busy as f64));
            ui.monospace(time::duration(of.longest as f64));
            ui.monospace(time::count(of.hops));
            ui.monospace(time::share(of.hops, of.polls));
            ui.end_row();
        }
    });
}

/// All of it as text, tab by tab: it can be pasted into a table.
fn text(trace: &Trace, times: &Range<Nanos>, sums: &RangeSums, shares: &Shares) -> String {
    let origin = trace.span().start;
    let moment = |at: Nanos| time::exact(at.saturating_sub(origin));
    let mut text = format!("from\t{}\nto\t{}\n", moment(times.start), moment(times.end));
    for (name, value) in lines(trace, times, sums) {
        let _ = writeln!(text, "{name}\t{}", value.replace('\n', ", "));
    }
    for (name, value) in shares.lines(trace) {
        let _ = writeln!(text, "{name}\t{}", value.replace('\n', ", "));
    }
    for hop in &sums.hops {
        let (from, to) = (trace.lane_name(hop.from), trace.lane_name(hop.to));
        let _ = writeln!(text, "hops {from} to {to}\t{}\t{:?}", hop.count, hop.queue);
    }
    let _ = writeln!(text, "place\tpolls\tbusy_ns\tlongest_ns\thops");
    for of in &sums.places {
        let place = of.place.map_or(String::new(), |place| trace.place(place).short());
        let _ = writeln!(text, "{place}\t{}\t{}\t{}\t{}", of.polls, of.busy, of.longest, of.hops);
    }
    text
}
