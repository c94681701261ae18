//! A file that is hashed while it is written, or read, so that what is in it need not be held as a whole.

use std::io::{self, Write};

use camino::Utf8Path;
use packer_domain::identity::Digest;

use super::{Disk, DiskError, DiskOperation, WriteFile};

/// How much is gathered before it is hashed and written.
const GATHERED_BYTES: usize = 256 << 10;

/// A file that knows the size and the digest of what was written to it from its start.
pub struct HashedFile {
    file: Box<dyn WriteFile>,
    gathered: Vec<u8>,
    hasher: blake3::Hasher,
    size: u64,
}

/// What was written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// Bytes.
    pub size: u64,
    /// The digest of them.
    pub digest: Digest,
}

impl HashedFile {
    /// Writes to `file`, which is empty.
    pub fn new(file: Box<dyn WriteFile>) -> Self {
        let gathered = Vec::with_capacity(GATHERED_BYTES);
        Self { file, gathered, hasher: blake3::Hasher::new(), size: 0 }
    }

    /// Gives the file back, everything written, and says what that was.
    pub fn finish(mut self) -> io::Result<(Box<dyn WriteFile>, Hashed)> {
        self.flush()?;
        let digest = Digest::from_bytes(*self.hasher.finalize().as_bytes());
        Ok((self.file, Hashed { size: self.size, digest }))
    }

    fn put(&mut self) -> io::Result<()> {
        self.file.write_all(&self.gathered)?;
        self.hasher.update(&self.gathered);
        self.size += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }
}

impl Hashed {
    /// What the file at `path` holds, no more than a block of which is held at a time.
    pub fn read(disk: &dyn Disk, path: &Utf8Path) -> Result<Self, DiskError> {
        let fail = |source| DiskError { operation: DiskOperation::Read, path: path.to_owned(), source };
        let mut file = disk.open(path)?;
        let mut block = vec![0; GATHERED_BYTES];
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        loop {
            match file.read(&mut block) {
                Ok(0) => break,
                Ok(count) => {
                    hasher.update(&block[..count]);
                    size += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(fail(error)),
            }
        }
        Ok(Self { size, digest: Digest::from_bytes(*hasher.finalize().as_bytes()) })
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gathered.len() + bytes.len() > GATHERED_BYTES {
            self.put()?;
        }
        let count = bytes.len().min(GATHERED_BYTES);
        self.gathered.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.put()?;
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::sim::SimDisk;

    #[test]
    fn the_digest_is_that_of_the_file_however_it_was_written() {
        let disk = SimDisk::new();
        let all: Vec<u8> = (0..GATHERED_BYTES * 2 + 77).map(|at| (at % 251) as u8).collect();
        for (name, step) in [("a", 1000), ("b", GATHERED_BYTES + 5), ("c", all.len())] {
            let mut file = HashedFile::new(disk.create(name.into()).unwrap());
            all.chunks(step).for_each(|chunk| file.write_all(chunk).unwrap());
            let (_, hashed) = file.finish().unwrap();
            assert_eq!(hashed, Hashed { size: all.len() as u64, digest: Digest::of(&all) });
            assert_eq!(disk.read(name.into(), 1 << 30).unwrap(), all);
            assert_eq!(Hashed::read(&disk, name.into()).unwrap(), hashed);
        }
    }
}
