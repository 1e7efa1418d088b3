//! How much is recorded.

use taskscope_format::meta;

use crate::Error;

/// How much a [`Recorder`](crate::Recorder) records.
///
/// What each costs is measured by the project's `crates/taskscope-bench`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// Everything: what the hooks and the layer report.
    #[default]
    Full,
    /// Only what the hooks report: spawns, polls, ends, parks. No wakes,
    /// no names, and nothing about tasks that have no hooks. Little enough to be
    /// always on.
    ///
    /// With the feature `schedule-latency` also how long each task was scheduled before it was
    /// polled, as Tokio measures it. That takes two readings of the system's clock a poll, and about
    /// doubles what `Polls` costs.
    ///
    /// The runtimes need [`Recording::hooks`](crate::Recording::hooks), or
    /// [`#[taskscope::main]`](macro@crate::main). The layer and the subscriber
    /// of such a recording can stay where they are, and do nothing.
    Polls,
}

/// The environment variable that says how much, if the program does not.
const ENVIRONMENT: &str = "TASKSCOPE_DETAIL";

impl Detail {
    /// Each level, the most detailed first.
    pub const ALL: [Self; 2] = [Self::Full, Self::Polls];

    /// What the level is called in `TASKSCOPE_DETAIL` and in the trace: `full` or `polls`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => meta::DETAIL_FULL,
            Self::Polls => meta::DETAIL_POLLS,
        }
    }

    pub(crate) fn from_environment() -> Result<Self, Error> {
        let Some(value) = std::env::var_os(ENVIRONMENT) else { return Ok(Self::default()) };
        Self::parse(&value.to_string_lossy())
    }

    fn parse(value: &str) -> Result<Self, Error> {
        if value.is_empty() {
            return Ok(Self::default());
        }
        Self::ALL.into_iter().find(|detail| detail.name() == value).ok_or_else(|| {
            Error::InvalidVariable {
                variable: ENVIRONMENT,
                value: value.to_owned(),
                expected: "\"full\" or \"polls\"",
                source: None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_a_detail_or_the_error_lists_them() {
        assert!(matches!(Detail::parse(""), Ok(Detail::Full)));
        assert!(matches!(Detail::parse("full"), Ok(Detail::Full)));
        assert!(matches!(Detail::parse("polls"), Ok(Detail::Polls)));
        let message = Detail::parse("poll").map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("TASKSCOPE_DETAIL is \"poll\"; it can be \"full\" or \"polls\"".to_owned())
        );
    }
}
