//! Watching an open project: from hints to freshness, and, where that is wanted, to operations that follow by themselves.
//!
//! `doubts` knows what stands against the snapshot, `known` publishes and tells it, `look` compares what a hint named with
//! the snapshot, `automatic` starts the operations that somebody wanted to follow, and `thread` does one after the other.
//! Noticing changes is `packer_fs::watch`'s business.
//!
//! A hint by itself changes no freshness: what it named is looked at first, and only what differs is told. Where there is
//! too much to look at, all of it counts as different.

mod automatic;
mod doubts;
mod known;
mod look;
mod thread;

pub use automatic::{Automatic, WatchOptions};
pub(crate) use doubts::Moment;
pub(crate) use known::{Beside, Known};
pub(crate) use thread::{Begun, Start, WatchThread, starter};

#[cfg(test)]
mod tests;
