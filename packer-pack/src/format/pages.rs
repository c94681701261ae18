//! The pages of the index: table, names and kinds, cut into pieces of a fixed size, and the list of their digests.
//!
//! The list is what makes a lookup checkable without hashing the whole index: the header holds the digest of the list, the
//! list that of every page, and a page holds the digests of payloads. Which pages are checked when is the reader's choice.

/// The size of a page: the last one may be shorter.
pub const PAGE_SIZE: usize = 8192;
/// The size of a digest in the list.
pub const DIGEST_SIZE: usize = 32;

/// The size of the list for an index of `size` bytes.
pub const fn page_list_size(size: u64) -> u64 {
    size.div_ceil(PAGE_SIZE as u64) * DIGEST_SIZE as u64
}

/// The list of the digests of the pages of `index`, which is table, names and kinds.
pub fn page_list(index: &[u8]) -> Vec<u8> {
    let mut list = Vec::with_capacity(page_list_size(index.len() as u64) as usize);
    for page in index.chunks(PAGE_SIZE) {
        list.extend_from_slice(blake3::hash(page).as_bytes());
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_digest_for_each_page_and_for_what_is_left() {
        for (size, pages) in [(0, 0), (1, 1), (PAGE_SIZE, 1), (PAGE_SIZE + 1, 2), (3 * PAGE_SIZE, 3)] {
            let index = vec![7; size];
            let list = page_list(&index);
            assert_eq!((list.len(), page_list_size(size as u64)), (pages * 32, pages as u64 * 32), "{size}");
        }
        let mut index = vec![7; PAGE_SIZE + 1];
        let before = page_list(&index);
        index[PAGE_SIZE] = 8;
        let after = page_list(&index);
        assert_eq!(before[..32], after[..32]);
        assert_eq!(after[32..], *blake3::hash(&[8]).as_bytes());
        assert_eq!(page_list_size(u64::MAX), (1 << 51) * 32, "no size overflows");
    }
}
