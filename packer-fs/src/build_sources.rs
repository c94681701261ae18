//! The build sources: which contents of which file went into which payload of the last build, so that a build after a
//! few files changed need not evaluate the whole workspace to find out what they are sources of.
//!
//! A shortcut and never the truth: it is replaced without syncing, counts as none where it is damaged, and belongs to one
//! build record, which it names. What was the same for all assets, from the configuration to the paths of all files, is
//! one digest, the *frame*; of what stands in the frame there is an entry a file, in the order of the stat index.
//! Whether a change can be carried out with this is for the caller to decide.
//!
//! ```text
//! magic 8, number of files u32, number of assets u32, frame 32, checksum of the build record 32
//! digests    32 bytes    each: of the contents of one file, in the order of the stat index
//! uses        4 bytes    each: what the file is used for: the number of an asset among those of the build record, or
//!                        the greatest u32 for nothing, or one less for what only a whole evaluation can tell
//! places      4 bytes    each: of one asset, in the order of the build record: its position in the pack's table
//! checksum   32 bytes    BLAKE3 of everything before it
//! ```
//!
//! Little-endian.

use std::io::Write;
use std::ops::Range;

use camino::Utf8Path;
use packer_domain::identity::Digest;

use crate::disk::{Disk, DiskError, DiskOperation};

/// A file of more bytes is not read, and so counts as none.
const MAX_SOURCES_BYTES: u64 = 1 << 30;

const MAGIC: [u8; 8] = *b"PKRSRCS1";
const HEADER_BYTES: usize = 80;
const DIGEST_BYTES: usize = 32;
const NUMBER_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 32;
const NOTHING: u32 = u32::MAX;
const UNKNOWN: u32 = u32::MAX - 1;

/// What the last build was made from, file by file.
#[derive(Clone, Debug)]
pub struct BuildSources {
    bytes: Vec<u8>,
    files: usize,
    assets: usize,
}

/// What the contents of a file are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileUse {
    /// For no payload, nor for anything else.
    Nothing,
    /// For the payload of one asset, and for nothing else: its number among those of the build record.
    Asset(u32),
    /// For what only a whole evaluation can tell.
    Unknown,
}

impl FileUse {
    fn code(self) -> u32 {
        match self {
            Self::Nothing => NOTHING,
            Self::Asset(number) => number.min(UNKNOWN),
            Self::Unknown => UNKNOWN,
        }
    }
}

impl BuildSources {
    /// The sources of a build whose record has the checksum `record`. `files` are in the order of the stat index, `places`
    /// in that of the record. `None` if there are more than can be numbered.
    pub fn new(
        frame: Digest,
        record: Digest,
        files: impl ExactSizeIterator<Item = (Digest, FileUse)>,
        places: impl ExactSizeIterator<Item = u32>,
    ) -> Option<Self> {
        let (count, assets) = (files.len(), places.len());
        let mut bytes = Vec::with_capacity(size_of(count, assets)?);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&u32::try_from(count).ok()?.to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(assets).ok()?.to_le_bytes());
        bytes.extend_from_slice(frame.as_bytes());
        bytes.extend_from_slice(record.as_bytes());
        let mut uses = Vec::with_capacity(count);
        for (digest, used) in files {
            bytes.extend_from_slice(digest.as_bytes());
            uses.push(used.code());
        }
        bytes.extend(uses.into_iter().chain(places).flat_map(u32::to_le_bytes));
        Some(Self { bytes, files: count, assets }.sealed())
    }

    /// Reads the file at `path`; `None` if there is none that can be believed.
    pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Option<Self> {
        Self::parse(disk.read(path, MAX_SOURCES_BYTES).ok()?)
    }

    /// Reads the bytes of such a file; `None` if they are not those that were written.
    pub fn parse(bytes: Vec<u8>) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_BYTES)?)?;
        if body.len() < HEADER_BYTES || !body.starts_with(&MAGIC) {
            return None;
        }
        let (files, assets) = (number(body, 8) as usize, number(body, 12) as usize);
        if size_of(files, assets)? != bytes.len() || blake3::hash(body).as_bytes() != checksum {
            return None;
        }
        let sources = Self { bytes, files, assets };
        let is_used = |code: u32| (code as usize) < assets || code == NOTHING || code == UNKNOWN;
        let is_fine = sources.numbers(sources.uses()).all(is_used)
            && sources.numbers(sources.places()).all(|place| (place as usize) < assets);
        is_fine.then_some(sources)
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The digest of what was the same for all assets.
    pub fn frame(&self) -> Digest {
        self.digest_at(16)
    }

    /// The checksum of the build record that it belongs to.
    pub fn record(&self) -> Digest {
        self.digest_at(16 + DIGEST_BYTES)
    }

    /// How many files it knows.
    pub fn file_count(&self) -> usize {
        self.files
    }

    /// How many assets it knows.
    pub fn asset_count(&self) -> usize {
        self.assets
    }

    /// The digest that the contents of the file at `at`, of [`file_count`](Self::file_count) files, had.
    pub fn digest(&self, at: usize) -> Digest {
        self.digest_at(HEADER_BYTES + at * DIGEST_BYTES)
    }

    /// What the file at `at` is used for.
    pub fn used_for(&self, at: usize) -> FileUse {
        match number(&self.bytes, self.uses().start + at * NUMBER_BYTES) {
            NOTHING => FileUse::Nothing,
            UNKNOWN => FileUse::Unknown,
            asset => FileUse::Asset(asset),
        }
    }

    /// The position in the pack's table of the asset with this number, of [`asset_count`](Self::asset_count).
    pub fn place(&self, asset: usize) -> u32 {
        number(&self.bytes, self.places().start + asset * NUMBER_BYTES)
    }

    /// The same with these contents of files, for the record with this checksum.
    #[must_use]
    pub fn with(mut self, record: Digest, changed: impl IntoIterator<Item = (usize, Digest)>) -> Self {
        let mut put = |at: usize, digest: Digest| {
            self.bytes[at..at + DIGEST_BYTES].copy_from_slice(digest.as_bytes());
        };
        put(16 + DIGEST_BYTES, record);
        for (at, digest) in changed {
            put(HEADER_BYTES + at * DIGEST_BYTES, digest);
        }
        let end = self.bytes.len() - CHECKSUM_BYTES;
        self.bytes.truncate(end);
        self.sealed()
    }

    /// Writes it at `path`, over an earlier one.
    pub fn store(&self, disk: &dyn Disk, path: &Utf8Path) -> Result<(), DiskError> {
        let fail = |source| DiskError { operation: DiskOperation::Write, path: path.to_owned(), source };
        // In place: a torn one is none.
        let mut file = disk.open_write(path)?;
        file.set_len(self.bytes.len() as u64)
            .and_then(|()| file.write_all(&self.bytes))
            .and_then(|()| file.flush())
            .map_err(fail)
    }

    fn sealed(mut self) -> Self {
        let checksum = blake3::hash(&self.bytes);
        self.bytes.extend_from_slice(checksum.as_bytes());
        self
    }

    fn uses(&self) -> Range<usize> {
        let start = HEADER_BYTES + self.files * DIGEST_BYTES;
        start..start + self.files * NUMBER_BYTES
    }

    fn places(&self) -> Range<usize> {
        let start = self.uses().end;
        start..start + self.assets * NUMBER_BYTES
    }

    fn numbers(&self, range: Range<usize>) -> impl Iterator<Item = u32> {
        self.bytes[range].chunks_exact(NUMBER_BYTES).map(|bytes| number(bytes, 0))
    }

    fn digest_at(&self, at: usize) -> Digest {
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(&self.bytes[at..at + DIGEST_BYTES]);
        Digest::from_bytes(digest)
    }
}

