//! From the bytes of a file to a [`Trace`], as they come.
//!
//! # The problem
//! A file holds what each *thread* did, in blocks, and what is asked of a trace is what *tasks* did,
//! and *lanes*: which poll came before this one, which wake led to it, was it on another worker. That
//! needs what all threads did, in one order. Reading everything and sorting it then costs several
//! times the memory and the time, on one processor, with nothing to be seen before the end; and it
//! cannot follow a program that still runs.
//!
//! # The plan
//! One sweep over the program's time. Blocks are found front to back ([`taskscope_format::Scanner`]);
//! each thread's next block is decoded on another processor ([`batch`], [`feed`]); a heap of the
//! threads' next times merges them; and what comes, in the order of time, is appended to the trace
//! ([`replay`], [`polls`]). All that is needed then is what has been swept already, so nothing is
//! sorted, nothing gets another number, and a copy of the trace can be taken at any moment
//! ([`Loader::snapshot`]).
//!
//! A recorder writes what all threads did in 50 ms, then the next. So a file need not be found to its
//! end before the sweep begins: it keeps some time behind the newest block. A file may have its blocks in
//! another order, all of one thread first. Then one comes that begins before what has been swept; the
//! sweep begins again, and keeps further behind. At worst that is once with all blocks known.
//!
//! # Why not otherwise
//! Sorting in parts, by task or by lane, uses both processors for all of the work. But it needs the
//! events themselves a second time, and what connects tasks and lanes (who woke whom, what occupied
//! the lane) again needs an order of all. The sweep takes about as long as decoding does, so that two
//! processors have enough to do.

mod batch;
mod conclude;
mod drops;
mod feed;
mod infer;
mod intern;
mod let_go;
mod loader;
mod missing;
mod polls;
mod replay;
mod sweep;
mod wakes;

pub use loader::{LoadError, Loader, Progress};
pub(crate) use loader::{add_up, load_bytes};
