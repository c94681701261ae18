//! `packer`, many times in one process: the arguments of each run are a line of standard input, and once it is over, a line
//! without anything else says so on standard output.
//!
//! What one process leaves for the next operation in it, and what it costs to start a process, are then part of a test,
//! or are not.

use std::io::{BufRead, Write};

fn main() {
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let arguments = std::iter::once("packer").chain(line.split(' ')).map(Into::into);
        // What came of it is told by what it wrote, and by the logs.
        let _ = packer_cli::run(arguments, packer_cli::builtin_codecs());
        let mut out = std::io::stdout().lock();
        let told = out.write_all(b"\n").and_then(|()| out.flush());
        told.expect("somebody reads standard output");
    }
}
