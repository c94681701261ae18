//! The bytes of the stat index: header, folders, entries, names, contents, checksum. What they mean is in the parent
//! module; making them is `build`'s work.
//!
//! ```text
//! header   160 bytes  magic 8, version u32, number of folders u32, number of files u64, bytes of names u64, bytes of
//!                     contents u64, stamp i64 (the least i64: none), stamp's device u64, digest of the root's path 32,
//!                     digest of the listing 32, digest of the contents 32, zero u64
//! folders   24 bytes  each: path offset u64, path length u32, number of files u32, first file u64; by path
//! entries   96 bytes  each: name offset u64, name length u16, role u8, zero u8, content length u32 (the greatest u32:
//!                     none), content offset u64, size u64, mtime i64, ctime i64, inode u64, device u64, digest 32; in
//!                     the order of folders, and in a folder by name
//! names               the paths of folders, then the names of files, UTF-8, each with a zero after it
//! contents            the contents that are kept
//! checksum  32 bytes  BLAKE3 of everything before it
//! ```
//!
//! Little-endian. The digest of the listing is that of folders and names as they stand here, which hold every path and
//! nothing else. [`check`] checks everything that reading relies on, so a file that passes cannot make a reader panic.

use std::ops::Range;

use camino::Utf8Path;
use packer_domain::identity::Digest;

use super::{FileRole, IndexDefect, Stamp};
use crate::disk::{EntryKind, Stat};

pub(super) const MAGIC: [u8; 8] = *b"PKRSTAT\n";
pub(super) const VERSION: u32 = 2;
pub(super) const HEADER_BYTES: usize = 160;
pub(super) const FOLDER_BYTES: usize = 24;
pub(super) const ENTRY_BYTES: usize = 96;
pub(super) const CHECKSUM_BYTES: usize = 32;
const NO_STAMP: i64 = i64::MIN;
const NO_CONTENT: u32 = u32::MAX;

/// Where the parts are, and what the header says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) folder_count: usize,
    pub(super) count: usize,
    pub(super) stamp: Option<Stamp>,
    pub(super) root: Digest,
    pub(super) listing: Digest,
    pub(super) content: Digest,
    pub(super) folders: Range<usize>,
    pub(super) entries: Range<usize>,
    pub(super) names: Range<usize>,
    pub(super) contents: Range<usize>,
}

/// How large the parts of an index are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sizes {
    pub(super) folders: usize,
    pub(super) files: usize,
    pub(super) names: usize,
    pub(super) contents: usize,
}

impl Header {
    /// Where the parts of an index of these sizes are, and how many bytes it has without its checksum.
    pub(super) fn laid_out(sizes: Sizes) -> Option<(Self, usize)> {
        let folders_end = sizes.folders.checked_mul(FOLDER_BYTES)?.checked_add(HEADER_BYTES)?;
        let entries_end = sizes.files.checked_mul(ENTRY_BYTES)?.checked_add(folders_end)?;
        let names_end = entries_end.checked_add(sizes.names)?;
        let contents_end = names_end.checked_add(sizes.contents)?;
        let none = Digest::from_bytes([0; 32]);
        let header = Self {
            folder_count: sizes.folders,
            count: sizes.files,
            stamp: None,
            root: none,
            listing: none,
            content: none,
            folders: HEADER_BYTES..folders_end,
            entries: folders_end..entries_end,
            names: entries_end..names_end,
            contents: names_end..contents_end,
        };
        Some((header, contents_end))
    }

    pub(super) fn write(&self, out: &mut [u8]) {
        let fields: [(usize, &[u8]); 11] = [
            (0, &MAGIC),
            (8, &VERSION.to_le_bytes()),
            (12, &(self.folder_count as u32).to_le_bytes()),
            (16, &(self.count as u64).to_le_bytes()),
            (24, &(self.names.len() as u64).to_le_bytes()),
            (32, &(self.contents.len() as u64).to_le_bytes()),
            (40, &self.stamp.map_or(NO_STAMP, |stamp| stamp.ns).to_le_bytes()),
            (48, &self.stamp.map_or(0, |stamp| stamp.device).to_le_bytes()),
            (56, self.root.as_bytes()),
            (88, self.listing.as_bytes()),
            (120, self.content.as_bytes()),
        ];
        for (at, bytes) in fields {
            out[at..at + bytes.len()].copy_from_slice(bytes);
        }
    }

    fn read(body: &[u8]) -> Option<Self> {
        let size = |at| usize::try_from(u64_at(body, at)).ok();
        let sizes = Sizes {
            folders: u32_at(body, 12) as usize,
            files: size(16)?,
            names: size(24)?,
            contents: size(32)?,
        };
        let (header, end) = Self::laid_out(sizes)?;
        let ns = u64_at(body, 40).cast_signed();
        (end == body.len()).then(|| Self {
            stamp: (ns != NO_STAMP).then(|| Stamp { ns, device: u64_at(body, 48) }),
            root: Digest::from_bytes(array_at(body, 56)),
            listing: Digest::from_bytes(array_at(body, 88)),
            content: Digest::from_bytes(array_at(body, 120)),
            ..header
        })
    }
}

/// The fields of one folder; ranges are relative to their parts.
pub(super) struct RawFolder {
    pub(super) path: Range<usize>,
    pub(super) files: Range<usize>,
}

impl RawFolder {
    pub(super) fn read(bytes: &[u8; FOLDER_BYTES]) -> Self {
        Self {
            path: range(u64_at(bytes, 0), u32_at(bytes, 8)),
            files: range(u64_at(bytes, 16), u32_at(bytes, 12)),
        }
    }

