//! `taskscope render`: a trace as a picture.

use std::path::Path;

use taskscope_model::{TaskIx, Trace};
use taskscope_viewer::RenderOptions;

use crate::args::RenderArgs;
use crate::error::Error;
use crate::{film, human, output, trace};

pub(crate) fn run(args: &RenderArgs) -> Result<(), Error> {
    let trace = trace::open(&args.file)?;
    let stretch = args.film.film;
    let usual = if stretch.is_some() { [960, 600] } else { [1600, 1000] };
    let options = RenderOptions {
        size: args.size.unwrap_or(usual),
        scale: args.scale.into(),
        theme: args.theme.into(),
        span: args.span,
        stage: args.stage,
        at: args.at.map(|at| playhead(&args.file, &trace, at)).transpose()?,
        find: args.find.clone(),
        why: args.why,
        select: args.select.as_deref().map(|task| find(&args.file, &trace, task)).transpose()?,
    };
    if let Some(stretch) = stretch {
        return film::make(trace, &args.file, &args.out, &args.film, stretch, options);
    }
    picture(trace, &args.file, &args.out, &options)?;
    output::print(&format!("picture written to {}\n", args.out.display()))
}

/// Draws a trace that was read from `file` into `out`.
pub(crate) fn picture(
    trace: Trace,
    file: &Path,
    out: &Path,
    options: &RenderOptions,
) -> Result<(), Error> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let png = taskscope_viewer::render(trace, &name, options)
        .map_err(|source| Error::Draw { path: file.to_owned(), source })?;
    std::fs::write(out, png).map_err(|source| Error::Write { path: out.to_owned(), source })
}

/// A time from the start of the trace as one of the trace's clock.
fn playhead(path: &Path, trace: &Trace, at: u64) -> Result<u64, Error> {
    let span = trace.span();
    let lasts = span.end - span.start;
    if at > lasts {
        let times = human::distinct_times([lasts, at]);
        return Err(Error::BehindTheEnd { path: path.to_owned(), times });
    }
    Ok(span.start + at)
}

/// The task that a person means by an id or a name.
fn find(path: &Path, trace: &Trace, asked: &str) -> Result<TaskIx, Error> {
    let by_id = trace.tasks().position(|task| task.id.to_string() == asked);
    if let Some(position) = by_id {
        return Ok(TaskIx(position as u32));
    }
    let named = |&task: &TaskIx| trace.task_name(task) == asked;
    let tasks = (0..trace.task_count() as u32).map(TaskIx);
    let found: Vec<TaskIx> = tasks.clone().filter(named).collect();
    let id = |task: &TaskIx| trace.task(*task).id.to_string();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let known = tasks.map(|task| trace.task_name(task)).collect();
            Err(Error::NoSuchTask { path: path.to_owned(), asked: asked.to_owned(), known })
        }
        _ => {
            let (asked, ids) = (asked.to_owned(), found.iter().map(id).collect());
            Err(Error::SeveralTasks { path: path.to_owned(), asked, ids })
        }
    }
}
