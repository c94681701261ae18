//! What the process keeps of the memory that it has no more use for.
//!
//! The GNU C library keeps freed memory for each thread that allocated it, up to twice the largest block that was ever freed,
//! which after one large picture is tens of megabytes a thread. What one phase of a build frees on its threads the next one
//! does not find on others. So the limits are fixed: of 100,000 assets built anew, that is a quarter of the peak.

/// Lets the allocator keep at most a megabyte at the end of what each thread uses, and give larger blocks back when they are
/// freed. Does nothing where the allocator is another one. To be called before other threads are started.
pub(crate) fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    gnu::limit();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod gnu {
    use libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, c_int, mallopt};

    const LIMIT: c_int = 1 << 20;

    #[expect(unsafe_code, reason = "the C library's settings have no safe name")]
    pub(super) fn limit() {
        for parameter in [M_TRIM_THRESHOLD, M_MMAP_THRESHOLD] {
            // SAFETY: it takes two numbers by value, and refuses what it does not know. The manual asks for no other thread
            // to use the allocator's settings meanwhile: `packer_cli::run` calls this first.
            unsafe { mallopt(parameter, LIMIT) };
        }
    }
}
