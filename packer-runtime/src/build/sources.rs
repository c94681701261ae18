//! Which file a build used for what, told from its plan, for the next build to go by.
//!
//! How that is kept is `packer_fs::build_sources`'s business, and what follows from a change `patch`'s. Only of assets that
//! have to do with no other it is said which of their files is which; of all else, that it takes a whole evaluation.

use std::collections::BTreeSet;

use packer_domain::build::{BuildEntry, BuildPlan};
use packer_domain::config::BuildOptions;
use packer_domain::identity::{AssetUuid, Digest};
use packer_fs::build_sources::{BuildSources, FileUse};
use packer_fs::index::{FileRole, StatIndex};

use super::unchanged;

/// The digest of everything that decides the outputs beside the contents of files: `frame` is that of the workspace.
pub(super) fn frame(frame: Digest, options: &BuildOptions) -> Digest {
    unchanged::base(frame, options)
}

/// What a build of `plan` used, every asset of which is in the pack. `index` is what it was planned from, `frame` the
/// digest of what else that was, and `record` the checksum of the record. `None` if it cannot be told.
pub(super) fn of_plan(
    plan: &BuildPlan,
    index: &StatIndex,
    frame: Digest,
    record: Digest,
) -> Option<BuildSources> {
    // As the build record has them.
    let mut by_uuid: Vec<(AssetUuid, u32)> =
        (0..).zip(&plan.entries).map(|(place, entry)| (entry.uuid(), place)).collect();
    by_uuid.sort_unstable();
    let role = |at: usize| index.entry(at).role;
    let mut uses: Vec<FileUse> = (0..index.len())
        .map(|at| if role(at) == FileRole::Plain { FileUse::Nothing } else { FileUse::Unknown })
        .collect();
    let targets: BTreeSet<AssetUuid> =
        plan.entries.iter().flat_map(BuildEntry::references).map(|reference| reference.target).collect();
    for (number, (uuid, place)) in (0..).zip(&by_uuid) {
        let entry = &plan.entries[*place as usize];
        let files: Option<Vec<usize>> =
            entry.inputs().map(|input| index.find_number(input.path.as_str())).collect();
        let files = files?;
        let is_alone = entry.references().is_empty() && !targets.contains(uuid);
        let is_its_own = is_alone && files.iter().all(|at| uses[*at] == FileUse::Nothing);
        for at in &files {
            if let (false, FileUse::Asset(other)) = (is_its_own, uses[*at]) {
                // Not one file of the other can be told by itself any more.
                let of_other = &plan.entries[by_uuid[other as usize].1 as usize];
                for input in of_other.inputs() {
                    uses[index.find_number(input.path.as_str())?] = FileUse::Unknown;
                }
            }
            uses[*at] = if is_its_own { FileUse::Asset(number) } else { FileUse::Unknown };
        }
    }
    let files = uses.into_iter().enumerate().map(|(at, used)| (index.digest(at), used));
    let places = by_uuid.iter().map(|(_, place)| *place);
    BuildSources::new(self::frame(frame, &plan.options), record, files, places)
}
