//! A plan in the making: working copies of the registry and of the files that change, so that several steps of one
//! plan compose, and what the plan does is the difference in the end.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::anchor::{AnchorEdit, edit_anchor};
use crate::diagnostic::{Diagnostic, DiagnosticCode, Severity, Subject};
use crate::identity::{AssetUuid, Digest, OperationId};
use crate::name::AssetName;
use crate::path::AssetPath;
use crate::registry::{EntryState, Registry, RegistryEntry};
use crate::workspace::{AssetRecord, AssetState, WorkspaceInputs, WorkspaceState};

use super::Mutation;
use super::look::{Contents, KeptOperation, PathState};
use super::plan::{
    Affected, Change, MutationPlan, PLAN_SCHEMA, RegistryMutation, Seen, SeenPath, Verdict, effects_digest,
    plan_digest,
};
use super::tree::{Node, Tree, text_at, text_of};

/// A plan in the making.
pub(super) struct Draft<'a> {
    /// What the step finds: the workspace, with what the steps before it do.
    pub state: &'a WorkspaceState,
    /// The workspace as it is.
    base: &'a WorkspaceState,
    contents: &'a Contents,
    /// The registry as it would be.
    pub registry: Registry,
    /// The files as they would be.
    pub tree: Tree,
    /// Names that the step gives to assets, beside those of the state.
    names: BTreeSet<AssetName>,
    seen: BTreeMap<AssetPath, Seen>,
    /// By asset and how it changes: its name.
    affected: BTreeMap<(AssetUuid, Change), Option<AssetName>>,
    blockers: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Whether it does something also where no file and no line changes.
    settles: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a WorkspaceState, contents: &'a Contents) -> Self {
        Self {
            state,
            base: state,
            contents,
            registry: state.registry().clone(),
            tree: Tree::default(),
            names: BTreeSet::new(),
            seen: BTreeMap::new(),
            affected: BTreeMap::new(),
            blockers: Vec::new(),
            warnings: Vec::new(),
            settles: false,
        }
    }

    /// The state that the steps so far leave.
    pub(super) fn after(&self) -> WorkspaceState {
        let observation = self.tree.observe(self.state, self.base.observation(), self.contents);
        let inputs = self.state.inputs();
        let inputs = WorkspaceInputs { registry: self.registry.clone(), observation, ..inputs.clone() };
        self.state.next(inputs).0
    }

    /// The same draft for the next step, which finds what this one leaves; `room` is where that is kept.
    pub(super) fn after_step<'b>(mut self, room: &'b OnceCell<WorkspaceState>) -> Draft<'b>
    where
        'a: 'b,
    {
        let after = self.after();
        self.tree.begin_step();
        Draft {
            state: room.get_or_init(|| after),
            base: self.base,
            contents: self.contents,
            registry: self.registry,
            tree: self.tree,
            // They are those of the state now.
            names: BTreeSet::new(),
            seen: self.seen,
            affected: self.affected,
            blockers: self.blockers,
            warnings: self.warnings,
            settles: self.settles,
        }
    }

    /// Where what stands at `path` for this step stands in truth; `None` where the plan itself says what stands there.
    pub(super) fn where_now(&self, path: &AssetPath) -> Option<AssetPath> {
        match self.tree.node(path) {
            None => Some(path.clone()),
            Some(Node::Original(from) | Node::Copy(from)) => Some(from.clone()),
            Some(Node::Absent | Node::Text(_) | Node::Kept { .. }) => None,
        }
    }

    /// What stands at `path`, as far as it was looked at; nothing is known of a path that the plan did not need.
    pub(super) fn found(&self, path: &AssetPath) -> Option<PathState> {
        match self.tree.node(path) {
            None if self.tree.folder(path) == Some(true) => Some(PathState::Folder),
            None if self.tree.folder(path) == Some(false) => Some(PathState::Absent),
            None => self.contents.get(path).cloned(),
            Some(Node::Absent) => Some(PathState::Absent),
            Some(Node::Original(from) | Node::Copy(from)) if self.contents.get(from).is_some() => {
                self.contents.get(from).cloned()
            }
            Some(node) => {
                let bytes = text_of(node, self.contents).unwrap_or_default().into_bytes();
                Some(PathState::File { digest: None, bytes })
            }
        }
    }

    /// Whether a file stands at `path` before the plan, whatever the steps so far do to it.
    pub(super) fn is_file_before(&self, path: &AssetPath) -> bool {
        self.base.observation().files.contains_key(path)
    }

    /// What the packer keeps of an operation.
    pub(super) fn kept(&self, operation: OperationId) -> Option<&'a KeptOperation> {
        self.contents.operation(operation)
    }

    /// Notes that an interrupted operation is settled, which is to be done also where nothing has to change for it.
    pub(super) fn settles(&mut self) {
        self.settles = true;
    }

    /// Forbids the plan.
    pub(super) fn block(&mut self, diagnostic: Diagnostic) {
        self.blockers.push(Diagnostic { severity: Severity::Error, ..diagnostic });
    }

    /// How many blockers have this code so far.
    pub(super) fn count_blockers(&self, code: DiagnosticCode) -> usize {
        self.blockers.iter().filter(|blocker| blocker.code == code).count()
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

    /// The anchor of an asset that is where it was accepted, once; blocks the plan otherwise. What it says need not be
    /// valid.
    pub(super) fn placed(&mut self, uuid: AssetUuid) -> Option<(&'a Arc<AssetRecord>, AssetPath)> {
        let record = self.managed(uuid)?;
        match record.state {
            AssetState::RegistryConflict => self.block_conflict(record),
            AssetState::Unregistered | AssetState::Missing | AssetState::Moved | AssetState::Duplicated => {
                self.block_diverged(record);
            }
            AssetState::Ready
            | AssetState::Invalid
            | AssetState::NameConflict
            | AssetState::InputMissing
            | AssetState::ReferenceBroken => match record.anchor() {
                Some(anchor) => return Some((record, anchor.clone())),
                None => self.block_diverged(record),
            },
        }
        None
    }

    /// Gives an asset's live lines another anchor.
    pub(super) fn accept_at(&mut self, uuid: AssetUuid, anchor: &AssetPath) {
        let lines: Vec<RegistryEntry> = self.registry.lines_of(uuid).cloned().collect();
        for line in lines {
            if let EntryState::Live { build, .. } = line.state {
                self.registry.remove(&line);
                let state = EntryState::Live { anchor: anchor.clone(), build };
                self.registry.insert(RegistryEntry { state, ..line });
            }
        }
    }

    /// Notes that the plan depends on the contents of an observed file.
    pub(super) fn depends_on(&mut self, path: &AssetPath) {
        // What the plan itself puts there is no part of what it was made for.
        if self.tree.node(path).is_some() {
            return;
        }
        let seen = match self.state.observation().files.get(path) {
            Some(fact) => Seen::File { digest: fact.digest },
            None => Seen::Absent,
        };
        self.seen.entry(path.clone()).or_insert(seen);
    }

    pub(super) fn affects(&mut self, uuid: AssetUuid, name: Option<AssetName>, change: Change) {
        self.affected.insert((uuid, change), name);
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
        if self.is_free(path, "would be created") {
            self.tree.put(path, Node::Text(text));
        }
    }

    /// Whether nothing stands at `path`, which `what` is to happen to; blocks the plan if something does.
    pub(super) fn is_free(&mut self, path: &AssetPath, what: &str) -> bool {
        // Files are placed before emptied folders are removed: one path cannot change from a folder to a file.
        let is_emptied =
            self.tree.folder(path) == Some(false) && self.base.observation().folders.contains(path);
        let found = if is_emptied { Some(PathState::Folder) } else { self.found(path) };
        let by_plan = self.tree.node(path).is_some();
        let seen = match &found {
            Some(PathState::Absent | PathState::Ignored { .. }) => Seen::Absent,
            Some(PathState::File { digest: Some(digest), .. }) => Seen::File { digest: *digest },
            _ => Seen::Other,
        };
        if !by_plan {
            self.seen.insert(path.clone(), seen);
        }
        let stands = match found {
            Some(PathState::Absent) => return true,
            Some(PathState::Ignored { rule }) => {
                let message = format!("{path} {what}, and a scan would pass it over: {rule}");
                let help = "choose another place, or change the rule in `.packerignore`";
                self.block_path(DiagnosticCode::PlanTargetIgnored, path, message, help);
                return false;
            }
            Some(PathState::Folder | PathState::Mount) => "a folder",
            Some(PathState::File { .. }) => "a file",
            Some(PathState::Link) => "a symbolic link",
            Some(PathState::Other) | None => "something",
        };
        self.block_path(
            DiagnosticCode::PlanTargetExists,
            path,
            format!("{path} {what}, and {stands} stands there"),
            "choose another place; or move it away, or take its line out of `.packerignore` so that it is seen",
        );
        false
    }

    /// The text of the anchor at `path`; blocks the plan if it cannot be had.
    pub(super) fn text(&mut self, path: &AssetPath) -> Option<String> {
        let text = match self.tree.node(path) {
            Some(node) => text_of(node, self.contents),
            None => text_at(path, self.contents),
        };
        if text.is_none() {
            self.block_path(
                DiagnosticCode::PlanTargetMissing,
                path,
                format!("{path} is not a readable anchor any more"),
                "run `packer refresh`, then ask again",
            );
        }
        text
    }

    /// Edits an anchor, keeping its layout; blocks the plan if that is not possible. Says whether it was.
    pub(super) fn edit(&mut self, path: &AssetPath, edits: &[AnchorEdit]) -> bool {
        let Some(current) = self.text(path) else { return false };
        let Some(text) = self.edited(path, &current, edits) else { return false };
        if self.tree.node(path).is_none() {
            self.seen.insert(path.clone(), Seen::File { digest: Digest::of(current.as_bytes()) });
        }
        self.tree.put(path, Node::Text(text));
        true
    }

    /// `current` with `edits`; blocks the plan if that is not possible. `path` is where it stands.
    pub(super) fn edited(&mut self, path: &AssetPath, current: &str, edits: &[AnchorEdit]) -> Option<String> {
        match edit_anchor(current, edits) {
            Ok(text) => Some(text),
            Err(error) => {
                self.block_path(
                    DiagnosticCode::PlanInvalidAnchor,
                    path,
                    format!("{path} cannot be edited: {error}"),
                    "mend the anchor first; `packer check` says what is wrong with it",
                );
                None
            }
        }
    }

    /// The finished plan.
    pub(super) fn finish(mut self, mutation: Mutation) -> MutationPlan {
        let filesystem = self.tree.effects(self.base, self.contents);
        let registry_mutations = registry_difference(self.base.registry(), &self.registry);
        self.blockers.sort();
        self.blockers.dedup();
        self.warnings.sort();
        self.warnings.dedup();
        let verdict = if !self.blockers.is_empty() {
            Verdict::Blocked
        } else if registry_mutations.is_empty() && filesystem.is_empty() && !self.settles {
            Verdict::Empty
        } else {
            Verdict::Ready
        };
        let registry = &self.registry;
        let affected = self.affected.into_iter().map(|((uuid, change), name)| Affected {
            uuid,
            id: registry.lines_of(uuid).next().map(|entry| entry.id),
            name,
            change,
        });
        let mut affected: Vec<Affected> = affected.collect();
        // People look for names; a uuid says nothing to them.
        affected.sort_by(|a, b| (&a.name, a.uuid, a.change).cmp(&(&b.name, b.uuid, b.change)));
        let lineage = self.base.registry().lineage();
        let seen: Vec<SeenPath> = self.seen.into_iter().map(|(path, seen)| SeenPath { path, seen }).collect();
        let effects_digest = effects_digest(verdict, &registry_mutations, &filesystem);
        MutationPlan {
            schema: PLAN_SCHEMA,
            plan_digest: plan_digest(&mutation, lineage, None, &seen, effects_digest),
            mutation,
            lineage,
            configuration: None,
            verdict,
            blockers: self.blockers,
            warnings: self.warnings,
            registry_mutations,
            filesystem_mutations: filesystem,
            seen,
            affected,
            effects_digest,
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
