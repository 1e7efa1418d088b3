//! The scene at the playhead, however large the trace is.
//!
//! A scene of a few thousand tasks is worked out in the frame that shows it. One of more is a job, whose answer is a
//! frame or two old when it is there. It is made fresh then: tokens whose state has changed meanwhile are asked
//! for one by one. So what is shown holds at the playhead, and in particular a slot shows what is polled there
//! now; a task that was spawned within these frames comes late.

use taskscope_model::Nanos;
use taskscope_model::questions::{Scene, Spot, Token, now, scene, token_at};

use crate::context::Context;
use crate::jobs::Question;

/// Scenes of traces with up to so many tasks are worked out at once: a few milliseconds.
const FEW_TASKS: usize = 3_000;
/// Of scenes of up to so many tokens, those that have changed are asked for: a few milliseconds.
const MOST_FRESH: usize = 20_000;

/// From when to when: the ends that are to be seen, and the instant.
type Asked = (Nanos, Nanos);

/// Scenes that were worked out.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    question: Question<Asked, Scene>,
    /// What was asked for last.
    asked: Asked,
    /// The scene as it is at the playhead, and of which snapshot.
    fresh: Option<(u64, Asked, Scene)>,
}

impl Scenes {
    /// The moment of the scene that was shown last, and how many tokens it has.
    pub(super) fn shown(&self) -> Option<(Nanos, usize)> {
        self.fresh.as_ref().map(|(_, _, scene)| (scene.time, scene.tokens.len()))
    }

    /// The scene at the playhead; `None` until there is one.
    pub(super) fn at_playhead(&mut self, cx: &Context<'_>) -> Option<&Scene> {
        let playhead = cx.replay.playhead();
        let moment = cx.replay.moment();
        let since = cx.replay.motion().since(playhead).floor().max(0.0) as Nanos;
        let wanted = (since.min(moment), moment);
        let revision = cx.open.revision;
        if self.fresh.as_ref().is_some_and(|(of, asked, _)| (*of, *asked) == (revision, wanted)) {
            return self.fresh.as_ref().map(|(_, _, scene)| scene);
        }
        let stage = cx.open.stage()?;
        let activity = cx.open.activity_for_jobs();
        let trace = cx.trace();
        if trace.task_count() <= FEW_TASKS {
            let scene = now(scene(trace, activity.as_deref(), stage, wanted.0, wanted.1));
            return Some(&self.fresh.insert((revision, wanted, scene)).2);
        }
        // What is being worked out is waited for, also when the playhead has gone on: otherwise nothing would ever
        // be there.
        if !self.question.is_running() {
            self.asked = wanted;
        }
        let asked = self.asked;
        let work = || {
            let (trace, stage) = (cx.open.trace_for_jobs(), stage.clone());
            async move { scene(&trace, activity.as_deref(), &stage, asked.0, asked.1).await }
        };
        let answer = self.question.ask(cx.jobs, cx.open.snapshot(), &asked, work)?;
        let mut scene = answer.value.clone();
        if answer.key != wanted {
            cx.jobs.repaint();
        }
        if scene.tokens.len() <= MOST_FRESH && scene.time != moment {
            let refreshed = |token: Token| match is_at(&token, moment) {
                true => Some(token),
                false => token_at(trace, stage, token.task, moment),
            };
            scene.tokens = scene.tokens.into_iter().filter_map(refreshed).collect();
            scene.time = moment;
        } else if scene.time != moment {
            // Too many: at least no slot shows what is not so.
            scene
                .tokens
                .retain(|token| !matches!(token.spot, Spot::Slot(_)) || is_at(token, moment));
        }
        Some(&self.fresh.insert((revision, wanted, scene)).2)
    }
}

fn is_at(token: &Token, moment: Nanos) -> bool {
    token.span.start <= moment && moment < token.span.end
}
