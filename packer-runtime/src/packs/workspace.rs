//! A pack compared with the workspace: which assets a build would now make otherwise, add, or leave out.
//!
//! It bakes nothing and reads no payload. What an asset was built from is in the build record, by build key; what a build would
//! build it from now is planned from the snapshot.

use std::collections::BTreeMap;

use camino::Utf8Path;
use packer_domain::build::{BuildPlan, plan_build};
use packer_domain::identity::AssetUuid;
use packer_fs::build_record::BuildRecord;
use packer_fs::layout;
use packer_pack::{Entry, Pack};

use super::verify::{PackProblem, PackProblemCode};
use crate::project::Project;

/// What a build would put into a pack under one id.
struct Planned<'a> {
    uuid: AssetUuid,
    name: &'a str,
    kind: &'a str,
    preload: bool,
    /// None for what cannot be built as it is.
    key: Option<packer_domain::identity::Digest>,
}

/// Everything in which the pack at `path` is not what a build would make of the workspace.
pub(super) fn compare(pack: &Pack, path: &Utf8Path, project: &Project) -> Vec<PackProblem> {
    let shared = project.shared();
    let status = project.status();
    let state = status.snapshot.state();
    // Which profile it was built with decides no build key.
    let plan = plan_build(state, state.config().build);
    let mut problems = Vec::new();
    let record = match BuildRecord::load(&*shared.disk, layout::BUILD_RECORD.into()) {
        Ok(record) => record.filter(|record| {
            let head = record.head();
            head.pack_digest.as_bytes() == &pack.digest() && shared.root.join(&head.pack.path) == path
        }),
        Err(defect) => {
            tracing::info!(%defect, "what the pack was built from is not known");
            None
        }
    };
    if record.is_none() {
        let message =
            "this project's last build did not make this pack here, so what it was built from is not known";
        problems.push(PackProblem::new(PackProblemCode::NotBuilt, message));
    }

    let mut planned = planned(&plan);
    // Where they cannot be read, the check of the pack itself has said so.
    let Ok(entries) = pack.entries() else { return problems };
    for entry in entries {
        let (id, name) = (entry.id(), entry.name().unwrap_or("(damaged)"));
        let Some(planned) = planned.remove(&id) else {
            let message = format!("{name} is in the pack, and not included any more");
            problems.push(PackProblem::of(PackProblemCode::NotIncluded, id, message));
            continue;
        };
        if let Some(message) = renamed(&entry, &planned) {
            problems.push(PackProblem::of(PackProblemCode::Renamed, id, message));
        }
        if entry.is_absent() {
            if planned.key.is_some() {
                let message = format!("{name} has no payload in the pack");
                problems.push(PackProblem::of(PackProblemCode::Missing, id, message));
            }
            continue;
        }
        let built = record.as_ref().map(|record| record.get(planned.uuid).map(|payload| payload.build_key));
        let message = match (planned.key, built) {
            (None, _) => format!("{name} cannot be built as it is now; the pack has what it was before"),
            (Some(key), Some(built)) if built != Some(key) => {
                format!("{name} was built from other inputs or settings than it has now")
            }
            (Some(_), _) => continue,
        };
        problems.push(PackProblem::of(PackProblemCode::Stale, id, message));
    }
    // What a build could not bake has a place in a pack that kept going, and needs none.
    for (id, planned) in planned.into_iter().filter(|(_, planned)| planned.key.is_some()) {
        let message = format!("{} is included, and not in the pack", planned.name);
        problems.push(PackProblem::of(PackProblemCode::Missing, id, message));
    }
    problems
}

fn planned(plan: &BuildPlan) -> BTreeMap<u32, Planned<'_>> {
    let entries = plan.entries.iter().map(|entry| {
        let (name, kind) = (entry.name().as_str(), entry.kind().as_str());
        let planned =
            Planned { uuid: entry.uuid(), name, kind, preload: entry.preload(), key: Some(entry.key) };
        (entry.id().get(), planned)
    });
    let absent = plan.absent.iter().map(|entry| {
        let (name, kind) = (entry.name.as_str(), entry.kind.as_str());
        (entry.id.get(), Planned { uuid: entry.uuid, name, kind, preload: false, key: None })
    });
    entries.chain(absent).collect()
}

/// What of an asset, beside its payload, is otherwise in the workspace. Names that the pack has damaged are not compared.
fn renamed(entry: &Entry<'_>, planned: &Planned<'_>) -> Option<String> {
    let (name, kind) = (entry.name().ok()?, entry.kind().ok()?);
    if name != planned.name {
        Some(format!("{name} is called {} now", planned.name))
    } else if kind != planned.kind {
        Some(format!("{name} is of the kind {kind} in the pack, and {} now", planned.kind))
    } else if entry.is_preload() != planned.preload && planned.key.is_some() {
        let now = if planned.preload { "now to be preloaded" } else { "not to be preloaded any more" };
        Some(format!("{name} is {now}"))
    } else {
        None
    }
}
