//! The manifest: what a pack holds, as JSON for tools and people. Equal packs have equal manifests.

use std::io::{self, Write};

use packer_domain::build::{AbsentEntry, BuildEntry, BuildPlan};
use packer_domain::identity::{AssetId, Digest};
use serde::{Serialize, Serializer};

use super::write::Written;

#[derive(Serialize)]
struct Manifest<'a> {
    schema: u32,
    pack: PackFacts,
    assets: Assets<'a>,
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

/// Writes the manifest, assets by id.
pub(super) fn write(out: &mut dyn Write, plan: &BuildPlan, written: &Written) -> io::Result<()> {
    let is_lacking = |entry: &BuildEntry| written.payload(entry.uuid()).is_none();
    let incomplete = plan.left_out > 0 || !plan.absent.is_empty() || plan.entries.iter().any(is_lacking);
    let pack = PackFacts { file: super::PACK_FILE, digest: written.digest, size: written.size, incomplete };
    let manifest = Manifest { schema: 1, pack, assets: Assets { plan, written } };
    serde_json::to_writer_pretty(&mut *out, &manifest)?;
    out.write_all(b"\n")
}

/// The assets of a pack, made one by one as they are written.
struct Assets<'a> {
    plan: &'a BuildPlan,
    written: &'a Written,
}

impl Serialize for Assets<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut present = self.plan.entries.iter().map(|entry| self.present(entry)).peekable();
        let mut absent = self.plan.absent.iter().map(absent).peekable();
        // Both by id.
        serializer.collect_seq(std::iter::from_fn(|| match (present.peek(), absent.peek()) {
            (Some(a), Some(b)) if b.id < a.id => absent.next(),
            (Some(_), _) => present.next(),
            (None, _) => absent.next(),
        }))
    }
}

impl Assets<'_> {
    fn present<'e>(&self, entry: &'e BuildEntry) -> AssetFacts<'e> {
        let payload = self.written.payload(entry.uuid());
        AssetFacts {
            id: entry.id(),
            name: entry.name().as_str(),
            kind: entry.kind().as_str(),
            size: payload.map(|payload| payload.raw_size),
            digest: payload.map(|payload| payload.raw_digest),
        }
    }
}

fn absent(entry: &AbsentEntry) -> AssetFacts<'_> {
    AssetFacts {
        id: entry.id,
        name: entry.name.as_str(),
        kind: entry.kind.as_str(),
        size: None,
        digest: None,
    }
}
