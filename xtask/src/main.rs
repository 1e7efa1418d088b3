//! `cargo xtask`: what people who work on taskscope do again and again.

mod engine;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What people who work on taskscope do again and again")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run what must hold before a change is taken, or some steps of it
    Ci {
        /// The steps; all of them without
        steps: Vec<String>,
    },
    /// Measure what recording costs, beside other recorders
    Bench {
        /// Arguments of the bench, such as `--rounds 9 --workloads storm`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Measure what a trace of ten million polls costs the window, within generous bounds
    Engine,
    /// Record the demos anew for builds that cannot (demos/recordings)
    Recordings,
    /// Draw the pictures of the README anew (assets)
    Screenshots,
    /// Draw the reference pictures of the viewer's tests anew; look at them before you commit
    Snapshots,
}

/// The demos of which a recording is kept.
const DEMOS: [&str; 10] = [
    "migration",
    "server",
    "yields",
    "single",
    "blocking",
    "starving",
    "convoy",
    "selfwake",
    "leak",
    "hugefuture",
];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
    let shell = Shell { root: root.unwrap_or_default() };
    let done = match Arguments::parse().task {
        Task::Ci { steps } => shell.run("bash", &[&[".ci/run".to_owned()][..], &steps].concat()),
        Task::Bench { arguments } => {
            let own = "run --release --manifest-path crates/taskscope-bench/Cargo.toml --";
            shell.run("cargo", &[words(own), arguments].concat())
        }
        Task::Engine => engine::check(&shell.root),
        Task::Recordings => DEMOS.iter().all(|demo| {
            shell.taskscope(&format!("demo {demo} --no-view --out demos/recordings/{demo}.tscope"))
        }),
        Task::Screenshots => {
            let traces = "crates/taskscope-viewer/tests/traces";
            shell.taskscope(&format!(
                "render {traces}/migration.tscope -o assets/screenshot-dark.png --select 6 --theme dark"
            )) && shell.taskscope(&format!(
                "render {traces}/server.tscope -o assets/screenshot-light.png --select 5 --theme light"
            )) && shell.taskscope(&format!(
                "render {traces}/migration.tscope -o assets/screenshot-stage.png --stage --size 1280x760"
            )) && shell.taskscope(
                "render demos/recordings/blocking.tscope -o assets/screenshot-wrong.png --select 55 --at 270ms --span 60ms"
            )
        }
        Task::Snapshots => shell.run_with(
            "cargo",
            &words("test -p taskscope-viewer --test pictures"),
            &[("UPDATE_SNAPSHOTS", "1")],
        ),
    };
    if done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

struct Shell {
    root: PathBuf,
}

impl Shell {
    fn taskscope(&self, line: &str) -> bool {
        let own = "run --release --quiet -p taskscope-cli --";
        self.run("cargo", &[words(own), words(line)].concat())
    }

    fn run(&self, program: &str, arguments: &[String]) -> bool {
        self.run_with(program, arguments, &[])
    }

    /// Returns whether it succeeded; a program that failed has printed why.
    fn run_with(&self, program: &str, arguments: &[String], set: &[(&str, &str)]) -> bool {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.root).envs(set.iter().copied());
        match command.status() {
            Ok(status) => status.success(),
            Err(error) => {
                eprintln!("cannot run {program}: {error}");
                false
            }
        }
    }
}
