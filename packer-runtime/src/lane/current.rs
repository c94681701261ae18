//! Mutations whose effects follow from the registry alone, on a snapshot that is found to be current as far as they go.
//!
//! Such a mutation needs no look at the files below the assets root, neither before it is planned nor after it was
//! committed: nothing that stands there decides what it does, and it touches nothing there. So it is planned on the
//! published snapshot, if under the lane's lock
//!
//! - nobody has committed since that snapshot was published: `.packer/head` is what it was (that no commit is under way or
//!   waits for a decision is seen to by whoever takes the lane);
//! - the registry and `packer.toml` hold the bytes that the snapshot was made from, told by reading them and by nothing else;
//! - freshness names whatever may differ: nothing is `Unknown`.
//!
//! Where any of that is otherwise, there is nothing here, and the workspace is observed.
//!
//! What follows is the snapshot with another registry. What is known of files stays what it was: no file becomes verified
//! by this, and none that may differ is forgotten.

use packer_domain::identity::{Digest, Revision};
use packer_domain::mutation::{Mutation, RegistryMutation, follows_from_registry_alone};
use packer_domain::registry::Registry;
use packer_domain::toml_text::MAX_TOML_BYTES;
use packer_domain::workspace::WorkspaceInputs;
use packer_fs::disk::{Disk, DiskError};
use packer_fs::head::{Head, read_head};
use packer_fs::journal::RegistryChange;
use packer_fs::layout;
use packer_fs::registry_file::{self, RegistryText, ReplacedEntry};

use crate::observe::Observed;
use crate::operation::Operation;
use crate::shared::{Published, Shared};
use crate::watch::Moment;

/// A published snapshot that is current, as far as the registry alone goes.
#[derive(Debug)]
pub(super) struct Current {
    /// When the look began that found it so.
    looked: Moment,
    /// The registry, as it was read.
    text: RegistryText,
}

impl Current {
    /// The snapshot as an observation to plan `mutation` on, if it is current and that is enough. The caller holds the lane.
    pub(super) fn look(shared: &Shared, mutation: &Mutation) -> Option<(Self, Observed)> {
        if !follows_from_registry_alone(mutation) {
            return None;
        }
        let (looked, head) = shared.look_begins()?;
        let found = Self::compare(shared, looked, head);
        // What cannot be read is reported by whoever observes.
        found.inspect_err(|error| tracing::debug!(%error, "the workspace is observed")).ok().flatten()
    }

    fn compare(
        shared: &Shared,
        looked: Moment,
        head: Option<Head>,
    ) -> Result<Option<(Self, Observed)>, DiskError> {
        let disk = &*shared.disk;
        let snapshot = shared.status().snapshot.clone();
        let basis = snapshot.basis();
        if read_head(disk)? != head || config_digest(disk)? != basis.config {
            return Ok(None);
        }
        let text = RegistryText::read(disk)?;
        if text.digest() != basis.registry {
            return Ok(None);
        }
        let inputs = snapshot.state().inputs().clone();
        Ok(Some((Self { looked, text }, Observed { inputs, basis, head, frozen: None })))
    }

    /// When the look began, and the registry that it read.
    pub(super) fn into_parts(self) -> (Moment, RegistryText) {
        (self.looked, self.text)
    }
}

/// The change of the registry to `after`, which differs by `mutations` from the one with the digest `before`. What was read of
/// that is edited, if it was read and can be; else `after` is written anew.
pub(super) fn registry_change(
    shared: &Shared,
    before: Digest,
    text: Option<RegistryText>,
    mutations: &[RegistryMutation],
    after: &Registry,
) -> RegistryChange {
    let replaced: Option<Vec<ReplacedEntry<'_>>> = mutations.iter().map(replaced).collect();
    let edited = text.zip(replaced).and_then(|(text, replaced)| text.replacing(&replaced, shared.written()));
    match edited {
        Some(edited) => RegistryChange::Edit(edited),
        None => RegistryChange::Replace { before: Some(before), after: registry_file::encode(after) },
    }
}

/// Nothing is to be done on a snapshot that was found current: the operation's answer is about that. Nothing was found out
/// of files.
pub(super) fn affirm(shared: &Shared, operation: &Operation) -> Revision {
    let revision = shared.status().snapshot.revision();
    operation.now_at(Some(revision), revision);
    revision
}

/// Publishes the snapshot that was found current at `looked`, with the registry that a commit gave it. `observed` is what was
/// planned on.
pub(super) fn publish(
    shared: &Shared,
    operation: &Operation,
    observed: Observed,
    registry: Registry,
    (looked, head): (Moment, Head),
) -> Published {
    let basis = observed.basis.with_registry(head.registry);
    let inputs = WorkspaceInputs { registry, ..observed.inputs };
    let observed = Observed { inputs, basis, head: Some(head), frozen: None };
    shared.publish_followed(operation, &observed, looked, head)
}

fn config_digest(disk: &dyn Disk) -> Result<Digest, DiskError> {
    disk.read(layout::CONFIG.into(), MAX_TOML_BYTES as u64).map(|bytes| Digest::of(&bytes))
}

fn replaced(mutation: &RegistryMutation) -> Option<ReplacedEntry<'_>> {
    match mutation {
        RegistryMutation::Update { before, after } => Some(ReplacedEntry { before, after }),
        RegistryMutation::Insert { .. }
        | RegistryMutation::Retire { .. }
        | RegistryMutation::Delete { .. } => None,
    }
}
