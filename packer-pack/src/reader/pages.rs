//! Checking the index page by page, as lookups come to it.
//!
//! Opening checks the list of the pages' digests; a page is checked when it is first believed, and its bit is set. The bits
//! are all the memory that this takes, and they are allocated when the pack is opened.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Pack, Problem, ReadError, Verify};
use crate::format::{DIGEST_SIZE, HEADER_SIZE, Header, PAGE_SIZE};

/// Which pages of the index were found to match their digests.
pub(super) struct CheckedPages(Vec<AtomicU64>);

impl CheckedPages {
    /// None of them.
    pub(super) fn none(header: &Header, verify: Verify) -> Self {
        let pages = match verify {
            Verify::OnRead => header.index().size.div_ceil(PAGE_SIZE as u64),
            Verify::Eager | Verify::Never => 0,
        };
        Self((0..pages.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    fn has(&self, page: usize) -> bool {
        self.0.get(page / 64).is_some_and(|bits| bits.load(Ordering::Relaxed) & (1 << (page % 64)) != 0)
    }

    fn add(&self, page: usize) {
        // Nothing else is published with the bit: two threads that both miss it both check.
        if let Some(bits) = self.0.get(page / 64) {
            bits.fetch_or(1 << (page % 64), Ordering::Relaxed);
        }
    }
}

impl Pack {
    /// Makes sure that a range of the file, which is part of the index, matches its digests, if that is asked for as things
    /// are read.
    pub(super) fn believe(&self, range: Range<u64>) -> Result<(), ReadError> {
        if self.options.verify != Verify::OnRead {
            return Ok(());
        }
        let page_of = |at: u64| at.saturating_sub(HEADER_SIZE as u64) / PAGE_SIZE as u64;
        for page in page_of(range.start)..=page_of(range.end.saturating_sub(1).max(range.start)) {
            let page = page as usize;
            if self.checked.has(page) {
                continue;
            }
            if !self.page_matches(page) {
                return Err(ReadError::Index { offset: page_start(page) });
            }
            self.checked.add(page);
        }
        Ok(())
    }

    /// What is wrong with the pages and the list of their digests.
    pub(super) fn check_pages(&self, problems: &mut Vec<Problem>) {
        if !self.page_list_matches() {
            problems.push(Problem::IndexDigest);
        }
        let pages = self.section(self.header.index()).len().div_ceil(PAGE_SIZE);
        let damaged = (0..pages).filter(|page| !self.page_matches(*page));
        problems.extend(damaged.map(|page| Problem::IndexPage { offset: page_start(page) }));
    }

    /// Whether the list of the pages' digests is the one that the header means.
    pub(super) fn page_list_matches(&self) -> bool {
        *blake3::hash(self.section(self.header.pages())).as_bytes() == self.header.index_digest
    }

    fn page_matches(&self, page: usize) -> bool {
        let content = self.section(self.header.index()).chunks(PAGE_SIZE).nth(page);
        let digest = self.section(self.header.pages()).chunks_exact(DIGEST_SIZE).nth(page);
        matches!((content, digest), (Some(content), Some(digest)) if blake3::hash(content).as_bytes() == digest)
    }
}

/// Where a page starts, from the start of the file.
fn page_start(page: usize) -> u64 {
    (HEADER_SIZE + page * PAGE_SIZE) as u64
}
