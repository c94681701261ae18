//! Runs a program under `ptrace` and stops it at every call that changes a disk: to kill it just there, or to do something
//! else while it stands still.
//!
//! The program is stopped before a call takes effect. Threads and child processes are followed. [`Verdict::Kill`] is what
//! `kill -9` does: the call that was stopped at never happens, nor does anything after it.
//!
//! Linux with glibc on x86-64 and aarch64 only; elsewhere there is nothing here, and the tests that need it are not
//! compiled. Where `ptrace` is forbidden, tracing panics and says so: a test that proved nothing must not pass.
//!
//! [`Verdict::Fail`] is what a failing disk does: the call does nothing, and says so. [`Verdict::Deny`] only forges the answer:
//! it is for calls whose effect ends with the file that they were made on, as locks do.
//!
//! What a power cut adds to that, writes lost though they were made, is tested by `packer-fs` on its simulated disk.

mod calls;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// A call that changes a disk, or asks for it to be durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The name of the system call.
    pub name: &'static str,
    /// The path it names; of two, the target. For those that name none, that of the open file that they are made on, as the
    /// system tells it.
    pub path: Option<PathBuf>,
}

/// What is to become of a program at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Go,
    /// It is killed, with all its threads, before the call takes effect.
    Kill,
    /// It goes on, and the call fails so without having done anything.
    Fail(Errno),
    /// It goes on, and is told that the call failed so, whatever came of it.
    Deny(Errno),
}

/// How a traced program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal: by the verdict, unless something else killed it.
    Killed,
}

/// What a traced program did.
#[derive(Clone, Debug)]
pub struct Traced {
    /// Every call that it was stopped at, in order.
    pub calls: Vec<Call>,
    /// How it ended.
    pub end: End,
}

/// Waits until it is traced, and becomes the program only then, so that none of its calls is missed.
const WAIT_FOR_TRACER: &str = r#"kill -STOP $$; exec "$@""#;

/// Runs `command` and asks `judge` at each of its calls. What it writes to its standard streams is
/// dropped.
///
/// # Panics
/// When the program cannot be started or traced: `ptrace` is forbidden in some containers.
pub fn trace(command: &Command, mut judge: impl FnMut(&Call) -> Verdict) -> Traced {
    let main = spawn(command);
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    if let Err(error) = ptrace::seize(main, options) {
        // It would wait for ever; that it cannot be killed either is not the news.
        let _ = kill(main, Signal::SIGKILL);
        panic!(
            "ptrace is not permitted here ({error}), so kills at every call cannot be tested: run where it is"
        );
    }
    let mut traced = Traced { calls: Vec::new(), end: End::Killed };
    let mut inside: BTreeMap<Pid, bool> = BTreeMap::new();
    let mut denied = BTreeMap::new();
    let mut is_program = false;
    let mut killed = false;
    // Each thread traces children of its own, so tests can run beside each other.
    while let Ok(status) = waitpid(None, Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD)) {
        if let WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) = status {
            // Its number may be another's soon.
            inside.remove(&pid);
            denied.remove(&pid);
        }
        match status {
            WaitStatus::Exited(pid, code) if pid == main => traced.end = End::Exited(code),
            WaitStatus::Signaled(pid, ..) if pid == main => traced.end = End::Killed,
            WaitStatus::PtraceSyscall(pid) => {
                let is_inside = inside.entry(pid).or_default();
                *is_inside = !*is_inside;
                if *is_inside
                    && is_program
                    && !killed
                    && let Some(call) = calls::read(pid)
                {
                    let verdict = judge(&call);
                    traced.calls.push(call);
                    match verdict {
                        Verdict::Go => {}
                        Verdict::Kill => {
                            killed = true;
                            killpg(main, Signal::SIGKILL).expect("the program is there");
                            continue;
                        }
                        Verdict::Fail(error) => drop(denied.insert(pid, (error, calls::prevent(pid)))),
                        Verdict::Deny(error) => drop(denied.insert(pid, (error, None))),
                    }
                } else if !*is_inside && let Some((error, given)) = denied.remove(&pid) {
                    calls::answer(pid, error, given);
                }
                resume(pid, None);
            }
            WaitStatus::PtraceEvent(pid, signal, event) => {
                if event == Event::PTRACE_EVENT_EXEC as i32 {
                    is_program = true;
                    // The next stop is the end of the call that began the program.
                    inside.insert(pid, true);
                }
                if event == Event::PTRACE_EVENT_STOP as i32 && signal == Signal::SIGSTOP {
                    // Traced from here on, it may begin.
                    kill(pid, Signal::SIGCONT).expect("the program is there");
                }
                resume(pid, None);
            }
            WaitStatus::Stopped(pid, signal) => resume(pid, Some(signal)),
            WaitStatus::Exited(..)
            | WaitStatus::Signaled(..)
            | WaitStatus::Continued(_)
            | WaitStatus::StillAlive => {}
        }
    }
    traced
}

#[expect(clippy::zombie_processes, reason = "its end is waited for with that of all its threads")]
fn spawn(command: &Command) -> Pid {
    let mut waiting = Command::new("/bin/sh");
    waiting.args(["-c", WAIT_FOR_TRACER, "sh"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        waiting.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => waiting.env(name, value),
            None => waiting.env_remove(name),
        };
    }
    // In a group of its own, so that its children die with it.
    std::os::unix::process::CommandExt::process_group(&mut waiting, 0);
    waiting.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = waiting.spawn().expect("a shell can be started");
    Pid::from_raw(i32::try_from(child.id()).expect("process ids are positive and small"))
}

/// Lets a thread run to its next stop. One that was killed meanwhile is not there any more.
fn resume(pid: Pid, signal: Option<Signal>) {
    match ptrace::syscall(pid, signal) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => panic!("thread {pid} cannot be resumed: {error}"),
    }
}

#[cfg(test)]
mod tests;
