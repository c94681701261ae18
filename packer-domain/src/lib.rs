//! What a game's asset workspace means.
//!
//! Pure: no IO, no clock, no threads, no randomness; `clippy.toml` of this crate bans them. Everything is computed from
//! values that the caller read or drew, so every answer can be tested from text.
//!
//! Data flows one way: text -> [`config`] and [`anchor`] -> observation and registry -> workspace (divergence,
//! diagnostics, summary) -> mutation plans and build plans.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod anchor;
pub mod build;
pub mod changes;
pub mod codec;
pub mod config;
pub mod constants;
pub mod diagnostic;
pub mod diff;
pub mod divergence;
mod graph;
pub mod identity;
pub mod kind;
pub mod limits;
pub mod mutation;
pub mod name;
pub mod observation;
mod packed;
pub mod path;
pub mod pattern;
pub mod registry;
pub mod report;
pub mod rules;
mod schema;
pub mod sorted;
pub mod summary;
#[cfg(test)]
mod testing;
pub mod toml_text;
pub mod workspace;
