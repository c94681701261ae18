//! Figures that were kept: told without evaluating anything while nothing differs, and never once something does.

use packer_runtime::api::{
    AssetPath, Command, FirstObservation, Freshness, Glance, OpenOptions, Project, Revision, WorkspaceSummary,
};

use super::support::{Workspace, adopt_all, mutated, run};

fn open(workspace: &Workspace) -> Project {
    let first_observation = FirstObservation::FiguresWillDo;
    workspace.open_as(OpenOptions { first_observation, ..OpenOptions::default() })
}

fn glance(workspace: &Workspace) -> Option<Glance> {
    let project = open(workspace);
    let (glance, status) = (project.glance().cloned(), project.status());
    // Whoever has figures has no snapshot, and the other way round.
    assert_eq!(status.snapshot.revision(), if glance.is_some() { Revision(0) } else { Revision(1) });
    glance
}

fn evaluated(workspace: &Workspace) -> WorkspaceSummary {
    workspace.open().status().snapshot.summary().clone()
}

fn game() -> Workspace {
    let files = [("assets/ui/a.txt", &b"a"[..]), ("assets/c.json", b"{}")];
    let (workspace, _) = Workspace::adopted(&files, Vec::new());
    workspace.write("assets/loose.xyz", b"12345");
    workspace
}

#[test]
fn what_was_evaluated_is_told_again_without_evaluating_it() {
    let workspace = game();
    assert_eq!(glance(&workspace), None, "nothing was kept yet");
    let told = glance(&workspace).unwrap();
    assert_eq!(told.summary, evaluated(&workspace));
    assert_eq!((told.project_name.as_str(), told.assets_root.as_str()), ("game", "assets"));
    assert_eq!(told.unclaimed, [(AssetPath::parse("loose.xyz").unwrap(), 5)]);
    assert!(matches!(told.freshness, Freshness::Verified { watched: false, .. }));
    // What is submitted to a project that was opened so observes by itself.
    let project = open(&workspace);
    assert!(project.glance().is_some());
    mutated(&run(&project, Command::Mutate(adopt_all(Some("raw")))));
    assert_eq!(project.status().snapshot.summary().assets.managed, 3);
}

#[test]
fn whatever_differs_is_evaluated() {
    let workspace = game();
    let edits: [(&str, &[u8]); 6] = [
        ("assets/ui/a.txt", b"another text"),
        ("assets/more.xyz", b""),
        ("assets/.packerignore", b"loose.xyz\n"),
        ("packer.toml", b"[project]\nname = \"other\"\n"),
        ("assets/c.json.asset.toml", b"<<<<<<<"),
        ("registry.jsonl", b""),
    ];
    for (path, bytes) in edits {
        glance(&workspace);
        assert!(glance(&workspace).is_some(), "before {path}");
        let before = if workspace.root.join(path).exists() { Some(workspace.read(path)) } else { None };
        let header = workspace.text("registry.jsonl").lines().next().unwrap().to_owned() + "\n";
        workspace.write(path, if path == "registry.jsonl" { header.as_bytes() } else { bytes });
        assert_eq!(glance(&workspace), None, "after {path}");
        let diverges = !workspace.open().status().snapshot.divergences().is_empty();
        assert_eq!(glance(&workspace).is_none(), diverges, "what diverges is told in full: {path}");
        match before {
            Some(bytes) => workspace.write(path, &bytes),
            None => workspace.remove(path),
        }
    }
}

#[test]
fn figures_that_are_damaged_are_none() {
    let workspace = game();
    glance(&workspace);
    let kept = workspace.read(".packer/summary");
    for damaged in [&kept[..kept.len() - 1], b"", &[0; 200]] {
        workspace.write(".packer/summary", damaged);
        assert_eq!(glance(&workspace), None);
        assert!(glance(&workspace).is_some(), "they are kept again");
    }
}
