//! The arguments of `taskscope lesson`.

use std::path::PathBuf;

use crate::args::{Theme, parse_picture_size};

/// Learn what tasks are and how they move: lessons over recorded programs
///
/// Without a number it lists the lessons. A folder with a lesson that you have written is opened in the same way.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  taskscope lesson
  taskscope lesson 5
  taskscope lesson 5 --present
  taskscope lesson new my-lesson --from app.tscope
  taskscope lesson check my-lesson"
)]
pub(crate) struct LessonArgs {
    #[command(subcommand)]
    pub(crate) command: Option<LessonCommand>,

    /// The lesson's number, or a folder that holds one
    pub(crate) lesson: Option<What>,

    /// The language: en or de; without it that of the environment, if there are words for it
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) language: Option<String>,

    /// Begin in presenter mode: large type on the whole screen, and nothing around it
    #[arg(long)]
    pub(crate) present: bool,

    /// Draw a picture of a step in place of opening the window; needs neither GPU nor display
    #[arg(long, value_name = "OUT.png", requires = "lesson")]
    pub(crate) picture: Option<PathBuf>,

    /// The step of the picture
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "picture")]
    pub(crate) step: usize,

    /// Width and height of the picture
    #[arg(long, value_name = "WxH", default_value = "1280x720", requires = "picture",
        value_parser = parse_picture_size)]
    pub(crate) size: [u32; 2],

    /// Colours of the picture
    #[arg(long, value_enum, default_value_t = Theme::Dark, requires = "picture")]
    pub(crate) theme: Theme,
}

/// A lesson, by its number or where it lies.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Number(u32),
    Folder(PathBuf),
}

impl From<String> for What {
    fn from(text: String) -> Self {
        text.parse().map_or_else(|_| Self::Folder(text.into()), Self::Number)
    }
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum LessonCommand {
    New(NewArgs),
    /// Say what is wrong with a lesson, with file and line
    ///
    /// It reads the text and the traces, and holds what the lesson claims against them.
    Check {
        /// The folder with the lesson
        folder: PathBuf,
    },
    Record(RecordArgs),
}

/// Begin a lesson over a trace: a folder with a text to go on from
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// The folder to be made
    pub(crate) folder: PathBuf,

    /// The trace that the lesson is about; it is copied into the folder
    #[arg(long, value_name = "TRACE")]
    pub(crate) from: PathBuf,
}

/// Run the program of a lesson and record it
///
/// This is how the traces that come with the lessons were made.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// The lesson's number
    pub(crate) number: u32,

    /// The folder that the traces are written to
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: PathBuf,

    /// Choose the value of a parameter: workers=2
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_value)]
    pub(crate) set: Vec<(String, u64)>,

    /// Do one of its runs in this process
    #[arg(long, hide = true)]
    pub(crate) run: Option<String>,
}

fn parse_value(text: &str) -> Result<(String, u64), String> {
    let value = text.split_once('=').and_then(|(name, value)| {
        Some((name.trim().to_owned(), value.trim().replace('_', "").parse().ok()?))
    });
    value.ok_or_else(|| "expected a name and a number, such as workers=2".to_owned())
}
