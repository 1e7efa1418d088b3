//! `taskscope lesson new`: a folder with a lesson to go on from.

use std::path::Path;

use taskscope_model::Trace;

use super::args::NewArgs;
use crate::error::Error;
use crate::{output, trace};

pub(super) fn run(args: &NewArgs) -> Result<(), Error> {
    let NewArgs { folder, from } = args;
    if folder.exists() {
        return Err(Error::Exists { path: folder.clone() });
    }
    let trace = trace::open(from)?;
    let text = template(&trace);
    let keep = |path: &Path, result: std::io::Result<()>| {
        result.map_err(|source| Error::Keep { path: path.to_owned(), source })
    };
    keep(folder, std::fs::create_dir_all(folder))?;
    let copy = folder.join(format!("trace.{}", taskscope_format::EXTENSION));
    keep(&copy, std::fs::copy(from, &copy).map(drop))?;
    let lesson = folder.join("lesson.md");
    keep(&lesson, std::fs::write(&lesson, text))?;
    let shown = folder.display();
    output::print(&format!(
        "a lesson to go on from: {}\n`taskscope lesson {shown}` shows it, `taskscope lesson check {shown}` says what is wrong with it\n",
        lesson.display()
    ))
}

/// A lesson of two steps about whatever there is in the trace.
fn template(trace: &Trace) -> String {
    let workers: usize = trace.runtimes().iter().map(|runtime| runtime.workers.len()).sum();
    let tasks = trace.tasks().filter(|task| task.is_async()).count();
    let at = if trace.hop_count() > 0 { "hop 1" } else { "poll 1" };
    format!(
        r#"+++
title = "A lesson"
summary = "What it shows, in a sentence."
[traces]
A = "trace.tscope"
+++
What stands here is read first. There are {{= tasks}} tasks.

## The whole run

```step
show = "lanes"
at = "start"
view = "all"
claims = ["tasks == {tasks}", "workers == {workers}"]
```

Say what there is to see. The claims above are checked by `taskscope lesson check`: what you write of the program, its
trace has to show.

## A closer look

```step
show = "stage"
at = "{at}"
view = "1ms"
pace = "events 2"
play = "forward"
```

Moments are named by what happens then, such as `{at}` or `end of 'name of a task'`, so that the lesson also fits another run.

```question
ask = "How many workers does this runtime have?"
then = "Each of them is a thread."
[[answers]]
text = "one"
claim = "workers <= 1"
[[answers]]
text = "several"
claim = "workers > 1"
```
"#
    )
}
