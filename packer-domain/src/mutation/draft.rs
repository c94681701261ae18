//! A plan in the making: working copies of the registry and of the anchors that change, so that several steps of one
//! plan compose, and what the plan does is the difference in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::anchor::{AnchorEdit, edit_anchor};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Severity, Subject};
use crate::diff::unified_diff;
use crate::identity::{AssetUuid, Digest};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{Registry, RegistryEntry};
use crate::workspace::{AssetRecord, WorkspaceState};

use super::plan::{
    Affected, Change, FilesystemMutation, MutationPlan, PLAN_SCHEMA, RegistryMutation, Seen, SeenPath,
    Verdict, effects_digest,
};
use super::{Contents, Mutation, PathState};

/// A plan in the making.
pub(super) struct Draft<'a> {
    pub state: &'a WorkspaceState,
    contents: &'a Contents,
    /// The registry as it would be.
    pub registry: Registry,
    /// Names that the plan gives to assets, beside those of the state.
    names: BTreeSet<AssetName>,
    created: BTreeMap<AssetPath, String>,
    /// By path: the text as it is, and as it would be.
    edited: BTreeMap<AssetPath, (String, String)>,
    seen: BTreeMap<AssetPath, Seen>,
    affected: BTreeSet<Affected>,
    blockers: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a WorkspaceState, contents: &'a Contents) -> Self {
        Self {
            state,
            contents,
            registry: state.registry().clone(),
            names: BTreeSet::new(),
            created: BTreeMap::new(),
            edited: BTreeMap::new(),
            seen: BTreeMap::new(),
            affected: BTreeSet::new(),
            blockers: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What the caller found at `path`; nothing is known of a path that the plan did not need.
    pub(super) fn found(&self, path: &AssetPath) -> Option<&PathState> {
        self.contents.get(path)
    }

    /// Forbids the plan.
    pub(super) fn block(&mut self, diagnostic: Diagnostic) {
        self.blockers.push(Diagnostic { severity: Severity::Error, ..diagnostic });
    }

    /// Forbids the plan because of a path.
    pub(super) fn block_path(&mut self, code: DiagnosticCode, path: &AssetPath, message: String, help: &str) {
        let diagnostic = Diagnostic::new(code, Subject::Path(path.clone()), message);
        self.block(diagnostic.in_file(self.state.project_path(path)).help(help));
    }

    /// Says something that does not forbid the plan.
    pub(super) fn warn(&mut self, diagnostic: Diagnostic) {
        let severity = diagnostic.severity.max(Severity::Warning);
        self.warnings.push(Diagnostic { severity, ..diagnostic });
    }

    /// Says something of a path that does not forbid the plan.
    pub(super) fn warn_path(&mut self, code: DiagnosticCode, path: &AssetPath, message: String, help: &str) {
        let diagnostic = Diagnostic::new(code, Subject::Path(path.clone()), message);
        self.warn(diagnostic.in_file(self.state.project_path(path)).help(help));
    }

    /// The managed asset `uuid`; blocks the plan if there is none.
    pub(super) fn managed(&mut self, uuid: AssetUuid) -> Option<&'a Arc<AssetRecord>> {
        let found = self.state.asset(uuid);
        if found.is_none() {
            let message = format!("{uuid} is no managed asset");
            let diagnostic =
                Diagnostic::new(DiagnosticCode::PlanTargetMissing, Subject::Asset(uuid), message);
            self.block(diagnostic.help("`packer list` lists all assets"));
        }
        found
    }

    /// Forbids the plan because the registry's lines of an asset contradict each other, or another's.
    pub(super) fn block_conflict(&mut self, record: &AssetRecord) {
        let uuid = record.entry.uuid;
        let several = self.registry.lines_of(uuid).count() > 1;
        let code = if several {
            DiagnosticCode::RegistryDuplicateEntry
        } else {
            DiagnosticCode::RegistryDuplicateId
        };
        let message = format!("the registry contradicts itself about {}", record.label());
        let help = format!("settle that first: `packer reconcile {code}`");
        self.block(Diagnostic::new(code, Subject::Asset(uuid), message).help(help));
    }

    /// Forbids the plan because an asset is not where, or not as, it was accepted.
    pub(super) fn block_diverged(&mut self, record: &AssetRecord) {
        let uuid = record.entry.uuid;
        let state = record.state.as_str().replace('_', " ");
        let message = format!("{} has diverged: {state}", record.label());
        let diagnostic = Diagnostic::new(DiagnosticCode::PlanDiverged, Subject::Asset(uuid), message);
        self.block(diagnostic.help("resolve that first: `packer status` says how"));
    }

    /// Notes that the plan depends on the contents of an observed file.
    pub(super) fn depends_on(&mut self, path: &AssetPath) {
        let seen = match self.state.observation().files.get(path) {
            Some(fact) => Seen::File { digest: fact.digest },
            None => Seen::Absent,
        };
        self.seen.entry(path.clone()).or_insert(seen);
    }

    pub(super) fn affects(&mut self, uuid: AssetUuid, name: Option<AssetName>, change: Change) {
        self.affected.insert(Affected { uuid, id: None, name, change });
    }

    /// Whether a managed asset, or one of this plan, has the name.
    pub(super) fn is_name_taken(&self, name: &AssetName) -> bool {
        self.state.is_name_taken(name) || self.names.contains(name)
    }

    /// Reserves a name for this plan.
    pub(super) fn take_name(&mut self, name: AssetName) {
        self.names.insert(name);
    }

    /// Creates a file where nothing stands; blocks the plan if something does.
    pub(super) fn create(&mut self, path: &AssetPath, text: String) {
        match self.contents.get(path) {
            Some(PathState::Absent) => {
                self.seen.insert(path.clone(), Seen::Absent);
                self.created.insert(path.clone(), text);
            }
            found => {
                let what = match found {
                    Some(PathState::Folder) => "a folder",
                    Some(PathState::File { .. }) => "a file",
                    Some(PathState::Absent | PathState::Other) | None => "something",
                };
                let seen = match found {
                    Some(PathState::File { digest: Some(digest), .. }) => Seen::File { digest: *digest },
                    _ => Seen::Other,
                };
                self.seen.insert(path.clone(), seen);
                self.block_path(
                    DiagnosticCode::PlanTargetExists,
                    path,
                    format!("{path} would be created, and {what} stands there"),
                    "move it away, or take its line out of `.packerignore` so that it is seen",
                );
            }
        }
    }

    /// Edits an anchor, keeping its layout; blocks the plan if that is not possible. Says whether it was.
    pub(super) fn edit(&mut self, path: &AssetPath, edits: &[AnchorEdit]) -> bool {
        let current = match self.edited.get(path) {
            Some((_, text)) => Some(text.clone()),
            None => match self.contents.get(path) {
                Some(PathState::File { bytes, .. }) => String::from_utf8(bytes.clone()).ok(),
                Some(PathState::Absent | PathState::Folder | PathState::Other) | None => None,
            },
        };
        let Some(current) = current else {
            self.block_path(
                DiagnosticCode::PlanTargetMissing,
                path,
                format!("{path} is not a readable anchor any more"),
                "run `packer refresh`, then ask again",
            );
            return false;
        };
        match edit_anchor(&current, edits) {
            Ok(text) => {
                self.edited.entry(path.clone()).or_insert_with(|| (current.clone(), String::new())).1 = text;
                let (before, _) = &self.edited[path];
                let seen = Seen::File { digest: Digest::of(before.as_bytes()) };
                self.seen.insert(path.clone(), seen);
                true
            }
            Err(error) => {
                self.block_path(
                    DiagnosticCode::PlanInvalidAnchor,
                    path,
                    format!("{path} cannot be edited: {error}"),
                    "mend the anchor first; `packer check` says what is wrong with it",
                );
                false
            }
        }
    }

    /// The finished plan.
    pub(super) fn finish(mut self, mutation: Mutation) -> MutationPlan {
        let mut filesystem: Vec<FilesystemMutation> = Vec::new();
        for (path, contents) in self.created {
            filesystem.push(FilesystemMutation::Create {
                after: Digest::of(contents.as_bytes()),
                path,
                contents,
            });
        }
        for (path, (before, contents)) in self.edited {
            if before != contents {
                filesystem.push(FilesystemMutation::Edit {
                    diff: unified_diff(&before, &contents, &self.state.project_path(&path)),
                    before: Digest::of(before.as_bytes()),
                    after: Digest::of(contents.as_bytes()),
                    path,
                    contents,
                });
            }
        }
        filesystem.sort_by(|a, b| a.path().cmp(b.path()));
        let registry_mutations = registry_difference(self.state.registry(), &self.registry);
        self.blockers.sort();
        self.blockers.dedup();
        self.warnings.sort();
        self.warnings.dedup();
        let verdict = if !self.blockers.is_empty() {
            Verdict::Blocked
        } else if registry_mutations.is_empty() && filesystem.is_empty() {
            Verdict::Empty
        } else {
            Verdict::Ready
        };
        let registry = &self.registry;
        let with_id = |affected: Affected| Affected {
            id: registry.lines_of(affected.uuid).next().map(|entry| entry.id),
            ..affected
        };
        let mut affected: Vec<Affected> = self.affected.into_iter().map(with_id).collect();
        // People look for names; a uuid says nothing to them.
        affected.sort_by(|a, b| (&a.name, a.uuid, a.change).cmp(&(&b.name, b.uuid, b.change)));
        MutationPlan {
            schema: PLAN_SCHEMA,
            mutation,
            lineage: self.state.registry().lineage(),
            verdict,
            blockers: self.blockers,
            warnings: self.warnings,
            effects_digest: effects_digest(verdict, &registry_mutations, &filesystem),
            registry_mutations,
            filesystem_mutations: filesystem,
            seen: self.seen.into_iter().map(|(path, seen)| SeenPath { path, seen }).collect(),
            affected,
        }
    }
}

