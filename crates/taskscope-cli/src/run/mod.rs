//! `taskscope run`: runs a program that records itself, and shows what it records.
//!
//! Three things go on at a time. The *program* has the terminal. A thread, the *supervisor*, looks
//! every 20 ms whether it has ended, whether recordings have appeared, and whether signals have
//! come. The *window* has the main thread, as windowing systems want it; it learns of recordings by
//! a [`Session`].
//!
//! The window waits a second before it opens, or until something is recorded: a program that fails
//! at once or has no recorder needs none, and its message belongs into the terminal.

mod args;
mod signals;
mod target;

use std::fmt::Write;
use std::io::{self, ErrorKind};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use taskscope_viewer::{Options, Session};

use crate::error::Error;
use crate::{human, output, summary, trace, view};
pub(crate) use args::RunArgs;
use signals::Signals;
use target::Target;

/// So often the supervisor looks.
const LOOK: Duration = Duration::from_millis(20);
/// A program that does nothing to be seen for so long gets its window all the same.
const PATIENCE: Duration = Duration::from_secs(1);

/// taskscope itself has failed, as with `env` and `timeout`.
const FAILED: u8 = 125;
/// The program is there and cannot be started.
const NOT_STARTED: u8 = 126;
/// There is no such program.
const NOT_FOUND: u8 = 127;

/// Runs the program; returns its exit code.
pub(crate) fn run(args: &RunArgs) -> ExitCode {
    match start_and_show(args) {
        Ok(status) => exit_code(status),
        Err(error) => {
            output::complain(&error);
            ExitCode::from(match &error {
                Error::Start { source, .. } if source.kind() == ErrorKind::NotFound => NOT_FOUND,
                Error::Start { .. } => NOT_STARTED,
                _ => FAILED,
            })
        }
    }
}

fn start_and_show(args: &RunArgs) -> Result<ExitStatus, Error> {
    let set = std::env::var_os(target::VARIABLE).filter(|value| !value.is_empty());
    let target = Target::new(args.keep.as_deref(), set.map(PathBuf::from))?;
    // Before the program is there: none that comes then is lost.
    let signals = Signals::new().map_err(|source| Error::Wait { program: name(args), source })?;
    let child = start(args, &target)?;
    let session = Session::new(command_line(args), target.recordings());
    let is_temporary = target.is_temporary();
    let pattern = target.pattern.clone();

    let (news, has_news) = channel();
    let may_end = Arc::new(AtomicBool::new(false));
    let supervisor = Supervisor {
        child,
        target,
        signals,
        session: session.clone(),
        may_end: may_end.clone(),
        news,
    };
    let supervisor = std::thread::spawn(move || supervisor.run());

    let mut is_shown = false;
    if !args.no_view && taskscope_viewer::display_missing().is_none() {
        let first = has_news.recv_timeout(PATIENCE);
        if !matches!(first, Ok(News::Ended)) {
            is_shown = show(session);
        }
    }
    if is_shown && !has_news.try_iter().any(|news| matches!(news, News::Ended)) {
        output::notice(&format_args!(
            "the window is closed, and `{}` runs on{}",
            name(args),
            match is_temporary {
                true => "; what it records is removed when it ends (--keep keeps it)",
                false => "",
            }
        ));
    }
    may_end.store(true, Ordering::Relaxed);
    let Ok(mut done) = supervisor.join() else {
        let source = io::Error::other("the thread that waits has failed");
        return Err(Error::Wait { program: name(args), source });
    };

    let files = done.target.settle()?;
    if files.is_empty() {
        output::notice(&nothing_recorded(args, &pattern));
    } else if !is_shown {
        print_summaries(&files);
    }
    let whereabouts = whereabouts(&files, is_temporary);
    // What is temporary is removed here.
    drop(done.target);
    // The window has said so before.
    if !files.is_empty() && (!is_temporary || !is_shown) {
        output::notice(&whereabouts);
    }
    done.status.map_err(|source| Error::Wait { program: name(args), source })
}

/// Opens the window until it is closed; whether there was one. It is recorded all the same.
fn show(session: Session) -> bool {
    let options = Options { session: Some(session), ..Options::default() };
    // Whatever a window system does, the program has its exit code.
    let window = std::panic::catch_unwind(AssertUnwindSafe(|| view::window(options)));
    match window {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => output::notice(&error),
        // The panic has been printed.
        Err(_) => output::notice(&"the window has failed; the program runs on"),
    }
    false
}

fn start(args: &RunArgs, target: &Target) -> Result<Child, Error> {
    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]);
    if let Some(file) = &target.variable {
        command.env(target::VARIABLE, file);
    }
    if let Some(detail) = &args.detail {
        command.env("TASKSCOPE_DETAIL", detail);
    }
    command.spawn().map_err(|source| {
        let hint = match source.kind() {
            ErrorKind::NotFound => "name a program in PATH or a path to one, as in `./app`",
            ErrorKind::PermissionDenied => "name a file that can be executed",
            _ => "start it without taskscope to see whether it can be",
        };
        Error::Start { program: name(args), source, hint }
    })
}

