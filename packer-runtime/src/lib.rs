//! The runtime of one open project: a snapshot that readers see, and a lane that everything passes which publishes or
//! commits.
//!
//! Consumers use [`api`] alone; those who bring codecs also [`codec`]; tools that need no project [`packs`]. What a
//! workspace means is `packer-domain`'s; how files change safely is `packer-fs`'s; here is what happens in which order,
//! and who is told.
//!
//! Threads of an open project: the lane, the builder, the one that watches if that was asked for, and a pool that scans; while
//! a build runs, those that read, bake and check for it. No async runtime.

pub mod api;
pub mod codec;
pub mod packs;

mod build;
mod clock;
mod create;
#[cfg(test)]
mod endings;
mod feed;
mod follower;
mod freshness;
mod history;
mod holder;
mod lane;
mod log;
#[cfg(test)]
mod model;
#[cfg(test)]
mod numbered;
mod observe;
mod operation;
mod outcome;
mod plan_file;
mod progress;
mod project;
#[cfg(test)]
mod readers;
mod reading;
mod record;
mod shared;
#[cfg(test)]
mod sinks;
mod snapshot;
mod sync;
#[cfg(test)]
mod testing;
mod threads;
mod watch;
