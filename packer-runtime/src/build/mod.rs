//! Builds: `plan -> bake -> write -> verify -> commit`.
//!
//! A build holds the build lock from beginning to end, and the lane only at both ends: to observe and publish, and to
//! check that nothing it used has changed and commit. It bakes in between, beside the lane, on one snapshot.

mod bake;
mod commit;
mod former;
mod manifest;
mod write;

use std::sync::Arc;

use camino::Utf8PathBuf;
use packer_domain::build::{BuildPlan, plan_build};
use packer_domain::config::BuildOptions;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::Digest;
use packer_events::body::{Behind, EventBody, Lock, Phase, Unit};
use packer_events::record::DiagnosticRecord;
use packer_events::report::{BuildReport, Ending, Failure, OutcomeReport, Rejection};
use packer_fs::lock::{BuildLock, HolderFacts, Wait};

use crate::holder::{facts, holder};
use crate::lane::{Finale, LaneAccess, Turn, Worker, lock_stop, observe};
use crate::observe::Lane;
use crate::operation::{Operation, Stop};
use crate::project::{BuildBase, pool};
use crate::shared::Shared;
use crate::snapshot::Snapshot;

use former::Former;
use write::{PackJob, Written};

/// The name of the pack in the output folder.
pub const PACK_FILE: &str = "assets.pack";

/// The name of the manifest in the output folder.
pub const MANIFEST_FILE: &str = "assets.manifest.json";

/// What to build, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// What to build from.
    pub base: BuildBase,
    /// The build profile of `packer.toml`; none for the plain options.
    pub profile: Option<String>,
    /// Another output folder than `packer.toml` says: absolute, or relative to the project.
    pub output: Option<Utf8PathBuf>,
    /// How many threads bake; those of the project for `None`.
    pub jobs: Option<usize>,
    /// Whether what earlier builds made may be used.
    pub reuse: bool,
    /// Whether assets in error are left out instead of ending the build.
    pub keep_going: bool,
    /// Whether to build a second time from nothing, with another number of threads, and compare.
    pub prove: bool,
}

impl Default for BuildRequest {
    fn default() -> Self {
        Self {
            base: BuildBase::Refreshed,
            profile: None,
            output: None,
            jobs: None,
            reuse: true,
            keep_going: false,
            prove: false,
        }
    }
}

/// Runs a build.
pub(crate) fn build<'s>(
    shared: &'s Arc<Shared>,
    lane: &Worker,
    operation: &Operation,
    request: &BuildRequest,
) -> Result<Finale<'s>, Stop> {
    let stop = || operation.is_cancelled() || shared.is_closing();
    let wait = if shared.wait_for_lane { Wait::Block(&stop) } else { Wait::Never };
    let mut on_wait = |found: Option<&HolderFacts>| {
        let behind = Behind { lock: Lock::Build, operations: 1, holder: found.and_then(holder) };
        operation.say(EventBody::Queued { behind });
    };
    let lock = BuildLock::acquire(&shared.root, &facts(operation), wait, &mut on_wait)
        .map_err(|error| lock_stop(Lock::Build, error))?;

    let base = base(shared, lane, operation, request)?;
    let state = base.state();
    let options = options(&base, request)?;
    let plan = plan_build(state, options);
    operation.diagnose(&plan.errors);
    if !plan.errors.is_empty() && !request.keep_going {
        let errors = plan.errors.iter().filter(|diagnostic| diagnostic.is_error()).count() as u64;
        return Err(Stop::Rejected(Rejection::WorkspaceErrors { errors }));
    }

    let folder = request.output.clone().unwrap_or_else(|| state.config().output.clone());
    let former = if request.reuse { Former::load(shared, operation, &folder, &options) } else { None };
    if let Some(former) = &former
        && let Some(size) = former.is_current(&plan)
    {
        let mut report = BuildReport {
            assets: (plan.entries.len() + plan.absent.len()) as u64,
            baked: 0,
            reused: plan.entries.len() as u64,
            failed: plan.absent.len() as u64,
            bytes: size,
            pack_digest: former.pack_digest(),
            unchanged: true,
            took_ms: 0,
            incomplete: !plan.absent.is_empty(),
            proved: false,
        };
        report.proved = prove(shared, operation, request, &base, &plan, former.pack_digest())?;
        report.took_ms = operation.took_ms();
        return Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Build(report))));
    }

    let pool = match request.jobs {
        Some(jobs) => pool(Some(jobs)).map_err(|error| threads(&error))?,
        None => Arc::clone(&shared.observer.pool),
    };
    let staging = commit::Staging::create(shared, &folder, operation.id)?;
    let job = PackJob {
        shared,
        operation,
        snapshot: &base,
        plan: &plan,
        pool: &pool,
        keep_going: request.keep_going,
        durable: options.durable,
    };
    let written = job.write(&staging.path(PACK_FILE), former.as_ref())?;
    let manifest = manifest::manifest(&base, &plan, &written);
    staging.write_file(MANIFEST_FILE, &manifest, options.durable)?;
    write::verify(shared, operation, &staging.path(PACK_FILE), &written)?;
    let proved = prove(shared, operation, request, &base, &plan, written.digest)?;
    operation.check_cancelled(Phase::Verify)?;

    let unchanged = former.as_ref().is_some_and(|former| former.is_same_pack(&written));
    let report = BuildReport {
        assets: (plan.entries.len() + plan.absent.len()) as u64,
        baked: written.baked,
        reused: written.reused,
        failed: written.failed + plan.absent.len() as u64,
        bytes: written.size,
        pack_digest: written.digest,
        unchanged,
        took_ms: operation.took_ms(),
        incomplete: written.failed > 0 || !plan.absent.is_empty(),
        proved,
    };
    if unchanged {
        drop(staging);
        return Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Build(report))));
    }
    commit::commit(
        shared,
        lane,
        operation,
        commit::Outputs {
            base: &base,
            plan: &plan,
            options,
            folder,
            manifest,
            written,
            report,
            staging,
            lock,
        },
    )
}

