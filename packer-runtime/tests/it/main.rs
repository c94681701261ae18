//! The runtime on a real disk, through its public face alone.
#![expect(clippy::unwrap_used, reason = "all of it is test, also what stands beside the test functions")]

mod builds;
mod chance;
mod changes;
mod codecs;
mod constants;
mod content;
mod damage;
mod divergences;
mod exactly;
mod explain;
mod feeds;
mod following;
mod freshness;
mod glances;
mod lane;
mod logs;
mod mutations;
mod opening;
mod overtaken;
mod patches;
mod plan_files;
mod poison;
mod power_cuts;
mod random_edits;
mod reads;
mod recording;
mod recovery;
mod settling;
mod staleness;
mod store;
mod story;
mod support;
mod undeclared;
mod undo;