    pub(super) fn write(&self) -> [u8; FOLDER_BYTES] {
        let mut bytes = [0; FOLDER_BYTES];
        bytes[..8].copy_from_slice(&(self.path.start as u64).to_le_bytes());
        bytes[8..12].copy_from_slice(&(self.path.len() as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.files.len() as u32).to_le_bytes());
        bytes[16..].copy_from_slice(&(self.files.start as u64).to_le_bytes());
        bytes
    }
}

/// The fields of one entry but its stat; ranges are relative to their parts.
pub(super) struct RawEntry {
    pub(super) name: Range<usize>,
    pub(super) role: FileRole,
    pub(super) content: Option<Range<usize>>,
    pub(super) digest: Digest,
}

impl RawEntry {
    /// Reads an entry. Its offsets are whatever the file says; they saturate instead of overflowing.
    pub(super) fn read(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let content_len = u32_at(bytes, 12);
        Self {
            name: name_range(bytes),
            role: role(bytes[10]).unwrap_or(FileRole::Plain),
            content: (content_len != NO_CONTENT).then(|| range(u64_at(bytes, 16), content_len)),
            digest: digest(bytes),
        }
    }

    pub(super) fn write(&self, stat: &Stat) -> [u8; ENTRY_BYTES] {
        let mut entry = [0; ENTRY_BYTES];
        let role = match self.role {
            FileRole::Plain => 0,
            FileRole::Anchor => 1,
            FileRole::IgnoreFile => 2,
        };
        let content_len = self.content.as_ref().map_or(NO_CONTENT, |content| content.len() as u32);
        let content_at = self.content.as_ref().map_or(0, |content| content.start as u64);
        let fields: [(usize, &[u8]); 11] = [
            (0, &(self.name.start as u64).to_le_bytes()),
            (8, &(self.name.len() as u16).to_le_bytes()),
            (10, &[role]),
            (12, &content_len.to_le_bytes()),
            (16, &content_at.to_le_bytes()),
            (24, &stat.size.to_le_bytes()),
            (32, &stat.mtime_ns.to_le_bytes()),
            (40, &stat.ctime_ns.to_le_bytes()),
            (48, &stat.inode.to_le_bytes()),
            (56, &stat.device.to_le_bytes()),
            (64, self.digest.as_bytes()),
        ];
        for (at, bytes) in fields {
            entry[at..at + bytes.len()].copy_from_slice(bytes);
        }
        entry
    }
}

pub(super) fn name_range(bytes: &[u8; ENTRY_BYTES]) -> Range<usize> {
    range(u64_at(bytes, 0), u32::from(u16::from_le_bytes(array_at(bytes, 8))))
}

pub(super) fn stat(bytes: &[u8; ENTRY_BYTES]) -> Stat {
    Stat {
        kind: EntryKind::File,
        size: u64_at(bytes, 24),
        mtime_ns: u64_at(bytes, 32).cast_signed(),
        ctime_ns: u64_at(bytes, 40).cast_signed(),
        inode: u64_at(bytes, 48),
        device: u64_at(bytes, 56),
    }
}

pub(super) fn digest(bytes: &[u8; ENTRY_BYTES]) -> Digest {
    Digest::from_bytes(array_at(bytes, 64))
}

fn role(code: u8) -> Option<FileRole> {
    match code {
        0 => Some(FileRole::Plain),
        1 => Some(FileRole::Anchor),
        2 => Some(FileRole::IgnoreFile),
        _ => None,
    }
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
    let header = Header::read(body).ok_or(IndexDefect::Layout)?;
    if header.root != Digest::of(assets_root.as_str().as_bytes()) {
        return Err(IndexDefect::OtherRoot);
    }
    check_parts(body, &header).ok_or(IndexDefect::Layout)?;
    Ok(header)
}

/// Checks that folders and files are in order, without gaps, and lead to texts and contents that are there.
fn check_parts(body: &[u8], header: &Header) -> Option<()> {
    let names = &body[header.names.clone()];
    // Whole, since that is many times faster than name by name; a name that begins or ends within a character is none.
    let texts = std::str::from_utf8(names).ok()?;
    let (folders, []) = body[header.folders.clone()].as_chunks::<FOLDER_BYTES>() else { return None };
    let (entries, []) = body[header.entries.clone()].as_chunks::<ENTRY_BYTES>() else { return None };
    let (mut next, mut last_path): (usize, Option<&str>) = (0, None);
    for folder in folders {
        let folder = RawFolder::read(folder);
        let path = texts.get(folder.path)?;
        // The root is the first, and nothing else has no path.
        if last_path.map_or(!path.is_empty(), |last| last >= path) || folder.files.start != next {
            return None;
        }
        last_path = Some(path);
        next = folder.files.end;
        let mut last_name: Option<&[u8]> = None;
        for entry in entries.get(folder.files)? {
            let range = name_range(entry);
            let is_text = texts.is_char_boundary(range.start) && texts.is_char_boundary(range.end);
            let name = names.get(range).filter(|name| is_text && !name.is_empty())?;
            if last_name.is_some_and(|last| last >= name) {
                return None;
            }
            last_name = Some(name);
            role(entry[10])?;
            let content_len = u32_at(entry, 12);
            if content_len != NO_CONTENT && range_end(entry, content_len) > header.contents.len() {
                return None;
            }
        }
    }
    (next == entries.len() && last_path.is_some()).then_some(())
}

fn range_end(entry: &[u8; ENTRY_BYTES], len: u32) -> usize {
    range(u64_at(entry, 16), len).end
}

fn range(start: u64, len: u32) -> Range<usize> {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    start..start.saturating_add(len as usize)
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
