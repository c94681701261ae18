//! What a game's asset workspace means.
//!
//! Pure: no IO, no clock, no threads, no randomness; `clippy.toml` of this crate bans them. Everything is computed from
//! values that the caller read or drew, so every answer can be tested from text.
//!
//! Data flows one way: text -> [`config`] and [`anchor`] -> observation and registry -> workspace (divergence,
//! diagnostics, summary) -> mutation plans and build plans.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod codec;
pub mod diagnostic;
pub mod identity;
pub mod kind;
pub mod limits;
pub mod name;
pub mod path;
pub mod registry;
