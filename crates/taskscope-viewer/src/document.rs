//! An open trace and everything the window knows about it: one playhead, one
//! selection, one view in time, shared by all panels of the window. It knows none of
//! them: what a panel keeps from frame to frame is in `panels.rs`.

use std::cmp::Reverse;
use std::path::PathBuf;

use egui::Color32;
use taskscope_model::{
    Direction, Hop, LaneIx, PlaceIx, Poll, PollEnd, PollIx, StateTimes, Summary, Task, TaskIx,
    Trace,
};

use crate::command::Command;
use crate::replay::Replay;
use crate::theme::Palette;
use crate::time_view::TimeView;

/// What gives a poll its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourBy {
    /// Where its task was spawned: tasks with one role look alike.
    Place,
    /// Its task: neighbours look different.
    Task,
}

/// What is worked out once, when a trace is opened.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) trace: Trace,
    pub(crate) summary: Summary,
    /// How long each task was in each state.
    pub(crate) times: Vec<StateTimes>,
    /// The places where tasks were spawned, by how many polls these tasks had, with that
    /// number; `None` stands for tasks whose place was not recorded. Places whose tasks were
    /// never polled are left out.
    pub(crate) places: Vec<(Option<PlaceIx>, u64)>,
    /// Which category each place has.
    categories: Vec<usize>,
}

impl Prepared {
    pub(crate) fn new(trace: Trace) -> Self {
        let count = trace.tasks().len() as u32;
        let times = (0..count).map(|task| trace.state_times(TaskIx(task))).collect();
        // The last entry stands for tasks whose place was not recorded.
        let unknown = trace.places().len();
        let mut polls = vec![0u64; unknown + 1];
        for task in trace.tasks() {
            polls[task.place.map_or(unknown, PlaceIx::get)] += u64::from(task.poll_count());
        }
        let known = (0..).map(PlaceIx).map(Some).take(unknown);
        let mut places: Vec<_> = known.chain([None]).zip(polls).collect();
        // Ties by what people read, so that the colours are the same each time.
        places.sort_by_key(|&(place, polls)| {
            (Reverse(polls), place.is_none(), place.map(|place| trace.place(place).clone()))
        });
        let mut categories = vec![0; unknown];
        let ranked = places.iter().filter_map(|&(place, _)| place);
        for (category, place) in ranked.enumerate() {
            categories[place.get()] = category;
        }
        // Places where resources were made have no polls.
        places.retain(|&(_, polls)| polls > 0);
        Self { summary: trace.summary(), trace, times, places, categories }
    }

    /// What tells polls apart best. Where one place has nearly all polls, its colour would
    /// be nearly all there is to see.
    fn colour_by(&self) -> ColourBy {
        const NEARLY_ALL: f64 = 0.8;
        let polls: u64 = self.places.iter().map(|(_, polls)| polls).sum();
        match self.places.first() {
            Some(&(_, most)) if most as f64 >= NEARLY_ALL * polls as f64 => ColourBy::Task,
            _ => ColourBy::Place,
        }
    }

    /// The category of a place: its rank by polls, so that the places one sees
    /// most differ in colour.
    pub(crate) fn category(&self, place: PlaceIx) -> usize {
        self.categories[place.get()]
    }
}

/// An open trace.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) prepared: Prepared,
    /// What the trace is called: its file's name.
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    /// What to look for, until it is closed.
    pub(crate) look_for: Option<String>,
    pub(crate) view: TimeView,
    pub(crate) replay: Replay,
    pub(crate) selected: Option<TaskIx>,
    /// Counts the selections that lists of tasks should bring into sight.
    pub(crate) selections: u64,
    pub(crate) colour_by: ColourBy,
    /// A stretch of time that was dragged over, from where to where.
    pub(crate) measured: Option<(f64, f64)>,
}

/// How long a freshly opened view takes to play, in seconds on the screen.
const VIEW_SECONDS: f64 = 12.0;
/// How many polls a freshly opened view shows of the busiest worker.
const FIRST_POLLS: f64 = 14.0;

impl Document {
    pub(crate) fn new(prepared: Prepared, name: String, path: Option<PathBuf>) -> Self {
        let span = prepared.trace.span();
        let mut view = TimeView::new(span.clone());
        let (moment, width) = first_look(&prepared.trace);
        view.show(moment - 0.25 * width, width);
        let speed = view.width() / 1e9 / VIEW_SECONDS;
        let replay = Replay::new(span, moment, speed);
        let colour_by = prepared.colour_by();
        Self {
            prepared,
            name,
            path,
            look_for: None,
            view,
            replay,
            selected: None,
            selections: 0,
            colour_by,
            measured: None,
        }
    }

