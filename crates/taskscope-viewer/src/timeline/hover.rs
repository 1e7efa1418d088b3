//! What stands beside the pointer when it rests on a poll.

use egui::{RichText, Ui};
use taskscope_model::{LodSpan, Poll, PollIx, Trace};

use crate::context::Context;
use crate::{labels, task_polls, time};

pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, poll: PollIx, span: &LodSpan) {
    let trace = cx.trace();
    let task = trace.poll(poll).task;
    ui.set_max_width(360.0);
    if span.count > 1 {
        ui.strong(time::plural(span.count.into(), "poll"));
        // Polls that lie within others have their time there.
        if span.busy > 0 {
            ui.label(format!(
                "{} busy within {}",
                time::duration(span.busy as f64),
                time::duration((span.end - span.start) as f64)
            ));
        }
        let longest = time::duration(trace.poll(poll).duration() as f64);
        ui.label(format!("longest: {} for {longest}", trace.task_name(task)));
        ui.weak("zoom in to tell them apart");
        return;
    }
    let poll = trace.poll(poll);
    ui.strong(trace.task_name(task));
    if let Some(place) = trace.task(task).place {
        ui.label(RichText::new(format!("spawned at {}", trace.place(place).short())).weak());
    }
    let number = task_polls::begun_before(trace, task, poll.start);
    egui::Grid::new("hover").num_columns(2).spacing([12.0, 2.0]).show(ui, |ui| {
        let start = poll.start.saturating_sub(trace.span().start);
        let arrival = labels::arrival(trace, span.poll).map(|(text, _)| text);
        let waited = labels::waited_for(trace, span.poll);
        let spans = spans(trace, &poll);
        let thread = trace.thread_behind(poll.lane, poll.start).map(|thread| {
            let name = thread.name.as_deref().unwrap_or_default();
            format!("{name} {}", thread.os_id).trim_start().to_owned()
        });
        for (name, value) in [
            ("poll", format!("{} of {}", number + 1, trace.task(task).poll_count())),
            ("for", time::duration(poll.duration() as f64)),
            ("from", time::exact(start)),
            ("on", trace.lane_name(poll.lane)),
            ("thread", thread.unwrap_or_default()),
            ("ended", labels::poll_end(poll.how).to_owned()),
            ("ran because", labels::cause(trace, trace.cause(span.poll))),
            ("arrived", arrival.unwrap_or_default()),
            ("then waits for", waited.unwrap_or_default()),
            ("in", spans),
        ] {
            if value.is_empty() {
                continue;
            }
            ui.weak(name);
            ui.label(value);
            ui.end_row();
        }
    });
    if let Some(begun) = trace.began_before(span.poll) {
        let earlier = time::duration((poll.start - begun) as f64);
        ui.weak(format!("began {earlier} before what the flight recorder kept"));
    }
}

/// The program's own spans that a poll served, outermost first.
fn spans(trace: &Trace, poll: &Poll) -> String {
    const MOST: usize = 4;
    const MOST_VISITS: usize = 4096;
    let visits = trace.lane_visits(poll.lane, poll.start..poll.end.saturating_add(1));
    // Of a poll of hours the first will do.
    let within = visits.take(MOST_VISITS).filter(|visit| {
        visit.task == Some(poll.task) && visit.start >= poll.start && visit.end <= poll.end
    });
    let mut spans: Vec<_> = within.map(|visit| visit.span).collect();
    spans.dedup();
    spans.truncate(MOST);
    let names = spans.iter().map(|&span| {
        let span = trace.span_of(span);
        format!("{} {}", span.name, span.fields).trim_end().to_owned()
    });
    names.collect::<Vec<_>>().join(", ")
}
