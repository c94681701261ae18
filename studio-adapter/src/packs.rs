//! Packs and the store: what a pack holds, whether it is sound, what unpacking wrote, and what was dropped as superfluous.

use std::time::Duration;

use packer_runtime::api::{BuildBase, BuildRequest, GcReport, GcRequest, Revision, StorePolicy};
use packer_runtime::packs::{PackReport, PackRow, UnpackReport};
use serde::Serialize;

use crate::error::{ErrorReason, ErrorView, read_some};

/// What to build, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and any of them go together")]
pub struct BuildIntent {
    /// The snapshot to build, or the build is rejected; none for what an observation at its beginning finds.
    pub revision: Option<u64>,
    /// The build profile of `packer.toml`; none for the plain options.
    pub profile: Option<String>,
    /// Another output folder than `packer.toml` says: absolute, or relative to the project.
    pub output: Option<String>,
    /// The languages of the constants: `rs`, `ts`, `h` and `cs`, with commas between them, or `none`; none for what
    /// `packer.toml` says.
    pub constants: Option<String>,
    /// How many threads bake; those of the project for none.
    pub threads: Option<u32>,
    /// Take nothing over from former builds.
    pub from_nothing: bool,
    /// Build what can be built; the rest stands in the pack as absent.
    pub keep_going: bool,
    /// Build a second time from nothing, and compare.
    pub prove: bool,
    /// Say of each asset that is not taken over from the last pack why not.
    pub explain: bool,
}

/// What of the packer's own folder is dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CollectIntent {
    /// Say what would be dropped, and drop nothing.
    pub dry_run: bool,
    /// The most bytes that the artifact store keeps; none for what `packer.toml` says.
    pub store_bytes: Option<u64>,
    /// For how many days what can be undone is kept.
    pub history_days: Option<u32>,
    /// How many bytes of it are kept.
    pub history_bytes: Option<u64>,
    /// Check every artifact in the store, and drop those that are damaged.
    pub scrub: bool,
}

/// What verifying a pack found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackReportView {
    /// The digest that names the pack.
    pub pack_digest: String,
    /// How many assets it has, absent ones included.
    pub entries: u64,
    /// Whether nothing is wrong with it, by the packer's word.
    pub ok: bool,
    /// Everything that is.
    pub problems: Vec<PackProblemView>,
}

/// One thing that is wrong with a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackProblemView {
    /// The stable code.
    pub code: String,
    /// The runtime id of the asset that it is about, if it is about one.
    pub id: Option<u32>,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
}

/// One asset in a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackRowView {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// How its payload is compressed.
    pub compression: String,
    /// Whether its payload is among those that are read first.
    pub preload: bool,
    /// Bytes of its payload.
    pub size: u64,
    /// Bytes that it takes in the pack.
    pub stored_size: u64,
    /// Digest of its payload; none for an absent asset.
    pub digest: Option<String>,
}

/// What unpacking wrote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnpackView {
    /// How many files.
    pub files: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// The ids of the assets that are absent from the pack.
    pub absent: Vec<u32>,
}

/// What was dropped, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CollectedView {
    /// Whether it was only looked for.
    pub dry_run: bool,
    /// How many artifacts there were in the store.
    pub artifacts: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// How many were dropped.
    pub dropped: u64,
    /// Bytes that those took.
    pub dropped_bytes: u64,
    /// The most that the store keeps, in bytes.
    pub store_bytes: u64,
    /// What dead builds have left, relative to the project.
    pub leftovers: Vec<String>,
    /// How many artifacts a dead build was writing.
    pub orphans: u64,
    /// How many artifacts were checked, if that was asked for.
    pub scrubbed: Option<u64>,
    /// Those that were damaged, with what is wrong with each.
    pub damaged: Vec<String>,
    /// How many operations could be undone before.
    pub undoable: u64,
    /// Bytes that were kept for that.
    pub history_bytes: u64,
    /// The ids of those that cannot be undone any more.
    pub forgotten: Vec<String>,
}

impl BuildIntent {
    pub(crate) fn read(&self) -> Result<BuildRequest, ErrorView> {
        let Self { revision, profile, output, constants, threads, from_nothing, keep_going, prove, explain } =
            self;
        Ok(BuildRequest {
            base: revision.map_or(BuildBase::Refreshed, |revision| BuildBase::Exactly(Revision(revision))),
            profile: profile.clone(),
            output: output.as_deref().map(Into::into),
            constants: read_some("constants", constants.as_deref())?,
            jobs: read_threads(*threads)?,
            reuse: !from_nothing,
            explain: *explain,
            keep_going: *keep_going,
            prove: *prove,
            store: StorePolicy::default(),
        })
    }
}

