//! The bytes of the stat index: header, entries, paths, contents, checksum. What they mean is in the parent module.
//!
//! ```text
//! header    96 bytes  magic 8, version u32, zero u32, count u64, bytes of paths u64, bytes of contents u64,
//!                     stamp i64 (the least i64: none), stamp's device u64, digest of the root's path 32, zero u64
//! entries   96 bytes  each: path offset u64, path length u32, content length u32 (the greatest u32: none),
//!                     content offset u64, size u64, mtime i64, ctime i64, inode u64, device u64, digest 32
//! paths               the paths, UTF-8, one after another
//! contents            the contents that are kept
//! checksum  32 bytes  BLAKE3 of everything before it
//! ```
//!
//! Little-endian; entries are sorted by path bytes and none stands twice. [`check`] checks everything that reading
//! relies on, so a file that passes cannot make a reader panic.

use std::io::{self, Write};
use std::ops::Range;

use camino::Utf8Path;
use packer_domain::identity::Digest;

use super::{IndexDefect, Stamp};
use crate::disk::Stat;

pub(super) const MAGIC: [u8; 8] = *b"PKRSTAT\n";
pub(super) const VERSION: u32 = 1;
pub(super) const HEADER_BYTES: usize = 96;
pub(super) const ENTRY_BYTES: usize = 96;
const CHECKSUM_BYTES: usize = 32;
const NO_STAMP: i64 = i64::MIN;
const NO_CONTENT: u32 = u32::MAX;

/// What is written of one file.
#[derive(Clone, Copy, Debug)]
pub struct IndexRecord<'a> {
    /// Its path below the assets root.
    pub path: &'a str,
    /// Its stat when it was read.
    pub stat: &'a Stat,
    /// The digest of its contents.
    pub digest: &'a Digest,
    /// Its contents, if they are to be kept.
    pub content: Option<&'a [u8]>,
}

/// Where the parts are.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) count: usize,
    pub(super) stamp: Option<Stamp>,
    pub(super) entries: Range<usize>,
    pub(super) paths: Range<usize>,
    pub(super) contents: Range<usize>,
}

/// The fields of one entry; ranges are relative to their parts.
pub(super) struct RawEntry {
    pub(super) path: Range<usize>,
    pub(super) content: Option<Range<usize>>,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    pub(super) ctime_ns: i64,
    pub(super) inode: u64,
    pub(super) device: u64,
    pub(super) digest: Digest,
}

impl RawEntry {
    /// Reads an entry. Its offsets are whatever the file says; they saturate instead of overflowing.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let range = |start: u64, len: u32| {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            start..start.saturating_add(len as usize)
        };
        let content_len = u32_at(bytes, 12);
        Self {
            path: range(u64_at(bytes, 0), u32_at(bytes, 8)),
            content: (content_len != NO_CONTENT).then(|| range(u64_at(bytes, 16), content_len)),
            size: u64_at(bytes, 24),
            mtime_ns: u64_at(bytes, 32).cast_signed(),
            ctime_ns: u64_at(bytes, 40).cast_signed(),
            inode: u64_at(bytes, 48),
            device: u64_at(bytes, 56),
            digest: Digest::from_bytes(array_at(bytes, 64)),
        }
    }
}

