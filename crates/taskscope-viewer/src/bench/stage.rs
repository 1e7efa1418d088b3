//! What the stage costs: played at each pace, and sought.

use std::time::{Duration, Instant};

use taskscope_model::Direction;

use super::Quantiles;
use super::opening::settle;
use crate::command::TraceCommand;
use crate::headless::Headless;
use crate::replay::Pace;

/// So much passes from frame to frame, in seconds.
const FRAME: f64 = 1.0 / 60.0;
/// Nothing of the stage takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Frames of the stage, times until it shows another moment, and the most tasks that it showed.
pub(super) fn run(window: &mut Headless) -> (Quantiles, Quantiles, usize) {
    let mut stage = Stage { window, frames: Vec::new(), seeks: Vec::new(), tokens: 0 };
    stage.window.app.commands.send(TraceCommand::ToggleStage);
    stage.window.frame(Vec::new());
    settle(stage.window);
    stage.wait();
    stage.seek();
    for pace in Pace::ALL {
        stage.play(pace);
    }
    stage.window.app.commands.send(TraceCommand::ToggleStage);
    stage.window.frame(Vec::new());
    (Quantiles::of(stage.frames), Quantiles::of(stage.seeks), stage.tokens)
}

struct Stage<'a> {
    window: &'a mut Headless,
    frames: Vec<Duration>,
    seeks: Vec<Duration>,
    tokens: usize,
}

impl Stage<'_> {
    fn frame(&mut self) {
        let drawn = self.window.frame(Vec::new());
        self.frames.push(drawn.took);
    }

    /// Frames until the stage shows the moment at which the playhead stands.
    fn wait(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.frame();
            let Some(workspace) = &self.window.app.workspace else { return };
            let moment = workspace.clock.replay.moment();
            let member = workspace.member(workspace.active_id());
            let shown = member.and_then(|member| member.panels.stage.shown());
            if let Some((_, tokens)) = shown.filter(|(at, _)| *at == moment) {
                self.tokens = self.tokens.max(tokens);
                return;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn seek(&mut self) {
        let bounds = self.window.app.workspace.as_ref().map(|open| open.clock.view.bounds());
        let Some((start, end)) = bounds else { return };
        for turn in 0..40 {
            let place = f64::from(turn) * 0.618_034 % 1.0;
            self.window.app.commands.send(TraceCommand::Seek(start + place * (end - start)));
            let begun = Instant::now();
            self.wait();
            self.seeks.push(begun.elapsed());
        }
    }

    /// From the middle on, as people look at it: close up.
    fn play(&mut self, pace: Pace) {
        if let Some(workspace) = &mut self.window.app.workspace {
            let (start, end) = workspace.clock.view.bounds();
            workspace.clock.view.show(start + 0.4 * (end - start), 10e6);
            workspace.clock.replay.seek(workspace.clock.view.start());
            workspace.clock.replay.set_pace(pace);
            workspace.toggle_play(Direction::Forward);
        }
        for _ in 0..120 {
            if let Some(workspace) = &mut self.window.app.workspace {
                workspace.pass_time(FRAME);
            }
            self.frame();
        }
        if let Some(workspace) = &mut self.window.app.workspace {
            workspace.clock.replay.pause();
        }
    }
}
