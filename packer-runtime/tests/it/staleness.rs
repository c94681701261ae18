//! The matrix of staleness: for every kind of change, everything that can come between a preview and its application. Each
//! is refused by name and leaves the tree as it found it; what does not concern the plan does not refuse it.

use packer_events::report::{Ending, Rejection};
use packer_runtime::api::{Command, MutationPlan, Outcome, Project, RegistryMutation, Verdict};

use super::changes::{Change, changes, game, reopen};
use super::recording::{anchor, uuid as uuid_of};
use super::support::{Workspace, mutated, run};

/// What comes between: an intervention, and whether what it leads to is named as it should be.
type Cell = (&'static str, fn(&Scene), fn(&Scene, &Rejection) -> bool);

/// A project in which a plan was previewed.
struct Scene {
    workspace: Workspace,
    project: Project,
    change: Change,
    plan: MutationPlan,
}

impl Scene {
    fn of(n: usize) -> Self {
        let (workspace, project, undone) = game();
        let change = changes(&project, undone).swap_remove(n);
        let plan = project.preview(&change.mutation).unwrap();
        assert_eq!(plan.verdict, Verdict::Ready, "{}: {:#?}", change.name, plan.blockers);
        Self { workspace, project, change, plan }
    }

    fn touched(&self) -> String {
        match self.change.touched.strip_prefix("../") {
            Some(beside) => beside.to_owned(),
            None => format!("assets/{}", self.change.touched),
        }
    }

    fn is_of_registry(&self) -> bool {
        self.change.touched == "../registry.jsonl"
    }

    fn apply(&self) -> Outcome {
        run(&self.project, Command::Apply(Box::new(self.plan.clone().into())))
    }

    /// The path below the assets root, as refusals name it.
    fn names(&self, changed: &[packer_runtime::api::AssetPath]) -> bool {
        changed.iter().any(|path| path.as_str() == self.change.touched)
    }
}

fn own_operation(scene: &Scene) {
    mutated(&run(&scene.project, Command::Mutate(scene.change.mutation.clone())));
}

fn other_process(scene: &Scene) {
    let other = reopen(&scene.workspace);
    mutated(&run(&other, Command::Mutate(scene.change.mutation.clone())));
}

fn edit(scene: &Scene) {
    let path = scene.touched();
    if scene.is_of_registry() {
        // The line of the asset as another program would leave it.
        let text = scene.workspace.text(&path);
        let line = text.lines().find(|line| line.contains("world/other.rec")).unwrap();
        let edited = text.replace(line, &line.replace("included", "excluded"));
        return scene.workspace.write(&path, edited.as_bytes());
    }
    let mut bytes = scene.workspace.read(&path);
    let (from, to) = scene.change.edit;
    let at = bytes.windows(from.len().max(1)).position(|part| part.starts_with(from.as_bytes())).unwrap();
    bytes.splice(at..at + from.len(), to.bytes());
    scene.workspace.write(&path, &bytes);
}

fn delete(scene: &Scene) {
    scene.workspace.remove(&scene.touched());
}

fn change_type(scene: &Scene) {
    let path = scene.touched();
    scene.workspace.remove(&path);
    std::fs::create_dir(scene.workspace.root.join(path)).unwrap();
}

/// An anchor that the plan does not change, edited so that the plan would do something else.
fn edit_another_anchor(scene: &Scene) {
    let write = |path: &str, number: usize, name: &str, rest: &str| {
        scene.workspace.write(&format!("assets/{path}"), b"another");
        let text = anchor(number, name, "rec", rest);
        scene.workspace.write(&format!("assets/{path}.asset.toml"), text.as_bytes());
    };
    let edit = |path: &str, from: &str, to: &str| {
        let text = scene.workspace.text(path);
        assert!(text.contains(from), "{path} has no {from}");
        scene.workspace.write(path, text.replace(from, to).as_bytes());
    };
    let other = "assets/ui/b.rec.asset.toml";
    match scene.change.name {
        // The name that adoption would give is another's now.
        "adopt" => edit(other, "ui/b", "picture"),
        "register" => edit(other, "ui/b", "gift"),
        // The same uuid at one more place: it was not simply moved.
        "reconcile" => write("copy.rec", 10, "data/tides", ""),
        // One more that refers to it.
        "rename" | "batch" => {
            scene.workspace.write(other, anchor(1, "ui/b", "rec", "[rec]\nto = \"world/base\"\n").as_bytes());
        }
        "configure" => write("copy.rec", 2, "ui/c", ""),
        // The place is taken.
        "relocate" => {
            let at = "assets/moved/here/a.rec.asset.toml";
            scene.workspace.write(at, anchor(50, "new", "rec", "").as_bytes());
        }
        "relocate a folder" => {
            scene
                .workspace
                .write("assets/people/hero/asset.toml", anchor(50, "new", "set", "inputs = []\n").as_bytes());
        }
        "duplicate" => edit("assets/ui/a.rec.asset.toml", "ui/a", "copies/b"),
        "duplicate a folder" => edit("assets/ui/a.rec.asset.toml", "ui/a", "fiend"),
        // Somebody refers to it now.
        "remove" => edit("assets/world/top.rec.asset.toml", "world/mid", "world/other"),
        "remove an anchor" => edit("assets/world/top.rec.asset.toml", "world/mid", "ui/b"),
        // No anchor decides what it does; the registry's line of another asset with its id does.
        "exclude" => {
            let text = scene.workspace.text("registry.jsonl");
            let line = text.lines().find(|line| line.contains("world/other.rec")).unwrap();
            let retired = format!("{{\"id\":3,\"uuid\":\"{}\",\"retired\":true}}", uuid_of(6));
            scene.workspace.write("registry.jsonl", format!("{text}{retired}\n").as_bytes());
            assert!(line.contains(&uuid_of(6)));
        }
        // What it would take back was changed since.
        "undo" => edit("assets/texts/readme.txt.asset.toml", "texts/read-me", "texts/other"),
        other => panic!("no case for {other}"),
    }
}

fn break_configuration(scene: &Scene) {
    scene.workspace.write("packer.toml", b"[project]\nname = ");
}

fn change_lineage(scene: &Scene) {
    let text = scene.workspace.text("registry.jsonl");
    let (header, lines) = text.split_once('\n').unwrap();
    let at = header.find("lineage\":\"").unwrap() + "lineage\":\"".len();
    // Of version 7, like every lineage.
    let other = format!("{}01a20386-0de8-7ca4-98aa-000000000999{}", &header[..at], &header[at + 36..]);
    scene.workspace.write("registry.jsonl", format!("{other}\n{lines}").as_bytes());
}

const STALE: [Cell; 6] = [
    ("own operation", own_operation, |_, found| {
        matches!(found, Rejection::StalePlan { registry: true, .. })
            || matches!(found, Rejection::StalePlan { changed, .. } if !changed.is_empty())
    }),
    ("other process", other_process, |_, found| {
        matches!(found, Rejection::StalePlan { registry: true, .. })
            || matches!(found, Rejection::StalePlan { changed, .. } if !changed.is_empty())
    }),
    ("edit", edit, |scene, found| match found {
        Rejection::StalePlan { registry, .. } if scene.is_of_registry() => *registry,
        Rejection::StalePlan { changed, .. } => scene.names(changed),
        _ => false,
    }),
    ("edit of another anchor", edit_another_anchor, |_, found| matches!(found, Rejection::StalePlan { .. })),
    ("delete", delete, |scene, found| match found {
        Rejection::WorkspaceErrors { .. } => scene.is_of_registry(),
        Rejection::StalePlan { changed, .. } => scene.names(changed),
        _ => false,
    }),
    ("type change", change_type, |scene, found| match found {
        Rejection::StalePlan { changed, .. } => scene.names(changed),
        _ => false,
    }),
];

const WHATEVER_THE_CHANGE: [Cell; 2] = [
    ("configuration", break_configuration, |_, found| matches!(found, Rejection::WorkspaceErrors { .. })),
    ("lineage", change_lineage, |_, found| matches!(found, Rejection::UnrelatedLineage { .. })),
];

fn count() -> usize {
    let (_workspace, project, undone) = game();
    changes(&project, undone).len()
}

fn check(cells: &[Cell]) {
    let mut checked = 0;
    for n in 0..count() {
        for (what, intervene, is_named) in cells {
            let scene = Scene::of(n);
            intervene(&scene);
            let before = scene.workspace.tree();
            let outcome = scene.apply();
            let name = scene.change.name;
            assert!(scene.workspace.tree() == before, "{name}, {what}: the tree was changed by {outcome:#?}");
            let rejection = match outcome.ending() {
                Ending::Rejected(report) => report.reason.clone(),
                // A registry that is a folder cannot be read at all.
                Ending::Failed(_) if *what == "type change" && scene.is_of_registry() => {
                    checked += 1;
                    continue;
                }
                ending => panic!("{name}, {what}: {ending:#?}"),
            };
            assert!(is_named(&scene, &rejection), "{name}, {what}: {rejection:#?}");
            checked += 1;
        }
    }
    assert_eq!(checked, count() * cells.len());
}

#[test]
fn what_the_plan_depends_on_and_is_no_longer_so_refuses_it_by_name() {
    check(&STALE);
}

#[test]
fn another_configuration_or_another_project_refuses_it_by_name() {
    check(&WHATEVER_THE_CHANGE);
}

#[test]
fn a_plan_that_was_altered_is_refused_as_that() {
    for n in 0..count() {
        let mut scene = Scene::of(n);
        let before = scene.workspace.tree();
        match scene.plan.filesystem_mutations.pop() {
            Some(_) => {}
            None => scene.plan.registry_mutations.clear(),
        }
        let outcome = scene.apply();
        let Ending::Rejected(report) = outcome.ending() else { panic!("{outcome:#?}") };
        assert_eq!(report.reason, Rejection::PlanAltered {}, "{}", scene.change.name);
        assert_eq!(scene.workspace.tree(), before);
    }
}

#[test]
fn what_does_not_concern_the_plan_does_not_refuse_it() {
    for n in 0..count() {
        let scene = Scene::of(n);
        scene.workspace.write("assets/elsewhere/new.rec", b"new");
        scene.workspace.write("assets/world/top.rec", b"painted anew");
        let config = scene.workspace.text("packer.toml");
        scene.workspace.write("packer.toml", config.replace("size = 2", "size = 3").as_bytes());
        let anchor = scene.workspace.text("assets/world/map.rec.asset.toml");
        scene.workspace.write("assets/world/map.rec.asset.toml", format!("# a note\n{anchor}").as_bytes());
        let outcome = scene.apply();
        assert!(outcome.success().is_some(), "{}: {outcome:#?}", scene.change.name);
        assert!(
            scene.plan.registry_mutations.iter().all(|line| !matches!(line, RegistryMutation::Delete { .. }))
                || scene.change.name == "undo"
        );
    }
}

#[test]
fn a_thousand_previews_of_every_change_leave_the_project_as_it_was() {
    let (workspace, project, undone) = game();
    let (before, operational) = (workspace.tree(), operational(&workspace));
    for change in changes(&project, undone) {
        let first = project.preview(&change.mutation).unwrap();
        for _ in 0..1000 {
            assert!(project.preview(&change.mutation).unwrap() == first, "{}", change.name);
        }
        assert!(workspace.tree() == before, "{}", change.name);
    }
    assert_eq!(self::operational(&workspace), operational, "nor is anything written beside it");
}

/// The files of the packer's own folder, with their sizes.
fn operational(workspace: &Workspace) -> Vec<(String, u64)> {
    let mut waiting = vec![workspace.root.join(".packer")];
    let mut found = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in folder.read_dir_utf8().unwrap() {
            let entry = entry.unwrap();
            let size = entry.metadata().unwrap();
            if size.is_dir() {
                waiting.push(entry.into_path());
            } else {
                found.push((entry.path().to_string(), size.len()));
            }
        }
    }
    found.sort();
    found
}
