//! Which spans and events the recorder has a use for.

use tracing::Metadata;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::Targets;

use crate::Error;

/// A span or an event that the recorder has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallsiteKind {
    /// The span of a task.
    Spawn,
    /// The span of a resource.
    Resource,
    /// The span of an operation on a resource.
    Operation,
    /// Something was done with a waker.
    Waker,
    /// An operation on a resource was polled.
    PollOp,
    /// A span of the program's own.
    Span,
    /// An event of the program's own.
    Message,
}

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallsiteFilter {
    /// What of the program's own.
    targets: Option<Targets>,
}

impl CallsiteFilter {
    pub(crate) fn new(targets: Option<Targets>) -> Self {
        Self { targets }
    }

    pub(crate) fn has_targets(&self) -> bool {
        self.targets.is_some()
    }

    /// What sort of thing this is; `None` for what isn't wanted.
    #[inline]
    pub(crate) fn kind(&self, metadata: &Metadata<'_>) -> Option<CallsiteKind> {
        tokio_kind(metadata).or_else(|| {
            let targets = self.targets.as_ref()?;
            let is_wanted = targets.would_enable(metadata.target(), metadata.level());
            let sort = if metadata.is_event() { CallsiteKind::Message } else { CallsiteKind::Span };
            is_wanted.then_some(sort)
        })
    }

    /// The same for a callsite: the answer never changes.
    pub(crate) fn interest(&self, metadata: &Metadata<'_>) -> Interest {
        if self.kind(metadata).is_some() { Interest::always() } else { Interest::never() }
    }
}

/// The environment variable that names targets, where the program doesn't.
const ENVIRONMENT: &str = "TASKSCOPE_TARGETS";

pub(crate) fn from_environment() -> Result<Option<Targets>, Error> {
    let value = std::env::var_os(ENVIRONMENT).filter(|value| !value.is_empty());
    let Some(value) = value else { return Ok(None) };
    let value = value.to_string_lossy();
    match value.parse() {
        Ok(targets) => Ok(Some(targets)),
        Err(source) => Err(Error::InvalidVariable {
            variable: ENVIRONMENT,
            value: value.into_owned(),
            expected: "targets with levels, as in \"my_app=debug,tower_http=info\"",
            source: Some(source),
        }),
    }
}

/// The kind of a callsite of Tokio's.
#[inline]
fn tokio_kind(metadata: &Metadata<'_>) -> Option<CallsiteKind> {
    if metadata.is_event() {
        return match metadata.target() {
            "tokio::task::waker" => Some(CallsiteKind::Waker),
            "runtime::resource::poll_op" => Some(CallsiteKind::PollOp),
            _ => None,
        };
    }
    let sort = match metadata.name() {
        "runtime.spawn" => CallsiteKind::Spawn,
        "runtime.resource" => CallsiteKind::Resource,
        "runtime.resource.async_op" => CallsiteKind::Operation,
        _ => return None,
    };
    metadata.target().starts_with("tokio::").then_some(sort)
}
