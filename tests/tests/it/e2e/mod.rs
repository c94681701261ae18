//! The main job, end to end: the `packer` binary, run on projects in temporary folders as people and scripts run it.
//!
//! Here is what only the whole can show: that the parts fit, that processes get along, and that one may die anywhere.
//! What one crate can show by itself is tested in that crate. No test waits for time to pass: where processes must meet,
//! one is stopped at a system call of the other.

mod constants;
mod crowd;
mod determinism;
mod divergences;
mod errors;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod following;
mod forms;
mod harbour;
mod hostile;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod kills;
mod logging;
mod merges;
mod mutations;
mod packs;
mod plans;
mod processes;
mod store;
mod story;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod watching;

use packer_tests::packer::Packer;
use packer_tests::worker::Workplace;

/// The binary that Cargo built for these tests.
fn packer() -> Packer {
    Packer::at(env!("CARGO_BIN_EXE_packer-under-test"))
}

/// Where processes work that run the packer many times.
fn workplace(folder: &std::path::Path) -> Workplace {
    Workplace::new(env!("CARGO_BIN_EXE_packer-worker"), folder)
}
