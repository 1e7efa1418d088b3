//! What becomes of files that are read: their traces open, grow and end.

use crate::app::App;
use crate::follow::Reach;
use crate::loading::{Loading, News, Placement};
use crate::open_trace::{Loaded, TraceId};
use crate::workspace::Workspace;

/// What is said of a trace that grows.
const FOLLOWING: &str = "following";
const BEGUN_AGAIN: &str = "following, begun again with a new file";

impl App {
    /// Takes in what was read. Files that were asked for together are opened in their order, so
    /// that the first named comes first and its clock is the axis, however long each takes.
    pub(crate) fn receive_loaded(&mut self) {
        let mut position = 0;
        while position < self.loadings.len() {
            let loading = &self.loadings[position];
            let is_first = self.loadings[..position]
                .iter()
                .all(|other| other.placement != loading.placement || other.opened.is_some());
            match if is_first { loading.news() } else { None } {
                None => position += 1,
                Some(News::Newer(newer)) => {
                    if let (Some(id), Some(workspace)) = (loading.opened, &mut self.workspace) {
                        self.jobs.free(workspace.replace(id, newer));
                    }
                }
                Some(News::Part(mut loaded)) => {
                    loaded.is_part = true;
                    // Out of the list, so that it does not go with what it takes the place of.
                    let mut loading = self.loadings.remove(position);
                    let id = self.loaded(&mut loading, *loaded);
                    loading.opened = Some(id);
                    if loading.follows {
                        self.followed(id, Some(FOLLOWING), true);
                    }
                    self.loadings.push(loading);
                    // What was in the list before may have gone.
                    position = 0;
                }
                Some(News::Again(loaded)) => {
                    let opened = loading.opened;
                    if let (Some(id), Some(workspace)) = (opened, &mut self.workspace) {
                        self.jobs.free(workspace.begin_again(id, *loaded));
                        self.followed(id, Some(BEGUN_AGAIN), true);
                    }
                }
                Some(News::Whole(loaded)) => {
                    let mut loading = self.loadings.remove(position);
                    self.loaded(&mut loading, *loaded);
                    position = 0;
                }
                Some(News::End) => {
                    let loading = self.loadings.remove(position);
                    self.ended(&loading);
                    if let Some(id) = loading.opened.filter(|_| loading.follows) {
                        self.followed(id, Some("recording finished"), false);
                    }
                }
                Some(News::Failed(error)) => {
                    let loading = self.loadings.remove(position);
                    self.ended(&loading);
                    if let Some(id) = loading.opened.filter(|_| loading.follows) {
                        self.followed(id, None, false);
                    }
                    // Of several files each may have its reason.
                    let before = self.error.take().map(|before| format!("{before}\n"));
                    self.error = Some(before.unwrap_or_default() + &error);
                }
            }
        }
    }

    /// Notes of a trace whether it is followed, and what is said of that.
    fn followed(&mut self, id: TraceId, said: Option<&'static str>, is_followed: bool) {
        let Some(workspace) = &mut self.workspace else { return };
        let Some(member) = workspace.member_mut(id) else { return };
        let begins = is_followed && !member.open.is_followed;
        member.open.is_followed = is_followed;
        member.open.is_part = is_followed;
        member.open.followed = said;
        if begins {
            workspace.show_end(id);
        }
    }

    /// Follows the file of a trace, or stops that.
    pub(crate) fn toggle_follow(&mut self, ctx: &egui::Context, id: TraceId) {
        let count = self.loadings.len();
        self.loadings.retain(|loading| !loading.follows || loading.opened != Some(id));
        if self.loadings.len() < count {
            self.followed(id, None, false);
            return;
        }
        let member = self.workspace.as_ref().and_then(|workspace| workspace.member(id));
        let Some(open) = member.map(|member| &member.open) else { return };
        // While it is read, it is not known how far it will reach.
        if let Some(path) = open.path.clone().filter(|_| !open.is_part) {
            let loading = Loading::follow(path, Some((id, Reach::of(open.trace()))), ctx);
            self.loadings.push(loading);
            self.followed(id, Some(FOLLOWING), true);
        }
    }

    /// What was opened in part is the whole, or all that can be read.
    fn ended(&mut self, loading: &Loading) {
        if let (Some(id), Some(workspace)) = (loading.opened, &mut self.workspace) {
            workspace.is_complete(id);
        }
    }

    /// Opens what was read.
    fn loaded(&mut self, loading: &mut Loading, mut loaded: Loaded) -> TraceId {
        loaded.look_for = loading.look_for.take();
        if let Some(path) = &loaded.path {
            self.recent.add(path);
        }
        let id = self.open(loaded, loading.placement);
        if loading.play
            && let Some(workspace) = &mut self.workspace
            && !workspace.clock.replay.is_playing()
        {
            workspace.clock.replay.toggle();
        }
        id
    }

    /// Gives a trace its place in the window.
    pub(crate) fn open(&mut self, loaded: Loaded, placement: Placement) -> TraceId {
        if let Placement::InPlace(group) = placement
            && self.group != group
        {
            self.group = group;
            self.error = None;
            self.close_all();
        }
        match &mut self.workspace {
            Some(workspace) => workspace.add(loaded),
            None => self.workspace.insert(Workspace::new(loaded)).active_id(),
        }
    }

    /// Stops reading; what was opened of it in part is closed.
    pub(crate) fn stop_loading(&mut self, which: impl Fn(&Loading) -> bool) {
        let stopped: Vec<Loading> =
            self.loadings.extract_if(.., |loading| which(loading)).collect();
        for id in stopped.iter().filter_map(|loading| loading.opened) {
            self.close(id);
        }
    }
}
