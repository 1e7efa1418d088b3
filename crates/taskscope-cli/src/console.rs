//! `--console`: the same run, seen by tokio-console.

use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};

use console_subscriber::{ConsoleLayer, Server};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::error::Error;
use crate::output;

/// Where console_subscriber serves, and tokio-console looks, by default.
const ADDRESS: SocketAddr = SocketAddr::new(Server::DEFAULT_IP, Server::DEFAULT_PORT);

/// The layer, and a thread that serves what it sees.
pub(crate) fn layer<S>() -> Result<impl Layer<S>, Error>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // If the address is taken, the thread panics and the run goes on unseen:
    // better to ask first.
    TcpListener::bind(ADDRESS).map_err(|source| Error::Console { address: ADDRESS, source })?;
    output::notice(&format!("serving {ADDRESS}; run `tokio-console` in another terminal"));
    Ok(ConsoleLayer::builder().server_addr(ADDRESS).spawn())
}

/// Goes on serving, where a person is there to say when it is enough.
///
/// The run itself is over sooner than anybody can start tokio-console, which
/// shows finished tasks too.
pub(crate) fn linger() {
    if std::io::stdin().is_terminal() {
        output::notice(&"press Enter to stop serving");
        // An error ends the wait too.
        let _ = std::io::stdin().read_line(&mut String::new());
    }
}
