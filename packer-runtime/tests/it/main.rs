//! The runtime on a real disk, through its public face alone.

mod builds;
mod codecs;
mod damage;
mod lane;
mod overtaken;
mod story;
mod support;
