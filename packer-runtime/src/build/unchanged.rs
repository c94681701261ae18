//! Builds with nothing to do: where everything that decides the outputs is as it was when they were made, and they stand
//! as they were left, there is nothing to parse, plan or read.
//!
//! A shortcut to what planning would find, and never more: it says "unchanged" or nothing. It is not taken where the last
//! build lacked an asset, where the build is to be proved, or where nothing that was built before may be used.

use camino::Utf8Path;
use packer_domain::config::BuildOptions;
use packer_domain::constants::CONSTANTS_FORMAT;
use packer_domain::identity::Digest;
use packer_fs::build_record::RecordHead;
use packer_fs::build_stamp::BuildStamp;
use packer_fs::layout;
use packer_fs::lock::host;

use super::PACK_FILE;
use super::former::options_digest;
use crate::shared::Shared;

/// What the last build left in `folder`, if building from `fingerprint` with these options would leave it again.
pub(super) fn recall(
    shared: &Shared,
    fingerprint: Digest,
    options: &BuildOptions,
    folder: &Utf8Path,
) -> Option<BuildStamp> {
    let stamp = BuildStamp::load(&*shared.disk, layout::BUILD_STAMP.into())?;
    let is_same = stamp.base == Some(base(fingerprint, options));
    let is_there = stamp.pack.fact.path == folder.join(PACK_FILE);
    (is_same && is_there && stamp.stands(&*shared.disk, host::boot_id().as_deref())).then_some(stamp)
}

/// Notes that a build from `fingerprint` left what `head` says; `complete` if it lacks nothing. Without the note, the next build
/// plans, and compares the outputs by their digests.
pub(super) fn remember(
    shared: &Shared,
    fingerprint: Digest,
    options: &BuildOptions,
    head: &RecordHead,
    assets: u64,
    complete: bool,
) {
    let base = complete.then(|| base(fingerprint, options));
    let Some(stamp) = BuildStamp::of(&*shared.disk, head, base, assets) else { return };
    if let Err(error) = stamp.store(&*shared.disk, layout::BUILD_STAMP.into()) {
        tracing::info!(%error, "the next build plans also where nothing changed");
    }
}

/// The digest of everything that decides outputs.
pub(super) fn base(fingerprint: Digest, options: &BuildOptions) -> Digest {
    let mut bytes = fingerprint.as_bytes().to_vec();
    bytes.extend_from_slice(options_digest(options).as_bytes());
    // What `Debug` shows of the options is all of them.
    bytes.extend_from_slice(format!("{options:?} in constants format {CONSTANTS_FORMAT}").as_bytes());
    Digest::of(&bytes)
}
