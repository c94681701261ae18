//! Making an index of what a scan saw: files that an earlier index knows are taken over from it, the rest is new.
//!
//! One allocation of the final size, filled in one pass; nothing is held twice. Where only a few files were read anew, not
//! even that: what is the same is shared.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::identity::Digest;

use super::format::{self, CHECKSUM_BYTES, Header, RawEntry, RawFolder, Sizes};
use super::{FileRole, IndexEntry, Stamp, StatIndex};
use crate::disk::Stat;

/// So many entries may be other than in the index whose bytes are shared.
const MAX_RENEWED: usize = 64;

/// How many digests are gathered before they are hashed: many at once are hashed faster.
const DIGESTS_AT_ONCE: usize = 4096;

/// A folder to enter, with the files directly in it in any order.
#[derive(Debug)]
pub struct DraftFolder {
    /// Its path below the assets root; empty for the root.
    pub path: Arc<str>,
    /// Its files, each name once.
    pub files: Vec<DraftFile>,
}

/// A file to enter.
#[derive(Clone, Debug)]
pub enum DraftFile {
    /// The earlier index knows all of it, at this number.
    Known(u32),
    /// It was read.
    Read(Box<ReadFacts>),
}

/// What was read of a file.
#[derive(Clone, Debug)]
pub struct ReadFacts {
    /// Its name in its folder.
    pub name: Box<str>,
    /// What it is.
    pub role: FileRole,
    /// Its stat, before and after it was read.
    pub stat: Stat,
    /// The digest of its contents.
    pub digest: Digest,
    /// Its contents, if they are to be kept.
    pub content: Option<Box<[u8]>>,
}

/// The index of `assets_root` that holds these folders, the root among them, each once. `previous` is what
/// [`DraftFile::Known`] numbers. `None` if it would be larger than an index can be.
pub fn build(
    assets_root: &Utf8Path,
    stamp: Option<Stamp>,
    previous: Option<&StatIndex>,
    mut folders: Vec<DraftFolder>,
) -> Option<StatIndex> {
    folders.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let facts = |file: &DraftFile| -> Option<()> {
        match file {
            DraftFile::Known(at) => previous.filter(|index| (*at as usize) < index.len()).map(|_| ()),
            DraftFile::Read(_) => Some(()),
        }
    };
    let mut sizes = Sizes { folders: folders.len(), ..Sizes::default() };
    for folder in &mut folders {
        folder.files.iter().try_for_each(facts)?;
        folder.files.sort_unstable_by(|a, b| name(previous, a).cmp(name(previous, b)));
        sizes.files += folder.files.len();
        sizes.names += folder.path.len() + 1;
        for file in &folder.files {
            let view = view(previous, file);
            sizes.names += view.name.len() + 1;
            sizes.contents += view.content.map_or(0, <[u8]>::len);
        }
    }
    u32::try_from(sizes.files).ok()?;
    let (mut header, end) = Header::laid_out(sizes)?;
    header.stamp = stamp;
    header.root = Digest::of(assets_root.as_str().as_bytes());

    let mut bytes = vec![0; end + CHECKSUM_BYTES];
    let (mut name_at, mut content_at, mut file_at) = (0, 0, 0);
    let mut put_name = |bytes: &mut [u8], text: &str| {
        let range = name_at..name_at + text.len();
        let start = header.names.start + name_at;
        bytes[start..start + text.len()].copy_from_slice(text.as_bytes());
        name_at = range.end + 1;
        range
    };
    for (number, folder) in folders.iter().enumerate() {
        let path = put_name(&mut bytes, &folder.path);
        let files = file_at..file_at + folder.files.len();
        let at = header.folders.start + number * format::FOLDER_BYTES;
        bytes[at..at + format::FOLDER_BYTES].copy_from_slice(&RawFolder { path, files }.write());
        file_at += folder.files.len();
    }
    let mut content_hasher = blake3::Hasher::new();
    for (number, file) in folders.iter().flat_map(|folder| &folder.files).enumerate() {
        let view = view(previous, file);
        let name = put_name(&mut bytes, view.name);
        let content = view.content.map(|content| {
            let range = content_at..content_at + content.len();
            let start = header.contents.start + content_at;
            bytes[start..start + content.len()].copy_from_slice(content);
            content_at = range.end;
            range
        });
        content_hasher.update(view.digest.as_bytes());
        let raw = RawEntry { name, role: view.role, content, digest: view.digest };
        let at = header.entries.start + number * format::ENTRY_BYTES;
        bytes[at..at + format::ENTRY_BYTES].copy_from_slice(&raw.write(&view.stat));
    }
    let mut listing = blake3::Hasher::new();
    listing.update(&bytes[header.folders.clone()]).update(&bytes[header.names.clone()]);
    header.listing = Digest::from_bytes(*listing.finalize().as_bytes());
    content_hasher.update(header.listing.as_bytes());
    header.content = Digest::from_bytes(*content_hasher.finalize().as_bytes());
    header.write(&mut bytes);
    let checksum = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(checksum.as_bytes());
    Some(StatIndex { bytes: Arc::new(bytes), header, renewed: Vec::new() })
}

