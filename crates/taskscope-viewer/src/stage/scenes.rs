//! The scene at the playhead, however large the trace is.
//!
//! A scene of a few thousand tasks is worked out in the frame that shows it. One of more is a job, whose answer is a
//! frame or two old when it is there. It is made fresh then: tokens whose state has changed meanwhile are asked
//! for one by one. So what is shown holds at the playhead, and in particular a slot shows what is polled there
//! now; a task that was spawned within these frames comes late.

use taskscope_model::Nanos;
use taskscope_model::questions::{Scene, Token, now, scene, token_at};

use crate::context::Context;
use crate::jobs::Question;

/// Scenes of traces with up to so many tasks are worked out at once: a few milliseconds.
const FEW_TASKS: usize = 3_000;
/// Of so many tokens that have changed it is asked where they are now: a few milliseconds, since each costs
/// some misses of the cache. The others are not shown until the next answer.
const MOST_FRESH: usize = 400;

/// From when to when: the ends that are to be seen, and the instant.
type Asked = (Nanos, Nanos);

/// Scenes that were worked out.
#[derive(Debug)]
pub(super) struct Scenes {
    /// Scenes of traces with up to so many tasks are worked out at once.
    few_tasks: usize,
    question: Question<Asked, Scene>,
    /// What was asked for last.
    asked: Asked,
    /// The scene as it is at the playhead, and of which snapshot.
    fresh: Option<(u64, Asked, Scene)>,
    /// Whether that is an answer, and not one that was made fresh.
    is_answer: bool,
}

impl Default for Scenes {
    fn default() -> Self {
        Self {
            few_tasks: FEW_TASKS,
            question: Question::default(),
            asked: Asked::default(),
            fresh: None,
            is_answer: false,
        }
    }
}

#[cfg(test)]
impl Scenes {
    /// Has all scenes worked out aside.
    pub(super) fn set_few_tasks(&mut self, few_tasks: usize) {
        self.few_tasks = few_tasks;
    }

    /// The scene that is shown.
    pub(super) fn scene(&self) -> Option<&Scene> {
        self.fresh.as_ref().map(|(.., scene)| scene)
    }
}

impl Scenes {
    /// The moment of the scene that is shown, if all of it is there, and how many tokens it has.
    pub(super) fn shown(&self) -> Option<(Nanos, usize)> {
        let answer = self.fresh.as_ref().filter(|_| self.is_answer);
        answer.map(|(_, _, scene)| (scene.time, scene.tokens.len()))
    }

    /// The scene at the playhead; `None` until there is one.
    pub(super) fn at_playhead(&mut self, cx: &Context<'_>) -> Option<&Scene> {
        let playhead = cx.replay.playhead();
        let moment = cx.replay.moment();
        let since = cx.replay.motion().since(playhead).floor().max(0.0) as Nanos;
        let wanted = (since.min(moment), moment);
        let revision = cx.open.revision;
        let is_fresh = |(of, asked, _): &(u64, Asked, Scene)| (*of, *asked) == (revision, wanted);
        if self.is_answer && self.fresh.as_ref().is_some_and(is_fresh) {
            return self.fresh.as_ref().map(|(_, _, scene)| scene);
        }
        let stage = cx.open.stage()?;
        let activity = cx.open.activity_for_jobs();
        let trace = cx.trace();
        if trace.task_count() <= self.few_tasks {
            let scene = now(scene(trace, activity.as_deref(), stage, wanted.0, wanted.1));
            self.is_answer = true;
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
        self.is_answer = answer.key == wanted && answer.revision == revision;
        // (Of a newer snapshot it is asked again in its time.)
        if answer.key != wanted {
            cx.jobs.repaint();
        }
        if scene.time != moment {
            let mut asked = 0;
            let refreshed = |token: Token| match is_at(&token, moment) {
                true => Some(token),
                false if asked < MOST_FRESH => {
                    asked += 1;
                    token_at(trace, stage, token.task, moment)
                }
                false => None,
            };
            scene.tokens = scene.tokens.into_iter().filter_map(refreshed).collect();
            scene.time = moment;
        }
        Some(&self.fresh.insert((revision, wanted, scene)).2)
    }
}

fn is_at(token: &Token, moment: Nanos) -> bool {
    token.span.start <= moment && moment < token.span.end
}
