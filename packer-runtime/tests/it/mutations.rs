//! Mutations on a real disk: every resolution of every divergence, carried out, ends it; what is blocked changes nothing.

use packer_events::report::{Ending, Rejection};
use packer_fs::disk::OsDisk;
use packer_fs::head::read_head;
use packer_fs::journal::read_history;
use packer_fs::layout;
use packer_fs::undo_record::UndoRecord;
use packer_runtime::api::{
    Adopt, AssetName, AssetPath, AssetQuery, BuildParticipation, BuildRequest, Command, DivergenceCode,
    KindId, Mutation, Project, Reconcile, Register, Rename, Resolution, Selector, SetBuild, Target, Verdict,
    draw,
};

use super::support::{Tree, Workspace, adopt_all, build, built, mutated, rejection, run};

fn game() -> (Workspace, Project) {
    let files = [("assets/a.txt", &b"a"[..]), ("assets/b.txt", b"b"), ("assets/c.txt", b"c")];
    let (workspace, project) = Workspace::adopted(&files, Vec::new());
    built(&build(&project));
    (workspace, project)
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

fn reconcile(resolution: Option<Resolution>) -> Reconcile {
    Reconcile { select: Vec::new(), resolution, path: None, name: None, draw: draw() }
}

#[test]
fn an_asset_is_renamed_and_excluded_and_the_next_build_says_so() {
    let (workspace, project) = game();
    let snapshot = project.status().snapshot.clone();
    let uuid = |name: &str| {
        let name = Some(AssetName::parse(name).unwrap());
        snapshot.assets(&AssetQuery { name, ..AssetQuery::default() }).rows[0].uuid.unwrap()
    };
    let rename = Mutation::Rename(Rename { asset: uuid("a"), name: AssetName::parse("first/one").unwrap() });
    let exclude =
        Mutation::SetBuild(SetBuild { assets: vec![uuid("b")], build: BuildParticipation::Excluded });
    let before = workspace.tree();
    let plans: Vec<_> = [&rename, &exclude].map(|mutation| project.preview(mutation).unwrap()).into();
    assert_eq!(workspace.tree(), before, "a preview changes nothing");
    for plan in plans {
        assert_eq!(plan.verdict, Verdict::Ready, "{plan:#?}");
        assert_eq!(mutated(&run(&project, Command::Apply(Box::new(plan.into())))).assets_changed, 1);
    }
    // A plan that was carried out once has nothing left to do.
    assert!(mutated(&run(&project, Command::Mutate(rename))).unchanged);
    assert!(mutated(&run(&project, Command::Mutate(exclude))).unchanged);
    assert!(divergences(&project).is_empty());
    let report = build(&project);
    assert_eq!(built(&report).assets, 2);
    let manifest = workspace.text("build/assets.manifest.json");
    assert!(manifest.contains("\"first/one\"") && !manifest.contains("\"b\""), "{manifest}");
    let unknown = Mutation::Rename(Rename { asset: uuid("b"), name: AssetName::parse("first/one").unwrap() });
    let refused = run(&project, Command::Mutate(unknown));
    assert!(matches!(rejection(&refused), Rejection::Blocked { .. }), "{refused:?}");
}

fn divergences(project: &Project) -> Vec<String> {
    run(project, Command::Refresh);
    project.status().snapshot.divergences().iter().map(|divergence| divergence.code.to_string()).collect()
}

/// Files outside of the output folder and the registry.
fn assets(workspace: &Workspace) -> Tree {
    workspace.tree().into_iter().filter(|(path, _)| path.starts_with("assets/")).collect()
}

/// Something goes wrong by hand; noticing it changes nothing, a build refuses it, and the resolution, previewed and then
/// applied, ends it, after which the workspace builds again.
#[track_caller]
fn resolved(diverge: impl FnOnce(&Workspace), code: &str, wanted: Reconcile) -> (Workspace, Project) {
    let (workspace, project) = game();
    diverge(&workspace);
    let before = workspace.tree();
    assert_eq!(divergences(&project), [code]);
    let stops = code.parse::<DivergenceCode>().unwrap().stops_builds();
    if stops {
        let refused = build(&project);
        assert!(matches!(rejection(&refused), Rejection::WorkspaceErrors { .. }), "{refused:?}");
        let said = workspace.diagnostics_of(&refused);
        assert!(said.iter().any(|diagnostic| diagnostic.code == code), "{code} is not among {said:#?}");
    }
    let plan = project.preview(&Mutation::Reconcile(wanted)).unwrap();
    assert_eq!(plan.verdict, Verdict::Ready, "{plan:#?}");
    assert_eq!(workspace.tree(), before, "noticing and previewing change nothing");

    let head = read_head(&OsDisk::new(workspace.root.clone())).unwrap().unwrap();
    let outcome = run(&project, Command::Apply(Box::new(plan.clone().into())));
    let report = mutated(&outcome);
    assert_eq!(report.commit, Some(head.commit + 1));
    assert_eq!(report.registry_changes, plan.registry_mutations.len() as u64);
    assert_eq!((report.files_created + report.files_changed) as usize, plan.filesystem_mutations.len());
    assert_eq!(divergences(&project), [""; 0]);
    let disk = OsDisk::new(workspace.root.clone());
    assert_eq!(read_head(&disk).unwrap().map(|head| head.operation), Some(outcome.operation_id()));
    let history = read_history(&disk, outcome.operation_id()).unwrap();
    assert_eq!(history.commit, head.commit + 1);
    for (n, displaced) in history.work.displaced.iter().enumerate() {
        let kept = std::fs::read(workspace.root.join(layout::history_file(outcome.operation_id(), n as u32)))
            .unwrap();
        assert_eq!(
            packer_runtime::api::Digest::of(&kept),
            displaced.before.digest,
            "what was replaced is kept"
        );
    }
    built(&build(&project));
    // A plan is for one state: it cannot be applied again.
    let again = run(&project, Command::Apply(Box::new(plan.into())));
    assert!(matches!(again.ending(), Ending::Rejected(_)), "{again:?}");
    (workspace, project)
}

#[test]
fn what_is_gone_is_retired() {
    let (workspace, project) = resolved(
        |workspace| {
            workspace.remove("assets/a.txt");
            workspace.remove("assets/a.txt.asset.toml");
        },
        "anchor/missing",
        reconcile(Some(Resolution::Retire)),
    );
    assert_eq!(project.status().snapshot.summary().assets.managed, 2);
    assert_eq!(workspace.text("registry.jsonl").lines().count(), 4, "its id stays reserved");
}

#[test]
fn what_was_moved_is_accepted_where_it_is() {
    let (workspace, project) = resolved(
        |workspace| {
            std::fs::create_dir(workspace.root.join("assets/sub")).unwrap();
            workspace.rename("assets/a.txt", "assets/sub/a.txt");
            workspace.rename("assets/a.txt.asset.toml", "assets/sub/a.txt.asset.toml");
        },
        "anchor/moved",
        reconcile(Some(Resolution::AcceptMove)),
    );
    assert_eq!(project.status().snapshot.summary().assets.managed, 3);
    assert!(workspace.text("registry.jsonl").contains("sub/a.txt.asset.toml"));
}

#[test]
fn a_copy_gets_a_uuid_and_a_name_of_its_own() {
    let (workspace, project) = resolved(
        |workspace| {
            workspace.write("assets/copy.txt", b"a");
            workspace.write("assets/copy.txt.asset.toml", &workspace.read("assets/a.txt.asset.toml"));
        },
        "anchor/duplicate-uuid",
        reconcile(Some(Resolution::NewUuid)),
    );
    assert_eq!(project.status().snapshot.summary().assets.managed, 4);
    assert!(workspace.text("assets/copy.txt.asset.toml").contains("name = \"copy\""));
}

#[test]
fn of_two_with_one_name_one_is_renamed() {
    let wanted = Reconcile {
        path: Some(path("b.txt.asset.toml")),
        name: Some(AssetName::parse("other").unwrap()),
        ..reconcile(Some(Resolution::Rename))
    };
    let (workspace, _project) = resolved(
        |workspace| {
            let anchor = "assets/b.txt.asset.toml";
            workspace.write(
                anchor,
                workspace.text(anchor).replace("name = \"b\"", "name = \"a\" # kept").as_bytes(),
            );
        },
        "name/conflict",
        wanted,
    );
    assert!(workspace.text("assets/b.txt.asset.toml").contains("name = \"other\" # kept"));
}

#[test]
fn of_two_with_one_id_one_gets_another() {
    let (_workspace, project) = resolved(
        |workspace| {
            let registry = workspace.text("registry.jsonl");
            let ids: Vec<String> = registry
                .lines()
                .skip(1)
                .map(|line| line.split(',').next().unwrap().trim_start_matches('{').to_owned())
                .collect();
            workspace.write("registry.jsonl", registry.replace(&ids[1], &ids[0]).as_bytes());
        },
        "registry/duplicate-id",
        reconcile(Some(Resolution::Reallocate)),
    );
    let mut ids: Vec<_> =
        project.status().snapshot.assets(&AssetQuery::default()).rows.iter().map(|row| row.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn of_two_lines_that_differ_one_is_kept() {
    for n in [1, 2] {
        let (workspace, project) = resolved(
            |workspace| {
                let registry = workspace.text("registry.jsonl");
                let line = registry.lines().nth(1).unwrap();
                let other = line.replace("included", "excluded");
                workspace.write("registry.jsonl", format!("{registry}{other}\n").as_bytes());
            },
            "registry/duplicate-entry",
            reconcile(Some(Resolution::KeepLine(n))),
        );
        assert_eq!(workspace.text("registry.jsonl").lines().count(), 4);
        let summary = project.status().snapshot.summary().assets;
        assert_eq!(summary.included + summary.excluded, 3);
    }
}

#[test]
fn an_anchor_that_nobody_registered_is_registered_or_reconciled() {
    for register in [true, false] {
        let (workspace, project) = game();
        let anchor = workspace.read("assets/c.txt.asset.toml");
        drop((workspace, project));
        let workspace = Workspace::new();
        workspace.write("assets/c.txt", b"c");
        workspace.write("assets/c.txt.asset.toml", &anchor);
        let project = workspace.open();
        assert_eq!(divergences(&project), ["anchor/unregistered"]);
        let mutation = if register {
            Mutation::Register(Register { targets: vec![Target::Root] })
        } else {
            Mutation::Reconcile(reconcile(Some(Resolution::Register)))
        };
        let outcome = run(&project, Command::Mutate(mutation));
        assert_eq!((mutated(&outcome).assets_added, mutated(&outcome).commit), (1, Some(1)));
        assert_eq!(divergences(&project), [""; 0]);
        assert_eq!(workspace.read("assets/c.txt.asset.toml"), anchor);
        assert_eq!(built(&build(&project)).assets, 1);
    }
}

#[test]
fn several_divergences_are_resolved_as_one_commit() {
    let (workspace, project) = game();
    workspace.remove("assets/a.txt.asset.toml");
    workspace.remove("assets/a.txt");
    workspace.rename("assets/b.txt", "assets/moved.txt");
    workspace.rename("assets/b.txt.asset.toml", "assets/moved.txt.asset.toml");
    workspace.write("assets/copy.txt", b"c");
    workspace.write("assets/copy.txt.asset.toml", &workspace.read("assets/c.txt.asset.toml"));
    assert_eq!(divergences(&project).len(), 3);
    let outcome = run(&project, Command::Mutate(Mutation::Reconcile(reconcile(None))));
    if let Ending::Rejected(report) = outcome.ending() {
        // Where more than one resolution is offered, each has to be named.
        assert!(matches!(&report.reason, Rejection::Blocked { .. }), "{report:?}");
        for (code, resolution) in [
            (DivergenceCode::AnchorMissing, Resolution::Retire),
            (DivergenceCode::AnchorMoved, Resolution::AcceptMove),
            (DivergenceCode::AnchorDuplicateUuid, Resolution::NewUuid),
        ] {
            let wanted = Reconcile { select: vec![Selector::Code(code)], ..reconcile(Some(resolution)) };
            mutated(&run(&project, Command::Mutate(Mutation::Reconcile(wanted))));
        }
    }
    assert_eq!(divergences(&project), [""; 0]);
    assert_eq!(built(&build(&project)).assets, 3);
}

#[test]
fn what_is_blocked_changes_nothing_and_says_everything() {
    let (workspace, project) = game();
    workspace.write("assets/copy.txt", b"a");
    workspace.write("assets/copy.txt.asset.toml", &workspace.read("assets/a.txt.asset.toml"));
    run(&project, Command::Refresh);
    let before = workspace.tree();
    let head = workspace.read(layout::HEAD);
    let missing = |name: &str| Target::Path(path(name));
    let blocked = [
        Mutation::Reconcile(reconcile(Some(Resolution::AcceptMove))),
        Mutation::Reconcile(Reconcile { select: vec![Selector::Path(path("b.txt"))], ..reconcile(None) }),
        Mutation::Adopt(Adopt { targets: vec![missing("x"), missing("y")], kind: None, draw: draw() }),
        Mutation::Adopt(Adopt {
            targets: vec![Target::Root],
            kind: Some(KindId::parse("nothing").unwrap()),
            draw: draw(),
        }),
        Mutation::Register(Register { targets: vec![missing("x")] }),
    ];
    for mutation in blocked {
        let plan = project.preview(&mutation).unwrap();
        assert_eq!(plan.verdict, Verdict::Blocked, "{plan:#?}");
        for command in [Command::Mutate(mutation), Command::Apply(Box::new(plan.clone().into()))] {
            let outcome = run(&project, command);
            let Rejection::Blocked { blockers, more: 0 } = rejection(&outcome) else { panic!("{outcome:?}") };
            assert_eq!(blockers.len(), plan.blockers.len());
            assert!(!blockers.is_empty());
        }
    }
    assert_eq!(workspace.tree(), before);
    assert_eq!(workspace.read(layout::HEAD), head);
}

#[test]
fn what_is_already_so_is_unchanged() {
    let (workspace, project) = game();
    let before = workspace.tree();
    let head = workspace.read(layout::HEAD);
    let revision = project.status().snapshot.revision();
    for command in [
        Command::Mutate(adopt_all(None)),
        Command::Apply(Box::new(project.preview(&adopt_all(None)).unwrap().into())),
    ] {
        let outcome = run(&project, command);
        let report = mutated(&outcome);
        assert_eq!((report.unchanged, report.commit, report.result_revision), (true, None, Some(revision)));
    }
    assert_eq!(workspace.tree(), before);
    assert_eq!(workspace.read(layout::HEAD), head);
}

#[test]
fn commits_are_numbered_through_and_each_has_its_history() {
    let workspace = Workspace::new();
    let project = workspace.open();
    let disk = OsDisk::new(workspace.root.clone());
    for n in 1..=4 {
        workspace.write(&format!("assets/{n}.txt"), b"text");
        let before = assets(&workspace);
        let outcome = run(&project, Command::Mutate(adopt_all(None)));
        let report = mutated(&outcome);
        assert_eq!((report.commit, report.assets_added, report.files_created), (Some(n), 1, 1));
        assert_eq!(report.result_revision, Some(project.status().snapshot.revision()));
        let head = read_head(&disk).unwrap().unwrap();
        assert_eq!((head.commit, head.operation), (n, outcome.operation_id()));
        assert_eq!(head.registry, packer_runtime::api::Digest::of(&workspace.read("registry.jsonl")));
        let history = read_history(&disk, outcome.operation_id()).unwrap();
        assert_eq!(history.work.placed[0].path, format!("assets/{n}.txt.asset.toml"));
        assert_eq!(UndoRecord::decode(&history.inverse).unwrap().lines_after.len(), 1);
        let mut after = assets(&workspace);
        after.remove(&format!("assets/{n}.txt.asset.toml")).unwrap();
        assert_eq!(after, before);
    }
    // Builds are no commits.
    built(&run(&project, Command::Build(BuildRequest::default())));
    assert_eq!(read_head(&disk).unwrap().unwrap().commit, 4);
    assert!(std::fs::read_dir(workspace.root.join(layout::JOURNAL)).unwrap().next().is_none());
}

#[test]
fn a_plan_is_for_its_project_and_as_it_was_made() {
    let (workspace, project) = game();
    workspace.write("assets/new.txt", b"new");
    run(&project, Command::Refresh);
    let plan = project.preview(&adopt_all(None)).unwrap();
    let mut altered = plan.clone();
    altered.registry_mutations.clear();
    assert_eq!(
        rejection(&run(&project, Command::Apply(Box::new(altered.into())))),
        &Rejection::PlanAltered {}
    );

    let other = Workspace::new();
    let elsewhere = other.open();
    let outcome = run(&elsewhere, Command::Apply(Box::new(plan.clone().into())));
    assert!(matches!(rejection(&outcome), Rejection::UnrelatedLineage { .. }), "{outcome:?}");
    assert_eq!(mutated(&run(&project, Command::Apply(Box::new(plan.into())))).assets_added, 1);
}

#[test]
fn a_stale_plan_names_what_moved_and_nothing_else() {
    let (workspace, project) = game();
    workspace.write("assets/new.txt", b"new");
    run(&project, Command::Refresh);
    let plan = project.preview(&adopt_all(None)).unwrap();
    let moved = |change: &dyn Fn()| {
        change();
        let outcome = run(&project, Command::Apply(Box::new(plan.clone().into())));
        let Rejection::StalePlan { changed, registry, configuration, more: 0 } = rejection(&outcome) else {
            panic!("{outcome:?}")
        };
        (changed.iter().map(ToString::to_string).collect::<Vec<_>>(), *registry, *configuration)
    };
    let (changed, registry, configuration) = moved(&|| workspace.write("assets/new2.txt", b"2"));
    assert!(changed.iter().all(|path| path.starts_with("new2.txt")) && !changed.is_empty(), "{changed:?}");
    assert_eq!((registry, configuration), (false, false));
    workspace.remove("assets/new2.txt");

    let config = workspace.text("packer.toml");
    let with_rule = format!("{config}\n[[rules]]\nmatch = \"new.txt\"\nkind = \"raw\"\n");
    let (_, registry, configuration) = moved(&|| workspace.write("packer.toml", with_rule.as_bytes()));
    assert_eq!((registry, configuration), (false, true));
    workspace.write("packer.toml", config.as_bytes());

    // Adopted meanwhile, by somebody else.
    let (_, registry, configuration) =
        moved(&|| drop(mutated(&run(&project, Command::Mutate(plan.mutation.clone()))).clone()));
    assert_eq!((registry, configuration), (true, false));
}