/// What the supervisor reports to the main thread.
enum News {
    Recorded,
    Ended,
}

/// Looks after the program while the main thread has the window.
struct Supervisor {
    child: Child,
    target: Target,
    signals: Signals,
    session: Session,
    /// Whether the window is closed, if there was one.
    may_end: Arc<AtomicBool>,
    news: Sender<News>,
}

/// What the supervisor leaves.
struct Done {
    target: Target,
    status: io::Result<ExitStatus>,
}

impl Supervisor {
    fn run(mut self) -> Done {
        let mut ended = None;
        loop {
            let mut has_just_ended = false;
            // First: what it has recorded is there when it has ended.
            if ended.is_none() {
                ended = self.child.try_wait().transpose();
                has_just_ended = ended.is_some();
            }
            // Processes that it leaves behind may still begin to record.
            for file in self.target.look(has_just_ended) {
                self.session.join(file);
                self.report(News::Recorded);
            }
            if has_just_ended && let Some(status) = &ended {
                self.session.command_ended(words(status));
                self.report(News::Ended);
            }
            if self.signals.take(ended.is_none().then(|| self.child.id())) && ended.is_some() {
                self.session.close();
            }
            match ended {
                Some(status) if self.may_end.load(Ordering::Relaxed) => {
                    return Done { target: self.target, status };
                }
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    fn report(&self, news: News) {
        // The main thread may be past the point where it matters.
        let _ = self.news.send(news);
    }
}

/// How the program has ended, after its name.
fn words(status: &io::Result<ExitStatus>) -> String {
    let Ok(status) = status else { return "cannot be waited for".to_owned() };
    if let Some(code) = status.code() {
        return format!("has ended with exit code {code}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;

        if let Some(signal) = status.signal() {
            let name = signal_hook::low_level::signal_name(signal);
            let name = name.map_or_else(|| format!("signal {signal}"), str::to_owned);
            return format!("was ended by {name}");
        }
    }
    "has ended".to_owned()
}

/// The program's exit code, as a shell has it.
fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;

        if let Some(signal) = status.signal() {
            return ExitCode::from(128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)));
        }
    }
    // More than a byte there is on Windows alone, and then it is an exception's.
    let code = status.code().unwrap_or(FAILED.into());
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

fn name(args: &RunArgs) -> String {
    args.command[0].to_string_lossy().into_owned()
}

/// The command in a line: the program without its directory, and as many arguments as there is
/// room for.
fn command_line(args: &RunArgs) -> String {
    const MOST: usize = 60;
    let program = Path::new(&args.command[0]);
    let program = program.file_name().unwrap_or(program.as_os_str());
    let mut line = program.to_string_lossy().into_owned();
    for argument in &args.command[1..] {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    // A script after `sh -c` may have several lines.
    let mut line = line.replace(char::is_control, " ");
    if let Some((cut, _)) = line.char_indices().nth(MOST) {
        line.truncate(cut);
        line.push('…');
    }
    line
}

fn nothing_recorded(args: &RunArgs, pattern: &Path) -> String {
    let mut text = format!(
        "`{}` has recorded nothing: expected it, or a process that it starts, to record to {} (the \
         environment variable {}), and found no such file. A program records itself if it has the \
         crate `taskscope`, and `#[taskscope::main]` in place of `#[tokio::main]` or \
         `let _recording = taskscope::init();` as the first line of main; one that names its file \
         itself, with `.file(…)`, does not go by the variable",
        command_line(args),
        pattern.display(),
        target::VARIABLE,
    );
    for variable in ["TASKSCOPE", "TASKSCOPE_KEEP", "TASKSCOPE_BLACK_BOX"] {
        if let Some(value) = std::env::var_os(variable).filter(|value| !value.is_empty()) {
            let value = value.to_string_lossy();
            let _ = match variable {
                "TASKSCOPE" => write!(text, "; {variable}={value} says when it records"),
                "TASKSCOPE_KEEP" => {
                    write!(text, "; {variable}={value} keeps events in memory until a dump")
                }
                _ => write!(
                    text,
                    "; {variable}={value} has the events instead: `taskscope boxes` shows them"
                ),
            };
        }
    }
    text
}

/// The figures on standard error: standard output is the program's.
fn print_summaries(files: &[PathBuf]) {
    for file in files {
        match trace::summary(file) {
            Ok(figures) => output::on_the_side(&format!(
                "\n{}\n{}",
                file.file_name().unwrap_or_default().to_string_lossy(),
                summary::text(&figures)
            )),
            Err(error) => output::complain(&error),
        }
    }
}

fn whereabouts(files: &[PathBuf], is_temporary: bool) -> String {
    if is_temporary {
        return format!(
            "{} removed; --keep DIR keeps what is recorded",
            match files.len() {
                1 => "the recording is".to_owned(),
                count => format!("{count} recordings are"),
            }
        );
    }
    let named: Vec<String> = files
        .iter()
        .map(|file| {
            let size = file.metadata().map_or(0, |metadata| metadata.len());
            format!("{} ({})", file.display(), human::bytes(size))
        })
        .collect();
    format!("recorded to {}", human::some_of(&named))
}