/// How many bytes the file has.
fn size_of(files: usize, assets: usize) -> Option<usize> {
    let of_files = files.checked_mul(DIGEST_BYTES + NUMBER_BYTES)?;
    let of_assets = assets.checked_mul(NUMBER_BYTES)?;
    of_files.checked_add(of_assets)?.checked_add(HEADER_BYTES + CHECKSUM_BYTES)
}

fn number(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; NUMBER_BYTES];
    number.copy_from_slice(&bytes[at..at + NUMBER_BYTES]);
    u32::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::sim::SimDisk;

    fn digest(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    fn sample() -> BuildSources {
        let files = [("a", FileUse::Asset(1)), ("b", FileUse::Nothing), ("c", FileUse::Unknown)];
        let files = files.map(|(text, used)| (digest(text), used));
        let places = [1, 0];
        BuildSources::new(digest("frame"), digest("record"), files.into_iter(), places.into_iter()).unwrap()
    }

    #[test]
    fn is_read_as_it_was_written_and_not_at_all_where_it_is_damaged() {
        let disk = SimDisk::new();
        let path = Utf8Path::new(".packer/build-sources");
        disk.put_dir(".packer".into());
        assert!(BuildSources::load(&disk, path).is_none());
        disk.put(path, &[7; 4000]);
        sample().store(&disk, path).unwrap();
        let read = BuildSources::load(&disk, path).unwrap();
        assert_eq!((read.frame(), read.record()), (digest("frame"), digest("record")));
        assert_eq!((read.file_count(), read.asset_count()), (3, 2));
        assert_eq!([0, 1, 2].map(|at| read.digest(at)), ["a", "b", "c"].map(digest));
        let uses = [FileUse::Asset(1), FileUse::Nothing, FileUse::Unknown];
        assert_eq!([0, 1, 2].map(|at| read.used_for(at)), uses);
        assert_eq!([0, 1].map(|asset| read.place(asset)), [1, 0]);
        let bytes = sample().bytes().to_vec();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert!(BuildSources::parse(damaged).is_none(), "byte {at}");
            assert!(BuildSources::parse(bytes[..at].to_vec()).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn other_contents_for_another_record_are_as_if_made_so() {
        let now = sample().with(digest("next"), [(2, digest("d"))]);
        let files = [("a", FileUse::Asset(1)), ("b", FileUse::Nothing), ("d", FileUse::Unknown)];
        let files = files.map(|(text, used)| (digest(text), used));
        let made = BuildSources::new(digest("frame"), digest("next"), files.into_iter(), [1, 0].into_iter());
        assert_eq!(now.bytes(), made.unwrap().bytes());
    }

    #[test]
    fn numbers_that_lead_nowhere_are_refused_whoever_sealed_them() {
        let sample = sample();
        let sealed = |at: usize, value: u32| {
            let mut bytes = sample.bytes[..sample.bytes.len() - CHECKSUM_BYTES].to_vec();
            bytes[at..at + NUMBER_BYTES].copy_from_slice(&value.to_le_bytes());
            BuildSources { bytes, files: 3, assets: 2 }.sealed().bytes
        };
        assert!(BuildSources::parse(sealed(sample.uses().start, 1)).is_some());
        for (at, value) in [
            (8, u32::MAX),              // the number of files
            (12, u32::MAX),             // the number of assets
            (sample.uses().start, 2),   // an asset that is none
            (sample.places().start, 2), // a place beyond the table
        ] {
            assert!(BuildSources::parse(sealed(at, value)).is_none(), "{value} at {at}");
        }
    }
}