/// The same as [`build`] gives, where `folders` hold the very files that `previous` knows and few of them were read, none
/// of which is kept: it shares the bytes of `previous`. `None` where that is not so.
pub fn renew(previous: &StatIndex, stamp: Option<Stamp>, folders: &[DraftFolder]) -> Option<StatIndex> {
    let mut files = 0;
    let mut renewed: BTreeMap<u32, [u8; format::ENTRY_BYTES]> =
        previous.renewed.iter().map(|(at, raw)| (*at, *raw)).collect();
    for folder in folders {
        files += folder.files.len();
        for file in &folder.files {
            let DraftFile::Read(facts) = file else { continue };
            let known = previous.folder(previous.find_folder(&folder.path)?);
            let at = previous.find_name(&known.files, &facts.name)?;
            let raw = RawEntry::read(previous.raw(at));
            if facts.content.is_some() || raw.content.is_some() || raw.role != facts.role {
                return None;
            }
            renewed.insert(at as u32, RawEntry { digest: facts.digest, ..raw }.write(&facts.stat));
            if renewed.len() > MAX_RENEWED {
                return None;
            }
        }
    }
    let mut paths: Vec<&str> = folders.iter().map(|folder| &*folder.path).collect();
    paths.sort_unstable();
    paths.dedup();
    let is_all = files == previous.len()
        && paths.len() == previous.folder_count()
        && paths.iter().all(|path| previous.find_folder(path).is_some());
    if !is_all {
        return None;
    }
    let mut header = previous.header.clone();
    header.stamp = stamp;
    let renewed = renewed.into_iter().collect();
    let mut index = StatIndex { bytes: Arc::clone(&previous.bytes), header, renewed };
    let mut content_hasher = blake3::Hasher::new();
    let mut digests = Vec::with_capacity(DIGESTS_AT_ONCE * size_of::<Digest>());
    for at in 0..index.len() {
        digests.extend_from_slice(index.digest(at).as_bytes());
        if digests.len() == digests.capacity() {
            content_hasher.update(&digests);
            digests.clear();
        }
    }
    content_hasher.update(&digests).update(index.header.listing.as_bytes());
    index.header.content = Digest::from_bytes(*content_hasher.finalize().as_bytes());
    Some(index)
}

/// The bytes of an index a part of which is renewed.
pub(super) fn whole(index: &StatIndex) -> Vec<u8> {
    let mut bytes = index.bytes.to_vec();
    let end = bytes.len() - CHECKSUM_BYTES;
    for (at, raw) in &index.renewed {
        let start = index.header.entries.start + *at as usize * format::ENTRY_BYTES;
        bytes[start..start + format::ENTRY_BYTES].copy_from_slice(raw);
    }
    index.header.write(&mut bytes);
    let checksum = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(checksum.as_bytes());
    bytes
}

fn name<'a>(previous: Option<&'a StatIndex>, file: &'a DraftFile) -> &'a [u8] {
    match file {
        DraftFile::Known(at) => {
            previous.expect("checked before anything is entered").name_bytes(*at as usize)
        }
        DraftFile::Read(facts) => facts.name.as_bytes(),
    }
}

/// What a draft says of a file, wherever that is.
fn view<'a>(previous: Option<&'a StatIndex>, file: &'a DraftFile) -> IndexEntry<'a> {
    match file {
        DraftFile::Known(at) => previous.expect("checked before anything is entered").entry(*at as usize),
        DraftFile::Read(facts) => IndexEntry {
            name: &facts.name,
            role: facts.role,
            stat: facts.stat,
            digest: facts.digest,
            content: facts.content.as_deref(),
        },
    }
}