/// What turns `before` into `after`, by uuid.
fn registry_difference(before: &Registry, after: &Registry) -> Vec<RegistryMutation> {
    let mut gone: BTreeMap<AssetUuid, Vec<RegistryEntry>> = BTreeMap::new();
    let mut new: BTreeMap<AssetUuid, Vec<RegistryEntry>> = BTreeMap::new();
    let (old_lines, new_lines) = before.difference(after);
    for entry in old_lines {
        gone.entry(entry.uuid).or_default().push(entry.clone());
    }
    for entry in new_lines {
        new.entry(entry.uuid).or_default().push(entry.clone());
    }
    let mut mutations = Vec::new();
    for uuid in gone.keys().chain(new.keys()).copied().collect::<BTreeSet<_>>() {
        let mut olds = gone.remove(&uuid).unwrap_or_default().into_iter();
        let mut news = new.remove(&uuid).unwrap_or_default().into_iter();
        loop {
            mutations.push(match (olds.next(), news.next()) {
                (Some(before), Some(after)) if after.anchor().is_none() && after.id == before.id => {
                    RegistryMutation::Retire { before }
                }
                (Some(before), Some(after)) => RegistryMutation::Update { before, after },
                (Some(entry), None) => RegistryMutation::Delete { entry },
                (None, Some(entry)) => RegistryMutation::Insert { entry },
                (None, None) => break,
            });
        }
    }
    mutations
}
