//! What is not as it should be with the open trace: a few words in the top bar, and
//! sentences when the pointer rests on them.

use std::collections::HashMap;

use taskscope_model::{DroppedEvents, Trace, meta};

use crate::following::Following;
use crate::open_trace::OpenTrace;
use crate::time;

/// What is not as it should be with the open trace.
pub(crate) fn short(open: &OpenTrace) -> Vec<String> {
    let summary = &open.prepared().summary;
    let mut notices = Vec::new();
    // What a black box has is all that there was.
    // And what is still being read is cut nowhere.
    // And of what was followed it is said already.
    if !open.trace().report().complete
        && !open.is_part
        && open.following != Some(Following::Unfinished)
        && open.trace().info().get(meta::ENDING).is_none()
    {
        notices.push("cut short: shown up to the cut".to_owned());
    }
    if open.trace().info().get(meta::NOTICE).is_some() {
        notices.push("not all was recorded".to_owned());
    }
    if summary.damaged_parts > 0 {
        notices.push(time::plural(summary.damaged_parts, "damaged part"));
    }
    if summary.dropped_events > 0 {
        notices.push(format!("{} dropped", time::plural(summary.dropped_events, "event")));
    }
    notices
}

/// That this is what a flight recorder wrote, and why.
pub(crate) fn dump(open: &OpenTrace) -> Option<String> {
    const MOST: usize = 72;
    let mut text = format!("dump: {}", open.prepared().summary.dump.as_deref()?);
    if let Some((cut, _)) = text.char_indices().nth(MOST) {
        text.truncate(cut);
        text.push('…');
    }
    Some(text)
}

/// The same in full. It takes a look at all that was dropped: see `Prepared`.
pub(crate) fn details(trace: &Trace) -> Vec<String> {
    let mut details: Vec<String> = trace.report().damages.iter().map(ToString::to_string).collect();
    let cause = trace.info().get(meta::DUMP);
    details.extend(cause.map(|cause| {
        format!("The last part of a recording, which a flight recorder wrote: {cause}.")
    }));
    details.extend(trace.info().get(meta::NOTICE).map(str::to_owned));
    details.extend(drops(trace));
    details
}

/// Where the recorder dropped events, thread by thread.
fn drops(trace: &Trace) -> Vec<String> {
    const SHOWN: usize = 8;
    let begin = trace.span().start;
    let mut threads: Vec<(String, DroppedEvents)> = Vec::new();
    let mut position_of = HashMap::new();
    for drop in trace.drops() {
        let position = *position_of.entry(drop.thread).or_insert(threads.len());
        match threads.get_mut(position) {
            Some((_, all)) => {
                all.count = all.count.saturating_add(drop.count);
                all.until = all.until.max(drop.until);
            }
            None => threads.push((trace.dropper_name(drop), *drop)),
        }
    }
    let more = threads.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = threads
        .into_iter()
        .take(SHOWN)
        .map(|(name, all)| {
            let (from, until) = (all.from.saturating_sub(begin), all.until.saturating_sub(begin));
            format!(
                "{} of {name} dropped between {} and {}",
                time::plural(all.count, "event"),
                time::exact(from),
                time::exact(until)
            )
        })
        .collect();
    if more > 0 {
        lines.push(format!("and events of {}", time::plural(more as u64, "other thread")));
    }
    lines
}
