//! What the process keeps of the memory that it has no more use for.
//!
//! The GNU C library learns from each block of megabytes that is freed to keep room for the next one: an index of 30 MB, once it
//! is let go of, then counts as memory until the program ends. So what it would learn is said at once: of 100,000 assets
//! built anew, that is a fifth of the peak. Smaller limits are dear: each picture would get its pages from the system anew.

/// Lets the allocator take blocks of a megabyte or more from the system one by one, unless they fit into what is free, and
/// give those back as soon as they are freed. Does nothing where the allocator is another one.
pub(crate) fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    gnu::LIMITED.call_once(gnu::limit);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod gnu {
    use std::sync::Once;

    use libc::{M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, c_int, mallopt};

    /// What is said to the allocator is said once.
    pub(super) static LIMITED: Once = Once::new();

    /// Blocks of at least so many bytes are taken one by one.
    const LARGE: c_int = 1 << 20;

    /// So much may be free at the end of what a thread uses.
    const FREE: c_int = 32 << 20;

    #[expect(unsafe_code, reason = "the C library's settings have no safe name")]
    pub(super) fn limit() {
        for (parameter, bytes) in [(M_MMAP_THRESHOLD, LARGE), (M_TRIM_THRESHOLD, FREE)] {
            // SAFETY: it takes two numbers by value, and refuses what it does not know. A thread that allocates meanwhile
            // goes by one limit or the other, as it does where the library adjusts both itself when a block is freed.
            unsafe { mallopt(parameter, bytes) };
        }
    }
}
