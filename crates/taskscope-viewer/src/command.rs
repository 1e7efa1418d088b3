//! What can be done in the window: each command once, with its words and keys.
//!
//! There are two enums: what concerns the window, and what concerns one of the open traces. Those
//! that a person can call by name stand in the table below; keyboard, menus, tooltips, palette
//! and the page of keys all read it, so they cannot disagree. Below the table stand those that
//! come with a value, from a panel: a moment that was clicked, a file that was dropped.
//!
//! Panels change nothing themselves. They send commands through one queue ([`Commands`]), and
//! `execute.rs` carries them out when the frame has been drawn.

use std::cell::RefCell;
use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};
use taskscope_model::{PlaceIx, TaskIx};

use crate::DemoEntry;
use crate::loading::LoadingId;
use crate::marks::MarkId;
use crate::open_trace::TraceId;
use crate::replay::Pace;
use crate::workspace::{PanelKind, Stretch};

/// Where a command makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Trace,
    /// A trace that was read from a file.
    File,
    Selection,
    /// At least two open traces.
    Several,
    /// A lesson that is open.
    Lesson,
    /// A file that is being read, or a demo that is being recorded.
    Loading,
}

/// The words and keys of a command.
#[derive(Debug)]
pub(crate) struct Spec {
    /// As it stands in a menu.
    pub(crate) title: &'static str,
    /// What it does, in a sentence.
    pub(crate) about: &'static str,
    /// The keys that call it; the first is the one shown.
    pub(crate) keys: &'static [KeyboardShortcut],
    pub(crate) needs: Needs,
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// Makes an enum of commands: first a line for each that a person can call by name, with its name
/// in the code, its title, what it needs, its keys, and what it does; then those with a value, and
/// what they need.
macro_rules! commands {
    (
        $(#[$about_enum:meta])* $enum:ident:
        $($name:ident, $title:literal, $needs:ident, [$($key:expr),*], $about:literal;)*
        + with a value, $values_need:ident:
        $($(#[$about_value:meta])* $with:ident($($value:ty),*);)*
    ) => {
        $(#[$about_enum])*
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum $enum {
            $(#[doc = $about] $name,)*
            $($(#[$about_value])* $with($($value),*),)*
        }

        impl $enum {
            /// Those that can be called by name, in the order in which they are listed.
            const LISTED: &'static [Self] = &[$(Self::$name,)*];

            fn spec(&self) -> Spec {
                match self {
                    $(Self::$name => Spec {
                        title: $title,
                        about: $about,
                        keys: const { &[$($key),*] },
                        needs: Needs::$needs,
                    },)*
                    $(Self::$with(..))|* => Spec {
                        title: "", about: "", keys: &[], needs: Needs::$values_need
                    },
                }
            }
        }
    };
}

commands! {
    /// Something that a person can do with the window, or with all traces at once.
    AppCommand:
    Open, "Open…", Nothing, [ctrl(Key::O)],
        "Open a recorded trace, in place of what is open";
    OpenBeside, "Open beside…", Trace, [ctrl_shift(Key::O)],
        "Open another trace beside what is open, on the same axis of time";
    StopLoading, "Stop reading", Loading, [],
        "Stop reading the file or recording the demo";
    Home, "Welcome page", Trace, [],
        "Close all traces and choose another";
    PlayPause, "Play or pause", Trace, [plain(Key::Space)],
        "Play the recording from the playhead, or pause it";
    PlayBack, "Play backwards", Trace, [shift(Key::Space)],
        "Play the recording backwards from the playhead, or pause it";
    NextPace, "Next pace", Trace, [plain(Key::P)],
        "Play in proportion to the program's time, event by event, or hop by hop";
    ToggleLoop, "Repeat", Trace, [plain(Key::R)],
        "Play what is marked, or all of it, again and again";
    FollowTask, "Follow the selected task", Trace, [plain(Key::J)],
        "Go from event to event of the selected task alone; the other tasks fade";
    StopAtHops, "Pause at hops", Trace, [],
        "Pause when a task hops: the one that is followed, or any";
    StopAtPanics, "Pause at panics", Trace, [],
        "Pause when a task panics";
    StopAtWakes, "Pause when the selected task is woken", Trace, [],
        "Pause at each wake of the selected task";
    StopAtFirstPoll, "Pause at the first poll of the selected task", Trace, [],
        "Pause when the selected task is polled for the first time";
    Faster, "Faster", Trace, [plain(Key::CloseBracket), shift(Key::ArrowRight)],
        "Play faster: more recorded time, or more events, in a second on the screen";
    Slower, "Slower", Trace, [plain(Key::OpenBracket), shift(Key::ArrowLeft)],
        "Play slower: less recorded time, or fewer events, in a second on the screen";
    UsualSpeed, "Usual speed", Trace, [],
        "Go back to the speed that suits the view, or the pace";
    FitAll, "Show everything", Trace, [plain(Key::Home)],
        "Fit the whole recording into the window";
    ZoomIn, "Zoom in", Trace, [plain(Key::W), plain(Key::Plus), plain(Key::Equals)],
        "Show less time, in more detail";
    ZoomOut, "Zoom out", Trace, [plain(Key::S), plain(Key::Minus)],
        "Show more time";
    PanLeft, "Earlier", Trace, [plain(Key::A)],
        "Move to earlier times";
    PanRight, "Later", Trace, [plain(Key::D)],
        "Move to later times";
    GoBack, "Go back", Trace, [ctrl(Key::Z)],
        "Go back to where you were before the last jump";
    GoForward, "Go forward", Trace, [ctrl(Key::Y), ctrl_shift(Key::Z)],
        "Go where you were before you went back";
    NextTrace, "Next trace", Several, [plain(Key::F6)],
        "Let the keys act on the next of the open traces";
    AlignStarts, "Align the starts", Several, [],
        "Let all traces begin at the same place of the axis";
    AlignClocks, "Align by wall clock", Several, [],
        "Let the traces lie as they did in time, by the clock of the machine";
    ResetLayout, "Reset the layout", Trace, [],
        "Put all panels back to where they are at first";
    NextStep, "Next step of the lesson", Lesson, [plain(Key::N), plain(Key::PageDown)],
        "Go to the next step of the lesson";
    PreviousStep, "Previous step of the lesson", Lesson, [plain(Key::B), plain(Key::PageUp)],
        "Go back to the previous step of the lesson";
    LeaveLesson, "Leave the lesson", Lesson, [],
        "Close the lesson's text; its traces stay open";
    Present, "Presenter mode", Trace, [plain(Key::F5)],
        "Show the stage and the lanes alone, large, on the whole screen";
    ToggleTheme, "Dark or light", Nothing, [],
        "Change between dark and light colours";
    HighContrast, "High contrast", Nothing, [],
        "Change between colours that stand far apart and the usual ones";
    LargerText, "Larger text", Nothing, [ctrl(Key::Plus), ctrl(Key::Equals)],
        "Make everything larger";
    SmallerText, "Smaller text", Nothing, [ctrl(Key::Minus)],
        "Make everything smaller";
    UsualText, "Usual text", Nothing, [ctrl(Key::Num0)],
        "Make everything as large as it is at first";
    ShowPalette, "All commands…", Nothing, [ctrl_shift(Key::P)],
        "Find a command by its name";
    ShowKeys, "Keys", Nothing, [plain(Key::Questionmark), shift(Key::Questionmark), plain(Key::F1)],
        "Show the keys and what the mouse does";
    + with a value, Nothing:
    /// Open the lesson with this number, in place of what is open.
    OpenLesson(u32);
    /// Choose an answer to the question of the lesson's step.
    AnswerLesson(usize);
    /// Open these files side by side, in place of what is open.
    OpenFiles(Vec<PathBuf>);
    /// Open these files beside what is open.
    OpenFilesBeside(Vec<PathBuf>);
    /// Record a demo and open it, in place of what is open.
    RunDemo(DemoEntry);
    /// Stop reading one of several files.
    StopLoadingOf(LoadingId);
    /// Let the keys act on this trace.
    Activate(TraceId);
    /// Lay these stretches of several traces side by side, and select their tasks.
    ShowBeside(Vec<Stretch>);
    /// Move the view by a part of its width.
    Pan(f64);
    /// Set the speed, by its position from 0 to 1.
    SetSpeed(f64);
    /// Play in this way.
    SetPace(Pace);
    /// Take the message about what failed away.
    DismissError();
    /// Take the line about the command away that the window was opened for.
    DismissSession();
}

commands! {
    /// Something that a person can do with one of the open traces.
    TraceCommand:
    Search, "Find", Trace, [plain(Key::Slash), ctrl(Key::F)],
        "Search for tasks, polls and waits: they are lit in the lanes, and the table shows their tasks";
    NextHit, "Next hit", Trace, [plain(Key::F3), ctrl(Key::G)],
        "Go to what the search found next";
    PreviousHit, "Previous hit", Trace, [shift(Key::F3), ctrl_shift(Key::G)],
        "Go to what the search found before";
    StepForward, "Next event", Trace, [plain(Key::ArrowRight)],
        "Step to the next event: of the selected task, or of any if none is selected";
    StepBack, "Previous event", Trace, [plain(Key::ArrowLeft)],
        "Step to the previous event: of the selected task, or of any if none is selected";
    NextPoll, "Next poll", Selection, [plain(Key::Period)],
        "Go to the selected task's next poll";
    PreviousPoll, "Previous poll", Selection, [plain(Key::Comma)],
        "Go to the selected task's previous poll";
    ToStart, "To the start", Trace, [ctrl(Key::Home)],
        "Put the playhead at the first event";
    ToEnd, "To the end", Trace, [plain(Key::End), ctrl(Key::End)],
        "Put the playhead at the last event; a trace that grows is followed there";
    FocusSelection, "Show the selected task", Selection, [plain(Key::F)],
        "Fit the selected task's life into the window";
    ClearSelection, "Step back", Trace, [plain(Key::Escape)],
        "Take away what is marked; if nothing is, the selection";
    ToggleWay, "Why late?", Selection, [plain(Key::Y)],
        "Draw what held up the poll at the playhead over the lanes: who ran, who stood in a queue, who woke whom";
    WayFromHere, "Begin the way here", Selection, [shift(Key::Y)],
        "Let the way to other polls begin at the poll at the playhead; again to let it begin at its root";
    Pin, "Pin the selected task", Selection, [shift(Key::P)],
        "Give the selected task a lane of its own right below the workers, or take it away";
    ToggleFolds, "Fold or unfold the tasks", Trace, [plain(Key::U)],
        "Give each task a lane of its own, or show each spawn place as one curve";
    GroupBy, "Next grouping of tasks", Trace, [shift(Key::U)],
        "Group the lanes of tasks by spawn place, by name, by parent, by how they ended, or by runtime";
    ColourBy, "Next colours", Trace, [plain(Key::C)],
        "Colour polls by where the task was spawned, by task, by worker, or by how long they take";
    AlignHere, "Align here", Several, [shift(Key::A)],
        "Let the playhead's time in this trace coincide with the time chosen in the others";
    Follow, "Follow the file", File, [shift(Key::F)],
        "Let the trace grow as its file does, with the end in sight; again to stop that";
    ToggleOverview, "Overview", Trace, [plain(Key::O)],
        "Show or hide the strip with the whole recording";
    ToggleTimeline, "Timeline", Trace, [plain(Key::L)],
        "Show or hide the lanes of the workers";
    ToggleStage, "Stage", Trace, [plain(Key::G)],
        "Show or hide the scheduler as a place: workers, queues, and where tasks wait";
    ToggleTasks, "Table of tasks", Trace, [plain(Key::T)],
        "Show or hide the table of tasks";
    ToggleInspector, "Inspector", Trace, [plain(Key::I)],
        "Show or hide the panel with the selected task";
    ToggleInstant, "At this instant", Trace, [plain(Key::Q)],
        "Show or hide what each task does at the playhead, and what it waits for";
    ToggleRange, "Range", Trace, [plain(Key::V)],
        "Show or hide the figures of what is marked, or in view";
    ToggleLongest, "Longest", Trace, [plain(Key::X)],
        "Show or hide the longest polls and delays of what is marked, or in view";
    MarkFrom, "Mark from here", Trace, [plain(Key::E)],
        "Let what is marked begin at the playhead";
    MarkTo, "Mark up to here", Trace, [shift(Key::E)],
        "Let what is marked end at the playhead";
    ShowMarked, "Show what is marked", Trace, [plain(Key::Z)],
        "Fit what is marked into the window; if nothing is, the selected task's poll";
    AddMark, "Add a mark", Trace, [plain(Key::M)],
        "Note something about the playhead's moment, or about what is marked; kept beside the trace";
    ToggleMarks, "Marks", Trace, [plain(Key::H)],
        "Show or hide the marks of this trace, and what is written about them";
    NextMark, "Next mark", Trace, [shift(Key::N)],
        "Go to the next mark";
    PreviousMark, "Previous mark", Trace, [shift(Key::B)],
        "Go to the previous mark";
    GoToTime, "Go to a time…", Trace, [ctrl(Key::L)],
        "Type where the playhead goes: 12.5ms, from the start of the recording";
    NextRow, "Next row of the table", Trace, [plain(Key::ArrowDown)],
        "Select the task below the selected one in the table";
    PreviousRow, "Previous row of the table", Trace, [plain(Key::ArrowUp)],
        "Select the task above the selected one in the table";
    CopyLink, "Copy a link", File, [ctrl_shift(Key::C)],
        "Copy a command that opens this trace here: with the task, the time and what is marked";
    ToggleComparison, "Comparison", Several, [plain(Key::K)],
        "Show or hide what got slower from the first trace to this one, by spawn place";
    SaveAs, "Save as…", File, [ctrl(Key::S)],
        "Save a copy of the trace, such as that of a demo recorded here";
    Close, "Close this trace", Trace, [ctrl(Key::W)],
        "Close the trace and its panels";
    + with a value, Trace:
    /// Select a task, or none. Lists bring it into sight.
    Select(Option<TaskIx>);
    /// Select a task in a list, which stays where it is, and show it in time.
    Choose(TaskIx);
    /// Open a place of the source in the editor.
    OpenPlace(PlaceIx);
    /// Search for this.
    SearchFor(String);
    /// Put the playhead so many nanoseconds behind the start, and the view where it can be seen.
    GoTo(u64);
    /// Go to what was found, by its number: its task is selected, its time marked, and who waited has lanes.
    ShowFinding(usize);
    /// Put the playhead at a moment of the trace's clock, and the view where it can be seen.
    Seek(f64);
    /// Put the playhead at a moment that is in sight.
    MovePlayhead(f64);
    /// Show so much time, from a moment on.
    Show(f64, f64);
    /// Show so many times as much time, and leave a moment where it is on the screen.
    Zoom(f64, f64);
    /// Mark the time between two moments, or none.
    Measure(Option<(f64, f64)>);
    /// Go to a mark.
    GoToMark(MarkId);
    /// Write something else about a mark.
    EditMark(MarkId, String);
    /// Delete a mark.
    RemoveMark(MarkId);
    /// Close a panel.
    ClosePanel(PanelKind);
    /// Take away what there is to look for.
    DismissLookFor();
    /// What is said of the file that is followed is no news any more.
    DismissNews();
}

/// A command, whichever it concerns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    App(AppCommand),
    /// For the trace that keys act on.
    Trace(TraceCommand),
}

impl From<AppCommand> for Command {
    fn from(command: AppCommand) -> Self {
        Self::App(command)
    }
}

impl From<TraceCommand> for Command {
    fn from(command: TraceCommand) -> Self {
        Self::Trace(command)
    }
}

impl Command {
    /// Whether it jumps somewhere else, from where one may want to go back.
    pub(crate) fn is_jump(&self) -> bool {
        match self {
            Self::App(command) => {
                matches!(command, AppCommand::FitAll | AppCommand::ShowBeside(_))
            }
            Self::Trace(command) => matches!(
                command,
                TraceCommand::Select(_)
                    | TraceCommand::Choose(_)
                    | TraceCommand::GoTo(_)
                    | TraceCommand::ShowFinding(_)
                    | TraceCommand::NextHit
                    | TraceCommand::NextMark
                    | TraceCommand::PreviousMark
                    | TraceCommand::GoToMark(_)
                    | TraceCommand::ShowMarked
                    | TraceCommand::PreviousHit
                    | TraceCommand::FocusSelection
                    | TraceCommand::ToStart
                    | TraceCommand::ToEnd
            ),
        }
    }

    /// Those of the window that can be called by name.
    pub(crate) fn of_app() -> impl Iterator<Item = Self> {
        AppCommand::LISTED.iter().cloned().map(Self::App)
    }

    /// Those of a trace that can be called by name.
    pub(crate) fn of_trace() -> impl Iterator<Item = Self> {
        TraceCommand::LISTED.iter().cloned().map(Self::Trace)
    }

    /// All that can be called by name.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::of_app().chain(Self::of_trace())
    }

    /// The words and keys of this one.
    pub(crate) fn spec(&self) -> Spec {
        match self {
            Self::App(command) => command.spec(),
            Self::Trace(command) => command.spec(),
        }
    }
}

/// A command and the trace that it was sent to; `None` for the one that keys act on.
pub(crate) type Sent = (Option<TraceId>, Command);

/// The queue of commands that are still to be carried out.
#[derive(Debug, Default)]
pub(crate) struct Commands(RefCell<Vec<Sent>>);

impl Commands {
    /// Sends a command to the window, or to the trace that keys act on.
    pub(crate) fn send(&self, command: impl Into<Command>) {
        self.0.borrow_mut().push((None, command.into()));
    }

    /// Sends a command to a trace.
    pub(crate) fn send_to(&self, trace: TraceId, command: TraceCommand) {
        self.0.borrow_mut().push((Some(trace), Command::Trace(command)));
    }

    /// All that were sent since the last call, in their order.
    pub(crate) fn take(&self) -> Vec<Sent> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_calls_two_commands() {
        let mut seen = HashSet::new();
        for command in Command::all() {
            for key in command.spec().keys {
                assert!(seen.insert(*key), "{key:?} of {command:?} is taken");
            }
        }
    }

    #[test]
    fn no_two_commands_have_the_same_title() {
        let titles: HashSet<_> = Command::all().map(|command| command.spec().title).collect();
        assert_eq!(titles.len(), Command::all().count());
    }
}