    /// The trace lies in another file now.
    pub(crate) fn moved_to(&mut self, path: PathBuf) {
        if let Some(name) = path.file_name() {
            self.name = name.to_string_lossy().into_owned();
        }
        self.path = Some(path);
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.prepared.trace
    }

    /// The colour of a task's polls.
    pub(crate) fn colour(&self, palette: &Palette, task: TaskIx) -> Color32 {
        match self.colour_by {
            // Tasks of one place differ in shade, so that neighbours can be told apart.
            ColourBy::Place => {
                let place = self.place_colour(palette, self.trace().task(task).place);
                palette.shade(place, task.get())
            }
            ColourBy::Task => palette.category(task.get()),
        }
    }

    /// The colour of a spawn place, or of tasks whose place was not recorded.
    pub(crate) fn place_colour(&self, palette: &Palette, place: Option<PlaceIx>) -> Color32 {
        match place {
            Some(place) => palette.category(self.prepared.category(place)),
            None => palette.weak,
        }
    }

    /// Whether a poll stays bright: nothing is selected, or its task is.
    pub(crate) fn is_bright(&self, poll: &Poll) -> bool {
        self.selected.is_none_or(|task| task == poll.task)
    }

    /// Selects a task, or none.
    pub(crate) fn select(&mut self, task: Option<TaskIx>) {
        self.selected = task;
        if task.is_some() {
            self.selections += 1;
        }
    }

    /// Puts the playhead somewhere, and the view where it can be seen.
    pub(crate) fn seek(&mut self, moment: f64) {
        self.replay.pause();
        self.replay.seek(moment);
        self.view.reveal(self.replay.playhead());
    }

    /// Lets time pass.
    pub(crate) fn advance(&mut self, seconds: f64) {
        if self.replay.is_playing() {
            self.replay.advance(seconds);
            self.view.reveal(self.replay.playhead());
        }
    }

    /// The poll of the selected task at the playhead, or the last before it.
    pub(crate) fn current_poll(&self) -> Option<PollIx> {
        let polls = self.trace().task_polls(self.selected?);
        let moment = self.replay.moment();
        let after = polls.partition_point(|&poll| self.trace().poll(poll).start <= moment);
        polls.get(after.checked_sub(1)?).copied()
    }

    /// What runs on a lane at the playhead.
    pub(crate) fn running(&self, lane: LaneIx) -> Option<PollIx> {
        let (trace, moment) = (self.trace(), self.replay.moment());
        trace.poll_at(lane, moment).or_else(|| {
            // A poll that is open when the recording ends still runs at its last moment.
            let last = trace.poll_at(lane, moment.checked_sub(1)?)?;
            let poll = trace.poll(last);
            (moment == trace.span().end && poll.end == moment && poll.how == PollEnd::Open)
                .then_some(last)
        })
    }

    /// Carries out a command that concerns the trace.
    pub(crate) fn execute(&mut self, command: Command) {
        match command {
            Command::PlayPause => self.replay.toggle(),
            Command::StepForward => self.step(Direction::Forward),
            Command::StepBack => self.step(Direction::Back),
            Command::NextPoll => self.step_poll(Direction::Forward),
            Command::PreviousPoll => self.step_poll(Direction::Back),
            Command::ToStart => {
                self.replay.seek_start();
                self.view.reveal(self.replay.playhead());
            }
            Command::ToEnd => {
                self.replay.seek_end();
                self.view.reveal(self.replay.playhead());
            }
            Command::Faster => self.replay.set_speed(self.replay.speed() * 2.0),
            Command::Slower => self.replay.set_speed(self.replay.speed() / 2.0),
            Command::UsualSpeed => self.replay.usual_speed(),
            Command::FitAll => self.view.fit(),
            Command::FocusSelection => self.focus(),
            Command::ZoomIn => self.view.zoom(0.7, self.zoom_centre()),
            Command::ZoomOut => self.view.zoom(1.0 / 0.7, self.zoom_centre()),
            Command::PanLeft => self.view.pan(-0.2),
            Command::PanRight => self.view.pan(0.2),
            Command::ClearSelection => {
                self.select(None);
                self.measured = None;
            }
            Command::ColourBy => {
                self.colour_by = match self.colour_by {
                    ColourBy::Place => ColourBy::Task,
                    ColourBy::Task => ColourBy::Place,
                };
            }
            // These concern the window and its panels.
            Command::Search
            | Command::Open
            | Command::Home
            | Command::SaveAs
            | Command::ShowPalette
            | Command::ShowKeys
            | Command::ToggleTheme => {}
        }
    }

