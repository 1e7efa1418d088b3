//! `taskscope run` with programs that record themselves: this test binary, as a process of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Run, Sandbox};

/// How the program is started that records itself.
fn program() -> [String; 6] {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    let [exact, name, ignored, nocapture, threads] =
        ["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"].map(str::to_owned);
    [program, exact, name, ignored, nocapture, threads]
}

/// Its file name, without what stands before a file of its name and process.
fn program_name() -> String {
    Path::new(&program()[0]).file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child() {
    let Ok(does) = std::env::var("CHILD") else { return };
    if does == "starts two" {
        // One after the other: the second must not replace what the first has recorded.
        for _ in 0..2 {
            let [program, arguments @ ..] = program();
            let mut process = Command::new(program);
            assert!(process.args(arguments).env("CHILD", "ends").status().unwrap().success());
        }
        std::process::exit(9);
    }
    let recording = taskscope::init();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    let runtime = builder.build().unwrap();
    runtime.block_on(async {
        for _ in 0..7 {
            tokio::spawn(async { tokio::task::yield_now().await }).await.unwrap();
        }
    });
    match does.as_str() {
        "reads a line" => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap();
            println!("read {line}");
        }
        #[cfg(unix)]
        "waits" | "waits for Ctrl+C" => {
            let flag = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            if does != "waits" {
                signal_hook::flag::register(signal_hook::consts::SIGINT, flag.clone()).unwrap();
            }
            println!("ready");
            while !flag.load(std::sync::atomic::Ordering::Relaxed) {
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
        }
        "aborts" => {
            // What it has recorded is written every 50 ms.
            let path = recording.path().unwrap();
            let empty = path.metadata().unwrap().len();
            common::until("the first block", || {
                path.metadata().is_ok_and(|file| file.len() > empty.max(24)).then_some(())
            });
            std::process::abort();
        }
        _ => {}
    }
    drop(runtime);
    recording.finish().unwrap();
    std::process::exit(if does == "ends" { 0 } else { 3 });
}

/// `taskscope run` with these options, of the program that does this.
fn run_child(sandbox: &Sandbox, options: &[&str], does: &str) -> Command {
    let program = program();
    let mut arguments = vec!["run"];
    arguments.extend(options);
    arguments.push("--");
    arguments.extend(program.iter().map(String::as_str));
    let mut command = sandbox.command(&arguments);
    std::fs::create_dir_all(sandbox.path("tmp")).unwrap();
    command.env("CHILD", does).env("TMPDIR", sandbox.path("tmp"));
    command
}

/// The files in a directory of the sandbox, sorted.
fn files(sandbox: &Sandbox, directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(sandbox.path(directory)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Whether a file is called PROGRAM-PID.tscope.
fn is_numbered(name: &str, program: &str) -> bool {
    let pid = name.strip_prefix(program).and_then(|rest| rest.strip_prefix('-'));
    let pid = pid.and_then(|rest| rest.strip_suffix(".tscope"));
    pid.is_some_and(|pid| pid.parse::<u32>().is_ok())
}

#[test]
fn without_a_display_it_prints_the_figures_and_ends_as_the_program_does() {
    let sandbox = Sandbox::new();
    let mut process = run_child(&sandbox, &[], "reads a line")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(b"a line\n").unwrap();
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("read a line"), "its input and output are its own: {out}");
    assert!(!out.contains("duration"), "only its own output: {out}");
    let err = String::from_utf8(output.stderr).unwrap();
    for words in ["7 returned", "(multi thread, 2 workers)", "the recording is removed", "--keep"] {
        assert!(err.contains(words), "`{words}` is not in {err}");
    }
    assert_eq!(files(&sandbox, "tmp"), [""; 0], "what is temporary is removed");
    assert_eq!(sandbox.files(), ["tmp"]);
}

#[test]
fn a_display_that_is_not_there_is_none() {
    let sandbox = Sandbox::new();
    let mut command = run_child(&sandbox, &[], "ends");
    command.env("DISPLAY", ":65000");
    let run = Run::of(command).done();
    run.says(&["no window can be opened", ":65000", "7 returned"]);
}

#[test]
fn a_directory_keeps_what_each_process_has_recorded() {
    let sandbox = Sandbox::new();
    let run = Run::of(run_child(&sandbox, &["--keep", "traces/of/today"], "starts two"));
    assert_eq!(run.code, Some(9), "{run:?}");
    let kept = files(&sandbox, "traces/of/today");
    assert_eq!(kept.len(), 2, "{kept:?}");
    assert_eq!(run.err.matches("7 returned").count(), 2, "{}", run.err);
    for name in &kept {
        assert!(is_numbered(name, &program_name()), "{name}");
        assert!(run.err.contains(&format!("traces/of/today/{name}")), "{}", run.err);
        let summary = sandbox.summary(&format!("traces/of/today/{name}"));
        assert_eq!(summary["tasks"]["returned"], 7);
        assert_eq!(summary["truncated"], false);
    }
}

#[test]
fn a_file_keeps_what_one_process_has_recorded_and_several_lie_beside_it() {
    let sandbox = Sandbox::new();
    sandbox.write("a.tscope", b"something older");
    Run::of(run_child(&sandbox, &["--keep", "a.tscope"], "ends")).done().says(&["a.tscope ("]);
    assert_eq!(sandbox.files(), ["a.tscope", "tmp"]);
    assert_eq!(sandbox.summary("a.tscope")["tasks"]["returned"], 7);
    let before = sandbox.read("a.tscope");

    let run = Run::of(run_child(&sandbox, &["--keep", "a.tscope"], "starts two"));
    assert_eq!(run.code, Some(9));
    let [b, c, a, tmp] = &sandbox.files()[..] else { panic!("{:?}", sandbox.files()) };
    assert!(is_numbered(b, "a") && is_numbered(c, "a"), "{b} {c}");
    assert_eq!((a.as_str(), tmp.as_str()), ("a.tscope", "tmp"));
    assert_eq!(sandbox.read("a.tscope"), before);
}

#[test]
fn what_the_environment_says_holds_unless_an_option_says_otherwise() {
    let sandbox = Sandbox::new();
    let mut command = run_child(&sandbox, &[], "ends");
    command.env("TASKSCOPE_FILE", "mine-%p.tscope").env("TASKSCOPE_DETAIL", "polls");
    let run = Run::of(command).done().says(&["recorded to ", "mine-", "7 ended"]);
    assert!(!run.err.contains("removed"), "{}", run.err);
    let [mine, _] = &sandbox.files()[..] else { panic!("{:?}", sandbox.files()) };
    assert!(is_numbered(mine, "mine"), "{mine}");
    assert_eq!(sandbox.summary(mine)["detail"], "polls");

    let mut command = run_child(&sandbox, &["--keep", "a.tscope", "--detail", "full"], "ends");
    command.env("TASKSCOPE_FILE", "no.tscope").env("TASKSCOPE_DETAIL", "polls");
    Run::of(command).done();
    assert!(!sandbox.path("no.tscope").exists());
    assert_eq!(sandbox.summary("a.tscope")["detail"], "full");

    // A flight recorder, which makes a file only when something happens.
    let mut command = run_child(&sandbox, &[], "ends");
    command.env("TASKSCOPE_KEEP", "1MB");
    Run::of(command).done().says(&["has recorded nothing", "TASKSCOPE_KEEP=1MB"]);
}

#[test]
fn the_levels_of_detail_are_the_recorders() {
    let sandbox = Sandbox::new();
    let levels = taskscope::Detail::ALL.map(taskscope::Detail::name);
    for level in levels {
        let file = format!("{level}.tscope");
        let options = ["--detail", level, "--keep", &file];
        Run::of(run_child(&sandbox, &options, "ends")).done();
        assert_eq!(sandbox.summary(&file)["detail"], level);
    }
    sandbox.run(&["run", "--detail", "some", "--", "true"]).misused(&levels);
}

#[test]
fn what_a_program_without_a_recorder_lacks_is_reported() {
    let sandbox = Sandbox::new();
    // Options behind the command are the command's.
    let run = sandbox.run(&["run", env!("CARGO_BIN_EXE_taskscope"), "--version"]).done();
    assert!(run.out.starts_with("taskscope "), "{run:?}");
    let run = run.says(&["`taskscope --version` has recorded nothing", "#[taskscope::main]"]);
    run.says(&["TASKSCOPE_FILE", "taskscope::init()", ".file(…)"]);
    let none = ["run", "--no-view", "--", env!("CARGO_BIN_EXE_taskscope"), "summary", "none"];
    let run = sandbox.run(&none);
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn what_cannot_be_run_has_the_exit_codes_of_a_shell() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["run", "--", "./no-such-program"]);
    assert_eq!(run.code, Some(127), "{run:?}");
    run.says(&["error: cannot start `./no-such-program`", "PATH"]);
    sandbox.write("text", b"no program");
    let run = sandbox.run(&["run", "--", "./text"]);
    assert_eq!(run.code, Some(126), "{run:?}");
    run.says(&["error: cannot start `./text`", "executed"]);
    // taskscope itself.
    sandbox.write("file", b"");
    let run = sandbox.run(&["run", "--keep", "file/traces", "--", "./text"]);
    assert_eq!(run.code, Some(125), "{run:?}");
    run.says(&["error: cannot create file/traces"]);
    let run = sandbox.run(&["run", "--keep", "none/a.tscope", "--", "./text"]);
    assert_eq!(run.code, Some(125), "{run:?}");
    sandbox.run(&["run"]).misused(&["<COMMAND>"]);
}

#[test]
fn help_has_exit_codes_and_examples() {
    let help = Sandbox::new().run(&["run", "--help"]).done().out;
    for words in
        ["Examples:", "128 + N", "127", "--keep", "--detail", "[possible values: full, polls]"]
    {
        assert!(help.contains(words), "`{words}` is not in:\n{help}");
    }
}

#[cfg(unix)]
mod signals {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Pid, Signal, kill_process, kill_process_group};

    use super::*;

    #[test]
    fn a_program_that_crashes_leaves_what_it_has_recorded() {
        let sandbox = Sandbox::new();
        let run = Run::of(run_child(&sandbox, &["--keep", "a.tscope"], "aborts"));
        assert_eq!(run.code, Some(128 + 6), "{run:?}");
        run.says(&["ends before its recording was finished", "7 returned"]);
        assert_eq!(sandbox.summary("a.tscope")["truncated"], true);
    }

    /// How taskscope is started: in a process group of its own, as by a shell, and with signals as a
    /// shell leaves them, whoever has started the tests.
    #[expect(unsafe_code, reason = "a process is prepared before it becomes another program")]
    fn as_by_a_shell(command: &mut Command, is_ignored: bool) -> &mut Command {
        let handler = if is_ignored { libc::SIG_IGN } else { libc::SIG_DFL };
        // SAFETY: `signal` may be called between `fork` and `exec`.
        unsafe {
            command.pre_exec(move || {
                for signal in [libc::SIGINT, libc::SIGHUP] {
                    libc::signal(signal, handler);
                }
                Ok(())
            });
        }
        command.process_group(0)
    }

    /// Sends a signal when the program is ready, and returns how taskscope ended.
    fn signal(does: &str, send: impl Fn(Pid)) -> (Option<i32>, PathBuf, Sandbox) {
        signal_as(does, false, send)
    }

    fn signal_as(
        does: &str,
        is_ignored: bool,
        send: impl Fn(Pid),
    ) -> (Option<i32>, PathBuf, Sandbox) {
        let sandbox = Sandbox::new();
        let mut command = run_child(&sandbox, &["--keep", "a.tscope"], does);
        let mut process = as_by_a_shell(&mut command, is_ignored)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("ready")));
        send(Pid::from_child(&process));
        let code = process.wait().unwrap().code();
        (code, sandbox.path("a.tscope"), sandbox)
    }

    /// What a terminal does at Ctrl+C.
    fn interrupt(group: Pid) {
        kill_process_group(group, Signal::INT).unwrap();
    }

    #[test]
    fn ctrl_c_goes_to_the_program_and_taskscope_outlives_it() {
        let (code, file, sandbox) = signal("waits", interrupt);
        assert_eq!(code, Some(128 + 2));
        assert!(file.exists());
        drop(sandbox);
        // One that ends as it likes.
        let (code, file, sandbox) = signal("waits for Ctrl+C", interrupt);
        assert_eq!(code, Some(3));
        assert!(file.exists());
        assert_eq!(sandbox.summary("a.tscope")["truncated"], false);
    }

    #[test]
    fn what_is_ignored_remains_ignored_by_both() {
        let hang_up = |taskscope| {
            kill_process_group(taskscope, Signal::HUP).unwrap();
            kill_process_group(taskscope, Signal::INT).unwrap();
            kill_process(taskscope, Signal::TERM).unwrap();
        };
        // As under `nohup`. Were the others not ignored, one of them would be the end.
        let (code, _, _sandbox) = signal_as("waits", true, hang_up);
        assert_eq!(code, Some(128 + 15));
    }

    #[test]
    fn what_is_sent_to_taskscope_alone_is_passed_on() {
        let terminate = |taskscope| kill_process(taskscope, Signal::TERM).unwrap();
        let (code, file, _sandbox) = signal("waits", terminate);
        assert_eq!(code, Some(128 + 15));
        assert!(file.exists());
    }
}
