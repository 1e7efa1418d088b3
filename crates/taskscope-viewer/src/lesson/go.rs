//! Going to where a step wants people to look.

use taskscope_lesson::{Pace as StepPace, Play, Show, Step};
use taskscope_model::{Direction, TaskIx};

use super::Course;
use crate::open_trace::TraceId;
use crate::replay::Pace;
use crate::workspace::{PanelId, PanelKind, Workspace};

impl Course {
    /// Does what the step says.
    pub(crate) fn go(&self, workspace: &mut Workspace) {
        let (Some(step), Some(id)) = (self.step(), self.trace_of_step()) else { return };
        workspace.activate(id);
        self.arrange(workspace);
        for (_, of) in &self.open {
            // Of a name the task in each trace, so that they can be compared.
            let selected = match step.selects_at() {
                true if *of != id => None,
                true => step.at.as_ref().and_then(|moment| moment.task(&self.traces)),
                false => step.select_named().and_then(|name| task(workspace, *of, name)),
            };
            workspace.select(*of, selected);
        }
        workspace.clock.replay.pause();
        self.set_time(workspace, id, step);
        for (_, of) in &self.open {
            if let Some(member) = workspace.member_mut(*of) {
                member.open.writes_messages = true;
            }
        }
        let lit = step.lane.as_ref();
        if let Some(member) = workspace.member_mut(id) {
            let trace = member.open.trace();
            let lanes = (0..trace.lanes().len() as u16).map(taskscope_model::LaneIx);
            let found =
                { lanes }.find(|&lane| lit.is_some_and(|lit| trace.lane_name(lane) == *lit));
            member.open.lit = found;
            member.open.guesses = !step.ahead;
        }
        match step.play {
            Play::Paused => {}
            Play::Forward => workspace.toggle_play(Direction::Forward),
            Play::Backward => workspace.toggle_play(Direction::Back),
        }
    }

    /// The trace that the step is about.
    fn trace_of_step(&self) -> Option<TraceId> {
        match self.step()?.at.as_ref().and_then(|moment| moment.trace()) {
            Some(name) => self.open.iter().find(|(known, _)| known == name).map(|(_, id)| *id),
            None => self.open.first().map(|(_, id)| *id),
        }
    }

    /// Brings the panels that the step is about.
    pub(crate) fn arrange(&self, workspace: &mut Workspace) {
        let (Some(step), Some(id)) = (self.step(), self.trace_of_step()) else { return };
        for (name, of) in &self.open {
            let shows_lanes = step.traces.is_empty() || step.traces.contains(name);
            let stage = (PanelKind::Stage, step.show == Show::Stage && *of == id);
            for (kind, shows) in [stage, (PanelKind::Timeline, shows_lanes)] {
                let panel = PanelId { trace: *of, kind };
                match shows {
                    true => workspace.layout.bring(panel),
                    false => workspace.layout.close(panel),
                }
            }
        }
    }

    /// What comes after the playhead need not be guessed any more.
    pub(crate) fn stop_guessing(&self, workspace: &mut Workspace) {
        for (_, id) in &self.open {
            if let Some(member) = workspace.member_mut(*id) {
                member.open.guesses = false;
            }
        }
    }

    fn set_time(&self, workspace: &mut Workspace, id: TraceId, step: &Step) {
        let Some(offset) = workspace.member(id).map(|member| member.open.offset) else { return };
        let find = |moment: &taskscope_lesson::Moment| {
            // A lesson whose moments are not there was checked by nobody; it stays where it is.
            moment.find(&self.traces).ok().map(|moment| moment as f64 + offset)
        };
        let clock = &mut workspace.clock;
        let at = step.at.as_ref().and_then(find);
        if let Some(at) = at {
            clock.replay.seek(at);
        }
        match step.view {
            Some(width) if width.is_finite() => {
                // What comes is more than what was, unless it is to be guessed.
                let before = if step.ahead { 0.3 } else { 1.0 };
                clock.view.show(clock.replay.playhead() - before * width, width);
            }
            Some(_) => clock.view.fit(),
            None => clock.view.reveal(clock.replay.playhead()),
        }
        clock.replay.follow_view(clock.view.width());
        clock.measured = match &step.mark {
            Some([from, to]) => find(from).zip(find(to)),
            None => None,
        };
        clock.until = step.until.as_ref().and_then(find);
        clock.follows_task = step.follow;
        clock.stops = crate::workspace::Stops::default();
        clock.replay.loops = false;
        match step.pace {
            None => {}
            Some(StepPace::Time(ns)) => {
                clock.replay.set_pace(Pace::Proportion);
                clock.replay.set_speed(ns / 1e9);
            }
            Some(StepPace::Events(beats)) => {
                clock.replay.set_pace(Pace::Events);
                clock.replay.set_beats(beats);
            }
            Some(StepPace::Hops(beats)) => {
                clock.replay.set_pace(Pace::Hops);
                clock.replay.set_beats(beats);
            }
        }
    }
}

/// The first task whose name fits.
fn task(workspace: &Workspace, id: TraceId, name: &str) -> Option<TaskIx> {
    let trace = workspace.member(id)?.open.trace();
    taskscope_lesson::tasks_called(trace, name).next()
}
