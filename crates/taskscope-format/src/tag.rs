//! The one-byte tags that begin each record. `FORMAT.md` explains them; this
//! is the one place where their numbers stand.
//!
//! Bit 7 tells the two families apart. A *short* record (bit 7 clear) is one
//! of the events that happen millions of times: its kind sits in the low four
//! bits, its flags in bits 4 to 6, and a reader must know it. A *long* record
//! carries its length, so that a reader can pass over one that it doesn't know.

/// Long records have this bit.
pub(crate) const LONG: u8 = 0x80;
/// Which bits of a short record's tag are its kind.
pub(crate) const KIND: u8 = 0x0f;

/// A poll began. Flag [`FROM_SPAN`]. Field: task.
pub(crate) const POLL_START: u8 = 0x01;
/// A poll ended. Flags [`RESULT_SHIFT`] and [`KEPT_WAKER`]. No field.
pub(crate) const POLL_END: u8 = 0x02;
/// A task was woken. Flag [`BY_REF`]. Field: task.
pub(crate) const WAKE: u8 = 0x03;
/// The worker parked. No field.
pub(crate) const PARK: u8 = 0x04;
/// The worker unparked. No field.
pub(crate) const UNPARK: u8 = 0x05;

/// On a [`POLL_START`]: the source is a span, not a hook.
pub(crate) const FROM_SPAN: u8 = 0x10;
/// On a [`WAKE`]: the waker was called by reference.
pub(crate) const BY_REF: u8 = 0x10;
/// On a [`POLL_END`]: the two bits from here are the poll's result.
pub(crate) const RESULT_SHIFT: u8 = 4;
/// On a [`POLL_END`]: the task's waker was cloned during the poll.
pub(crate) const KEPT_WAKER: u8 = 0x40;

/// States the time in full and forgets strings and the last task: from here
/// a stream can be understood without what stood before.
pub(crate) const SYNC: u8 = 0x80;
/// Defines the next string.
pub(crate) const STRING: u8 = 0x81;
/// A fact about the recording.
pub(crate) const META: u8 = 0x82;
/// Introduces this thread.
pub(crate) const THREAD: u8 = 0x83;
/// Introduces a runtime.
pub(crate) const RUNTIME: u8 = 0x84;
/// This thread is a worker now, or none.
pub(crate) const WORKER: u8 = 0x85;
/// A task was spawned.
pub(crate) const SPAWN: u8 = 0x86;
/// A task ended.
pub(crate) const TASK_END: u8 = 0x87;
/// Events were dropped.
pub(crate) const DROPPED: u8 = 0x88;
/// The innermost open poll has used up its budget.
pub(crate) const BUDGET_SPENT: u8 = 0x89;
/// A resource was made.
pub(crate) const RESOURCE: u8 = 0x8a;
/// An operation was pending.
pub(crate) const WAIT: u8 = 0x8b;
/// A span of the program's own was made.
pub(crate) const SPAN: u8 = 0x8c;
/// Fields of a span were given their values later.
pub(crate) const SPAN_FIELDS: u8 = 0x8d;
/// A span was entered.
pub(crate) const SPAN_ENTER: u8 = 0x8e;
/// A span was left.
pub(crate) const SPAN_EXIT: u8 = 0x8f;
/// A span is over.
pub(crate) const SPAN_CLOSE: u8 = 0x90;
/// The program said something.
pub(crate) const MESSAGE: u8 = 0x91;
/// The task of the poll that begins next had been scheduled for some time.
pub(crate) const SCHEDULED: u8 = 0x92;
