//! The lane: one thread, one queue, and the only way to publish or commit.
//!
//! Operations run in the order in which they were submitted. A panic ends its operation as failed, and nothing else.
//! The lock that keeps other processes out is taken in `access`, for as long as a job needs it.

mod access;
mod compare;
mod current;
mod dead_logs;
mod kept;
mod look;
mod mutate;
mod recover;
mod refresh;
mod thread;

pub(crate) use access::{LaneAccess, lock_stop};
pub(crate) use compare::compare;
pub(crate) use look::look_at;
pub(crate) use mutate::{kind_of, mutate, settles};
pub(crate) use recover::{Recovery, recover_everything};
pub(crate) use refresh::{refresh, sight_again, sight_held, stop as observe_stop};
pub(crate) use thread::{Finale, Worker, queue};
