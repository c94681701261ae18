//! The runtime on a real disk, through its public face alone.
#![expect(clippy::unwrap_used, reason = "all of it is test, also what stands beside the test functions")]

mod builds;
mod codecs;
mod constants;
mod damage;
mod explain;
mod feeds;
mod lane;
mod mutations;
mod opening;
mod overtaken;
mod reads;
mod recovery;
mod store;
mod story;
mod support;
