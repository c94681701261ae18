//! How many threads do what.
//!
//! Who computes needs a processor, and who reads files mostly waits for the disk, which is quicker the more is asked of it
//! at a time: files that are not in memory are read three times as fast by 16 threads as by 2. So there are at least so many
//! readers, whatever the processors. Who asks for a number of threads gets that many of each.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// Readers a processor.
const READERS_A_PROCESSOR: usize = 4;

/// The least and the most readers, unless somebody asks for others.
const READERS: (usize, usize) = (16, 64);

/// Threads that compute.
pub(crate) fn computing(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(processors).max(1)
}

/// Threads that read files.
pub(crate) fn reading(jobs: Option<usize>) -> usize {
    let (least, most) = READERS;
    jobs.unwrap_or_else(|| (READERS_A_PROCESSOR * processors()).clamp(least, most)).max(1)
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_read_than_compute_unless_a_number_is_asked_for() {
        assert_eq!((computing(Some(3)), reading(Some(3))), (3, 3));
        assert_eq!((computing(Some(0)), reading(Some(0))), (1, 1));
        assert!(reading(None) >= 16 && reading(None) >= computing(None).min(64));
        assert!(computing(None) >= 1);
    }
}
