//! Verifying a pack: every byte of it, the manifest beside it, and, if that is asked for, the workspace.
//!
//! What a problem of the pack itself is, is `packer-pack`'s; here it gets a code that stays. All problems are listed, those of the pack first.

use camino::Utf8Path;
use packer_domain::identity::Digest;
use packer_pack::{Pack, Problem, ReadError, Verify};
use serde::Serialize;

use super::{PackError, manifest, open, verify_parallel, workspace};
use crate::project::{Project, pool};
use crate::threads;

/// What verifying a pack found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackReport {
    /// The digest that names the pack.
    pub pack_digest: Digest,
    /// How many assets it has, absent ones included.
    pub entries: u64,
    /// Whether nothing is wrong with it.
    pub ok: bool,
    /// Everything that is.
    pub problems: Vec<PackProblem>,
}

/// One thing that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PackProblem {
    /// What sort of thing.
    pub code: PackProblemCode,
    /// The runtime id of the asset that it is about, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// What is wrong, for people.
    pub message: String,
}

/// What sort of thing is wrong with a pack. The texts stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum PackProblemCode {
    /// What stands before the payloads is damaged, or payloads are not where they should be.
    #[serde(rename = "pack/index")]
    Index,
    /// An entry or its payload is damaged.
    #[serde(rename = "pack/payload")]
    Payload,
    /// There is no manifest beside the project's pack.
    #[serde(rename = "manifest/missing")]
    ManifestMissing,
    /// The manifest cannot be read.
    #[serde(rename = "manifest/unreadable")]
    ManifestUnreadable,
    /// The manifest tells of another pack.
    #[serde(rename = "manifest/pack")]
    ManifestPack,
    /// The manifest says something else of an asset than the pack.
    #[serde(rename = "manifest/asset")]
    ManifestAsset,
    /// The project has no record of having built this pack.
    #[serde(rename = "workspace/not-built")]
    NotBuilt,
    /// An included asset has no payload in the pack.
    #[serde(rename = "workspace/missing")]
    Missing,
    /// An asset of the pack is not included any more.
    #[serde(rename = "workspace/not-included")]
    NotIncluded,
    /// An asset has another name, kind or place among the payloads in the workspace.
    #[serde(rename = "workspace/renamed")]
    Renamed,
    /// A payload was not baked from what the workspace holds now.
    #[serde(rename = "workspace/stale")]
    Stale,
}

impl PackProblemCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::Index,
        Self::Payload,
        Self::ManifestMissing,
        Self::ManifestUnreadable,
        Self::ManifestPack,
        Self::ManifestAsset,
        Self::NotBuilt,
        Self::Missing,
        Self::NotIncluded,
        Self::Renamed,
        Self::Stale,
    ];

    /// Its text, such as `pack/payload`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Index => "pack/index",
            Self::Payload => "pack/payload",
            Self::ManifestMissing => "manifest/missing",
            Self::ManifestUnreadable => "manifest/unreadable",
            Self::ManifestPack => "manifest/pack",
            Self::ManifestAsset => "manifest/asset",
            Self::NotBuilt => "workspace/not-built",
            Self::Missing => "workspace/missing",
            Self::NotIncluded => "workspace/not-included",
            Self::Renamed => "workspace/renamed",
            Self::Stale => "workspace/stale",
        }
    }
}

impl PackProblem {
    /// Something wrong with the whole.
    pub(super) fn new(code: PackProblemCode, message: impl Into<String>) -> Self {
        Self { code, id: None, message: message.into() }
    }

    /// Something wrong with one asset.
    pub(super) fn of(code: PackProblemCode, id: u32, message: impl Into<String>) -> Self {
        Self { code, id: Some(id), message: message.into() }
    }
}

/// Checks every byte of a pack, and the manifest beside it, if there is one.
pub fn verify(path: &Utf8Path) -> Result<PackReport, PackError> {
    let pack = open(path, Verify::Never)?;
    let mut problems = of_pack(&pack)?;
    if let Some(read) = manifest::beside(path) {
        problems.extend(manifest::compare(&pack, read));
    }
    Ok(report(&pack, problems))
}

/// The same for a pack that is `project`'s: it must have a manifest, and hold what the workspace, as the project's snapshot has
/// it, would be built to.
pub fn verify_against(path: &Utf8Path, project: &Project) -> Result<PackReport, PackError> {
    let pack = open(path, Verify::Never)?;
    let mut problems = of_pack(&pack)?;
    match manifest::beside(path) {
        Some(read) => problems.extend(manifest::compare(&pack, read)),
        None => problems.push(PackProblem::new(
            PackProblemCode::ManifestMissing,
            format!("there is no {} beside the pack", crate::build::MANIFEST_FILE),
        )),
    }
    problems.extend(workspace::compare(&pack, path, project));
    Ok(report(&pack, problems))
}

fn of_pack(pack: &Pack) -> Result<Vec<PackProblem>, PackError> {
    let pool =
        pool(threads::computing(None)).map_err(|error| PackError::Threads { message: error.to_string() })?;
    Ok(verify_parallel(pack, &pool).iter().map(told).collect())
}

fn report(pack: &Pack, problems: Vec<PackProblem>) -> PackReport {
    PackReport {
        pack_digest: Digest::from_bytes(pack.digest()),
        entries: pack.len() as u64,
        ok: problems.is_empty(),
        problems,
    }
}

fn told(problem: &Problem) -> PackProblem {
    let (code, id) = match problem {
        Problem::IndexDigest
        | Problem::IndexPage { .. }
        | Problem::Padding
        | Problem::Names { .. }
        | Problem::Kinds { .. }
        | Problem::UnusedKind { .. }
        | Problem::IncompleteFlag
        | Problem::Unclaimed { .. }
        | Problem::Entry(ReadError::Index { .. } | ReadError::UnknownName { .. }) => {
            (PackProblemCode::Index, None)
        }
        Problem::IdOrder { id } | Problem::Order { id, .. } | Problem::Overlap { first: id, .. } => {
            (PackProblemCode::Index, Some(*id))
        }
        Problem::Entry(
            ReadError::UnknownId { id }
            | ReadError::OtherKind { id, .. }
            | ReadError::Layout { id, .. }
            | ReadError::Absent { id }
            | ReadError::Incoherent { id }
            | ReadError::Name { id }
            | ReadError::Kind { id }
            | ReadError::Range { id }
            | ReadError::Unaligned { id }
            | ReadError::TooLarge { id, .. }
            | ReadError::BufferSize { id, .. }
            | ReadError::NotCompiled { id, .. }
            | ReadError::Decompress { id }
            | ReadError::Digest { id }
            | ReadError::Padding { id }
            | ReadError::Io { id, .. },
        ) => (PackProblemCode::Payload, Some(*id)),
    };
    PackProblem { code, id, message: problem.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_one_text_wherever_it_stands_and_is_in_the_page_about_the_command_line() {
        let page = include_str!("../../../docs/cli.md");
        for code in PackProblemCode::ALL {
            assert_eq!(serde_json::to_value(code).ok(), Some(code.as_str().into()));
            assert!(
                page.contains(&format!("| `{}` |", code.as_str())),
                "{} is not in docs/cli.md",
                code.as_str()
            );
        }
    }
}
