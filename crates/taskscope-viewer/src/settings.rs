//! How a person likes the window, kept from one run to the next: colours, the size of its text, and where the panels of a
//! trace are.

use std::path::PathBuf;

use egui::Theme;
use egui_tiles::Tree;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::theme;
use crate::workspace::{PanelId, PanelKind};

/// Text is so many times as large in a step.
const STEP: f32 = 1.1;
/// The least and the most.
const SIZES: (f32, f32) = (0.6, 2.5);

/// See [the module](self).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// Where they are kept; `None` keeps nothing.
    #[serde(skip)]
    file: Option<PathBuf>,
    theme: Option<Theme>,
    pub(crate) high_contrast: bool,
    /// How many times as large as usual everything is; 0 for the usual.
    text_size: f32,
    /// The panels of one trace, if somebody has moved them.
    pub(crate) panels: Option<Tree<PanelId>>,
    /// The panels that somebody has opened that are closed at first, or closed that are open, if none was moved.
    pub(crate) toggled: Vec<PanelKind>,
}

impl Settings {
    /// Those kept in `file`; the usual ones where it cannot be read: it is written by this program alone.
    pub(crate) fn load(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let settings = text.and_then(|text| serde_json::from_str::<Self>(&text).ok());
        Self { file, ..settings.unwrap_or_default() }
    }

    /// Where they are kept by default.
    pub(crate) fn default_file() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "taskscope")?;
        Some(folders.config_dir().join("window.json"))
    }

    /// Errors are ignored: the window begins with the usual settings then.
    fn save(&self) {
        let Some(file) = &self.file else { return };
        if let Some(folder) = file.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        if let Ok(text) = serde_json::to_string_pretty(self) {
            let _ = std::fs::write(file, text);
        }
    }
}

impl App {
    /// Takes on how a person liked the window last.
    pub(crate) fn take_on(&mut self, ctx: &egui::Context, settings: Settings) {
        if let Some(theme) = settings.theme {
            ctx.set_theme(theme);
        }
        theme::install(ctx, settings.high_contrast);
        if settings.text_size > 0.0 {
            ctx.set_zoom_factor(settings.text_size.clamp(SIZES.0, SIZES.1));
        }
        self.settings = settings;
    }

    /// Keeps how the window is now.
    pub(crate) fn keep_settings(&mut self, ctx: &egui::Context) {
        self.remember_panels();
        self.settings.theme = Some(ctx.theme());
        self.settings.text_size = ctx.zoom_factor();
        self.settings.save();
    }

    /// Remembers where the panels of the only trace are, if somebody has moved them.
    pub(crate) fn remember_panels(&mut self) {
        let is_own = self.course.is_none() && self.presenting.is_none();
        if let Some(workspace) = self.workspace.as_ref().filter(|_| is_own)
            && workspace.members().len() == 1
        {
            self.settings.panels = workspace.layout.moved().cloned();
            self.settings.toggled = workspace.layout.toggled(workspace.active_id());
        }
    }

    /// Changes between high contrast and the usual colours.
    pub(crate) fn toggle_contrast(&mut self, ctx: &egui::Context) {
        self.settings.high_contrast = !self.settings.high_contrast;
        theme::install(ctx, self.settings.high_contrast);
    }
}

/// Makes everything larger, or smaller by a negative number of steps.
pub(crate) fn resize_text(ctx: &egui::Context, steps: i32) {
    let size = ctx.zoom_factor() * STEP.powi(steps);
    ctx.set_zoom_factor(size.clamp(SIZES.0, SIZES.1));
}
