//! The signals that the recorder can listen to.

/// A signal that a program is free to use: to make a [dump](crate::FlightConfig::dump_on_signal), or
/// to start and stop [recording](crate::RecorderBuilder::toggle_on_signal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UserSignal {
    /// `SIGUSR1`.
    Usr1,
    /// `SIGUSR2`.
    Usr2,
}

#[cfg(all(unix, feature = "signal"))]
impl UserSignal {
    /// What the operating system calls it.
    pub(crate) fn number(self) -> i32 {
        match self {
            Self::Usr1 => signal_hook::consts::SIGUSR1,
            Self::Usr2 => signal_hook::consts::SIGUSR2,
        }
    }
}
