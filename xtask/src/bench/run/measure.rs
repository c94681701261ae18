//! One measured process: how long it ran, and how much memory it needed at most.
//!
//! The system tells the peak of memory only of all children together, so each measured process is the only child of a
//! helper: this very program, called with `bench measure`, which says on its standard output what it saw. The time is
//! from the start of the process to its end; starting the helper is outside of it. Of a pipeline, the time is that of
//! the whole, and the memory that of its largest process.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

/// What one run took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) seconds: f64,
    /// The most memory that was resident, mapped files included; zero where the system does not say.
    pub(crate) peak_bytes: u64,
    /// The exit code; -1 for a process that a signal ended.
    pub(crate) code: i32,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MeasureError {
    /// The program is not there, or cannot be started.
    #[error("{program}: {source}")]
    Start { program: String, source: io::Error },
    /// It ran, and did not end with success.
    #[error("{command}: exit code {code}\n{stderr}")]
    Failed { command: String, code: i32, stderr: String },
    /// The helper said something else.
    #[error("{command}: the helper that measures said: {said}")]
    Helper { command: String, said: String },
}

/// A process to be measured, any number of times.
#[derive(Clone, Debug)]
pub(super) struct Program {
    name: OsString,
    arguments: Vec<OsString>,
    folder: PathBuf,
}

impl Program {
    /// `program`, to be run in `folder`.
    pub(super) fn new(program: impl AsRef<OsStr>, folder: &Path) -> Self {
        Self { name: program.as_ref().to_owned(), arguments: Vec::new(), folder: folder.to_owned() }
    }

    /// With one argument more.
    #[must_use]
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// With more arguments.
    #[must_use]
    pub(super) fn args(self, arguments: &[&str]) -> Self {
        arguments.iter().fold(self, Self::arg)
    }

    /// The same, run by `strace`, which counts its system calls into `counts`.
    #[must_use]
    pub(super) fn traced(&self, counts: &Path) -> Self {
        let traced = Self::new("strace", &self.folder).args(&["-f", "-c", "-o"]).arg(counts).arg(&self.name);
        self.arguments.iter().fold(traced, Self::arg)
    }

    fn shown(&self) -> String {
        let words = std::iter::once(&self.name).chain(&self.arguments);
        words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    /// Runs it once, to success.
    pub(super) fn measure(&self) -> Result<Sample, MeasureError> {
        let start = |source| MeasureError::Start { program: self.shown(), source };
        let helper = std::env::current_exe().map_err(start)?;
        let mut command = Command::new(helper);
        command.args(["bench", "measure", "--"]).arg(&self.name).args(&self.arguments);
        command.current_dir(&self.folder).stdin(Stdio::null());
        // Nobody's own settings decide what is measured.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for inherited in ["PACKER_LOG", "RUST_LOG", "ZSTD_CLEVEL", "ZSTD_NBTHREADS", "TAR_OPTIONS"] {
            command.env_remove(inherited);
        }
        let output = command.output().map_err(start)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let stderr = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        let Some(sample) = decode(&said) else {
            let said = format!("{said}{stderr}");
            return Err(MeasureError::Helper { command: self.shown(), said });
        };
        if sample.code == 0 {
            Ok(sample)
        } else {
            Err(MeasureError::Failed { command: self.shown(), code: sample.code, stderr })
        }
    }
}

/// What the helper does: runs `command`, whose output goes nowhere, and says what it took.
pub(crate) fn observe(command: &[OsString]) -> Result<Sample, MeasureError> {
    let (program, arguments) = command
        .split_first()
        .map_or((OsStr::new(""), command), |(program, rest)| (program.as_os_str(), rest));
    let start = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status();
    let seconds = start.elapsed().as_secs_f64();
    let shown = || program.to_string_lossy().into_owned();
    let status = status.map_err(|source| MeasureError::Start { program: shown(), source })?;
    Ok(Sample { seconds, peak_bytes: peak_of_children(), code: status.code().unwrap_or(-1) })
}

/// The line in which the helper says a sample.
pub(crate) fn encode(sample: &Sample) -> String {
    json!({ "seconds": sample.seconds, "peak_bytes": sample.peak_bytes, "code": sample.code }).to_string()
}

fn decode(line: &str) -> Option<Sample> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(Sample {
        seconds: value["seconds"].as_f64()?,
        peak_bytes: value["peak_bytes"].as_u64()?,
        code: i32::try_from(value["code"].as_i64()?).ok()?,
    })
}

#[cfg(unix)]
fn peak_of_children() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    // Apple's systems count bytes, the others kibibytes.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN);
    usage.map_or(0, |usage| u64::try_from(usage.max_rss()).unwrap_or(0) * unit)
}

#[cfg(not(unix))]
fn peak_of_children() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_observed_to_its_end() {
        let command = ["sh", "-c", "exit 3"].map(OsString::from);
        let sample = observe(&command).unwrap();
        assert_eq!(sample.code, 3);
        assert!(sample.seconds > 0.0 && sample.seconds < 60.0, "{sample:?}");
        if cfg!(unix) {
            assert!(sample.peak_bytes > 100_000, "{sample:?}");
        }
        assert_eq!(decode(&encode(&sample)), Some(sample));
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let missing = ["no-such-program-anywhere"].map(OsString::from);
        let Err(MeasureError::Start { source, .. }) = observe(&missing) else { panic!("it ran") };
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_trace_is_of_the_same_call() {
        let program = Program::new("packer", Path::new("/p")).args(&["build", "--quiet"]);
        assert_eq!(program.traced(Path::new("/c")).shown(), "strace -f -c -o /c packer build --quiet");
    }
}
