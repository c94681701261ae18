//! The runtime on a real disk, through its public face alone.

mod builds;
mod codecs;
mod damage;
mod feeds;
mod lane;
mod mutations;
mod opening;
mod overtaken;
mod reads;
mod recovery;
mod story;
mod support;
