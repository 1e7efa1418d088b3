//! Where traces lie on the shared axis.

use super::Workspace;
use crate::open_trace::TraceId;

impl Workspace {
    /// Lets the playhead's time in a trace coincide with the moments chosen in the others.
    pub(crate) fn align_here(&mut self, id: TraceId) {
        if self.wall_clock.take().is_some() {
            // In the others, no moment was chosen.
            for member in &mut self.members {
                member.open.anchor = member.open.trace().span().start as f64;
            }
        }
        let playhead = self.clock.replay.playhead();
        let Some(member) = self.member_mut(id) else { return };
        let (offset, span) = (member.open.offset, member.open.trace().span());
        let (first, last) = (span.start as f64, span.end as f64);
        member.open.anchor = (playhead - offset).clamp(first, last.max(first));
        // This one stays where it is.
        self.anchor = member.open.anchor + offset;
        self.align();
    }

    /// Lets traces lie as they did in time, by the wall clock at the start of their recordings.
    pub(crate) fn align_clocks(&mut self) {
        let Some(active) = self.member(self.active) else { return };
        let (started, offset) = (active.open.trace().info().started_unix_ns, active.open.offset);
        // The active one stays where it is: its clock began at 0.
        self.wall_clock = Some(started);
        self.anchor = offset;
        self.align();
    }

    /// Whether traces lie as they did in time.
    pub(crate) fn is_aligned_by_clock(&self) -> bool {
        self.wall_clock.is_some()
    }

    /// Lets all traces begin at the same place.
    pub(crate) fn align_starts(&mut self) {
        self.wall_clock = None;
        let active = self.active;
        for member in &mut self.members {
            member.open.anchor = member.open.trace().span().start as f64;
            if member.open.id == active {
                self.anchor = member.open.anchor + member.open.offset;
            }
        }
        self.align();
    }

    /// Whether all traces are aligned at their starts.
    pub(crate) fn is_aligned_at_starts(&self) -> bool {
        let mut all = self.members.iter().map(|member| &member.open);
        all.all(|open| open.anchor == open.trace().span().start as f64)
    }

    /// Puts each trace where its anchor belongs, and lets time go from the first moment of any
    /// trace to the last.
    pub(super) fn align(&mut self) {
        let (mut first, mut last) = (f64::INFINITY, f64::NEG_INFINITY);
        for member in &mut self.members {
            if let Some(moment) = self.wall_clock {
                let started = member.open.trace().info().started_unix_ns;
                // Whole numbers first: times since 1970 are too large for fractions.
                member.open.anchor = i128::from(moment).wrapping_sub(i128::from(started)) as f64;
            }
            member.open.offset = self.anchor - member.open.anchor;
            let (begin, end) = member.open.bounds();
            (first, last) = (first.min(begin), last.max(end));
        }
        if first <= last {
            self.clock.set_bounds((first, last));
        }
    }
}
