//! Plans as files: made by one opening of a project and applied by another, or refused by name with nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8PathBuf;
use packer_events::report::{Rejection, RejectionReport};
use packer_runtime::api::{
    AssetName, AssetQuery, AssetUuid, Batch, BuildParticipation, Command, Configure, Digest, Duplicate,
    Mutation, MutationPlan, OperationId, PlanFile, Project, Reconcile, Register, Relocate, Remove,
    RemovedInputs, Rename, SetBuild, SettingValue, ShownPlan, Target, Undo, Verdict, WritePlanError, draw,
};

use super::support::{Workspace, adopt_all, mutated, rejection, run};

fn game() -> (Workspace, Project) {
    let files = [("assets/a.txt", &b"a"[..]), ("assets/b.txt", b"b"), ("assets/c.txt", b"c")];
    Workspace::adopted(&files, Vec::new())
}

/// Where a plan is put: beside the project.
fn place(workspace: &Workspace) -> Utf8PathBuf {
    workspace.root.with_file_name("plan.json")
}

/// Writes what `mutation` would do to a file, as one process would.
#[track_caller]
fn planned(workspace: &Workspace, mutation: &Mutation) -> MutationPlan {
    let plan = workspace.open().preview(mutation).unwrap();
    assert_eq!(plan.verdict, Verdict::Ready, "{plan:#?}");
    PlanFile::write(&plan, &place(workspace), true).unwrap();
    plan
}

/// Reads the file.
fn read(workspace: &Workspace) -> ShownPlan {
    PlanFile::read(&place(workspace)).unwrap().into_plan()
}

/// Applies `shown` as another process would: refused, with nothing changed, and told the same beforehand.
#[track_caller]
fn refused(workspace: &Workspace, shown: &ShownPlan) -> Rejection {
    let before = workspace.tree();
    let project = workspace.open();
    let foretold = project.preview_shown(shown).unwrap().unwrap_err();
    let outcome = run(&project, Command::Apply(Box::new(shown.clone())));
    let reason = rejection(&outcome).clone();
    assert_eq!(foretold, RejectionReport { kind: outcome.kind(), reason: reason.clone() });
    assert_eq!(workspace.tree(), before, "a refused plan changed something");
    reason
}

fn uuid(project: &Project, name: &str) -> AssetUuid {
    let name = Some(AssetName::parse(name).unwrap());
    let query = AssetQuery { name, ..AssetQuery::default() };
    project.status().snapshot.assets(&query).rows[0].uuid.unwrap()
}

#[test]
fn each_kind_is_applied_from_a_file_by_another_opening() {
    let (workspace, project) = game();
    let [a, b, c] = ["a", "b", "c"].map(|name| uuid(&project, name));
    drop(project);
    let apply = |mutation: Mutation| -> OperationId {
        let plan = planned(&workspace, &mutation);
        let before = workspace.tree();
        let project = workspace.open();
        let shown = read(&workspace);
        assert_eq!(shown, plan.clone().into());
        assert_eq!(project.preview_shown(&shown).unwrap().unwrap(), plan, "it would do what it says");
        assert_eq!(workspace.tree(), before, "looking at it changed something");
        let outcome = run(&project, Command::Apply(Box::new(shown.clone())));
        assert_ne!(mutated(&outcome).commit, None, "{mutation:?}");
        drop(project);
        // What it would do is done: it is refused by name, and never done twice.
        let again = refused(&workspace, &shown);
        assert!(
            matches!(&again, Rejection::StalePlan { changed, registry, configuration: false, more: 0 }
                if *registry || !changed.is_empty()),
            "{mutation:?}: {again:?}"
        );
        outcome.operation_id()
    };
    workspace.write("assets/new.txt", b"new");
    let adopted = apply(adopt_all(None));
    let anchor = workspace.read("assets/new.txt.asset.toml");
    apply(Mutation::Undo(Undo { operation: adopted }));
    workspace.write("assets/new.txt.asset.toml", &anchor);
    apply(Mutation::Register(Register { targets: vec![Target::Root] }));
    apply(Mutation::Rename(Rename { asset: a, name: AssetName::parse("first").unwrap() }));
    apply(Mutation::SetBuild(SetBuild { assets: vec![b], build: BuildParticipation::Excluded }));
    let set = BTreeMap::from([("preload".to_owned(), SettingValue::Bool(true))]);
    apply(Mutation::Configure(Configure { asset: a, set, clear: BTreeSet::new() }));
    apply(Mutation::Relocate(Relocate { asset: a, to: "texts/".to_owned() }));
    apply(Mutation::Duplicate(Duplicate { asset: a, to: "copy.txt".to_owned(), name: None, draw: draw() }));
    workspace.rename("assets/b.txt", "assets/b2.txt");
    workspace.rename("assets/b.txt.asset.toml", "assets/b2.txt.asset.toml");
    let everything = Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: draw() };
    apply(Mutation::Reconcile(everything));
    let rename = Mutation::Rename(Rename { asset: c, name: AssetName::parse("third").unwrap() });
    let remove = Mutation::Remove(Remove { assets: vec![b], inputs: RemovedInputs::ToHistory });
    let batch = apply(Mutation::Batch(Batch { mutations: vec![rename, remove] }));
    apply(Mutation::Undo(Undo { operation: batch }));
    apply(Mutation::Remove(Remove { assets: vec![c], inputs: RemovedInputs::Kept }));
}

