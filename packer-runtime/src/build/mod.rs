//! Builds: `plan -> bake -> write -> verify -> commit`.
//!
//! A build holds the build lock from beginning to end, and the lane only at both ends: to observe and publish, and to
//! check that nothing it used has changed and commit. It bakes in between, beside the lane, on one snapshot.

mod artifacts;
mod bake;
mod commit;
mod compressors;
mod constants;
mod content;
mod explain;
mod former;
mod gc;
mod manifest;
mod patch;
mod pipeline;
mod sources;
mod unchanged;
mod write;

use std::sync::Arc;

use camino::Utf8PathBuf;
use packer_domain::build::{BuildPlan, plan_build};
use packer_domain::config::{BuildOptions, ProjectConfig};
use packer_domain::constants::ConstantsLanguages;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{Digest, Revision};
use packer_events::body::{Behind, EventBody, Lock, Phase};
use packer_events::record::DiagnosticRecord;
use packer_events::report::{BuildReport, Ending, Failure, OutcomeReport, Rejection};
use packer_fs::build_parts::NoFormer;
use packer_fs::build_stamp::BuildStamp;
use packer_fs::layout;
use packer_fs::lock::{HolderFacts, Wait};

use crate::holder::{facts, holder};
use crate::lane::{Finale, LaneAccess, Worker, lock_stop, observe_stop, sight_held};
use crate::operation::{Operation, Stop, io_failure};
use crate::project::{BuildBase, pool};
use crate::shared::Shared;
use crate::snapshot::Snapshot;
use crate::sync::lock::BuildLock;
use crate::threads;
use crate::watch::Beside;

use artifacts::Artifacts;
pub use artifacts::StorePolicy;
use commit::{Constants, Used};
pub use content::{
    ContentLack, ContentPlace, ContentPreview, ContentPreviews, MAX_SHOWN_BYTES, ShownContent,
};
pub use explain::ExplainError;
use explain::Reasons;
pub(crate) use explain::{explain_asset, explain_file};
use former::Former;
pub(crate) use gc::collect;
pub use gc::{GcDamage, GcError, GcReport, GcRequest, GcScrub};
use patch::{Patch, Patched};
use write::{PackJob, Written};

/// The name of the pack in the output folder.
pub const PACK_FILE: &str = "assets.pack";

/// The name of the manifest in the output folder.
pub const MANIFEST_FILE: &str = "assets.manifest.json";

/// How the names of the second packs of proofs begin.
const PROOF_PREFIX: &str = "prove-";

/// What to build, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, and any of them go together")]
pub struct BuildRequest {
    /// What to build from.
    pub base: BuildBase,
    /// The build profile of `packer.toml`; none for the plain options.
    pub profile: Option<String>,
    /// Another output folder than `packer.toml` says: absolute, or relative to the project.
    pub output: Option<Utf8PathBuf>,
    /// The languages of the constants; those that `packer.toml` says for `None`.
    pub constants: Option<ConstantsLanguages>,
    /// How many threads read sources, and how many bake; those of the project for `None`.
    pub jobs: Option<usize>,
    /// Whether what earlier builds made may be used: their pack, and the artifact store.
    pub reuse: bool,
    /// What of the artifact store may be used.
    pub store: StorePolicy,
    /// Whether to say of each asset that is not taken over from the last pack why not.
    pub explain: bool,
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
            constants: None,
            jobs: None,
            reuse: true,
            store: StorePolicy::default(),
            explain: false,
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
    let stop = || operation.is_cancelled();
    let wait = if shared.wait_for_lane { Wait::Block(&stop) } else { Wait::Never };
    let mut on_wait = |found: Option<&HolderFacts>| {
        let behind = Behind { lock: Lock::Build, operations: 1, holder: found.and_then(holder) };
        operation.say(EventBody::Queued { behind });
    };
    let mut lock = BuildLock::acquire(&shared.root, &facts(operation), wait, &mut on_wait)
        .map_err(|error| lock_stop(Lock::Build, error))?;

    let mut is_first = true;
    let (base, options, folder) = loop {
        match base(shared, lane, operation, request, is_first)? {
            Base::Unchanged(stamp) => return Ok(unchanged_end(operation, &stamp)),
            Base::Changed { snapshot, options, folder } => break (snapshot, options, folder),
            Base::Patch(patch) => match patch::build(shared, lane, operation, request, *patch, lock)? {
                Patched::Done(finale) => return Ok(finale),
                Patched::Not(back) => (lock, is_first) = (back, false),
            },
        }
    };
    let fingerprint = base.basis().fingerprint;
    let plan = plan_build(base.state(), options);
    operation.diagnose(&plan.errors);
    if !plan.errors.is_empty() && !request.keep_going {
        let errors = plan.errors.iter().filter(|diagnostic| diagnostic.is_error()).count() as u64;
        return Err(Stop::Rejected(Rejection::WorkspaceErrors { errors }));
    }

