//! What can be done in the window: each command once, with its words and keys.
//!
//! Keyboard, menu, tooltips, palette and the page of keys all read this table,
//! so they cannot disagree.

use egui::{Key, KeyboardShortcut, Modifiers};

/// Something a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Open,
    SaveAs,
    Home,
    ShowPalette,
    ShowKeys,
    ToggleTheme,
    Search,
    PlayPause,
    StepBack,
    StepForward,
    PreviousPoll,
    NextPoll,
    ToStart,
    ToEnd,
    Slower,
    Faster,
    UsualSpeed,
    FitAll,
    FocusSelection,
    ZoomIn,
    ZoomOut,
    PanLeft,
    PanRight,
    ClearSelection,
    ColourBy,
}

/// Where a command makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Trace,
    /// A trace that was read from a file.
    File,
    Selection,
}

/// The words and keys of a command.
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

const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

impl Command {
    /// All commands, in the order in which they are listed.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Open,
        Self::SaveAs,
        Self::Home,
        Self::Search,
        Self::PlayPause,
        Self::StepForward,
        Self::StepBack,
        Self::NextPoll,
        Self::PreviousPoll,
        Self::ToStart,
        Self::ToEnd,
        Self::Faster,
        Self::Slower,
        Self::UsualSpeed,
        Self::FitAll,
        Self::FocusSelection,
        Self::ZoomIn,
        Self::ZoomOut,
        Self::PanLeft,
        Self::PanRight,
        Self::ClearSelection,
        Self::ColourBy,
        Self::ToggleTheme,
        Self::ShowPalette,
        Self::ShowKeys,
    ];

    pub(crate) fn spec(self) -> Spec {
        use Needs::{File, Nothing, Selection, Trace};
        let spec = |title, about, keys, needs| Spec { title, about, keys, needs };
        match self {
            Self::Open => {
                spec("Open…", "Open a recorded trace", const { &[ctrl(Key::O)] }, Nothing)
            }
            Self::SaveAs => spec(
                "Save as…",
                "Save the trace in another place, as after recording a demo",
                const { &[ctrl(Key::S)] },
                File,
            ),
            Self::Home => spec("Welcome page", "Close the trace and choose another", &[], Trace),
            Self::ShowPalette => spec(
                "All commands…",
                "Find a command by its name",
                const { &[KeyboardShortcut::new(CTRL_SHIFT, Key::P)] },
                Nothing,
            ),
            Self::ShowKeys => spec(
                "Keys",
                "Show the keys and what the mouse does",
                const { &[plain(Key::Questionmark), shift(Key::Questionmark), plain(Key::F1)] },
                Nothing,
            ),
            Self::ToggleTheme => {
                spec("Dark or light", "Change between dark and light colours", &[], Nothing)
            }
            Self::Search => spec(
                "Find tasks",
                "Filter the table by a task's name, number, or spawn place",
                const { &[plain(Key::Slash), ctrl(Key::F)] },
                Trace,
            ),
            Self::PlayPause => spec(
                "Play or pause",
                "Let the recording run",
                const { &[plain(Key::Space)] },
                Trace,
            ),
            Self::StepForward => spec(
                "Next event",
                "Step to the next event: of the selected task, else of any",
                const { &[plain(Key::ArrowRight)] },
                Trace,
            ),
            Self::StepBack => spec(
                "Previous event",
                "Step to the event before: of the selected task, else of any",
                const { &[plain(Key::ArrowLeft)] },
                Trace,
            ),
            Self::NextPoll => spec(
                "Next poll",
                "Go to the selected task's next poll",
                const { &[plain(Key::Period)] },
                Selection,
            ),
            Self::PreviousPoll => spec(
                "Previous poll",
                "Go to the selected task's poll before",
                const { &[plain(Key::Comma)] },
                Selection,
            ),
            Self::ToStart => spec(
                "To the start",
                "Put the playhead at the first event",
                const { &[ctrl(Key::Home)] },
                Trace,
            ),
            Self::ToEnd => spec(
                "To the end",
                "Put the playhead at the last event",
                const { &[plain(Key::End), ctrl(Key::End)] },
                Trace,
            ),
            Self::Faster => spec(
                "Faster",
                "Let more time pass in a second on the screen",
                const { &[plain(Key::CloseBracket), shift(Key::ArrowRight)] },
                Trace,
            ),
            Self::Slower => spec(
                "Slower",
                "Let less time pass in a second on the screen",
                const { &[plain(Key::OpenBracket), shift(Key::ArrowLeft)] },
                Trace,
            ),
            Self::UsualSpeed => {
                spec("Usual speed", "Go back to the speed that suits this trace", &[], Trace)
            }
            Self::FitAll => spec(
                "Show everything",
                "Fit the whole recording into the window",
                const { &[plain(Key::Home)] },
                Trace,
            ),
            Self::FocusSelection => spec(
                "Show the selected task",
                "Fit the selected task's life into the window",
                const { &[plain(Key::F)] },
                Selection,
            ),
            Self::ZoomIn => spec(
                "Zoom in",
                "Show less time, in more detail",
                const { &[plain(Key::W), plain(Key::Plus), plain(Key::Equals)] },
                Trace,
            ),
            Self::ZoomOut => spec(
                "Zoom out",
                "Show more time",
                const { &[plain(Key::S), plain(Key::Minus)] },
                Trace,
            ),
            Self::PanLeft => {
                spec("Earlier", "Move to earlier times", const { &[plain(Key::A)] }, Trace)
            }
            Self::PanRight => {
                spec("Later", "Move to later times", const { &[plain(Key::D)] }, Trace)
            }
            Self::ClearSelection => spec(
                "Select nothing",
                "Clear the selection",
                const { &[plain(Key::Escape)] },
                Trace,
            ),
            Self::ColourBy => spec(
                "Colour by place or task",
                "Colour polls by where the task was spawned, or each task in its own colour",
                const { &[plain(Key::C)] },
                Trace,
            ),
        }
    }

    /// The key that calls it, as text: `Ctrl+O`. Empty where there is none.
    pub(crate) fn key_text(self, ctx: &egui::Context) -> String {
        self.key_texts(ctx).into_iter().next().unwrap_or_default()
    }

    /// All keys that call it, as text.
    pub(crate) fn key_texts(self, ctx: &egui::Context) -> Vec<String> {
        let mut texts: Vec<String> =
            self.spec().keys.iter().map(|&key| key_text(key, ctx)).collect();
        texts.dedup();
        texts
    }

    /// The tooltip of a widget that calls it.
    pub(crate) fn tooltip(self, ctx: &egui::Context) -> String {
        let about = self.spec().about;
        match self.key_text(ctx) {
            key if key.is_empty() => about.to_owned(),
            key => format!("{about}  ({key})"),
        }
    }

    /// The commands whose keys were pressed since the last frame.
    pub(crate) fn pressed(ctx: &egui::Context) -> Vec<Self> {
        // Keys belong to the text field while one has the focus; also the Escape that
        // has just taken the focus away.
        let typing = ctx.text_edit_focused();
        let id = egui::Id::unique("typing");
        let was_typing = ctx
            .data_mut(|data| std::mem::replace(data.get_temp_mut_or_default::<bool>(id), typing));
        if typing || was_typing {
            return Vec::new();
        }
        // More modifiers first: Ctrl+Shift+P must not be taken for Ctrl+P.
        let mut keys: Vec<(Self, KeyboardShortcut)> = Self::ALL
            .iter()
            .flat_map(|&command| command.spec().keys.iter().map(move |&key| (command, key)))
            .collect();
        keys.sort_by_key(|(_, key)| {
            let Modifiers { alt, ctrl, shift, command, .. } = key.modifiers;
            std::cmp::Reverse([alt, ctrl, shift, command].iter().filter(|&&on| on).count())
        });
        ctx.input_mut(|input| {
            keys.retain(|(_, key)| input.consume_shortcut(key));
        });
        keys.into_iter().map(|(command, _)| command).collect()
    }
}

