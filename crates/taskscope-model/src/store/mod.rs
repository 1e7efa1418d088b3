//! Where a trace is kept: lists that only grow, in shared chunks.
//!
//! # The problem
//! A trace of a hundred million polls is shown while it is still being read, and one of a running
//! program while that goes on. So whoever reads it needs a copy that never changes, and whoever
//! builds it must not stop for that; and both must not take the memory twice.
//!
//! # The plan
//! All lists are cut into pages. A copy of a trace shares them. The builder goes on: to change a page that
//! a copy shares, it makes a new one first ([`page`]), which is nearly always the last of its list alone.
//! What has been given a number keeps it. What each event changes (the figures of its task) is kept in one
//! piece beside pages that copies share: [`flat`].
//!
//! # Why rows and not columns
//! A poll is a row of 28 bytes, and not seven columns of four: every question that looks at a poll
//! looks at most of it, and a row is one line of the cache where columns are seven. What a lane asks
//! of millions of polls at once (how long, how many, the longest) is answered by sums beside the rows.

pub(crate) mod blocks;
pub(crate) mod flags;
pub(crate) mod flat;
pub(crate) mod id_map;
pub(crate) mod lean;
pub(crate) mod level;
pub(crate) mod marks;
pub(crate) mod page;
pub(crate) mod polls;
pub(crate) mod shelf;
pub(crate) mod task_polls;
