//! A black box: the newest events of a process, in a file that outlives it.
//!
//! # The problem
//! A flight recorder that keeps its events in memory loses them with the process, at the moment
//! that one most wants to see. One that writes as it goes loses what its writer has not yet
//! written. So all of it lies in a file that the process has mapped into its memory: what a thread
//! has stored there is the operating system's, and stays when the process dies, however it does.
//!
//! # What is in the file
//! In the order in which a reader takes it, from front to back:
//!
//! 1. a *header*, written once;
//! 2. a first table of *rings*: whose each is, and how far that thread has put bytes into it;
//! 3. the bytes of the rings, one for each thread;
//! 4. a second table: how far the bytes of each ring have been moved to blocks;
//! 5. the *blocks*, a ring of them, the oldest overwritten by the newest;
//! 6. two *carry-over slots*, written in turn: what still holds of blocks that are overwritten.
//!
//! # Why that is enough
//! A reader has no lock, and the process may go on, or have died in the middle of anything. What
//! makes it right is the order in which things are written, and that they are read in another:
//!
//! - A thread puts the bytes of a record, then the tail behind them: what is before the tail is
//!   whole. The recorder moves bytes to a block, then the head behind them, and only then does the
//!   thread overwrite them. A reader that takes the tail, then the bytes, then the head has good
//!   bytes between the two, in any case.
//! - A block has its checksum, and the offsets in its thread's stream. Bytes that are before the
//!   head were in a block before it was moved; a reader that takes the blocks after the heads finds
//!   them there. Bytes that are in a block and in the ring are taken once, by their offsets.
//! - Before blocks are overwritten, a carry-over that covers them is whole in its slot. A reader
//!   that takes the slots after the blocks therefore finds each block, or a slot that covers it.
//!   It leaves out what the newest slot covers, be it there or not.
//! - What is not whole (the block or the slot that was being written) has a wrong checksum and is
//!   left out; its bytes are still in the ring, or the other slot still holds.
//!
//! A hole in a thread's offsets is a gap, and is reported as one.
//!
//! While the process goes on, the tails of two rings are read one after the other, and what comes
//! from the second may have happened because of something that is behind the first. So the first
//! table is read once before all else ([`glance_bytes`]). The latest record that had been put then
//! has a time, and at that time all streams are cut: what happened before it had been put when the
//! table was read again.
//!
//! # How it is read
//! [`unpack`] makes a trace file of it, in memory, that any reader of traces understands. `FORMAT.md`
//! has the bytes.

mod begin;
mod headers;
pub mod layout;
mod parts;
mod read;
mod stream;
mod utc;

pub use headers::{BlockHeader, Header, HeaderError, NO_OFFSET, SlotHeader, checksum};
pub use layout::{Layout, MAGIC, VERSION};
pub use read::{BoxState, Life, glance_bytes, is_black_box, state, unpack};
pub use utc::Utc;
