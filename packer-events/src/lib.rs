//! The contract of packer events: what an operation says while it runs, and how it ends.
//!
//! Pure: no IO, no clock, no threads, no randomness; `clippy.toml` of this crate bans them. Here are the records and
//! the rules about them: [`event`] is the envelope, [`body`] what is said, [`report`] how an operation ended, [`record`]
//! findings and freshness as data; [`sequence`] numbers events and checks numbered ones, [`coalesce`] says what a slow
//! subscriber may miss, [`wire`] is the text form, [`interleave`] puts several sources into one order and [`replay`] turns
//! events back into operations. Emitting, storing and handing out events is the runtime's business.
//!
//! An [`event::Event`] is a record: whoever can write text can forge one. It is never proof that something succeeded;
//! that is the runtime's sealed outcome.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod body;
pub mod coalesce;
pub mod event;
pub mod interleave;
pub mod record;
pub mod replay;
pub mod report;
pub mod sequence;
pub mod time;
pub mod wire;

mod optional;
#[cfg(test)]
mod testing;
