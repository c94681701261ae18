//! `Project`: one open project. Reads answer from the published snapshot; everything that changes something is submitted.

mod content;
mod glance;
#[cfg(test)]
mod including;
mod open;
mod reader;
mod recovery;
mod submit;
#[cfg(test)]
mod tests;

pub use content::ContentError;
pub use glance::Glance;
pub(crate) use open::pool;
pub use open::{FirstObservation, OpenError, OpenOptions};
pub use reader::StatusReader;
pub use recovery::RecoveryWay;
pub(crate) use submit::Submitter;

use std::sync::Arc;

use camino::{Utf8Path, Utf8PathBuf};
use packer_codecs::preview::PreviewRequest;
use packer_domain::build::{AssetExplanation, FileExplanation};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::divergence::Divergence;
use packer_domain::identity::{AssetUuid, OperationId, Revision, SourceId};
use packer_domain::mutation::{self, Mutation, MutationPlan, ShownPlan, Target};
use packer_domain::path::{AssetPath, AssetPathError};
use packer_events::report::{Rejection, RejectionReport};
use packer_fs::disk::DiskError;

use crate::build::{
    BuildRequest, ContentPreview, ContentPreviews, ExplainError, GcError, GcReport, GcRequest, PACK_FILE,
    collect, explain_asset, explain_file,
};
use crate::feed::{Feed, From};
use crate::freshness::Freshness;
use crate::lane::{compare, kind_of, look_at, settles};
use crate::log::{LoggedOperation, ReadableLog, operation_log, readable_log};
use crate::operation::OperationHandle;
use crate::outcome::Outcome;
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::watch::WatchThread;

/// A snapshot and what is known of it against the disk, read together.
#[derive(Clone, Debug)]
pub struct Status {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// How fresh it is.
    pub freshness: Freshness,
}

/// Something to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Carry a plan out, if it would still do what it says.
    Apply(Box<ShownPlan>),
    /// Plan under the lock and carry that out, whatever it is.
    Mutate(Mutation),
    /// Observe again and publish what is found.
    Refresh,
    /// Build the pack.
    Build(BuildRequest),
}

/// What a build is built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildBase {
    /// This revision, or the build is rejected.
    Exactly(Revision),
    /// What an observation at its beginning finds.
    Refreshed,
}

/// One open project. Dropping it cancels nothing that has committed, ends every operation, and waits for that.
pub struct Project {
    shared: Arc<Shared>,
    submitter: Submitter,
    watch: Option<WatchThread>,
    recovered: Vec<Outcome>,
    glance: Option<Glance>,
}

/// A path that is not one of the project's assets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// It is outside of the assets root.
    #[error("{path} is not below the assets root, {root}")]
    Outside {
        /// The path.
        path: String,
        /// The assets root.
        root: String,
    },
    /// It cannot be an asset path.
    #[error(transparent)]
    Invalid(AssetPathError),
}

impl std::fmt::Debug for Project {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Project").field("root", &self.shared.root).finish_non_exhaustive()
    }
}

impl Project {
    /// The snapshot and its freshness, in one atomic read. Never waits.
    pub fn status(&self) -> Arc<Status> {
        self.shared.status()
    }

    /// What reads the same from elsewhere.
    pub fn reader(&self) -> StatusReader {
        StatusReader::new(Arc::clone(&self.shared))
    }

    /// What opening the project had to recover: the end of each `recover` operation.
    pub fn recovered(&self) -> &[Outcome] {
        &self.recovered
    }

    /// The figures, where opening the project told them without evaluating it ([`FirstObservation::FiguresWillDo`]).
    pub fn glance(&self) -> Option<&Glance> {
        self.glance.as_ref()
    }

    /// The id under which this opening numbers its events.
    pub fn source(&self) -> SourceId {
        self.shared.bus.source()
    }

    /// The operation that watches the project, if it was opened so. Where nothing could be watched, it has ended already,
    /// and says why.
    pub fn watch(&self) -> Option<&OperationHandle> {
        self.watch.as_ref().map(WatchThread::handle)
    }

    /// The project's folder.
    pub fn root(&self) -> &Utf8Path {
        &self.shared.root
    }

    /// Where a build puts the pack, unless it is told otherwise.
    pub fn pack_path(&self) -> Utf8PathBuf {
        self.shared.root.join(&self.status().snapshot.state().config().output).join(PACK_FILE)
    }

    /// What a path means below the assets root: a path relative to the project, or absolute; without `.` and `..`.
    pub fn locate(&self, path: &Utf8Path) -> Result<Target, LocateError> {
        let root = self.status().snapshot.state().config().assets.clone();
        let relative = path.strip_prefix(&self.shared.root).unwrap_or(path);
        let outside = || LocateError::Outside { path: path.to_string(), root: root.to_string() };
        let below = relative.strip_prefix(&root).map_err(|_| outside())?;
        if below.as_str().is_empty() {
            return Ok(Target::Root);
        }
        AssetPath::parse(below.as_str()).map(Target::Path).map_err(LocateError::Invalid)
    }

