//! Going to the selected task of a trace: its polls, its events, its life.

use taskscope_model::{Direction, TaskIx, Trace};

use super::{PanelId, PanelKind, Workspace};
use crate::open_trace::{Found, TraceId};
use crate::prepared::busiest_stretch;
use crate::task_polls;

/// No more of a task's polls are looked through for hops.
const MOST_POLLS: usize = 10_000;

impl Workspace {
    /// Puts the playhead at a moment of a trace's clock, and the view where it can be seen.
    pub(crate) fn seek(&mut self, id: TraceId, moment: f64) {
        if let Some(member) = self.member(id) {
            let offset = member.open.offset;
            self.clock.seek(moment + offset);
        }
    }

    /// Puts the playhead at a moment of the shared axis, and the view where it can be seen.
    pub(crate) fn go_to(&mut self, moment: f64) {
        self.clock.replay.seek(moment);
        self.clock.view.reveal(self.clock.replay.playhead());
    }

    /// Shows a panel of a trace, or closes it if it can be seen.
    pub(crate) fn toggle(&mut self, trace: TraceId, kind: PanelKind) {
        let panel = PanelId { trace, kind };
        match self.layout.shows(panel) {
            true => self.layout.close(panel),
            false => self.layout.bring(panel),
        }
    }

    /// Selects a task, or none.
    pub(crate) fn select(&mut self, id: TraceId, task: Option<TaskIx>) {
        if let Some(member) = self.member_mut(id) {
            member.open.select(task);
        }
    }

    /// Steps to the next event: of the selected task, or of any if none is selected.
    pub(crate) fn step(&mut self, id: TraceId, direction: Direction) {
        let Some(member) = self.member(id) else { return };
        let open = &member.open;
        let moment = self.clock.shifted(-open.offset).replay.moment();
        let next = match open.selected {
            Some(task) => open.trace().next_event_of(task, moment, direction),
            None => open.trace().next_event(moment, direction),
        };
        self.clock.replay.pause();
        if let Some(next) = next {
            self.seek(id, next as f64);
        }
    }

    /// Goes to the selected task's next or previous poll.
    pub(crate) fn step_poll(&mut self, id: TraceId, direction: Direction) {
        let Some(member) = self.member(id) else { return };
        let open = &member.open;
        let Some(task) = open.selected else { return };
        let moment = self.clock.shifted(-open.offset).replay.moment();
        let next = match direction {
            Direction::Forward => task_polls::next(open.trace(), task, moment),
            Direction::Back => task_polls::previous(open.trace(), task, moment),
        };
        if let Some(start) = next.map(|poll| open.trace().poll(poll).start) {
            self.seek(id, start as f64);
        }
    }

    /// Selects a task that was chosen in a list, and brings it into the view in time.
    pub(crate) fn choose(&mut self, id: TraceId, task: TaskIx) {
        let clock = self.clock;
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        open.selected = Some(task);
        let window = clock.shifted(-open.offset).view.range();
        let trace = open.trace();
        let visible = task_polls::touching(trace, task, &window);
        let first = task_polls::first(trace, task).map(|poll| trace.poll(poll).start as f64);
        if let Some(first) = first.filter(|_| visible.is_empty()) {
            self.seek(id, first);
        }
    }

    /// Brings the selected task into the view where it hops most, and puts the
    /// playhead where the first of these hops arrives.
    pub(crate) fn show_selected(&mut self, id: TraceId) {
        let Some(member) = self.member(id) else { return };
        let (trace, offset) = (member.open.trace(), member.open.offset);
        let Some(task) = member.open.selected else { return };
        let mut hops: Vec<(f64, f64)> = Vec::new();
        let mut before = None;
        for poll in task_polls::all(trace, task).take(MOST_POLLS) {
            let (lane, start, end) = {
                let poll = trace.poll(poll);
                (poll.lane, poll.start, poll.end)
            };
            if let Some((other, left)) = before.replace((lane, end))
                && other != lane
            {
                hops.push((left as f64, start as f64));
            }
        }
        let usual = self.clock.view.width();
        let shortest = || hops.iter().copied().min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
        let hop = busiest_stretch(&hops, 0.8 * usual).map(|first| hops[first]).or_else(shortest);
        let (left, entered) = match (hop, task_polls::first(trace, task)) {
            (Some(hop), _) => hop,
            (None, Some(poll)) => (trace.poll(poll).start as f64, trace.poll(poll).start as f64),
            (None, None) => return,
        };
        let width = usual.max(1.4 * (entered - left));
        self.clock.view.show(left + offset - 0.1 * width, width);
        self.clock.replay.seek(entered + offset);
    }

