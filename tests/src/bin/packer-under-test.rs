//! `packer` as the tests run it: the same call as in `packer-cli/src/main.rs`, in a binary of this package, because Cargo
//! tells a test where the binaries of its own package are, and builds them first.

use std::process::ExitCode;

fn main() -> ExitCode {
    packer_cli::run(std::env::args_os(), packer_cli::builtin_codecs())
}
