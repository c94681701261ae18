//! Compressors that are lent to the threads that bake, and come back.
//!
//! Making one costs more than compressing a small payload, and work is divided into many small parts. There are never more
//! than threads that bake at once.

use std::ops::{Deref, DerefMut};

use packer_pack::compress::Compressor;

use crate::sync::{Mutex, PoisonError};

/// The compressors of one build that nobody uses now.
#[derive(Default)]
pub(super) struct Compressors(Mutex<Vec<Compressor>>);

/// A compressor, until it is dropped.
pub(super) struct Lent<'a> {
    compressor: Compressor,
    of: &'a Compressors,
}

impl Compressors {
    /// One that nobody else uses.
    pub(super) fn take(&self) -> Lent<'_> {
        let compressor = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Lent { compressor: compressor.unwrap_or_default(), of: self }
    }
}

impl Deref for Lent<'_> {
    type Target = Compressor;

    fn deref(&self) -> &Compressor {
        &self.compressor
    }
}

impl DerefMut for Lent<'_> {
    fn deref_mut(&mut self) -> &mut Compressor {
        &mut self.compressor
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let compressor = std::mem::take(&mut self.compressor);
        self.of.0.lock().unwrap_or_else(PoisonError::into_inner).push(compressor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_lent_again() {
        let compressors = Compressors::default();
        let idle = || compressors.0.lock().unwrap().len();
        let (one, other) = (compressors.take(), compressors.take());
        assert_eq!(idle(), 0);
        drop((one, other));
        assert_eq!(idle(), 2);
        let again = compressors.take();
        assert_eq!(idle(), 1);
        drop(again);
        assert_eq!(idle(), 2);
    }
}
