//! The `packer` binary: the library with the built-in codecs.

use std::process::ExitCode;

fn main() -> ExitCode {
    packer_cli::run(std::env::args_os(), packer_cli::builtin_codecs())
}
