//! The manifest beside a pack, read and compared with it. Builds write it; what it says is nobody's proof, the pack's digests
//! are.

use std::cmp::Ordering;
use std::iter::Peekable;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{AssetId, Digest};
use packer_fs::disk::{Disk, OsDisk};
use packer_pack::{Entry, Pack, ReadError};
use serde::Deserialize;

use super::verify::{PackProblem, PackProblemCode};
use crate::build::{MANIFEST_FILE, PACK_FILE};

/// A manifest of more bytes is not read.
const MAX_BYTES: u64 = 4 << 30;

/// The form of manifests that builds write.
const SCHEMA: u32 = 1;

#[derive(Deserialize)]
pub(super) struct Manifest {
    schema: u32,
    pack: PackFacts,
    assets: Vec<AssetFacts>,
}

#[derive(Deserialize)]
struct PackFacts {
    digest: Digest,
    size: u64,
    incomplete: bool,
}

#[derive(Deserialize)]
struct AssetFacts {
    id: AssetId,
    name: String,
    kind: String,
    size: Option<u64>,
    digest: Option<Digest>,
}

/// What the manifest beside the pack says, or why it cannot be read; none if there is none. Only a pack that has the name that
/// builds give it has one: any other file beside a manifest is not what that tells of.
pub(super) fn beside(pack: &Utf8Path) -> Option<Result<Manifest, PackProblem>> {
    if pack.file_name() != Some(PACK_FILE) {
        return None;
    }
    let unreadable = |why: String| {
        PackProblem::new(
            PackProblemCode::ManifestUnreadable,
            format!("{MANIFEST_FILE} cannot be read: {why}"),
        )
    };
    let bytes = match OsDisk::new(Utf8PathBuf::new()).read(&pack.with_file_name(MANIFEST_FILE), MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return None,
        Err(error) => return Some(Err(unreadable(error.source.to_string()))),
    };
    Some(match serde_json::from_slice::<Manifest>(&bytes) {
        Ok(manifest) if manifest.schema == SCHEMA => Ok(manifest),
        Ok(manifest) => Err(unreadable(format!("it has schema {}, not {SCHEMA}", manifest.schema))),
        Err(error) => Err(unreadable(error.to_string())),
    })
}

/// Everything that a manifest says otherwise than the pack.
pub(super) fn compare(pack: &Pack, manifest: Result<Manifest, PackProblem>) -> Vec<PackProblem> {
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(problem) => return vec![problem],
    };
    let mut problems = Vec::new();
    let mut differs = |what: &str, manifest: String, pack: String| {
        if manifest != pack {
            let message = format!("the manifest gives the pack the {what} {manifest}, it has {pack}");
            problems.push(PackProblem::new(PackProblemCode::ManifestPack, message));
        }
    };
    let PackFacts { digest, size, incomplete } = manifest.pack;
    differs("digest", digest.to_string(), Digest::from_bytes(pack.digest()).to_string());
    differs("size", size.to_string(), pack.header().file_size().to_string());
    // A manifest is incomplete also where assets were left out that have no place in the pack.
    if pack.is_incomplete() && !incomplete {
        let message = "the manifest calls the pack complete, and assets of it are absent";
        problems.push(PackProblem::new(PackProblemCode::ManifestPack, message));
    }

    let Ok(entries) = pack.entries() else { return problems };
    let (mut entries, mut facts) = (entries.peekable(), manifest.assets.into_iter().peekable());
    while let Some((entry, fact)) = next(&mut entries, &mut facts) {
        let id = entry.as_ref().map(Entry::id).or(fact.as_ref().map(|fact| fact.id.get())).unwrap_or(0);
        let message = match (entry, fact) {
            (Some(entry), Some(fact)) => match difference(&entry, &fact) {
                Some(message) => message,
                None => continue,
            },
            (Some(_), None) => format!("asset {id} is in the pack, and not in the manifest"),
            (None, Some(fact)) => {
                format!("asset {id}, {}, is in the manifest, and not in the pack", fact.name)
            }
            (None, None) => break,
        };
        problems.push(PackProblem::of(PackProblemCode::ManifestAsset, id, message));
    }
    problems
}

/// The next entry of the pack and the next line of the manifest, together if they have one id. Both are by id; where one is not,
/// the other has no partner.
fn next<'p>(
    entries: &mut Peekable<impl Iterator<Item = Entry<'p>>>,
    facts: &mut Peekable<impl Iterator<Item = AssetFacts>>,
) -> Option<(Option<Entry<'p>>, Option<AssetFacts>)> {
    let order = match (entries.peek(), facts.peek()) {
        (Some(entry), Some(fact)) => entry.id().cmp(&fact.id.get()),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => return None,
    };
    Some(match order {
        Ordering::Less => (entries.next(), None),
        Ordering::Equal => (entries.next(), facts.next()),
        Ordering::Greater => (None, facts.next()),
    })
}

fn difference(entry: &Entry<'_>, fact: &AssetFacts) -> Option<String> {
    let id = entry.id();
    // Where a name or a kind is damaged, the pack's own check has said so.
    let text = |of_pack: Result<&str, ReadError>, of_manifest: &str, what: &str| {
        let text = of_pack.ok().filter(|text| *text != of_manifest)?;
        Some(format!("asset {id} has the {what} {text:?}, in the manifest {of_manifest:?}"))
    };
    let found = text(entry.name(), &fact.name, "name").or_else(|| text(entry.kind(), &fact.kind, "kind"));
    if found.is_some() {
        return found;
    }
    let shown = |size: Option<u64>| size.map_or("no payload".to_owned(), |size| format!("{size} bytes"));
    let size = (!entry.is_absent()).then(|| entry.raw_size());
    if size != fact.size {
        return Some(format!("asset {id} has {}, in the manifest {}", shown(size), shown(fact.size)));
    }
    let digest = (!entry.is_absent()).then(|| Digest::from_bytes(*entry.digest()));
    (digest != fact.digest).then(|| format!("the payload of asset {id} has another digest in the manifest"))
}
