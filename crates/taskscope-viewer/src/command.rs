//! What can be done in the window: each command once, with its words and keys.
//!
//! Keyboard, menu, tooltips, palette and the page of keys all read this table,
//! so they cannot disagree.

use egui::{Key, KeyboardShortcut, Modifiers};

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

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

/// Makes the commands of a table with a line for each: its name in the code, its title, what it
/// needs, its keys, and what it does.
macro_rules! commands {
    ($($name:ident, $title:literal, $needs:ident, [$($key:expr),*], $about:literal;)*) => {
        /// Something a person can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Command {
            $($name,)*
        }

        impl Command {
            /// All commands, in the order in which they are listed.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The words and keys of this one.
            pub(crate) fn spec(self) -> Spec {
                match self {
                    $(Self::$name => Spec {
                        title: $title,
                        about: $about,
                        keys: const { &[$($key),*] },
                        needs: Needs::$needs,
                    },)*
                }
            }
        }
    };
}

commands! {
    Open, "Open…", Nothing, [ctrl(Key::O)],
        "Open a recorded trace";
    SaveAs, "Save as…", File, [ctrl(Key::S)],
        "Save a copy of the trace, such as that of a demo recorded here";
    Home, "Welcome page", Trace, [],
        "Close the trace and choose another";
    Search, "Find tasks", Trace, [plain(Key::Slash), ctrl(Key::F)],
        "Filter the table by a task's name, number, or spawn place";
    PlayPause, "Play or pause", Trace, [plain(Key::Space)],
        "Play the recording from the playhead, or pause it";
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
        "Put the playhead at the last event";
    Faster, "Faster", Trace, [plain(Key::CloseBracket), shift(Key::ArrowRight)],
        "Play faster: more recorded time in a second on the screen";
    Slower, "Slower", Trace, [plain(Key::OpenBracket), shift(Key::ArrowLeft)],
        "Play slower: less recorded time in a second on the screen";
    UsualSpeed, "Usual speed", Trace, [],
        "Go back to the speed that suits this trace";
    FitAll, "Show everything", Trace, [plain(Key::Home)],
        "Fit the whole recording into the window";
    FocusSelection, "Show the selected task", Selection, [plain(Key::F)],
        "Fit the selected task's life into the window";
    ZoomIn, "Zoom in", Trace, [plain(Key::W), plain(Key::Plus), plain(Key::Equals)],
        "Show less time, in more detail";
    ZoomOut, "Zoom out", Trace, [plain(Key::S), plain(Key::Minus)],
        "Show more time";
    PanLeft, "Earlier", Trace, [plain(Key::A)],
        "Move to earlier times";
    PanRight, "Later", Trace, [plain(Key::D)],
        "Move to later times";
    ClearSelection, "Select nothing", Trace, [plain(Key::Escape)],
        "Clear the selection";
    ColourBy, "Colour by place or task", Trace, [plain(Key::C)],
        "Colour polls by where the task was spawned, or each task in its own colour";
    ToggleTheme, "Dark or light", Nothing, [],
        "Change between dark and light colours";
    ShowPalette, "All commands…", Nothing, [ctrl_shift(Key::P)],
        "Find a command by its name";
    ShowKeys, "Keys", Nothing, [plain(Key::Questionmark), shift(Key::Questionmark), plain(Key::F1)],
        "Show the keys and what the mouse does";
}

impl Command {
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
    fn no_two_commands_have_the_same_title() {
        let titles: HashSet<_> = Command::ALL.iter().map(|c| c.spec().title).collect();
        assert_eq!(titles.len(), Command::ALL.len());
    }
}
