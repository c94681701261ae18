//! Which system calls change a disk, and what they name.
//!
//! Reading a call that is none of them costs one look at its registers. Those that wait, map or only read are none.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::Call;

/// What decides whether a call counts.
enum Counts {
    /// It always does.
    Always,
    /// If this argument has the flag that creates a file, or empties one.
    IfOpenedToChange(usize),
}

/// A system call: its number, its name, which argument is a path (if none is, the first one is an open file), and when it
/// counts.
struct Known(libc::c_long, &'static str, Option<usize>, Counts);

const KNOWN: [Known; 22] = [
    Known(libc::SYS_renameat, "renameat", Some(3), Counts::Always),
    Known(libc::SYS_renameat2, "renameat2", Some(3), Counts::Always),
    Known(libc::SYS_fsync, "fsync", None, Counts::Always),
    Known(libc::SYS_fdatasync, "fdatasync", None, Counts::Always),
    Known(libc::SYS_sync_file_range, "sync_file_range", None, Counts::Always),
    Known(libc::SYS_syncfs, "syncfs", None, Counts::Always),
    Known(libc::SYS_write, "write", None, Counts::Always),
    Known(libc::SYS_pwrite64, "pwrite64", None, Counts::Always),
    Known(libc::SYS_writev, "writev", None, Counts::Always),
    Known(libc::SYS_pwritev, "pwritev", None, Counts::Always),
    Known(libc::SYS_unlinkat, "unlinkat", Some(1), Counts::Always),
    Known(libc::SYS_mkdirat, "mkdirat", Some(1), Counts::Always),
    Known(libc::SYS_linkat, "linkat", Some(3), Counts::Always),
    Known(libc::SYS_symlinkat, "symlinkat", Some(2), Counts::Always),
    Known(libc::SYS_openat, "openat", Some(1), Counts::IfOpenedToChange(2)),
    Known(libc::SYS_ftruncate, "ftruncate", None, Counts::Always),
    Known(libc::SYS_truncate, "truncate", Some(0), Counts::Always),
    Known(libc::SYS_fallocate, "fallocate", None, Counts::Always),
    Known(libc::SYS_copy_file_range, "copy_file_range", None, Counts::Always),
    Known(libc::SYS_sendfile, "sendfile", None, Counts::Always),
    Known(libc::SYS_utimensat, "utimensat", Some(1), Counts::Always),
    Known(libc::SYS_flock, "flock", None, Counts::Always),
];

/// The older forms, which newer machines do not have.
#[cfg(target_arch = "x86_64")]
const OLDER: [Known; 7] = [
    Known(libc::SYS_rename, "rename", Some(1), Counts::Always),
    Known(libc::SYS_unlink, "unlink", Some(0), Counts::Always),
    Known(libc::SYS_rmdir, "rmdir", Some(0), Counts::Always),
    Known(libc::SYS_mkdir, "mkdir", Some(0), Counts::Always),
    Known(libc::SYS_link, "link", Some(1), Counts::Always),
    Known(libc::SYS_open, "open", Some(0), Counts::IfOpenedToChange(1)),
    Known(libc::SYS_creat, "creat", Some(0), Counts::Always),
];
#[cfg(target_arch = "aarch64")]
const OLDER: [Known; 0] = [];

/// The call that the stopped thread `pid` is about to make, if it changes a disk.
pub(super) fn read(pid: Pid) -> Option<Call> {
    // A thread that was killed meanwhile makes no call.
    let registers = ptrace::getregs(pid).ok()?;
    let (number, arguments) = numbers(&registers);
    let Known(_, name, path, counts) =
        KNOWN.iter().chain(&OLDER).find(|known| u64::try_from(known.0) == Ok(number))?;
    if let Counts::IfOpenedToChange(flags) = counts
        && arguments[*flags] & u64::from((libc::O_CREAT | libc::O_TRUNC).unsigned_abs()) == 0
    {
        return None;
    }
    let path = match path {
        Some(argument) => text(pid, arguments[*argument]),
        None => std::fs::read_link(format!("/proc/{pid}/fd/{}", arguments[0])).ok(),
    };
    Some(Call { name, path })
}

/// Has the call that the stopped thread `pid` is about to make do nothing, whichever it is: what it is given names no file.
/// Returns what it was given, which the program may count on finding again.
pub(super) fn prevent(pid: Pid) -> Option<libc::user_regs_struct> {
    let given = ptrace::getregs(pid).ok()?;
    let mut registers = given;
    // As a number this is no file, and as an address there is nothing; nor is there at the other one.
    let (none, nowhere) = (u64::MAX, 0);
    #[cfg(target_arch = "x86_64")]
    {
        (registers.rdi, registers.rsi) = (none, nowhere);
    }
    #[cfg(target_arch = "aarch64")]
    {
        (registers.regs[0], registers.regs[1]) = (none, nowhere);
    }
    ptrace::setregs(pid, registers).expect("it is stopped");
    Some(given)
}

/// Has the call that the stopped thread `pid` returns from answer with `error`. `given` is what it was given, if it was
/// [prevented](prevent).
pub(super) fn answer(pid: Pid, error: Errno, given: Option<libc::user_regs_struct>) {
    // A thread that was killed meanwhile wants no answer.
    let Ok(found) = ptrace::getregs(pid) else { return };
    let mut registers = given.unwrap_or(found);
    let answer = (-i64::from(error as i32)).cast_unsigned();
    #[cfg(target_arch = "x86_64")]
    {
        registers.rax = answer;
    }
    #[cfg(target_arch = "aarch64")]
    {
        registers.regs[0] = answer;
    }
    ptrace::setregs(pid, registers).expect("it is stopped");
}

#[cfg(target_arch = "x86_64")]
fn numbers(registers: &libc::user_regs_struct) -> (u64, [u64; 4]) {
    (registers.orig_rax, [registers.rdi, registers.rsi, registers.rdx, registers.r10])
}

#[cfg(target_arch = "aarch64")]
fn numbers(registers: &libc::user_regs_struct) -> (u64, [u64; 4]) {
    let [a, b, c, d, ..] = registers.regs;
    (registers.regs[8], [a, b, c, d])
}

/// The text at `address` of a stopped thread, up to its NUL.
fn text(pid: Pid, address: u64) -> Option<PathBuf> {
    /// Memory is readable or not by the page, and pages are no smaller.
    const PAGE: u64 = 4096;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let mut bytes = Vec::new();
    let mut at = address;
    // No path that the kernel takes is longer than this.
    while bytes.len() < 4096 {
        let mut page = vec![0; usize::try_from(PAGE - at % PAGE).ok()?];
        memory.read_exact_at(&mut page, at).ok()?;
        if let Some(end) = page.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&page[..end]);
            return Some(OsString::from_vec(bytes).into());
        }
        at += page.len() as u64;
        bytes.extend_from_slice(&page);
    }
    None
}