#[test]
fn a_plan_is_for_its_own_project() {
    let (workspace, _) = game();
    workspace.write("assets/new.txt", b"new");
    planned(&workspace, &adopt_all(None));
    let shown = read(&workspace);
    let (other, _) = game();
    other.write("assets/new.txt", b"new");
    assert!(
        matches!(refused(&other, &shown), Rejection::UnrelatedLineage { plan, .. } if plan == shown.lineage)
    );
    // Made to say that it is for the other one, it is not what was written.
    let Rejection::UnrelatedLineage { project, .. } = refused(&other, &shown) else { unreachable!() };
    let forged = ShownPlan { lineage: project, ..shown };
    assert_eq!(refused(&other, &forged), Rejection::PlanAltered {});
}

#[test]
fn a_file_that_was_edited_is_not_applied() {
    let (workspace, _) = game();
    workspace.write("assets/new.txt", b"new");
    workspace.write("assets/other.txt", b"other");
    let target = |text: &str| Target::Path(packer_runtime::api::AssetPath::parse(text).unwrap());
    let Mutation::Adopt(everything) = adopt_all(None) else { unreachable!() };
    let adopt = packer_runtime::api::Adopt { targets: vec![target("new.txt")], ..everything };
    let plan = planned(&workspace, &Mutation::Adopt(adopt.clone()));
    let text = std::fs::read_to_string(place(&workspace)).unwrap();
    for (from, to) in [
        // The request.
        ("\"path\": \"new.txt\"", "\"path\": \"other.txt\""),
        // What it says it does.
        ("\"contents\": \"", "\"contents\": \"# mine\\n"),
        ("\"build\": \"included\"", "\"build\": \"excluded\""),
        ("\"verdict\": \"ready\"", "\"verdict\": \"empty\""),
        // What it was made for.
        ("\"kind\": \"absent\"", "\"kind\": \"other\""),
        (&format!("\"{}\"", plan.effects_digest), &format!("\"{}\"", Digest::of(b""))),
    ] {
        let edited = text.replacen(from, to, 1);
        assert!(edited != text, "{from}");
        let shown = PlanFile::decode(edited.as_bytes()).unwrap().into_plan();
        assert_eq!(refused(&workspace, &shown), Rejection::PlanAltered {}, "{from} -> {to}");
    }
    // With digests to suit it is a plan, and its effects are not those of the request.
    let mut forged = plan;
    forged.mutation =
        Mutation::Adopt(packer_runtime::api::Adopt { targets: vec![target("other.txt")], ..adopt });
    let configuration = forged.configuration.unwrap();
    let Rejection::StalePlan { changed, configuration: false, .. } =
        refused(&workspace, &forged.configured(configuration).into())
    else {
        panic!("it is stale")
    };
    let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
    assert!(
        changed.contains(&"new.txt.asset.toml".to_owned())
            && changed.contains(&"other.txt.asset.toml".to_owned()),
        "{changed:?}"
    );
}

#[test]
fn what_moved_between_two_openings_is_named() {
    let (workspace, project) = game();
    let a = uuid(&project, "a");
    drop(project);
    let rename = Mutation::Rename(Rename { asset: a, name: AssetName::parse("first").unwrap() });
    planned(&workspace, &rename);
    let shown = read(&workspace);
    let moved = |reason: Rejection| match reason {
        Rejection::StalePlan { changed, registry, configuration, more: 0 } => {
            let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
            (changed, registry, configuration)
        }
        other => panic!("{other:?}"),
    };
    let anchor = workspace.text("assets/a.txt.asset.toml");
    workspace.write("assets/a.txt.asset.toml", format!("# edited\n{anchor}").as_bytes());
    assert_eq!(moved(refused(&workspace, &shown)), (vec!["a.txt.asset.toml".to_owned()], false, false));
    workspace.write("assets/a.txt.asset.toml", anchor.as_bytes());

    // The configuration, of which only the file knows how it was.
    let registry = Mutation::SetBuild(SetBuild { assets: vec![a], build: BuildParticipation::Excluded });
    planned(&workspace, &registry);
    let excluded = read(&workspace);
    workspace.write("assets/new.txt", b"new");
    planned(&workspace, &adopt_all(None));
    let adopted = read(&workspace);
    let config = workspace.text("packer.toml");
    let with_rule = format!("{config}\n[[rules]]\nmatch = \"new.txt\"\nkind = \"raw\"\n");
    workspace.write("packer.toml", with_rule.as_bytes());
    let (changed, registry, configuration) = moved(refused(&workspace, &adopted));
    assert_eq!((changed, registry, configuration), (vec!["new.txt.asset.toml".to_owned()], false, true));
    // What has no bearing on the effects refuses nothing, and that is a configuration too.
    let project = workspace.open();
    assert_eq!(mutated(&run(&project, Command::Apply(Box::new(excluded)))).assets_changed, 1);
    assert_eq!(mutated(&run(&project, Command::Apply(Box::new(shown)))).assets_changed, 1);
}

#[test]
fn a_plan_is_written_over_nothing_unless_it_may() {
    let (workspace, project) = game();
    workspace.write("assets/new.txt", b"new");
    let plan = planned(&workspace, &adopt_all(None));
    let at = place(&workspace);
    let refused = PlanFile::write(&plan, &at, false).unwrap_err();
    assert!(matches!(&refused, WritePlanError::Exists { path } if *path == at), "{refused}");
    let taken = workspace.root.join("assets/a.txt");
    assert!(matches!(PlanFile::write(&plan, &taken, false), Err(WritePlanError::Exists { .. })));
    assert_eq!(workspace.read("assets/a.txt"), b"a");
    drop(project);
}
