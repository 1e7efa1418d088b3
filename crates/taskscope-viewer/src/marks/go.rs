//! Adding marks, and going to them.

use taskscope_model::Nanos;

use super::MarkId;
use crate::open_trace::TraceId;
use crate::workspace::{PanelId, PanelKind, Workspace};

impl Workspace {
    /// Adds a mark, of what is marked or at the playhead, and lets its text be typed.
    pub(crate) fn add_mark(&mut self, id: TraceId) {
        let clock = self.clock;
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        let (clock, origin) = (clock.shifted(-open.offset), open.trace().span().start);
        // Beside other traces the playhead may stand before this one.
        let time = |moment: f64| (moment.round().max(0.0) as Nanos).saturating_sub(origin);
        let here = clock.replay.playhead();
        let (from, to) = clock.measured.unwrap_or((here, here));
        let task = open.selected.map(|task| open.trace().task(task).id);
        let mark = open.marks.add((time(from.min(to)), time(from.max(to))), task);
        member.panels.marks.edit(mark);
        self.layout.bring(PanelId { trace: id, kind: PanelKind::Marks });
    }

    /// Goes to a mark: its time is marked, and its task selected.
    pub(crate) fn go_to_mark(&mut self, id: TraceId, mark: MarkId) {
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        let Some(of) = open.marks.get(mark) else { return };
        let moment = |time: Nanos| open.trace().span().start as f64 + open.offset + time as f64;
        let (from, to) = (moment(of.start), moment(of.end));
        let task = of.task.and_then(|task| open.trace().find_task(task));
        let is_stretch = of.is_stretch();
        open.marks.current = Some(mark);
        if task.is_some() {
            open.select(task);
        }
        match is_stretch {
            true => self.clock.show_and_mark(from, to),
            false => self.clock.measured = None,
        }
        self.clock.seek(from);
    }

    /// Goes to the mark after the playhead, or before it.
    pub(crate) fn go_to_next_mark(&mut self, id: TraceId, forward: bool) {
        let Some(open) = self.member(id).map(|member| &member.open) else { return };
        let moment = self.clock.shifted(-open.offset).replay.moment();
        let moment = moment.saturating_sub(open.trace().span().start);
        if let Some(mark) = open.marks.next(moment, forward).map(|mark| mark.id) {
            self.go_to_mark(id, mark);
        }
    }
}
