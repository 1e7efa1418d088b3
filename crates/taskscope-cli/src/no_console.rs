//! In the place of `console`, where the program is built without that feature.

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Identity;
use tracing_subscriber::registry::LookupSpan;

use crate::error::Error;

/// No layer: the command line has no `--console` that would ask for one.
pub(crate) fn layer<S>() -> Result<impl Layer<S>, Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Ok(Identity::new())
}

/// Nothing is served.
pub(crate) fn linger() {}
