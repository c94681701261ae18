//! Support code of the tests in `tests/it`: what more than one of them needs.
//!
//! Nothing here is a test, and nothing here is linked by a packer. The binary beside it, `packer-under-test`, is `packer`
//! itself, for the tests that run it; `packer-worker` runs it many times in one process.
#![expect(
    clippy::missing_panics_doc,
    reason = "support code of tests panics wherever something is not as it must be"
)]

pub mod effort;
pub mod forms;
pub mod fuzz;
pub mod logs;
pub mod packer;
pub mod picture;
pub mod project;
pub mod repo;
pub mod serial;
pub mod sound_files;
#[cfg(all(target_os = "linux", target_env = "gnu", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub mod trace;
pub mod worker;
