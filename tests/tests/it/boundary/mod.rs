//! The walls between the crates: who may depend on whom, what the runtime lets out, and what the pure crates may not call.
//!
//! A wall that is moved on purpose is moved here, in the crate, and in ARCHITECTURE.md.

mod allowed;
mod bans;
mod example;
mod graph;
mod reexports;
mod surface;
