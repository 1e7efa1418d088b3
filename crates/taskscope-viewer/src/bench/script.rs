//! What a person does in a window, always the same.

use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use egui::{Event, Key, Modifiers, Pos2};
use taskscope_model::TaskIx;

use super::opening::settle;
use super::{SearchTimes, millis};
use crate::command::{AppCommand, Command, TraceCommand};
use crate::headless::Headless;
use crate::table::TaskTable;

/// What was measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) frames: Vec<Duration>,
    pub(super) seeks: Vec<Duration>,
    pub(super) sorts: Vec<Duration>,
    pub(super) search: SearchTimes,
}

/// The least time that is shown, in nanoseconds.
const CLOSEST: f64 = 1_000.0;
/// What is searched for, in numbers and places of tasks.
const SEARCHED: &str = "77";
/// Nothing of the table takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does all of it.
pub(super) fn run(window: &mut Headless) -> Measured {
    let mut script = Script { window, measured: Measured::default() };
    script.zoom();
    script.pan();
    script.select();
    script.seek();
    script.sort();
    script.search();
    script.measured
}

struct Script<'a> {
    window: &'a mut Headless,
    measured: Measured,
}

impl Script<'_> {
    fn bounds(&self) -> (f64, f64) {
        let workspace = self.window.app.workspace.as_ref();
        workspace.map_or((0.0, 1.0), |open| open.clock.view.bounds())
    }

    /// A frame that is measured, with the pointer over the lanes.
    fn frame(&mut self, command: Option<Command>) {
        if let Some(command) = command {
            self.window.app.commands.send(command);
        }
        // Back and forth, as a hand does: what is under the pointer is asked for.
        let number = self.measured.frames.len() as f32;
        let pos = Pos2::new(700.0 + 300.0 * (number * 0.1).sin(), 200.0 + number % 60.0);
        let drawn = self.window.frame(vec![Event::PointerMoved(pos)]);
        self.measured.frames.push(drawn.took);
    }

    /// From everything to a microsecond and back, at several places.
    fn zoom(&mut self) {
        let (start, end) = self.bounds();
        for place in [0.5, 0.02, 0.31, 0.97] {
            let around = start + place * (end - start);
            let mut widths = vec![(end - start).max(CLOSEST)];
            while let Some(&last) = widths.last().filter(|last| **last > CLOSEST) {
                widths.push((last / 1.5).max(CLOSEST));
            }
            for &width in widths.iter().chain(widths.iter().rev()) {
                let from = around - place * width;
                self.frame(Some(TraceCommand::Show(from, width).into()));
            }
        }
    }

    /// Sideways, at several widths.
    fn pan(&mut self) {
        let (start, end) = self.bounds();
        let mut width = end - start;
        while width > CLOSEST {
            self.frame(Some(TraceCommand::Show(start, width).into()));
            for turn in 0..12 {
                // By single steps, and by more than what is in sight.
                let by = if turn % 3 == 2 { 2.5 } else { 0.07 };
                self.frame(Some(AppCommand::Pan(by).into()));
            }
            width /= 8.0;
        }
    }

    /// Tasks, those with the most polls among them.
    fn select(&mut self) {
        self.frame(Some(AppCommand::FitAll.into()));
        for task in self.tasks() {
            self.command(TraceCommand::Choose(task));
            self.frame(None);
            self.command(TraceCommand::FocusSelection);
            self.frame(None);
            self.command(TraceCommand::NextPoll);
            self.frame(None);
            self.command(TraceCommand::PreviousPoll);
            self.frame(None);
        }
        self.command(TraceCommand::ClearSelection);
    }

    /// Some tasks: from everywhere, and the ones that were polled most.
    fn tasks(&self) -> Vec<TaskIx> {
        const SOME: usize = 12;
        let workspace = self.window.app.workspace.as_ref();
        let Some(open) = workspace.and_then(|open| open.active()) else { return Vec::new() };
        let count = open.trace().task_count();
        let mut tasks: Vec<_> = (0..count as u32).map(TaskIx).collect();
        let spread: Vec<_> = tasks.iter().copied().step_by((count / SOME).max(1)).collect();
        tasks.sort_by_key(|&task| std::cmp::Reverse(open.trace().task(task).poll_count()));
        tasks.truncate(SOME);
        tasks.extend(spread);
        tasks
    }

    /// To moments, and from event to event, of all tasks and of one.
    fn seek(&mut self) {
        let (start, end) = self.bounds();
        let tasks = self.tasks();
        for turn in 0..40 {
            if turn == 20 {
                self.command(TraceCommand::Select(tasks.first().copied()));
            }
            let place = f64::from(turn) * 0.618_034 % 1.0;
            self.command(TraceCommand::Seek(start + place * (end - start)));
            self.frame(None);
            for step in [TraceCommand::StepForward, TraceCommand::StepBack] {
                self.command(step.clone());
                self.command(step);
                self.frame(None);
            }
        }
        self.command(TraceCommand::ClearSelection);
    }

    /// Carries out a command that is measured by itself.
    fn command(&mut self, command: TraceCommand) {
        self.window.app.commands.send(command);
        let ctx = self.window.ctx.clone();
        let begun = ThreadTime::now();
        self.window.app.carry_out(&ctx);
        self.measured.seeks.push(begun.elapsed());
    }

    fn table(&mut self) -> Option<&mut TaskTable> {
        let workspace = self.window.app.workspace.as_mut()?;
        let id = workspace.active_id();
        Some(&mut workspace.member_mut(id)?.panels.tasks)
    }

    /// Frames until the table has what was asked of it.
    fn wait_for_rows(&mut self) -> Duration {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            self.frame(None);
            let active = self.window.app.workspace.as_ref().and_then(|open| open.active());
            let is_searching = active.is_some_and(|open| open.search.is_busy());
            if !is_searching && self.table().is_none_or(|table| !table.is_busy()) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        begun.elapsed()
    }

    /// The table, by each of its columns.
    fn sort(&mut self) {
        settle(self.window);
        for column in 0..TaskTable::COLUMNS {
            if let Some(table) = self.table() {
                table.sort_by_column(column);
            }
            let took = self.wait_for_rows();
            self.measured.sorts.push(took);
        }
        if let Some(table) = self.table() {
            table.sort_by_column(0);
        }
        self.wait_for_rows();
    }

    /// The table, as a person types.
    fn search(&mut self) {
        self.window.app.commands.send(TraceCommand::Search);
        self.frame(None);
        self.frame(None);
        settle(self.window);
        let mut took = Duration::ZERO;
        for letter in SEARCHED.chars() {
            let drawn = self.window.frame(vec![Event::Text(letter.into())]);
            self.measured.frames.push(drawn.took);
            took = drawn.took + self.wait_for_rows();
        }
        // The table is given all rows at once.
        self.measured.search = SearchTimes { first: millis(took), all: millis(took) };
        for key in [Key::Backspace; 2] {
            let event = |pressed| Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: Modifiers::NONE,
            };
            self.window.frame(vec![event(true), event(false)]);
        }
        self.wait_for_rows();
    }
}
