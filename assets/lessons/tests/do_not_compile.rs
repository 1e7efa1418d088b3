//! The programs that do not compile, and what the compiler says of them.
//!
//! `TRYBUILD=overwrite cargo test -p taskscope-lessons --test do_not_compile` writes the messages of another
//! compiler; the lessons show the same.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use taskscope_lesson::{Block, Lesson};
use taskscope_lessons::LESSONS;

/// The programs, beside each the message that the compiler gives.
fn programs(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|of| of == "stderr")).collect();
    found.iter_mut().for_each(|file| {
        file.set_extension("rs");
    });
    found.sort();
    found
}

#[test]
fn the_compiler_says_what_the_lessons_show() {
    let cases = trybuild::TestCases::new();
    let all = LESSONS.iter().flat_map(|lesson| programs(lesson.folder));
    let mut count = 0;
    for program in all {
        cases.compile_fail(program);
        count += 1;
    }
    assert!(count >= 3, "lessons 7 and 8 have programs that do not compile");
}

/// A lesson's text has the program as a block, and the message as another.
#[test]
fn lessons_show_these_programs_and_messages() {
    for lesson in LESSONS {
        for program in programs(lesson.folder) {
            let read = |path: &Path| std::fs::read_to_string(path).unwrap();
            let source = read(&program);
            let message = read(&program.with_extension("stderr"));
            for (language, text) in lesson.texts {
                let parsed = Lesson::parse(text).unwrap();
                let shows = |wanted: &str| {
                    let mut blocks = parsed.steps.iter().flat_map(|step| &step.text);
                    blocks.any(|block| matches!(block, Block::Code { code, .. } if code == wanted))
                };
                let name = program.display();
                assert!(shows(source.trim_end()), "{language}: {name}");
                assert!(shows(message.trim_end()), "{language}: the message for {name}");
            }
        }
    }
}
