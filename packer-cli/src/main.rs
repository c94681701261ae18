//! The `packer` binary: the library with the built-in codecs.

use std::process::ExitCode;

// Payloads are allocated by one thread and freed by another all the time, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    packer_cli::run(std::env::args_os(), packer_cli::builtin_codecs())
}