/// A key as it is printed on the keyboard.
fn key_text(shortcut: KeyboardShortcut, ctx: &egui::Context) -> String {
    let KeyboardShortcut { mut modifiers, logical_key } = shortcut;
    let key = match logical_key {
        // The fonts have no arrows that stand in text.
        Key::ArrowLeft | Key::ArrowRight => logical_key.name(),
        Key::Minus => "-",
        Key::Escape => "Esc",
        key => key.symbol_or_name(),
    };
    // Where Shift is needed to type a sign, the sign says it all.
    if logical_key == Key::Questionmark {
        modifiers.shift = false;
    }
    let names = egui::ModifierNames::NAMES;
    match names.format(&modifiers, ctx.os().is_mac()) {
        modifiers if modifiers.is_empty() => key.to_owned(),
        modifiers => format!("{modifiers}{}{key}", names.concat),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_calls_two_commands() {
        let mut seen = HashSet::new();
        for command in Command::ALL {
            for key in command.spec().keys {
                assert!(seen.insert(*key), "{key:?} of {command:?} is taken");
            }
        }
    }

    #[test]
    fn every_command_is_listed_once() {
        let listed: HashSet<_> = Command::ALL.iter().map(|c| c.spec().title).collect();
        assert_eq!(listed.len(), Command::ALL.len());
        // The last variant's number is the count of all: none is left out.
        assert_eq!(Command::ALL.len(), Command::ColourBy as usize + 1);
    }
}