/// How many threads are wanted. A typing error must not start a hundred thousand of them.
pub(crate) fn read_threads(threads: Option<u32>) -> Result<Option<usize>, ErrorView> {
    match threads {
        None => Ok(None),
        Some(threads @ 1..=1024) => Ok(Some(threads as usize)),
        Some(_) => {
            Err(ErrorView::new(ErrorReason::Invalid, "expected a number from 1 to 1024").about("threads"))
        }
    }
}

impl CollectIntent {
    pub(crate) fn request(&self) -> GcRequest {
        let Self { dry_run, store_bytes, history_days, history_bytes, scrub } = *self;
        GcRequest {
            dry_run,
            max_store_bytes: store_bytes,
            scrub,
            max_history_age: history_days.map(|days| Duration::from_hours(u64::from(days) * 24)),
            max_history_bytes: history_bytes,
        }
    }
}

impl PackReportView {
    pub(crate) fn of(report: &PackReport) -> Self {
        let PackReport { pack_digest, entries, ok, problems } = report;
        let problem = |problem: &packer_runtime::packs::PackProblem| PackProblemView {
            code: problem.code.as_str().to_owned(),
            id: problem.id,
            message: problem.message.clone(),
        };
        Self {
            pack_digest: pack_digest.to_string(),
            entries: *entries,
            ok: *ok,
            problems: problems.iter().map(problem).collect(),
        }
    }
}

impl PackRowView {
    pub(crate) fn of(row: &PackRow) -> Self {
        let PackRow { id, name, kind, encoding: _, compression, preload, size, stored_size, digest } = row;
        Self {
            id: id.get(),
            name: name.clone(),
            kind: kind.clone(),
            compression: compression.clone(),
            preload: *preload,
            size: *size,
            stored_size: *stored_size,
            digest: digest.as_ref().map(ToString::to_string),
        }
    }
}

impl UnpackView {
    pub(crate) fn of(report: &UnpackReport) -> Self {
        let UnpackReport { files, bytes, absent } = report;
        Self { files: *files, bytes: *bytes, absent: absent.iter().map(|id| id.get()).collect() }
    }
}

impl CollectedView {
    pub(crate) fn of(report: &GcReport) -> Self {
        let GcReport {
            dry_run,
            max_store_bytes,
            artifacts,
            bytes,
            dropped,
            dropped_bytes,
            leftovers,
            orphans,
            scrub,
            history,
        } = report;
        let damaged = scrub.iter().flat_map(|scrub| &scrub.damaged);
        Self {
            dry_run: *dry_run,
            artifacts: *artifacts,
            bytes: *bytes,
            dropped: *dropped,
            dropped_bytes: *dropped_bytes,
            store_bytes: *max_store_bytes,
            leftovers: leftovers.clone(),
            orphans: *orphans,
            scrubbed: scrub.as_ref().map(|scrub| scrub.checked),
            damaged: damaged.map(|damage| format!("{}: {}", damage.path, damage.reason)).collect(),
            undoable: history.operations,
            history_bytes: history.bytes,
            forgotten: history.dropped.iter().map(|dropped| dropped.operation_id.to_string()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::Digest;
    use packer_runtime::packs::{PackProblem, PackProblemCode};

    use super::*;

    #[test]
    fn whether_a_pack_is_sound_is_the_packers_word_also_where_its_problems_disagree() {
        let problem = PackProblem {
            code: PackProblemCode::ALL[0],
            id: Some(7),
            message: "something is wrong".to_owned(),
        };
        let report = |ok, problems| PackReport { pack_digest: Digest::of(b"pack"), entries: 3, ok, problems };
        let sound = PackReportView::of(&report(true, vec![problem]));
        assert_eq!((sound.ok, sound.problems.len()), (true, 1));
        assert_eq!(
            (sound.problems[0].id, sound.problems[0].message.as_str()),
            (Some(7), "something is wrong")
        );
        let unsound = PackReportView::of(&report(false, Vec::new()));
        assert_eq!((unsound.ok, unsound.problems.len()), (false, 0));
    }
}
