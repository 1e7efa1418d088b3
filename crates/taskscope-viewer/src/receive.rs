//! What becomes of files that are read: their traces open, grow and end.

use std::time::Instant;

use crate::app::App;
use crate::follow::Reach;
use crate::following::Following;
use crate::loading::{Loading, News, Placement};
use crate::open_trace::{Loaded, OpenTrace, TraceId};
use crate::session::Session;
use crate::workspace::{Before, Workspace};

impl App {
    /// Takes in what was read. Files that were asked for together are opened in their order, so
    /// that the first named comes first and its clock is the axis, however long each takes.
    pub(crate) fn receive_loaded(&mut self, ctx: &egui::Context) {
        self.receive_session(ctx);
        self.go_to_spot();
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
                    let before = self.workspace.as_ref().map(Workspace::before);
                    let id = self.loaded(&mut loading, *loaded);
                    loading.opened = Some(id);
                    if loading.follows {
                        self.follows(id, loading.begun, before);
                    }
                    self.loadings.push(loading);
                    // What was in the list before may have gone.
                    position = 0;
                }
                Some(News::Again(loaded)) => {
                    let opened = loading.opened;
                    if let (Some(id), Some(workspace)) = (opened, &mut self.workspace) {
                        self.jobs.free(workspace.begin_again(id, *loaded));
                        let now = ctx.input(|input| input.time);
                        self.set_following(id, Some(Following::begun_again(now)));
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
                        self.followed_to_its_end(id);
                    }
                }
                Some(News::Failed(error)) => {
                    let loading = self.loadings.remove(position);
                    self.ended(&loading);
                    if let Some(id) = loading.opened.filter(|_| loading.follows) {
                        self.set_following(id, None);
                    }
                    // Of several files each may have its reason.
                    let before = self.error.take().map(|before| format!("{before}\n"));
                    self.error = Some(before.unwrap_or_default() + &error);
                }
            }
        }
    }

    /// Follows what the command records that the window was opened for.
    fn receive_session(&mut self, ctx: &egui::Context) {
        let Some(session) = self.options.session.clone() else { return };
        if session.is_closing() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        for path in session.take_files() {
            self.loadings.push(Loading::follow(path, None, Some(session.clone()), ctx));
        }
    }

    fn set_following(&mut self, id: TraceId, following: Option<Following>) {
        let member = self.workspace.as_mut().and_then(|workspace| workspace.member_mut(id));
        let Some(member) = member else { return };
        member.open.is_part = following.is_some_and(|following| following.is_on().is_some());
        member.open.following = following;
    }

    /// A trace is followed from now on. `before` is where the window was before it was opened, if
    /// it has been just now.
    fn follows(&mut self, id: TraceId, since: Instant, before: Option<Before>) {
        self.set_following(id, Some(Following::since(since)));
        let Some(workspace) = &mut self.workspace else { return };
        if self.options.session.is_some() && !workspace.is_aligned_by_clock() && before.is_none() {
            workspace.align_clocks();
        }
        match before.filter(Before::has_end) {
            Some(before) => workspace.keep_end(&before),
            None => workspace.show_end(id),
        }
    }

    /// The file of a trace was followed until nothing more can come.
    fn followed_to_its_end(&mut self, id: TraceId) {
        let member = self.workspace.as_ref().and_then(|workspace| workspace.member(id));
        let is_whole = member.is_some_and(|member| member.open.trace().report().complete);
        self.set_following(
            id,
            Some(if is_whole { Following::Finished } else { Following::Unfinished }),
        );
    }

    /// Follows the file of a trace, or stops that.
    pub(crate) fn toggle_follow(&mut self, ctx: &egui::Context, id: TraceId) {
        let count = self.loadings.len();
        self.loadings.retain(|loading| !loading.follows || loading.opened != Some(id));
        if self.loadings.len() < count {
            self.set_following(id, None);
            return;
        }
        let before = self.workspace.as_ref().map(Workspace::before);
        let member = self.workspace.as_ref().and_then(|workspace| workspace.member(id));
        let Some(open) = member.map(|member| &member.open) else { return };
        // While it is read, it is not known how far it will reach.
        if let Some(path) = open.path.clone().filter(|_| !open.is_part) {
            let open = Some((id, Reach::of(open.trace())));
            let loading = Loading::follow(path, open, None, ctx);
            let since = loading.begun;
            self.loadings.push(loading);
            self.follows(id, since, before);
        }
    }

    /// Goes where the window was asked to begin, once all is there.
    fn go_to_spot(&mut self) {
        let is_whole = |open: &OpenTrace| !open.is_part;
        if let Some(workspace) = &mut self.workspace
            && workspace.active().is_some_and(is_whole)
            && let Some(spot) = self.spot.take()
        {
            workspace.go_to_spot(&spot);
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
        let is_temporary = self.options.session.as_ref().is_some_and(Session::is_temporary);
        if let Some(path) =
            loaded.path.as_ref().filter(|_| !(loading.is_of_session && is_temporary))
        {
            self.recent.add(path);
        }
        let id = self.open(loaded, loading.placement);
        if loading.play
            && let Some(workspace) = &mut self.workspace
            && !workspace.clock.replay.is_playing()
        {
            workspace.play_as_demo(id);
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
            None => {
                let workspace = self.workspace.insert(Workspace::new(loaded));
                let settings = &self.settings;
                workspace.layout.take_on(settings.panels.as_ref(), &settings.toggled);
                workspace.active_id()
            }
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
