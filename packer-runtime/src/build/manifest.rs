//! The manifest: what a pack holds, as JSON for tools and people. Equal packs have equal manifests.

use packer_domain::build::BuildPlan;
use packer_domain::identity::{AssetId, Digest};
use serde::Serialize;

use super::write::Written;

#[derive(Serialize)]
struct Manifest<'a> {
    schema: u32,
    pack: PackFacts,
    assets: Vec<AssetFacts<'a>>,
}

#[derive(Serialize)]
struct PackFacts {
    file: &'static str,
    digest: Digest,
    size: u64,
    incomplete: bool,
}

#[derive(Serialize)]
struct AssetFacts<'a> {
    id: AssetId,
    name: &'a str,
    kind: &'a str,
    /// Bytes of the payload; none for an absent asset.
    size: Option<u64>,
    digest: Option<Digest>,
}

/// The bytes of the manifest, assets by id.
pub(super) fn manifest(plan: &BuildPlan, written: &Written) -> Vec<u8> {
    let present = plan.entries.iter().map(|entry| {
        let payload = written.payloads.get(&entry.uuid());
        AssetFacts {
            id: entry.id(),
            name: entry.name().as_str(),
            kind: entry.kind().as_str(),
            size: payload.map(|payload| payload.raw_size),
            digest: payload.map(|payload| payload.raw_digest),
        }
    });
    let absent = plan.absent.iter().map(|entry| AssetFacts {
        id: entry.id,
        name: entry.name.as_str(),
        kind: entry.kind.as_str(),
        size: None,
        digest: None,
    });
    let mut assets: Vec<AssetFacts<'_>> = present.chain(absent).collect();
    assets.sort_by_key(|asset| asset.id);
    let incomplete = plan.left_out > 0 || assets.iter().any(|asset| asset.digest.is_none());
    let pack = PackFacts { file: super::PACK_FILE, digest: written.digest, size: written.size, incomplete };
    let manifest = Manifest { schema: 1, pack, assets };
    let mut bytes = serde_json::to_vec_pretty(&manifest)
        .expect("names and numbers are strings and numbers, which serialise");
    bytes.push(b'\n');
    bytes
}