    /// Keyboard zoom goes to the playhead while it is in sight.
    fn zoom_centre(&self) -> f64 {
        let playhead = self.replay.playhead();
        if (self.view.start()..=self.view.end()).contains(&playhead) {
            playhead
        } else {
            self.view.start() + self.view.width() / 2.0
        }
    }

    fn step(&mut self, direction: Direction) {
        let moment = self.replay.moment();
        let next = match self.selected {
            Some(task) => self.trace().next_event_of(task, moment, direction),
            None => self.trace().next_event(moment, direction),
        };
        self.replay.pause();
        if let Some(next) = next {
            self.seek(next as f64);
        }
    }

    fn step_poll(&mut self, direction: Direction) {
        let Some(task) = self.selected else { return };
        let polls = self.trace().task_polls(task);
        let moment = self.replay.moment();
        let start = |poll: &PollIx| self.trace().poll(*poll).start;
        let next = match direction {
            Direction::Forward => polls.get(polls.partition_point(|poll| start(poll) <= moment)),
            Direction::Back => polls
                .partition_point(|poll| start(poll) < moment)
                .checked_sub(1)
                .map(|position| &polls[position]),
        };
        if let Some(next) = next.map(start) {
            self.seek(next as f64);
        }
    }

    /// Brings the selected task into the view where it hops most, and puts the
    /// playhead where the first of these hops arrives.
    pub(crate) fn show_selected(&mut self) {
        let Some(task) = self.selected else { return };
        let trace = self.trace();
        let polls = trace.task_polls(task);
        let hops: Vec<(f64, f64)> = polls
            .windows(2)
            .map(|pair| (trace.poll(pair[0]), trace.poll(pair[1])))
            .filter(|(from, to)| from.lane != to.lane)
            .map(|(from, to)| (from.end as f64, to.start as f64))
            .collect();
        let usual = self.view.width();
        let shortest = || hops.iter().copied().min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)));
        let hop = busiest_stretch(&hops, 0.8 * usual).map(|first| hops[first]).or_else(shortest);
        let (left, entered) = match (hop, polls.first()) {
            (Some(hop), _) => hop,
            (None, Some(&poll)) => (trace.poll(poll).start as f64, trace.poll(poll).start as f64),
            (None, None) => return,
        };
        let width = usual.max(1.4 * (entered - left));
        self.view.show(left - 0.1 * width, width);
        self.replay.seek(entered);
    }

    /// Fits the selected task's life into the view.
    fn focus(&mut self) {
        let Some(task) = self.selected else { return };
        let (start, end) = life(self.trace(), self.trace().task(task), task);
        let margin = 0.05 * (end - start);
        self.view.show(start - margin, (end - start) + 2.0 * margin);
    }
}

/// From when to when a task is known to live, in nanoseconds.
pub(crate) fn life(trace: &Trace, task: &Task, ix: TaskIx) -> (f64, f64) {
    let start = trace.first_seen(ix) as f64;
    let end = task.end.map_or(trace.span().end, |end| end.time) as f64;
    (start, end.max(start))
}

/// Where to begin with a trace: the moment at which a task arrives where tasks
/// hop most, and a width of the window in which single polls can be told apart.
fn first_look(trace: &Trace) -> (f64, f64) {
    let span = trace.span();
    let (start, whole) = (span.start as f64, (span.end - span.start) as f64);
    let busiest = trace.lanes().iter().map(|lane| lane.polls.len()).max().unwrap_or(0);
    let polls = busiest as f64;
    if polls <= 2.0 * FIRST_POLLS {
        return (start + 0.25 * whole, whole);
    }
    let width = whole * FIRST_POLLS / polls;
    // By their arrivals: a task may have waited long before it hopped.
    let arrival = |hop: &Hop| trace.poll(hop.to).start as f64;
    let hops: Vec<(f64, f64)> =
        trace.hops().iter().map(|hop| (arrival(hop), arrival(hop))).collect();
    let first = match busiest_stretch(&hops, 0.7 * width) {
        Some(position) => hops[position].1,
        None => trace.polls().iter().map(|poll| poll.start).min().unwrap_or(span.start) as f64,
    };
    (first, width)
}

/// Of hops sorted by time, the first of those that lie closest together: the
/// most of them that leave and arrive within `width` nanoseconds. `None` where
/// none is as short.
fn busiest_stretch(hops: &[(f64, f64)], width: f64) -> Option<usize> {
    let inside = |position: usize| {
        let from = hops[position].0;
        let until = hops.partition_point(|&(_, entered)| entered <= from + width);
        until.saturating_sub(position)
    };
    // Of equal ones the earliest: what comes first explains what comes later.
    let best = (0..hops.len()).rev().max_by_key(|&position| inside(position))?;
    (inside(best) > 0).then_some(best)
}
