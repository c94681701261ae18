//! Builds during which the workspace changes: nothing is published that was made from two states, and what moved is named.

use packer_events::report::Rejection;
use packer_runtime::api::{BuildRequest, Command, OperationHandle, Outcome, Project};

use super::codecs::{Gate, gated};
use super::support::{Workspace, adopt_all, build, built, mutated, rejection, run};

/// A project with a pack, whose next build is held at its first bake.
struct Held {
    workspace: Workspace,
    project: Project,
    gate: Gate,
    handle: OperationHandle,
}

/// The build bakes with one thread: of the two sources one is held.
fn held() -> Held {
    held_of([b"a", b"b"])
}

/// The same with these sources.
fn held_of(sources: [&[u8]; 2]) -> Held {
    let (codec, gate) = gated();
    let files = [("assets/a.slow", sources[0]), ("assets/b.slow", sources[1])];
    let (workspace, project) = Workspace::adopted(&files, vec![codec]);
    let request = BuildRequest { jobs: Some(1), ..BuildRequest::default() };
    let first = project.submit(Command::Build(request.clone()));
    for _ in 0..2 {
        gate.entered();
        gate.open();
    }
    built(&first.wait().unwrap());
    let handle = project.submit(Command::Build(BuildRequest { reuse: false, ..request }));
    let held = gate.entered();
    assert!(["a.slow", "b.slow"].contains(&held.as_str()));
    Held { workspace, project, gate, handle }
}

/// Changes something during a bake; the build must be rejected, and the outputs stay as they were.
fn overtake(change: impl FnOnce(&Workspace)) -> (Outcome, Held) {
    overtake_held(held(), change)
}

fn overtake_held(held: Held, change: impl FnOnce(&Workspace)) -> (Outcome, Held) {
    let pack = held.workspace.pack();
    change(&held.workspace);
    let mut before = held.workspace.tree();
    before.retain(|path, _| !path.contains(".staging-"));
    for _ in 0..2 {
        held.gate.open();
    }
    let outcome = held.handle.wait().unwrap();
    assert_eq!(held.workspace.tree(), before);
    assert_eq!(held.workspace.pack(), pack);
    assert_eq!(held.workspace.left_behind(), [""; 0]);
    (outcome, held)
}

fn moved(outcome: &Outcome) -> (Vec<String>, bool, bool) {
    let Rejection::InputsChanged { paths, registry, configuration, more: 0 } = rejection(outcome) else {
        panic!("{outcome:?}")
    };
    (paths.iter().map(ToString::to_string).collect(), *registry, *configuration)
}

#[test]
fn an_input_that_changes_is_named_whether_it_was_read_or_not() {
    // So much that one is not read before the other is written.
    let large = |letter: u8| vec![letter; 25 << 20];
    for path in ["a.slow", "b.slow"] {
        let held = held_of([&large(b'a'), &large(b'b')]);
        let (outcome, held) =
            overtake_held(held, |workspace| workspace.write(&format!("assets/{path}"), b"changed"));
        assert_eq!(moved(&outcome), (vec![path.to_owned()], false, false));
        drop(held.gate);
        assert_eq!(built(&build(&held.project)).baked, 1, "run again, it succeeds");
    }
}

#[test]
fn an_input_that_is_deleted_is_named() {
    for path in ["a.slow", "b.slow"] {
        let (outcome, _held) = overtake(|workspace| workspace.remove(&format!("assets/{path}")));
        assert_eq!(moved(&outcome), (vec![path.to_owned()], false, false));
    }
}

#[test]
fn an_anchor_that_changes_or_goes_is_named() {
    let anchor = "assets/a.slow.asset.toml";
    let (outcome, _held) = overtake(|workspace| {
        let text = workspace.text(anchor).replace("name = \"a\"", "name = \"other\"");
        workspace.write(anchor, text.as_bytes());
    });
    assert_eq!(moved(&outcome), (vec!["a.slow.asset.toml".to_owned()], false, false));
    let (outcome, _held) = overtake(|workspace| workspace.remove(anchor));
    assert_eq!(moved(&outcome), (vec!["a.slow.asset.toml".to_owned()], false, false));
}

#[test]
fn configuration_and_registry_are_told_apart_also_where_they_cannot_be_read() {
    let (outcome, _held) = overtake(|workspace| {
        let text = workspace.text("packer.toml").replace("\"zstd\"", "\"lz4\"");
        workspace.write("packer.toml", text.as_bytes());
    });
    assert_eq!(moved(&outcome), (Vec::new(), false, true));
    let (outcome, _held) = overtake(|workspace| workspace.write("packer.toml", b"[project"));
    assert_eq!(moved(&outcome), (Vec::new(), false, true));
    let (outcome, held) = overtake(|workspace| {
        workspace.write(
            "registry.jsonl",
            format!("{}<<<<<<< ours\n", workspace.text("registry.jsonl")).as_bytes(),
        );
    });
    assert_eq!(moved(&outcome), (Vec::new(), true, false));
    assert!(!held.workspace.diagnostics_of(&outcome).is_empty());
}

#[test]
fn an_adoption_is_applied_while_a_build_bakes_and_the_build_is_overtaken() {
    let Held { workspace, project, gate, handle } = held();
    let pack = workspace.pack();
    workspace.write("assets/new.txt", b"new");
    let adopted = run(&project, Command::Mutate(adopt_all(None)));
    assert_eq!(mutated(&adopted).assets_added, 1);
    assert_eq!(project.status().snapshot.summary().assets.managed, 3);
    assert!(handle.outcome().is_none(), "the build is still baking");
    drop(gate);
    let outcome = handle.wait().unwrap();
    assert_eq!(moved(&outcome), (vec!["new.txt".to_owned(), "new.txt.asset.toml".to_owned()], true, false));
    assert_eq!(workspace.pack(), pack);
    let again = build(&project);
    assert_eq!((built(&again).baked, built(&again).reused), (1, 2));
}

#[test]
fn bakes_take_no_thread_from_the_lane() {
    let (codec, gate) = gated();
    let files = [("assets/a.slow", &b"a"[..]), ("assets/b.slow", b"b"), ("assets/c.slow", b"c")];
    let (workspace, project) = Workspace::adopted(&files, vec![codec]);
    let handle = project.submit(Command::Build(BuildRequest::default()));
    // Both of the project's threads bake.
    gate.entered();
    gate.entered();
    workspace.write("assets/new.txt", b"new");
    assert_eq!(mutated(&run(&project, Command::Mutate(adopt_all(None)))).assets_added, 1);
    drop(gate);
    assert!(moved(&handle.wait().unwrap()).1);
}

#[test]
fn what_no_asset_uses_may_change() {
    let Held { workspace, project, gate, handle } = held();
    workspace.write("assets/unclaimed.txt", b"new");
    drop(gate);
    assert_eq!(built(&handle.wait().unwrap()).baked, 2);
    assert!(built(&build(&project)).unchanged);
}
