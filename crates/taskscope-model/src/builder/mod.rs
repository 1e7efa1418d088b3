//! From a trace file's bytes to a [`Trace`](crate::Trace), in two passes.
//!
//! [`replay`] reads each thread's stream by itself and writes down flat raw polls and wakes
//! ([`raw`]), with the names of things turned into small indices ([`intern`]). [`finish`] sorts
//! them and draws the conclusions that need more than one thread.

mod finish;
mod infer;
mod intern;
mod occupancy;
mod raw;
mod replay;
mod yields;

pub(crate) use replay::load;