/// Writes an index.
pub(super) fn encode(
    out: &mut impl Write,
    assets_root: &Utf8Path,
    stamp: Option<Stamp>,
    records: &[IndexRecord<'_>],
) -> io::Result<()> {
    debug_assert!(
        records.windows(2).all(|pair| pair[0].path < pair[1].path),
        "records are sorted and distinct"
    );
    let mut out = Hashing { out, hasher: blake3::Hasher::new() };
    let paths: u64 = records.iter().map(|record| record.path.len() as u64).sum();
    let contents: u64 = records.iter().map(|record| record.content.map_or(0, <[u8]>::len) as u64).sum();

    out.put(&MAGIC)?;
    out.put(&VERSION.to_le_bytes())?;
    out.put(&[0; 4])?;
    out.put(&(records.len() as u64).to_le_bytes())?;
    out.put(&paths.to_le_bytes())?;
    out.put(&contents.to_le_bytes())?;
    out.put(&stamp.map_or(NO_STAMP, |stamp| stamp.ns).to_le_bytes())?;
    out.put(&stamp.map_or(0, |stamp| stamp.device).to_le_bytes())?;
    out.put(Digest::of(assets_root.as_str().as_bytes()).as_bytes())?;
    out.put(&[0; 8])?;

    let (mut path_at, mut content_at) = (0_u64, 0_u64);
    for record in records {
        let content_len = match record.content {
            None => NO_CONTENT,
            Some(content) => {
                u32::try_from(content.len()).ok().filter(|len| *len != NO_CONTENT).ok_or_else(too_large)?
            }
        };
        let path_len = u32::try_from(record.path.len()).map_err(|_| too_large())?;
        let mut entry = [0; ENTRY_BYTES];
        let fields: [(usize, &[u8]); 10] = [
            (0, &path_at.to_le_bytes()),
            (8, &path_len.to_le_bytes()),
            (12, &content_len.to_le_bytes()),
            (16, &content_at.to_le_bytes()),
            (24, &record.stat.size.to_le_bytes()),
            (32, &record.stat.mtime_ns.to_le_bytes()),
            (40, &record.stat.ctime_ns.to_le_bytes()),
            (48, &record.stat.inode.to_le_bytes()),
            (56, &record.stat.device.to_le_bytes()),
            (64, record.digest.as_bytes()),
        ];
        for (at, bytes) in fields {
            entry[at..at + bytes.len()].copy_from_slice(bytes);
        }
        out.put(&entry)?;
        path_at += u64::from(path_len);
        content_at += record.content.map_or(0, <[u8]>::len) as u64;
    }
    for record in records {
        out.put(record.path.as_bytes())?;
    }
    for content in records.iter().filter_map(|record| record.content) {
        out.put(content)?;
    }
    let checksum = out.hasher.finalize();
    out.out.write_all(checksum.as_bytes())
}

/// Checks all of an index, and says where its parts are.
pub(super) fn check(bytes: &[u8], assets_root: &Utf8Path) -> Result<Header, IndexDefect> {
    if bytes.len() < HEADER_BYTES + CHECKSUM_BYTES || bytes[..8] != MAGIC {
        return Err(IndexDefect::NotAnIndex);
    }
    let found = u32_at(bytes, 8);
    if found != VERSION {
        return Err(IndexDefect::OtherVersion { found });
    }
    let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
    if blake3::hash(body).as_bytes() != checksum {
        return Err(IndexDefect::Checksum);
    }
    if array_at::<32>(bytes, 56) != *Digest::of(assets_root.as_str().as_bytes()).as_bytes() {
        return Err(IndexDefect::OtherRoot);
    }
    let header = header(body).ok_or(IndexDefect::Layout)?;
    let mut last: Option<&[u8]> = None;
    for entry in body[header.entries.clone()].chunks_exact(ENTRY_BYTES) {
        let raw = RawEntry::read(entry);
        let path = body[header.paths.clone()].get(raw.path).ok_or(IndexDefect::Layout)?;
        if std::str::from_utf8(path).is_err() || last.is_some_and(|last| last >= path) {
            return Err(IndexDefect::Layout);
        }
        if raw.content.is_some_and(|range| body[header.contents.clone()].get(range).is_none()) {
            return Err(IndexDefect::Layout);
        }
        last = Some(path);
    }
    Ok(header)
}

fn header(body: &[u8]) -> Option<Header> {
    let count = usize::try_from(u64_at(body, 16)).ok()?;
    let entries_end = count.checked_mul(ENTRY_BYTES)?.checked_add(HEADER_BYTES)?;
    let paths_end = entries_end.checked_add(usize::try_from(u64_at(body, 24)).ok()?)?;
    let contents_end = paths_end.checked_add(usize::try_from(u64_at(body, 32)).ok()?)?;
    let ns = u64_at(body, 40).cast_signed();
    (contents_end == body.len()).then(|| Header {
        count,
        stamp: (ns != NO_STAMP).then(|| Stamp { ns, device: u64_at(body, 48) }),
        entries: HEADER_BYTES..entries_end,
        paths: entries_end..paths_end,
        contents: paths_end..contents_end,
    })
}

struct Hashing<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Hashing<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }
}

fn too_large() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a path or a content is too large for the index")
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}