    let (mut former, mut cause) = if request.reuse {
        match Former::load(shared, operation, &folder, &options) {
            Ok(former) => (Some(former), None),
            Err(cause) => (None, Some(cause)),
        }
    } else {
        (None, Some(NoFormer::NoReuse {}))
    };
    let policy = if request.reuse { request.store } else { StorePolicy::Off };
    let artifacts = Artifacts::open(&shared.root, base.state().config(), &options, policy);
    let reasons = request.explain.then(|| Reasons::gather(shared, &plan, former.as_ref(), cause.clone()));
    let constants = constants::planned(&plan);
    let same_constants = former.as_ref().is_some_and(|former| former.has_constants(&folder, &constants));
    let current = former.as_ref().filter(|_| same_constants);
    let current = current.and_then(|former| Some((former.current(&plan)?, former.pack_digest())));
    // Its own threads: a scan of the lane must not wait for a bake.
    let pool = bakers(shared, request)?;
    let pipeline = write::pipeline(request.jobs.or(shared.jobs));
    let job = PackJob {
        shared,
        operation,
        snapshot: &base,
        plan: &plan,
        pool: &pool,
        pipeline,
        keep_going: request.keep_going,
        durable: options.durable,
        artifacts: artifacts.as_ref(),
        reasons: reasons.as_ref(),
        is_proof: false,
    };
    let counts = Counts {
        assets: (plan.entries.len() + plan.absent.len()) as u64 + plan.left_out,
        held_back: plan.absent.len() as u64 + plan.left_out,
    };
    if let Some((current, digest)) = current
        && (current.lacking.is_empty() || request.keep_going && job.all_fail(&current.lacking)?)
    {
        let failed = counts.held_back + current.lacking.len() as u64;
        // Planned in vain: what was edited changes no byte. The next build need not find that out again.
        if let Some(head) = former.as_ref().map(Former::head) {
            unchanged::remember(shared, fingerprint, &options, head, counts.assets, failed == 0);
        }
        let proved = prove(shared, operation, request, &base, &plan, digest)?;
        return Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Build(BuildReport {
            assets: counts.assets,
            baked: 0,
            reused: counts.assets - failed,
            failed,
            bytes: current.size,
            pack_digest: digest,
            unchanged: true,
            took_ms: operation.took_ms(),
            incomplete: failed > 0,
            proved,
        }))));
    }

    let staging = commit::Staging::create(shared, &folder, operation.id)?;
    let written = write_checked(&job, &staging, &mut former, &mut cause);
    // Before the lane is taken: nobody should wait for it.
    artifacts.iter().for_each(Artifacts::settle);
    let mut written = written?;
    let manifest = staging.stream_file(MANIFEST_FILE, options.durable, |out| {
        manifest::write(out, manifest::facts(&plan, &written), manifest::rows(&plan, &written))
    })?;
    let proved = prove(shared, operation, request, &base, &plan, written.digest)?;
    operation.check_cancelled(Phase::Verify)?;

    let failed = counts.held_back + written.failed;
    let unchanged =
        same_constants && former.as_ref().is_some_and(|former| former.is_same_pack(&written, failed > 0));
    let report = BuildReport {
        assets: counts.assets,
        baked: written.baked,
        reused: written.reused,
        failed,
        bytes: written.size,
        pack_digest: written.digest,
        unchanged,
        took_ms: operation.took_ms(),
        incomplete: failed > 0,
        proved,
    };
    if unchanged {
        drop(staging);
        // What was baked under other keys turned out equal. The next build need not find that out again.
        if let Some(former) = former.as_ref().filter(|former| former.note_keys(shared, &written)) {
            unchanged::remember(shared, fingerprint, &options, former.head(), counts.assets, failed == 0);
        }
        return Ok(Finale::plain(Ending::Succeeded(OutcomeReport::Build(report))));
    }
    let made = std::mem::take(&mut written.made);
    let payloads = commit::Payloads::Made(std::mem::take(&mut written.payloads));
    let finale = commit::commit(
        shared,
        lane,
        operation,
        commit::Outputs {
            used: Used::Planned { base: &base, plan: &plan },
            options,
            folder,
            manifest,
            constants: Constants::Planned(constants),
            written,
            payloads,
            report,
            staging,
            lock,
        },
    )?;
    let committed = explain::Committed {
        plan: &plan,
        kinds: base.state().kinds(),
        assets: plan.entries.len() as u64,
        is_live: &|uuid| base.state().asset(uuid).is_some(),
        was_in_pack: &|uuid| former.as_ref().is_some_and(|former| former.key_of(uuid).is_some()),
        cause: if former.is_some() { None } else { Some(cause.unwrap_or(NoFormer::NoReuse {})) },
    };
    explain::remember(shared, operation, committed, &made);
    Ok(finale)
}

