//! What takes the bytes of the streams: the writer thread, its file, and the flight recorder.

pub(crate) mod black_box;
pub(crate) mod checkup;
pub(crate) mod file;
pub(crate) mod flight;
pub(crate) mod report;
pub(crate) mod writer;