/// The snapshot to build from.
fn base(
    shared: &Arc<Shared>,
    lane: &Worker,
    operation: &Operation,
    request: &BuildRequest,
) -> Result<Snapshot, Stop> {
    let turn = turn(lane)?;
    let access = LaneAccess::enter(shared, operation)?;
    operation.say(EventBody::Started {});
    if let BuildBase::Exactly(asked) = request.base {
        let snapshot = shared.status().snapshot.clone();
        let current = snapshot.revision();
        return if current == asked {
            Ok(snapshot)
        } else {
            Err(Stop::Rejected(Rejection::BaseRevisionGone { asked, current }))
        };
    }
    let observed = observe(shared, operation, Lane::Held)?;
    let state = observed.evaluate();
    shared.publish(operation, &observed, state);
    drop((access, turn));
    Ok(shared.status().snapshot.clone())
}

/// Waits for this build's turn in the lane.
fn turn(lane: &Worker) -> Result<Turn, Stop> {
    lane.turn().ok_or(Stop::Cancelled(None))
}

fn options(base: &Snapshot, request: &BuildRequest) -> Result<BuildOptions, Stop> {
    base.state().config().build_options(request.profile.as_deref()).map_err(|error| {
        let known = if error.known.is_empty() {
            "it has none; add one as [build.profiles.NAME]".to_owned()
        } else {
            format!("it has {}", error.known.join(", "))
        };
        let diagnostic =
            Diagnostic::new(DiagnosticCode::PlanTargetMissing, Subject::Project, error.to_string())
                .help(known);
        Stop::Rejected(Rejection::Blocked { blockers: vec![DiagnosticRecord::from(&diagnostic)] })
    })
}

/// Builds again from nothing, with another number of threads, and compares. Says whether it did.
fn prove(
    shared: &Arc<Shared>,
    operation: &Operation,
    request: &BuildRequest,
    base: &Snapshot,
    plan: &BuildPlan,
    built: Digest,
) -> Result<bool, Stop> {
    if !request.prove {
        return Ok(false);
    }
    operation.progress(Phase::Prove, 0, None, Unit::Assets, None);
    let threads_before = request.jobs.unwrap_or_else(|| shared.observer.pool.current_num_threads());
    let other = if threads_before == 1 { 2 } else { 1 };
    let pool = pool(Some(other)).map_err(|error| threads(&error))?;
    let path = Utf8PathBuf::from(format!("{}/prove-{}.pack", packer_fs::layout::OPERATIONAL, operation.id));
    let job = PackJob {
        shared,
        operation,
        snapshot: base,
        plan,
        pool: &pool,
        keep_going: request.keep_going,
        durable: false,
    };
    let proof = job.write(&path, None);
    if let Err(error) = shared.disk.remove_file(&path)
        && !error.is_not_found()
    {
        tracing::warn!(%error, "the second pack of a proof stays behind");
    }
    let Written { digest: proved, .. } = proof?;
    if proved == built {
        Ok(true)
    } else {
        let message = format!("the pack built first is {built}, the one built again is {proved}");
        let diagnostic = Diagnostic::new(DiagnosticCode::BuildNotReproducible, Subject::Project, message);
        operation.diagnose([&diagnostic]);
        Err(Stop::Failed(Failure::ProveMismatch { built, proved }))
    }
}

fn threads(error: &crate::project::OpenError) -> Stop {
    Stop::Failed(Failure::Io { message: error.to_string(), path: None })
}
