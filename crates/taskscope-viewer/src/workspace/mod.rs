//! What is open: several traces on one axis of time, and the panels that show them.
//!
//! Each trace has an *anchor*, a moment of its own clock: its start, or one that a person chose.
//! All anchors lie at the same place of the shared axis, and from that follows each trace's
//! offset (see `clock.rs`). A trace whose anchor is chosen anew stays where it is on the screen;
//! the others move. Aligned by wall clock, the anchors are what each trace's clock shows at one
//! moment of the wall clock, which may lie outside of the trace.

mod arrange;
mod behavior;
mod compared;
mod end;
mod history;
mod layout;
mod playing;
mod selection;
mod sizes;

pub(crate) use compared::Stretch;
pub(crate) use end::Before;

use std::sync::Arc;

use egui::Ui;
use taskscope_model::Trace;

use crate::clock::Clock;
use crate::command::Commands;
use crate::context::Context;
use crate::jobs::Jobs;
use crate::open_trace::{Loaded, OpenTrace, TraceId};
use crate::panels::Panels;
use crate::replay::Replay;
use crate::time_view::TimeView;

pub(crate) use layout::{Layout, PanelId, PanelKind};
pub(crate) use playing::Stops;

/// An open trace, and what its panels keep from frame to frame.
pub(crate) struct Member {
    pub(crate) open: OpenTrace,
    pub(crate) panels: Panels,
}

/// The open traces, their shared time, and where their panels are.
pub(crate) struct Workspace {
    /// In the order in which they are shown. Never empty, except before the first.
    members: Vec<Member>,
    /// The one that keys act on.
    active: TraceId,
    next_id: u32,
    pub(crate) clock: Clock,
    pub(crate) layout: Layout,
    /// Where the anchors lie on the shared axis.
    anchor: f64,
    /// The moment at which all anchors are, in nanoseconds since 1970, where traces are aligned by
    /// wall clock.
    wall_clock: Option<u64>,
    history: history::History,
}

impl Workspace {
    /// Lets go of the arrangement, for one of a lesson.
    pub(crate) fn arrange_for_lesson(&mut self) {
        self.layout = Layout::presenting(&self.ids());
    }

    /// A window on one trace.
    pub(crate) fn new(loaded: Loaded) -> Self {
        let span = loaded.trace.span();
        let (moment, width) = loaded.prepared.first_look;
        let mut view = TimeView::new(span.clone());
        // Of a part all is shown, and all of what comes.
        if !loaded.is_part {
            view.show(moment - 0.25 * width, width);
        }
        let replay = Replay::new(span, moment, view.width());
        let (stops, follows_task) = (Stops::default(), false);
        let open = OpenTrace::new(TraceId(0), loaded);
        Self {
            anchor: open.anchor,
            active: open.id,
            next_id: 1,
            wall_clock: None,
            history: history::History::default(),
            clock: Clock { view, replay, measured: None, stops, until: None, follows_task },
            layout: Layout::new(&[open.id]),
            members: vec![Member { open, panels: Panels::default() }],
        }
    }

    /// Opens another trace beside those that are open.
    pub(crate) fn add(&mut self, loaded: Loaded) -> TraceId {
        let open = OpenTrace::new(TraceId(self.next_id), loaded);
        self.next_id += 1;
        let id = open.id;
        self.members.push(Member { open, panels: Panels::default() });
        self.layout.add(id, &self.ids());
        self.open_comparison();
        self.align();
        id
    }

    /// Closes a trace and its panels; gives back what is to be freed, and is empty afterwards if
    /// it was the last.
    pub(crate) fn close(&mut self, id: TraceId) -> Option<Member> {
        let position = self.members.iter().position(|member| member.open.id == id)?;
        let closed = self.members.remove(position);
        let ids = self.ids();
        self.layout.remove(id, &ids);
        self.open_comparison();
        if self.active == id
            && let Some(&next) = ids.get(position).or(ids.last())
        {
            self.activate(next);
        }
        if !ids.is_empty() {
            self.align();
        }
        Some(closed)
    }

    /// A newer snapshot of a trace takes the place of the one that is shown; gives back what is to
    /// be freed. The view stays where it is, but one of all there was shows all there is.
    pub(crate) fn replace(&mut self, id: TraceId, newer: Arc<Trace>) -> Option<Arc<Trace>> {
        let before = self.before();
        let older = self.member_mut(id)?.open.replace(newer);
        self.align();
        self.keep_end(&before);
        Some(older)
    }

