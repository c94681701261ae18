//! The manifest: what a pack holds, as JSON for tools and people. Equal packs have equal manifests.
//!
//! It is written as it goes: no more of it is held than a row.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use packer_domain::build::{AbsentEntry, BuildEntry, BuildPlan};
use packer_domain::identity::{AssetId, Digest};

use super::write::Written;

/// What it says of the pack as a whole.
#[derive(Clone, Copy)]
pub(super) struct PackFacts {
    digest: Digest,
    size: u64,
    incomplete: bool,
}

impl PackFacts {
    /// What it says of the pack that has this digest and size.
    pub(super) fn new(digest: Digest, size: u64, incomplete: bool) -> Self {
        Self { digest, size, incomplete }
    }
}

/// What it says of an asset.
pub(super) struct Row<'a> {
    pub id: AssetId,
    pub name: &'a str,
    pub kind: &'a str,
    /// Bytes and digest of the payload; none for an absent asset.
    pub payload: Option<(u64, Digest)>,
}

/// Writes the manifest of assets that come by id.
///
/// By hand, since a manifest has a row an asset and is written by every build: names and kinds have no character that JSON
/// escapes.
pub(super) fn write<'a>(
    out: &mut dyn Write,
    pack: PackFacts,
    rows: impl Iterator<Item = Row<'a>>,
) -> io::Result<()> {
    let PackFacts { digest, size, incomplete } = pack;
    let file = super::PACK_FILE;
    let mut text = String::new();
    let head = write!(
        text,
        "{{\n  \"schema\": 1,\n  \"pack\": {{\n    \"file\": \"{file}\",\n    \"digest\": \"{digest}\",\n    \
         \"size\": {size},\n    \"incomplete\": {incomplete}\n  }},\n  \"assets\": ["
    );
    head.map_err(io::Error::other)?;
    let mut before = "\n    {";
    for row in rows {
        text.push_str(before);
        row.write(&mut text).map_err(io::Error::other)?;
        out.write_all(text.as_bytes())?;
        text.clear();
        before = ",\n    {";
    }
    text.push_str(if before.starts_with(',') { "\n  ]\n}\n" } else { "]\n}\n" });
    out.write_all(text.as_bytes())
}

impl Row<'_> {
    fn write(&self, text: &mut String) -> fmt::Result {
        let Self { id, name, kind, payload } = self;
        write!(text, "\n      \"id\": {},\n      \"name\": \"", id.get())?;
        text.push_str(name);
        text.push_str("\",\n      \"kind\": \"");
        text.push_str(kind);
        if let Some((size, digest)) = payload {
            return write!(text, "\",\n      \"size\": {size},\n      \"digest\": \"{digest}\"\n    }}");
        }
        text.push_str("\",\n      \"size\": null,\n      \"digest\": null\n    }");
        Ok(())
    }
}

/// What the manifest says of the pack of `plan`.
pub(super) fn facts(plan: &BuildPlan, written: &Written) -> PackFacts {
    let is_lacking = |entry: &BuildEntry| written.payload(entry.uuid()).is_none();
    let incomplete = plan.left_out > 0 || !plan.absent.is_empty() || plan.entries.iter().any(is_lacking);
    PackFacts::new(written.digest, written.size, incomplete)
}

/// What the manifest says of the assets of `plan`, by id.
pub(super) fn rows<'a>(plan: &'a BuildPlan, written: &'a Written) -> impl Iterator<Item = Row<'a>> {
    let mut present = plan.entries.iter().map(|entry| present(entry, written)).peekable();
    let mut absent = plan.absent.iter().map(absent).peekable();
    // Both by id.
    std::iter::from_fn(move || match (present.peek(), absent.peek()) {
        (Some(a), Some(b)) if b.id < a.id => absent.next(),
        (Some(_), _) => present.next(),
        (None, _) => absent.next(),
    })
}

fn present<'e>(entry: &'e BuildEntry, written: &Written) -> Row<'e> {
    let payload = written.payload(entry.uuid());
    Row {
        id: entry.id(),
        name: entry.name().as_str(),
        kind: entry.kind().as_str(),
        payload: payload.map(|payload| (payload.raw_size, payload.raw_digest)),
    }
}

fn absent(entry: &AbsentEntry) -> Row<'_> {
    Row { id: entry.id, name: entry.name.as_str(), kind: entry.kind.as_str(), payload: None }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[derive(Serialize)]
    struct Manifest<'a> {
        schema: u32,
        pack: Pack,
        assets: Vec<Asset<'a>>,
    }

    #[derive(Serialize)]
    struct Pack {
        file: &'static str,
        digest: Digest,
        size: u64,
        incomplete: bool,
    }

    #[derive(Serialize)]
    struct Asset<'a> {
        id: AssetId,
        name: &'a str,
        kind: &'a str,
        size: Option<u64>,
        digest: Option<Digest>,
    }

    #[test]
    fn it_is_written_as_a_writer_of_json_would() {
        let digest = Digest::of(b"pack");
        let all = [
            (1, "a.b/c-d_e", "raw", Some((0, Digest::of(b"")))),
            (7, "b", "image", None),
            (u32::MAX, "c", "text", Some((u64::MAX, Digest::of(b"c")))),
        ];
        for count in 0..=all.len() {
            let row = |(id, name, kind, payload)| Row { id: AssetId::new(id).unwrap(), name, kind, payload };
            let mut written = Vec::new();
            let facts = PackFacts::new(digest, 99, count == 2);
            write(&mut written, facts, all[..count].iter().map(|one| row(*one))).unwrap();
            let asset = |Row { id, name, kind, payload }| {
                let (size, digest) = payload.unzip();
                Asset { id, name, kind, size, digest }
            };
            let pack = Pack { file: super::super::PACK_FILE, digest, size: 99, incomplete: count == 2 };
            let assets = all[..count].iter().map(|one| asset(row(*one))).collect();
            let mut expected = serde_json::to_vec_pretty(&Manifest { schema: 1, pack, assets }).unwrap();
            expected.push(b'\n');
            assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(expected).unwrap());
        }
    }
}
