//! The runtime on a real disk, through its public face alone.

mod story;
mod support;
