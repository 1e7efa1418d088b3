//! How long the questions of `taskscope_model::questions` and its findings take on a trace, in milliseconds.
//!
//! `cargo run --release -p taskscope-model --example questions FILE [PART OF A NAME]`

use std::time::Instant;

use taskscope_model::findings::findings;
use taskscope_model::questions::compare::figures;
use taskscope_model::questions::{
    Activity, Group, PollFilter, WakeFilter, WokenBy, curves, find_poll, find_wake, instant, links,
    now, range,
};
use taskscope_model::{Direction, LaneIx, PollEnd, TaskIx, Trace, WakeEffect};

/// Asks something several times, with another number each time, and prints how long it took.
fn ask<A>(what: &str, times: u64, mut question: impl FnMut(u64) -> A) {
    if std::env::args().nth(2).is_some_and(|part| !what.contains(&part)) {
        return;
    }
    let mut took: Vec<f64> = (0..times)
        .map(|time| {
            let begin = Instant::now();
            std::hint::black_box(question(time));
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    let (median, most) = (took[took.len() / 2], took.last().copied().unwrap_or(0.0));
    println!("{median:10.3} {most:10.3}  {what}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("name a trace file")?;
    let file = std::fs::read(path)?;
    let begin = Instant::now();
    let trace = Trace::from_bytes(&file)?;
    drop(file);
    let (polls, tasks) = (trace.poll_count(), trace.task_count());
    println!("{polls} polls of {tasks} tasks, read in {:.2} s", begin.elapsed().as_secs_f64());
    let begin = Instant::now();
    let activity = now(Activity::new(&trace));
    let took = begin.elapsed().as_secs_f64();
    let each = activity.bytes() as f64 / polls as f64;
    println!("activity in {took:.2} s, {} bytes, {each:.2} a poll", activity.bytes());
    let some = Some(&activity);

    let span = trace.span();
    let length = span.end - span.start;
    // Spread over the trace, and the same each time.
    let at = |time: u64| span.start + length / 1009 * (time * 619 % 1009);
    println!("    median       most  in ms");
    let alive = now(instant(&trace, some, at(500))).tasks.len();
    ask(&format!("at an instant: what each task does ({alive} at one)"), 40, |time| {
        now(instant(&trace, some, at(time)))
    });
    ask("findings: all rules over all polls", 1, |_| now(findings(&trace)));
    ask("figures by spawn place, to compare", 1, |_| now(figures(&trace, None)));
    let place = activity.places().first().copied();
    for (name, group) in [("all", Some(Group::All)), ("one place", place.map(Group::Place))] {
        let Some(group) = group else { continue };
        for (part, times) in
            [(1, 5), (10, 20), (50, 40), (100, 40), (300, 40), (1000, 40), (100_000, 40)]
        {
            let width = length / part;
            let mut exact = 0;
            let mut none = 0;
            let what = format!("curves of {name} in 1,600 columns over 1/{part}");
            ask(&what, times, |time| {
                let begin = at(time).min(span.end - width);
                let window = begin..begin + width;
                match now(curves(&trace, some, group, window, 1600)) {
                    Some(answer) => exact += u64::from(answer.blur == 0),
                    None => none += 1,
                }
            });
            if exact + none > 0 {
                println!("{:23}({exact} of {times} exact, {none} not answered)", "");
            }
        }
    }
    ask("range: everything", 5, |_| now(range(&trace, some, 0..u64::MAX, true)));
    ask("range: everything, not by task", 5, |_| now(range(&trace, some, 0..u64::MAX, false)));
    for part in [2, 10, 100, 1000] {
        let width = length / part;
        ask(&format!("range: 1/{part}"), 10, |time| {
            let begin = at(time).min(span.end - width);
            now(range(&trace, some, begin..begin + width, true))
        });
    }

    let all = PollFilter::default();
    let longest = now(range(&trace, some, 0..u64::MAX, false)).longest;
    let rare = longest.get(3).map_or(1, |(_, time)| *time);
    let (panicked, hop) = (Some(PollEnd::Panicked), true);
    for (what, filter) in [
        ("any", all),
        ("a hop", PollFilter { is_hop: hop, ..all }),
        ("a panic", PollFilter { end: panicked, ..all }),
        ("the 4 longest", PollFilter { at_least: rare, ..all }),
        ("none is so long", PollFilter { at_least: u64::MAX, ..all }),
        ("a place and a panic", PollFilter { end: panicked, place, ..all }),
        ("a place and a long poll", PollFilter { at_least: rare, place, ..all }),
        ("a lane and a panic", PollFilter { end: panicked, lane: Some(LaneIx(1)), ..all }),
        ("a task", PollFilter { task: Some(TaskIx(tasks as u32 / 2)), ..all }),
    ] {
        for (way, direction) in [("next", Direction::Forward), ("previous", Direction::Back)] {
            ask(&format!("find the {way} poll: {what}"), 20, |time| {
                now(find_poll(&trace, some, filter, (at(time), None), direction))
            });
        }
    }
    let all = WakeFilter::default();
    for (what, filter) in [
        ("any", all),
        ("by a thread", WakeFilter { by: Some(WokenBy::Thread), ..all }),
        ("too late", WakeFilter { effect: Some(WakeEffect::TooLate), ..all }),
        ("by a task", WakeFilter { by: Some(WokenBy::Task(TaskIx(tasks as u32 / 3))), ..all }),
        ("of a task", WakeFilter { task: Some(TaskIx(tasks as u32 / 2)), ..all }),
    ] {
        for (way, direction) in [("next", Direction::Forward), ("previous", Direction::Back)] {
            ask(&format!("find the {way} wake: {what}"), 20, |time| {
                now(find_wake(&trace, some, filter, (at(time), None), direction))
            });
        }
    }
    // Chains that wakes lead back, of a thousand polls.
    let woken = PollFilter { delay_at_least: 1, ..PollFilter::default() };
    let polls = (0..1000).filter_map(|time| {
        now(find_poll(&trace, some, woken, (at(time), None), Direction::Forward))
    });
    let polls: Vec<_> = polls.collect();
    let (mut count, mut most, mut longest) = (0, 0.0f64, 0);
    let begin = Instant::now();
    for &poll in &polls {
        let begin = Instant::now();
        let length = links(&trace, poll).take(100_000).count();
        most = most.max(begin.elapsed().as_secs_f64() * 1e3 / length as f64);
        (count, longest) = (count + length, longest.max(length));
    }
    let mean = begin.elapsed().as_secs_f64() * 1e3 / count.max(1) as f64;
    println!(
        "{mean:10.5} {most:10.5}  a link, of {count} in chains of up to {longest} (mean, most)"
    );
    Ok(())
}
