//! `Worker`: a process that runs the packer many times, and can be killed at any moment by anybody.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::forms;

/// The binary of workers, and where they work.
#[derive(Clone, Debug)]
pub struct Workplace {
    binary: PathBuf,
    folder: PathBuf,
}

/// A process that runs the packer.
#[derive(Debug)]
pub struct Worker {
    child: Arc<Mutex<Child>>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// Kills a worker, from any thread.
#[derive(Clone, Debug)]
pub struct Killer(Arc<Mutex<Child>>);

/// What a worker wrote in a run, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The lines, of which the last may be torn if it was killed.
    pub lines: Vec<String>,
    /// Whether the run came to its end, and the worker lives.
    pub whole: bool,
}

impl Workplace {
    /// Workers of the binary at `binary`, in `folder`.
    pub fn new(binary: impl Into<PathBuf>, folder: &Path) -> Self {
        Self { binary: binary.into(), folder: folder.to_owned() }
    }

    /// Starts a worker.
    pub fn hire(&self) -> Worker {
        let mut command = Command::new(&self.binary);
        command.current_dir(&self.folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        for inherited in ["PACKER_LOG", "RUST_LOG", "NO_COLOR"] {
            command.env_remove(inherited);
        }
        let mut child = command.spawn().expect("a worker can be started");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Worker { child: Arc::new(Mutex::new(child)), stdin, stdout }
    }
}

impl Worker {
    /// Runs the packer once. `see` is told of each line as it comes.
    pub fn run(&mut self, arguments: &[&str], mut see: impl FnMut(&str)) -> Said {
        let mut lines = Vec::new();
        // One that is dead takes no more work, which its silence tells.
        let _ = self.stdin.write_all(format!("{}\n", arguments.join(" ")).as_bytes());
        loop {
            let mut line = String::new();
            match self.stdout.read_line(&mut line) {
                Ok(0) | Err(_) => return Said { lines, whole: false },
                Ok(_) if line == "\n" => return Said { lines, whole: true },
                Ok(_) => {
                    // One that was killed may leave half a line.
                    if line.ends_with('\n') {
                        forms::published().check_printed(arguments, &line);
                    }
                    see(&line);
                    lines.push(line);
                }
            }
        }
    }

    /// What can kill it while it runs.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.child))
    }
}

impl Killer {
    /// `kill -9`, if the process has this number. It is not waited for, so no other process has the number meanwhile.
    pub fn kill_if(&self, pid: u64) -> bool {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        u64::from(child.id()) == pid && child.kill().is_ok()
    }

    /// `kill -9`.
    pub fn kill(&self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill().expect("it was not waited for, so it can be killed");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It may be dead already.
        let _ = child.kill();
        let _ = child.wait();
    }
}
