//! The keys of commands: which were pressed, and how they are written.

use egui::{Key, KeyboardShortcut, Modifiers};

use crate::command::Command;

impl Command {
    /// The key that calls it, as text: `Ctrl+O`. Empty where there is none.
    pub(crate) fn key_text(&self, ctx: &egui::Context) -> String {
        self.key_texts(ctx).into_iter().next().unwrap_or_default()
    }

    /// All keys that call it, as text.
    pub(crate) fn key_texts(&self, ctx: &egui::Context) -> Vec<String> {
        let mut texts: Vec<String> =
            self.spec().keys.iter().map(|&key| key_text(key, ctx)).collect();
        texts.dedup();
        texts
    }

    /// The tooltip of a widget that calls it.
    pub(crate) fn tooltip(&self, ctx: &egui::Context) -> String {
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
        let with_key =
            |command: Self| command.spec().keys.iter().map(move |&key| (command.clone(), key));
        let mut keys: Vec<(Self, KeyboardShortcut)> = Self::all().flat_map(with_key).collect();
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
        Key::ArrowLeft | Key::ArrowRight | Key::ArrowUp | Key::ArrowDown => logical_key.name(),
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
