//! What can go wrong, each in one message that says what was expected, what was
//! found, and what to do.

use std::io;
use std::path::PathBuf;

use taskscope_model::OpenError;
use taskscope_viewer::{RenderError, ViewError};

use crate::human;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "cannot read {}: {source}; expected a trace file (`taskscope demo` makes one)",
        path.display()
    )]
    Read { path: PathBuf, source: io::Error },

    #[error(
        "cannot list {}: {source}; name a directory that holds black boxes",
        path.display()
    )]
    List { path: PathBuf, source: io::Error },

    #[error("cannot open {}: {source}", path.display())]
    Open { path: PathBuf, source: OpenError },

    #[error(
        "cannot write {}: {source}; name a file in a directory that exists and can be written to",
        path.display()
    )]
    Write { path: PathBuf, source: io::Error },

    #[error(
        "cannot create {}: {source}; name a place for the recordings that can be written to",
        path.display()
    )]
    Keep { path: PathBuf, source: io::Error },

    #[error("{} has %p or %e in the name of a directory; only a file's name can have them", path.display())]
    PercentInDirectory { path: PathBuf },

    #[error("cannot start `{program}`: {source}; {hint}")]
    Start { program: String, source: io::Error, hint: &'static str },

    #[error("cannot wait for `{program}`: {source}")]
    Wait { program: String, source: io::Error },

    #[error("cannot write to standard output: {0}")]
    Print(io::Error),

    #[error("the summary cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),

    #[error(
        "{} lasts {}, and --at asks for {} from its start; ask for a time within it",
        path.display(), times[0], times[1]
    )]
    BehindTheEnd { path: PathBuf, times: [String; 2] },

    #[error(
        "{} has no task with the id or name `{asked}`; it has {}",
        path.display(), human::some_of(known)
    )]
    NoSuchTask { path: PathBuf, asked: String, known: Vec<String> },

    #[error(
        "{} has {} tasks with the name `{asked}`; select one by its id: {}",
        path.display(), ids.len(), human::some_of(ids)
    )]
    SeveralTasks { path: PathBuf, asked: String, ids: Vec<String> },

    #[error(
        "{} lasts {}, and --film asks for {} from its start; ask for a stretch within it",
        path.display(), times[0], times[1]
    )]
    FilmBehindTheEnd { path: PathBuf, times: [String; 2] },

    #[error(
        "{} does not say what the film is to be; call it OUT.gif, OUT.webm, or OUT-%d.png for its frames",
        path.display()
    )]
    FilmFormat { path: PathBuf },

    #[error(
        "the film would have more than {most} frames; show a shorter stretch, or let it pass faster \
         (--hops, --events or --seconds)"
    )]
    LongFilm { most: usize },

    #[error("{} cannot be a GIF: no side of one has more than 65,535 pixels", path.display())]
    LargeFilm { path: PathBuf },

    #[error("cannot encode {}: {source}", path.display())]
    Encode { path: PathBuf, source: io::Error },

    #[error(
        "cannot write {}: {source}; WebM needs ffmpeg with libvpx-vp9, and OUT.gif needs nothing",
        path.display()
    )]
    Webm { path: PathBuf, source: io::Error },

    #[error("cannot draw {}: {source}", path.display())]
    Draw { path: PathBuf, source: RenderError },

    #[error(
        "{source}. Without a window, `taskscope render FILE -o OUT.png` draws the same view as a \
         picture and `taskscope summary FILE` prints its figures; `xvfb-run taskscope view FILE` \
         opens the window on a display in memory"
    )]
    View { source: ViewError },

    #[error("cannot measure {}: {reason}", path.display())]
    Bench { path: PathBuf, reason: String },

    #[error(transparent)]
    Generate(#[from] taskscope_generate::Error),

    #[error(transparent)]
    Record(#[from] taskscope::Error),

    #[error("there is no lesson {number}; `taskscope lesson` lists those that there are")]
    NoLesson { number: u32 },

    #[error("the lesson in {} has something wrong: {fault}; `taskscope lesson check` says all of it", path.display())]
    Lesson { path: PathBuf, fault: String },

    #[error("{count} {} wrong with the lesson", if *count == 1 { "thing is" } else { "things are" })]
    FaultyLesson { count: usize },

    #[error(
        "the program of lesson {number} has no parameter `{name}`; it has {}",
        human::some_of(known)
    )]
    NoParameter { number: u32, name: String, known: Vec<String> },

    #[error("the program of lesson {number} failed: {source}")]
    LessonProgram { number: u32, source: io::Error },

    #[error("the lesson's program ended with {status}")]
    LessonProcess { status: std::process::ExitStatus },

    #[error("{} is there already; name a folder that is not", path.display())]
    Exists { path: PathBuf },

    #[error("the demo `{name}` failed: {source}")]
    Demo { name: &'static str, source: io::Error },

    #[error(
        "this build of taskscope comes with recordings of its demos and cannot run them with {option}: \
         that needs one that was compiled with RUSTFLAGS=\"--cfg tokio_unstable\""
    )]
    DemoNeedsTokioUnstable { option: &'static str },

    #[error("cannot record: this process has a tracing subscriber already")]
    Subscriber,

    #[cfg(feature = "console")]
    #[error(
        "console_subscriber cannot serve on {address}: {source}; another program with \
         console_subscriber may be running: end it, or run the demo without --console"
    )]
    Console { address: std::net::SocketAddr, source: io::Error },
}

impl Error {
    /// Whether the reader of our output stopped reading.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Print(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}
