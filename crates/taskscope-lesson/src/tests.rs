//! The description of the format is compared with what is read.

use crate::{Lesson, figures};

const FORMAT: &str = include_str!("../FORMAT.md");

#[test]
fn all_figures_are_described() {
    let described: Vec<&str> = FORMAT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '(']).next())
        .collect();
    for name in figures::names() {
        assert!(described.contains(&name), "FORMAT.md does not describe `{name}`");
    }
    assert_eq!(described.len(), figures::names().count(), "FORMAT.md describes others, too");
}

#[test]
fn the_example_can_be_read() {
    let begin = FORMAT.find("````markdown\n").expect("there is an example") + 13;
    let end = FORMAT[begin..].find("\n````").expect("it ends");
    let lesson = Lesson::parse(&FORMAT[begin..begin + end + 1]).expect("it is well-formed");
    assert_eq!(lesson.steps.len(), 2);
}