    /// Explains a managed asset of the snapshot: why it is in the pack or not, what decides its payload, what the next build
    /// with this profile does with it and why; `None` if there is no such asset. A read, which looks at what the last
    /// build left.
    pub fn explain(
        &self,
        uuid: AssetUuid,
        profile: Option<&str>,
    ) -> Result<Option<AssetExplanation>, ExplainError> {
        explain_asset(&self.shared, &self.status().snapshot, uuid, profile)
    }

    /// Explains a path below the assets root that is no asset: unclaimed, ignored and by which rule, or what else; `None` if
    /// nothing is there.
    pub fn explain_file(&self, path: &AssetPath) -> Result<Option<FileExplanation>, ExplainError> {
        explain_file(&self.shared, &self.status().snapshot, path)
    }

    /// Shows the content of the assets of the snapshot, each from what a build has baked of it. A read, which takes time by
    /// the number of assets; each preview taken from it does not.
    pub fn content_previews(&self) -> ContentPreviews {
        ContentPreviews::of(&self.shared, self.status().snapshot.clone())
    }

    /// The same for a single asset; `None` if the snapshot has no such asset.
    pub fn content_preview(&self, uuid: AssetUuid, request: &PreviewRequest) -> Option<ContentPreview> {
        self.content_previews().preview(uuid, request)
    }

    /// Drops what nobody needs any more: artifacts over the store's limit, and what dead builds left. No operation; waits
    /// for a build that runs.
    pub fn gc(&self, request: &GcRequest) -> Result<GcReport, GcError> {
        collect(&self.shared, request)
    }

    /// What was done in the project, the newest first: the operations that the logs tell of, and those that can be undone.
    /// Fails where a log cannot be read, so that nobody takes back something by half of what is known.
    pub fn log(&self) -> Result<Vec<LoggedOperation>, DiskError> {
        operation_log(&self.shared.root, &*self.shared.disk)
    }

    /// The same to be shown: as far as the logs can be read, and which cannot.
    pub fn readable_log(&self) -> Result<ReadableLog, DiskError> {
        readable_log(&self.shared.root, &*self.shared.disk)
    }

    /// What `mutation` would do now. A pure read: the paths that matter are looked at, and nothing is written.
    pub fn preview(&self, mutation: &Mutation) -> Result<MutationPlan, DiskError> {
        let status = self.status();
        let plan = self.planned(&status, mutation)?;
        let Freshness::RecoveryRequired { operation_id } = &status.freshness else { return Ok(plan) };
        if settles(mutation) == Some(*operation_id) {
            return Ok(plan);
        }
        let message =
            format!("operation {operation_id} was interrupted in its commit, and has to be recovered first");
        let blocker = Diagnostic::new(DiagnosticCode::LaneFrozen, Subject::Project, message);
        Ok(plan.blocked_by(blocker.help("`packer recover` shows what can be done, and does it")))
    }

    /// The divergences on which only a person can decide, of those that `mutation` is to reconcile. A pure read, like
    /// [`preview`](Self::preview), whose plan is blocked by each of them.
    pub fn undecided(&self, mutation: &Mutation) -> Result<Vec<Divergence>, DiskError> {
        let status = self.status();
        let state = status.snapshot.state();
        let contents = look_at(&*self.shared.disk, state, mutation)?;
        Ok(mutation::undecided(state, &contents, mutation))
    }

    /// What applying `shown` would do now: the same as when it was shown, in full; or why it would be refused. A pure read,
    /// as [`preview`](Self::preview) is. Applying it decides anew, under the lock.
    pub fn preview_shown(
        &self,
        shown: &ShownPlan,
    ) -> Result<Result<MutationPlan, RejectionReport>, DiskError> {
        let status = self.status();
        let rejected = |reason| RejectionReport { kind: kind_of(&shown.mutation), reason };
        if let Freshness::RecoveryRequired { operation_id } = &status.freshness
            && settles(&shown.mutation) != Some(*operation_id)
        {
            return Ok(Err(rejected(Rejection::LaneFrozen { operation_id: *operation_id })));
        }
        let plan = self.planned(&status, &shown.mutation)?;
        let (state, configuration) = (status.snapshot.state(), status.snapshot.basis().config);
        Ok(compare(state, configuration, shown, &plan).map(|()| plan).map_err(rejected))
    }

    /// Subscribes to the events of this opening of the project; where they begin is said by [`From`].
    pub fn subscribe(&self, from: From) -> Feed {
        self.shared.bus.subscribe(from)
    }

    /// Accepts a command. It runs when its turn comes; its one end is an event, and the handle's outcome.
    pub fn submit(&self, command: Command) -> OperationHandle {
        self.submitter.submit(command, None)
    }

    /// Asks an operation of this project to stop, also one that was started by itself: as its handle would. `false` if none
    /// with this id has been accepted here, or it has ended.
    pub fn cancel(&self, operation: OperationId) -> bool {
        self.submitter.cancel(operation)
    }

    fn planned(&self, status: &Status, mutation: &Mutation) -> Result<MutationPlan, DiskError> {
        let state = status.snapshot.state();
        let contents = look_at(&*self.shared.disk, state, mutation)?;
        Ok(mutation::plan(state, &contents, mutation).configured(status.snapshot.basis().config))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        self.shared.bus.begin_closing();
        self.submitter.close();
        // It tells of what the last operations brought about.
        if let Some(watch) = &self.watch {
            watch.close();
        }
        self.shared.bus.close();
    }
}