/// What a build finds at its beginning.
enum Base {
    /// What the last build left is what this one would.
    Unchanged(BuildStamp),
    /// Something may differ.
    Changed { snapshot: Snapshot, options: BuildOptions, folder: Utf8PathBuf },
    /// Nothing differs but a few sources.
    Patch(Box<Patch>),
}

/// The end of a build that had nothing to do.
fn unchanged_end<'s>(operation: &Operation, stamp: &BuildStamp) -> Finale<'s> {
    Finale::plain(Ending::Succeeded(OutcomeReport::Build(BuildReport {
        assets: stamp.assets,
        baked: 0,
        reused: stamp.assets,
        failed: 0,
        bytes: stamp.pack.fact.size,
        pack_digest: stamp.pack_digest,
        unchanged: true,
        took_ms: operation.took_ms(),
        incomplete: false,
        proved: false,
    })))
}

/// What a plan says of the figures of its outcome.
struct Counts {
    /// Every included asset.
    assets: u64,
    /// Those that cannot be baked as the workspace is.
    held_back: u64,
}

/// Writes the pack into the staging folder and checks it. Where the last pack was touched while ranges of it were taken
/// over, there is no last pack any more, but the `cause` of that. Where an artifact of the store swears to something else
/// than it holds, which its own checksum cannot tell, everything is baked.
fn write_checked(
    job: &PackJob<'_>,
    staging: &commit::Staging,
    former: &mut Option<Former>,
    cause: &mut Option<NoFormer>,
) -> Result<Written, Stop> {
    let path = staging.path(PACK_FILE);
    let remove = || job.shared.disk.remove_file(&path).map_err(|error| Stop::Failed(io_failure(&error)));
    let mut written = job.write(&path, former.as_ref())?;
    if let Some(last) = former
        && let Err(touched) = last.check_untouched(job.shared, job.operation)
    {
        (*former, *cause) = (None, Some(touched));
        remove()?;
        written = job.write(&path, None)?;
    }
    let Err(damaged) = job.verify(&path, &written) else { return Ok(written) };
    let Some(artifacts) = job.artifacts.filter(|_| written.has_fetched()) else { return Err(damaged) };
    artifacts.distrust();
    remove()?;
    let written = job.write(&path, None)?;
    job.verify(&path, &written)?;
    Ok(written)
}

/// Where the outputs go: as `packer.toml` says it, so that the folder has one name however it is asked for.
fn output_folder(
    shared: &Shared,
    config: &ProjectConfig,
    request: &BuildRequest,
) -> Result<Utf8PathBuf, Stop> {
    let Some(asked) = &request.output else { return Ok(config.output.clone()) };
    let folder = asked.strip_prefix(&shared.root).unwrap_or(asked);
    let assets = &config.assets;
    if !folder.starts_with(assets) && !assets.starts_with(folder) {
        return Ok(folder.to_owned());
    }
    let message = format!("outputs cannot go to {asked}: it and the assets root, {assets}, must be apart");
    let diagnostic = Diagnostic::new(DiagnosticCode::ConfigInvalidValue, Subject::Project, message)
        .help("name a folder that is not in the assets root and does not hold it");
    Err(Stop::Rejected(Rejection::Blocked { blockers: vec![DiagnosticRecord::from(&diagnostic)], more: 0 }))
}

/// Does two things at once.
fn at_once<A: Send, B>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    let span = tracing::Span::current();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| span.in_scope(one));
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            // It ends this operation as it would have without the thread.
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn bakers(shared: &Shared, request: &BuildRequest) -> Result<Arc<rayon::ThreadPool>, Stop> {
    pool(threads::computing(request.jobs.or(shared.jobs))).map_err(|error| no_threads(&error))
}