    /// Goes to what the search found next, or before: its task is selected, and it is brought into the view.
    pub(crate) fn go_to_hit(&mut self, id: TraceId, direction: Direction) {
        let clock = self.clock;
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        let offset = open.offset;
        let moment = clock.shifted(-offset).replay.moment();
        let trace = open.trace_for_jobs();
        let Some(hit) = open.search.go(&trace, moment, direction) else { return };
        open.select(Some(hit.task));
        let (start, end) = (hit.start as f64 + offset, hit.end as f64 + offset);
        let view = clock.view.range();
        let is_in_sight = view.contains(&(start as u64)) && view.contains(&(end as u64));
        // What is too narrow to be seen, or too long, is shown as wide as it fits.
        let share = (end - start) / clock.view.width();
        if !is_in_sight || share < 0.002 {
            let width = match open.search.hits().is_some_and(|hits| hits.is_of_stretches) {
                true => (4.0 * (end - start))
                    .clamp(1_000.0, clock.view.width().max(1.2 * (end - start))),
                false => clock.view.width(),
            };
            self.clock.view.show(start - 0.2 * width, width);
        }
        self.clock.replay.pause();
        self.clock.replay.seek(start);
    }

    /// Lets what is marked begin or end at the playhead.
    pub(crate) fn mark(&mut self, begin: bool) {
        let here = self.clock.replay.playhead();
        let (from, to) = self.clock.measured.unwrap_or((here, here));
        let (from, to) = (from.min(to), from.max(to));
        self.clock.measured = Some(match begin {
            true => (here, to.max(here)),
            false => (from.min(here), here),
        });
    }

    /// Fits what is marked into the view; the poll at the playhead, if nothing is.
    pub(crate) fn show_marked(&mut self, id: TraceId) {
        let of_poll = || {
            let open = &self.member(id)?.open;
            let moment = self.clock.shifted(-open.offset).replay.moment();
            let poll = task_polls::last_begun(open.trace(), open.selected?, moment)?;
            let of = open.trace().poll(poll);
            Some((of.start as f64 + open.offset, of.end as f64 + open.offset))
        };
        let Some((from, to)) = self.clock.measured.or_else(of_poll) else { return };
        let (from, width) = (from.min(to), (to - from).abs().max(1.0));
        self.clock.view.show(from - 0.05 * width, 1.1 * width);
    }

    /// Selects the task in the row below or above that of the selected one.
    pub(crate) fn choose_row(&mut self, id: TraceId, below: bool) {
        let Some(member) = self.member_mut(id) else { return };
        let rows = member.panels.tasks.rows();
        let at = rows.iter().position(|&row| Some(row) == member.open.selected);
        let next = match (at, below) {
            (Some(at), true) => at + 1,
            (Some(at), false) => at.saturating_sub(1),
            (None, _) => 0,
        };
        if let Some(&task) = rows.get(next) {
            member.open.select(Some(task));
            self.choose(id, task);
        }
    }

    /// Zooms at the pointer where that is over the lanes, else as a key does.
    pub(crate) fn zoom(&mut self, factor: f64) {
        let under = self.members.iter().find_map(|of| {
            let moment = of.panels.timeline.pointer?;
            Some(moment + of.open.offset)
        });
        match under {
            Some(moment) => self.clock.view.zoom(factor, moment),
            None => self.clock.zoom(factor),
        }
    }

    /// Lets the way to other polls begin at the poll at the playhead, or no longer.
    pub(crate) fn begin_way(&mut self, id: TraceId) {
        let clock = self.clock;
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        let Some(task) = open.selected else { return };
        let moment = clock.shifted(-open.offset).replay.moment();
        let poll = task_polls::last_begun(open.trace(), task, moment);
        open.ways.from = if open.ways.from == poll { None } else { poll };
    }

    /// Goes to what was found, by its number.
    pub(crate) fn show_finding(&mut self, id: TraceId, number: usize) {
        let Some(member) = self.member_mut(id) else { return };
        let found = member.open.findings().and_then(|findings| findings.get(number));
        let Some(Found { finding, affected }) = found.cloned() else { return };
        member.open.select(finding.task);
        member.panels.timeline.outline.show_affected(affected);
        let offset = member.open.offset;
        let (start, end) = (finding.start as f64 + offset, finding.end as f64 + offset);
        let margin = 0.4 * (end - start);
        self.clock.view.show(start - margin, (end - start) + 2.0 * margin);
        self.clock.measured = Some((start, end));
        self.clock.replay.pause();
        // Just before its end, all that had to wait do so.
        self.clock.replay.seek((end - 1.0).max(start));
    }

    /// Fits the selected task's life into the view.
    pub(crate) fn focus(&mut self, id: TraceId) {
        let Some(member) = self.member(id) else { return };
        let Some(task) = member.open.selected else { return };
        let (start, end) = life(member.open.trace(), task);
        let margin = 0.05 * (end - start);
        let offset = member.open.offset;
        self.clock.view.show(start + offset - margin, (end - start) + 2.0 * margin);
    }
}

/// From when to when a task is known to live, in nanoseconds.
fn life(trace: &Trace, task: TaskIx) -> (f64, f64) {
    let start = trace.first_seen(task) as f64;
    let end = trace.task(task).end.map_or(trace.span().end, |end| end.time) as f64;
    (start, end.max(start))
}