    /// Another file has taken the place of the one that is followed.
    pub(crate) fn begin_again(&mut self, id: TraceId, loaded: Loaded) -> Option<Arc<Trace>> {
        let member = self.member_mut(id)?;
        member.panels = Panels::default();
        let older = member.open.begin_again(loaded);
        self.clock.measured = None;
        self.align();
        self.show_end(id);
        Some(older)
    }

    /// The trace has been read to its end.
    pub(crate) fn is_complete(&mut self, id: TraceId) {
        if let Some(member) = self.member_mut(id) {
            member.open.is_part = false;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Lets go of all traces, to free them.
    pub(crate) fn into_members(self) -> Vec<Member> {
        self.members
    }

    pub(crate) fn ids(&self) -> Vec<TraceId> {
        self.members.iter().map(|member| member.open.id).collect()
    }

    pub(crate) fn active_id(&self) -> TraceId {
        self.active
    }

    /// The trace that keys act on.
    pub(crate) fn active(&self) -> Option<&OpenTrace> {
        self.member(self.active).map(|member| &member.open)
    }

    pub(crate) fn member(&self, id: TraceId) -> Option<&Member> {
        self.members.iter().find(|member| member.open.id == id)
    }

    pub(crate) fn member_mut(&mut self, id: TraceId) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.open.id == id)
    }

    /// Lets the keys act on a trace. What shows another trace in the same place goes behind.
    pub(crate) fn activate(&mut self, id: TraceId) {
        if self.member(id).is_some() && self.active != id {
            self.active = id;
            self.layout.bring_forward(id);
        }
    }

    /// Lets the keys act on the next trace.
    pub(crate) fn activate_next(&mut self) {
        let ids = self.ids();
        let next = ids.iter().position(|&id| id == self.active).map_or(0, |position| position + 1);
        if let Some(&id) = ids.get(next).or(ids.first()) {
            self.activate(id);
        }
    }

    /// What traces are called where several are open: `A server.tscope`. One alone has no label.
    pub(crate) fn labels(&self) -> Vec<(TraceId, String)> {
        if self.members.len() < 2 {
            return Vec::new();
        }
        let letters = ('A'..='Z').chain('a'..='z').cycle();
        let label = |(member, letter): (&Member, char)| {
            (member.open.id, format!("{letter}  {}", member.open.name))
        };
        self.members.iter().zip(letters).map(label).collect()
    }

    /// Takes in what was worked out meanwhile. Before anything is drawn: a frame shows the figures
    /// of one snapshot. Gives back what went wrong with the marks of a trace, to be said once.
    pub(crate) fn refresh(&mut self, jobs: &Jobs) -> Option<String> {
        let mut problem = None;
        for Member { open, .. } in &mut self.members {
            let replay = self.clock.shifted(-open.offset).replay;
            open.refresh(jobs, (!replay.is_playing()).then(|| replay.moment()));
            problem = problem.or(open.marks.refresh(jobs));
        }
        problem
    }

    /// Lets news pass.
    pub(crate) fn pass(&mut self, ctx: &egui::Context) {
        let now = ctx.input(|input| input.time);
        let followed = self.members.iter_mut().filter_map(|member| member.open.following.as_mut());
        for until in followed.filter_map(|following| following.pass(now)) {
            ctx.request_repaint_after(std::time::Duration::from_secs_f64(until));
        }
    }

    /// Shows all panels in the room that there is.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        commands: &Commands,
        jobs: &Jobs,
        window: egui::Vec2,
    ) {
        let labels = self.labels();
        let Self { members, active, clock, layout, .. } = self;
        let mut shown = behavior::Shown {
            members,
            active: *active,
            clock,
            labels,
            commands,
            jobs,
            with_bar: std::collections::HashSet::new(),
            edited: false,
        };
        layout.show(ui, &mut shown, window);
    }

    /// What something that shows a trace sees.
    pub(crate) fn context<'a>(
        &self,
        open: &'a OpenTrace,
        label: Option<&'a str>,
        commands: &'a Commands,
        jobs: &'a Jobs,
    ) -> Context<'a> {
        context(&self.clock, open, label, commands, jobs)
    }
}

fn context<'a>(
    clock: &Clock,
    open: &'a OpenTrace,
    label: Option<&'a str>,
    commands: &'a Commands,
    jobs: &'a Jobs,
) -> Context<'a> {
    let Clock { view, replay, measured, stops, follows_task, .. } = clock.shifted(-open.offset);
    let other = None;
    Context { open, view, replay, measured, stops, follows_task, label, other, commands, jobs }
}
