//! What the process keeps of the memory that it has no more use for.
//!
//! The GNU C library learns from each block of megabytes that is freed to keep room for the next one: an index of 30 MB, once it
//! is let go of, then counts as memory until the program ends. So what it would learn is said at once: of 100,000 assets
//! built anew, that is a fifth of the peak. Smaller limits are dear: each picture would get its pages from the system anew.

/// Lets the allocator give every block of a megabyte or more back to the system when it is freed. Does nothing where the
/// allocator is another one. To be called before other threads are started.
pub(crate) fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    gnu::limit();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod gnu {
    use libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, c_int, mallopt};

    /// Blocks of at least so many bytes are the system's again when they are freed.
    const LARGE: c_int = 1 << 20;

    /// So much may be free at the end of what a thread uses.
    const FREE: c_int = 32 << 20;

    #[expect(unsafe_code, reason = "the C library's settings have no safe name")]
    pub(super) fn limit() {
        for (parameter, bytes) in [(M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, FREE)] {
            // SAFETY: it takes two numbers by value, and refuses what it does not know. The manual asks for no other thread
            // to use the allocator's settings meanwhile: `packer_cli::run` calls this first.
            unsafe { mallopt(parameter, bytes) };
        }
    }
}