/// What to build from; a patch of the last build only for who asks the first time.
fn base(
    shared: &Arc<Shared>,
    lane: &Worker,
    operation: &Operation,
    request: &BuildRequest,
    is_first: bool,
) -> Result<Base, Stop> {
    let turn = lane.turn(operation, None)?;
    let access = LaneAccess::enter(shared, operation)?;
    if is_first {
        operation.say(EventBody::Started {});
    }
    if let BuildBase::Exactly(asked) = request.base {
        let snapshot = shared.status().snapshot.clone();
        let current = snapshot.revision();
        if current != asked {
            return Err(Stop::Rejected(Rejection::BaseRevisionGone { asked, current }));
        }
        let config = snapshot.state().config();
        let (options, folder) = (options(config, request)?, output_folder(shared, config, request)?);
        return Ok(Base::Changed { snapshot, options, folder });
    }
    let sighting = sight_held(shared, operation).map_err(|error| observe_stop(operation, error))?;
    let options = options(&sighting.config, request)?;
    let folder = output_folder(shared, &sighting.config, request)?;
    let fingerprint = sighting.basis.fingerprint;
    let recalled = || {
        let is_wanted = request.reuse && !request.prove;
        is_wanted.then(|| unchanged::recall(shared, fingerprint, &options, &folder)).flatten()
    };
    let published = shared.status().snapshot.clone();
    let snapshot = if published.basis().fingerprint == fingerprint {
        shared.reaffirm(operation, Beside { frozen: sighting.frozen, head: sighting.head })
    } else if published.revision() == Revision(0)
        && let Some(stamp) = recalled()
    {
        // Nobody has read anything of this project yet, so there is nothing that publishing would correct.
        return Ok(Base::Unchanged(stamp));
    } else if is_first
        && published.revision() == Revision(0)
        && let Some(change) = patch::find(shared, request, &sighting, &options)
    {
        return Ok(Base::Patch(Box::new(Patch { sighting, change, options, folder })));
    } else {
        let observed = shared.observer.read(sighting, Some(&published));
        let observed = observed.map_err(|error| observe_stop(operation, error))?;
        let next = shared.next(&observed);
        shared.publish(operation, &observed, next).snapshot
    };
    // Only now may others publish: what is built is what this operation published.
    drop((access, turn));
    Ok(match recalled() {
        Some(stamp) => Base::Unchanged(stamp),
        None => Base::Changed { snapshot, options, folder },
    })
}

fn options(config: &ProjectConfig, request: &BuildRequest) -> Result<BuildOptions, Stop> {
    let options = config.build_options(request.profile.as_deref());
    let asked = |options: BuildOptions| BuildOptions {
        constants: request.constants.unwrap_or(options.constants),
        ..options
    };
    options.map(asked).map_err(|error| {
        let known = if error.known.is_empty() {
            "it has none; add one as [build.profiles.NAME]".to_owned()
        } else {
            format!("it has {}", error.known.join(", "))
        };
        let diagnostic =
            Diagnostic::new(DiagnosticCode::PlanTargetMissing, Subject::Project, error.to_string())
                .help(known);
        Stop::Rejected(Rejection::Blocked { blockers: vec![DiagnosticRecord::from(&diagnostic)], more: 0 })
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
    sweep_proofs(shared);
    let before = threads::computing(request.jobs.or(shared.jobs));
    let other = if before == 1 { 2 } else { 1 };
    let pipeline = write::pipeline(Some(other));
    let pool = pool(other).map_err(|error| no_threads(&error))?;
    let path = Utf8PathBuf::from(format!("{}/{PROOF_PREFIX}{}.pack", layout::OPERATIONAL, operation.id));
    let job = PackJob {
        shared,
        operation,
        snapshot: base,
        plan,
        pool: &pool,
        pipeline,
        keep_going: request.keep_going,
        durable: false,
        artifacts: None,
        reasons: None,
        is_proof: true,
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

/// Removes what dead builds left of their proofs. The caller holds the build lock, so no other build is proving.
fn sweep_proofs(shared: &Shared) {
    let entries = shared.disk.read_dir(layout::OPERATIONAL.into()).unwrap_or_default();
    for name in entries.iter().filter_map(|entry| entry.name.to_str()) {
        if name.starts_with(PROOF_PREFIX)
            && let Err(error) =
                shared.disk.remove_file(&camino::Utf8Path::new(layout::OPERATIONAL).join(name))
        {
            tracing::debug!(%error, "the second pack of a dead proof stays behind");
        }
    }
}

fn no_threads(error: &crate::project::OpenError) -> Stop {
    Stop::Failed(Failure::Io { message: error.to_string(), path: None })
}
