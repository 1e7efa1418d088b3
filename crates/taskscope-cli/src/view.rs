//! `taskscope view`: the window.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use taskscope_demos::DEMOS;
use taskscope_format::black_box;
use taskscope_viewer::{DemoEntry, IndexCache, Options, RunDemo, Spot};

use crate::args::ViewArgs;
use crate::error::Error;

pub(crate) fn run(args: &ViewArgs) -> Result<(), Error> {
    // An error about a file belongs into the terminal in which the file was named, not into a
    // window. The window opens the file once more by itself.
    // (What is followed need not be there yet.)
    if !args.follow {
        args.files.iter().try_for_each(|file| check(file))?;
    }
    let ViewArgs { task, at, range, find, .. } = args.clone();
    let spot = Spot { task, at, range, find };
    let (files, follow) = (args.files.clone(), args.follow);
    window(Options { files, follow, spot, ..Options::default() })
}

/// Opens the window with the demos to choose from, and returns when it is closed.
pub(crate) fn window(options: Options) -> Result<(), Error> {
    let demos = DEMOS.iter().map(|demo| DemoEntry {
        name: demo.name.to_owned(),
        description: demo.summary.to_owned(),
        look_for: demo.look_for.to_owned(),
        is_sick: !demo.findings.is_empty(),
    });
    let run_demo: RunDemo = Arc::new(record_elsewhere);
    let (run_demo, indexes) = (Some(run_demo), IndexCache::of_user());
    let lessons = options.lessons.clone().or_else(|| Some(crate::lesson::offered(None)));
    let options = Options { demos: demos.collect(), run_demo, indexes, lessons, ..options };
    #[cfg(feature = "profile")]
    let _server = profile();
    taskscope_viewer::run(options).map_err(|source| Error::View { source })
}

/// Serves what frames take to `puffin_viewer`, for as long as what is given back lives.
#[cfg(feature = "profile")]
fn profile() -> Option<puffin_http::Server> {
    const ADDRESS: &str = "127.0.0.1:8585";
    puffin::set_scopes_on(true);
    match puffin_http::Server::new(ADDRESS) {
        Ok(server) => {
            crate::output::notice(&format!("what frames take: puffin_viewer --url {ADDRESS}"));
            Some(server)
        }
        Err(error) => {
            crate::output::notice(&format!("cannot serve on {ADDRESS}: {error}"));
            None
        }
    }
}

/// Reads so much of a file that it is known whether it is a trace.
fn check(path: &Path) -> Result<(), Error> {
    use std::io::Read;

    const HEADER: u64 = 1024;
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(HEADER).read_to_end(&mut head))
        .map_err(|source| Error::Read { path: path.to_owned(), source })?;
    let opened = match black_box::is_black_box(&head) {
        true => black_box::state(&head).map(drop),
        false => taskscope_format::Reader::new(&head).map(drop),
    };
    opened.map_err(|source| Error::Open { path: path.to_owned(), source })
}

/// Records a demo in a process of its own, so that this one, whose window is
/// open, is not recorded with it.
fn record_elsewhere(name: &str) -> Result<PathBuf, String> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let file_name = format!(
        "taskscope-demo-{name}-{}-{run}.{}",
        std::process::id(),
        taskscope_format::EXTENSION
    );
    let out = std::env::temp_dir().join(file_name);
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot find this program to run the demo with: {error}"))?;
    let output = Command::new(program)
        .args(["demo", name, "--no-view", "--out"])
        .arg(&out)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start the demo: {error}"))?;
    if output.status.success() {
        return Ok(out);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(match said.trim() {
        "" => format!("the demo ended with {}", output.status),
        said => said.trim_start_matches("error: ").to_owned(),
    })
}
