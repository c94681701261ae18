//! Every row that a preview can have, pinned; and plans that contradict themselves, which have to be shown as they are.

use packer_runtime::api::{
    Affected, AssetId, AssetPath, AssetUuid, Batch, BuildParticipation, Change, Diagnostic, DiagnosticCode,
    Digest, EntryState, FilesystemMutation, KeptFile, LineageId, OperationId, RegistryEntry,
    RegistryMutation, SetBuild, Subject, UuidDraw,
};

use super::*;
use crate::intent;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] };

/// Every way in which a meaning changes.
fn changes() -> impl IntoIterator<Item = Change> {
    every![
        Change: Adopted,
        Registered,
        Retired,
        Moved,
        Separated,
        Renamed,
        Renumbered,
        Settled,
        Configured,
        Included,
        Excluded,
        Duplicated,
        Restored,
        Reverted,
        Undone,
    ]
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

fn entry(build: BuildParticipation) -> RegistryEntry {
    let state = EntryState::Live { anchor: path("ui/a.png.asset.toml"), build };
    RegistryEntry { uuid: AssetUuid::drawn(DRAW), id: AssetId::new(77).unwrap(), state }
}

fn set_build() -> Mutation {
    Mutation::SetBuild(SetBuild { assets: vec![AssetUuid::drawn(DRAW)], build: BuildParticipation::Excluded })
}

fn finding(message: &str) -> Diagnostic {
    Diagnostic::new(DiagnosticCode::PlanTargetMissing, Subject::Project, message).help("look again")
}

fn plan(verdict: Verdict) -> MutationPlan {
    MutationPlan {
        schema: 1,
        mutation: set_build(),
        lineage: LineageId::drawn(DRAW),
        configuration: None,
        verdict,
        blockers: Vec::new(),
        warnings: Vec::new(),
        registry_mutations: Vec::new(),
        filesystem_mutations: Vec::new(),
        seen: Vec::new(),
        affected: Vec::new(),
        effects_digest: Digest::of(b"effects"),
        plan_digest: Digest::of(b"plan"),
    }
}

fn files() -> Vec<FilesystemMutation> {
    let digest = Digest::of(b"file");
    let (from, to) = (path("ui/a.png"), path("menu/a.png"));
    let kept = KeptFile::Displaced { operation: OperationId::drawn(DRAW), number: 3 };
    vec![
        FilesystemMutation::Create { path: to.clone(), contents: "name = \"a\"\n".to_owned(), after: digest },
        FilesystemMutation::Edit {
            path: from.clone(),
            diff: "@@ -1 +1 @@\n-a\n+b\n".to_owned(),
            before: digest,
            after: digest,
            before_size: 2,
            contents: "b\n".to_owned(),
        },
        FilesystemMutation::Move { from: from.clone(), to: to.clone(), digest, size: 4 },
        FilesystemMutation::Copy { from: from.clone(), to: to.clone(), digest, size: 5 },
        FilesystemMutation::ToHistory { path: from.clone(), digest, size: 6 },
        FilesystemMutation::Restore { path: from, kept, digest, size: 7 },
        FilesystemMutation::MakeDir { path: path("menu") },
        FilesystemMutation::RemoveDir { path: path("ui") },
    ]
}

fn shown(plan: &MutationPlan) -> PreviewView {
    PreviewView::of(plan, intent::word(&plan.mutation), &[])
}

#[test]
fn every_row_that_a_plan_can_have_is_shown() {
    let (included, excluded) = (entry(BuildParticipation::Included), entry(BuildParticipation::Excluded));
    let affected = |change| Affected {
        uuid: AssetUuid::drawn(DRAW),
        id: AssetId::new(77),
        name: Some("ui/a".parse().unwrap()),
        change,
    };
    let full = MutationPlan {
        warnings: vec![finding("worth knowing")],
        registry_mutations: vec![
            RegistryMutation::Insert { entry: included.clone() },
            RegistryMutation::Update { before: included.clone(), after: excluded },
            RegistryMutation::Retire { before: included.clone() },
            RegistryMutation::Delete { entry: RegistryEntry { state: EntryState::Retired, ..included } },
        ],
        filesystem_mutations: files(),
        affected: changes().into_iter().map(affected).collect(),
        ..plan(Verdict::Ready)
    };
    insta::assert_json_snapshot!("every_row", shown(&full));
}

#[test]
fn the_verdict_is_the_packers_also_where_the_lists_disagree() {
    let ready_and_blocked = MutationPlan { blockers: vec![finding("no")], ..plan(Verdict::Ready) };
    let view = shown(&ready_and_blocked);
    assert_eq!((view.verdict, view.blockers.len()), (VerdictView::Ready, 1));
    assert_eq!(view.label, "Ready to exclude");

    let blocked_by_nothing = MutationPlan { filesystem_mutations: files(), ..plan(Verdict::Blocked) };
    let view = shown(&blocked_by_nothing);
    assert_eq!((view.verdict, view.blockers.len(), view.files.len()), (VerdictView::Blocked, 0, 8));
    assert!(view.label.starts_with("Blocked"), "{}", view.label);

    let empty_with_effects = MutationPlan { filesystem_mutations: files(), ..plan(Verdict::Empty) };
    let view = shown(&empty_with_effects);
    assert_eq!((view.verdict, view.files.len()), (VerdictView::Empty, 8));
    assert_eq!(view.label, "There is nothing to exclude");
}

#[test]
fn batches_say_how_many_steps_are_one() {
    let inner = Mutation::Batch(Batch { mutations: vec![set_build(), set_build()] });
    let mutation = Mutation::Batch(Batch { mutations: vec![set_build(), inner] });
    let view = shown(&MutationPlan { mutation, ..plan(Verdict::Ready) });
    assert_eq!((view.steps, view.mutation.as_str()), (3, "carry out"));
    assert_eq!(view.label, "Ready to carry out (3 steps, all or none)");
    let nothing = Mutation::Batch(Batch { mutations: Vec::new() });
    let view = shown(&MutationPlan { mutation: nothing, ..plan(Verdict::Empty) });
    assert_eq!((view.steps, view.label.as_str()), (0, "There is nothing to carry out"));
}
