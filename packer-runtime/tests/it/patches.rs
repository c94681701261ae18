//! Builds that evaluate nothing but what changed: when they are done so, and that nobody can tell by what they leave.
//!
//! Whether a build was one is told from the project: such a build publishes nothing. That their bytes are those of clean
//! builds is also checked after random edits and for each thing that decides a byte, in the tests that do that for all
//! builds.

use std::sync::Arc;

use camino::Utf8Path;
use packer_events::report::{Failure, Rejection};
use packer_runtime::api::{
    BuildRequest, Command, FirstObservation, MANIFEST_FILE, Mutation, PACK_FILE, Project, Register, Revision,
    StorePolicy, Target,
};
use packer_runtime::codec::{Codec, builtin};

use super::chance::Chance;
use super::codecs::{fussy, gated};
use super::recording::{Recorder, kinds, many, one, open, workspace};
use super::support::{
    Workspace, adopt_all, build_as, build_with_store, built, failure, keep_going, mutated, rejection, run,
};

/// A workspace that is built, and the codecs that it is built with.
struct Built {
    workspace: Workspace,
    codecs: Vec<Arc<dyn Codec>>,
    recorder: Recorder,
}

/// What a build did.
#[derive(Debug, PartialEq, Eq)]
struct Did {
    /// Whether it evaluated only what changed.
    patched: bool,
    baked: Vec<String>,
    unchanged: bool,
}

impl Built {
    fn new() -> Self {
        let codecs = kinds(one(), many());
        let built = Self { workspace: workspace(), codecs, recorder: Recorder::default() };
        assert!(!built.build().patched);
        built
    }

    /// A process that has read nothing yet.
    fn fresh(&self) -> Project {
        open(&self.workspace, self.recorder.on(self.codecs.clone()), FirstObservation::ByFirstOperation)
    }

    fn build(&self) -> Did {
        self.build_as(BuildRequest::default())
    }

    fn build_as(&self, request: BuildRequest) -> Did {
        let project = self.fresh();
        self.recorder.take();
        let outcome = build_as(&project, request);
        let report = built(&outcome);
        let baked = self.recorder.take();
        // What is proved is baked twice, and so is what fails: once more to tell of it.
        assert!(report.proved || report.failed > 0 || report.baked == baked.len() as u64);
        assert_eq!(report.reused, report.assets - report.baked - report.failed);
        let patched = project.status().snapshot.revision() == Revision(0);
        Did { patched, baked, unchanged: report.unchanged }
    }

    fn append(&self, path: &str, more: &str) {
        let path = format!("assets/{path}");
        self.workspace.write(&path, (self.workspace.text(&path) + more).as_bytes());
    }

    fn outputs(&self, folder: &str) -> Vec<Vec<u8>> {
        let names = [PACK_FILE, MANIFEST_FILE].map(|name| self.workspace.read(&format!("{folder}/{name}")));
        names.into_iter().collect()
    }

    /// Compares with a build from nothing, and with what a build that evaluates everything would do next.
    fn check(&self) {
        let outputs = self.outputs("build");
        let project = open(&self.workspace, self.codecs.clone(), FirstObservation::AtOpening);
        self.workspace.remove(".packer/build-stamp");
        let next = build_as(&project, BuildRequest::default());
        assert!(built(&next).unchanged && built(&next).baked == 0, "{next:#?}");
        let clean = BuildRequest { reuse: false, output: Some("clean".into()), ..BuildRequest::default() };
        built(&build_as(&project, clean));
        assert!(outputs == self.outputs("clean"), "a clean build differs");
    }
}

fn patched(baked: &[&str]) -> Did {
    let baked = baked.iter().map(ToString::to_string).collect();
    Did { patched: true, baked, unchanged: false }
}

#[test]
fn sources_of_assets_that_stand_alone_are_all_that_is_baked_again() {
    let built = Built::new();
    built.append("ui/a.rec", "more");
    assert_eq!(built.build(), patched(&["ui/a"]));
    // Again and again: each build leaves what the next one goes by.
    built.append("ui/a.rec", "x");
    built.append("ui/c.rec", "y");
    built.append("data/tides.bin", &"preloaded and much larger than before ".repeat(50));
    assert_eq!(built.build(), patched(&["data/tides", "ui/a", "ui/c"]));
    assert_eq!(built.build(), Did { patched: true, baked: Vec::new(), unchanged: true });
    built.check();
    assert!(!built.build_as(BuildRequest { reuse: false, ..BuildRequest::default() }).patched);
    built.append("texts/readme.txt", "z");
    assert_eq!(built.build(), patched(&["texts/readme"]));
    built.check();
}

#[test]
fn payloads_that_were_shared_part_and_others_come_to_be_shared() {
    let built = Built::new();
    for path in ["ui/a.rec", "ui/b.rec", "world/other.rec"] {
        built.workspace.write(&format!("assets/{path}"), b"the same");
    }
    built.build();
    for (path, text) in [("ui/a", "another"), ("world/other", "another"), ("ui/b", "another"), ("ui/a", "")] {
        built.workspace.write(&format!("assets/{path}.rec"), text.as_bytes());
        assert_eq!(built.build(), patched(&[path]));
        built.check();
        built.build_as(BuildRequest { reuse: false, ..BuildRequest::default() });
    }
}

#[test]
fn several_sources_of_one_asset_are_read_together() {
    let built = Built::new();
    // Nothing refers to it any more, and it refers to nothing.
    let anchor = built.workspace.text("assets/foe/asset.toml").replace("to = \"hero\"", "");
    built.workspace.write("assets/foe/asset.toml", anchor.as_bytes());
    built.build();
    built.append("hero/frames/2.frm", "more");
    assert_eq!(built.build(), patched(&["hero"]));
    built.check();
}

#[test]
fn what_other_assets_depend_on_and_what_is_no_source_takes_an_evaluation() {
    let built = Built::new();
    let not = |baked: &[&str], unchanged| Did { patched: false, unchanged, ..patched(baked) };
    built.append("world/base.rec", "more");
    assert_eq!(built.build(), not(&["world/base", "world/mid", "world/top"], false), "it is referred to");
    built.append("world/top.rec", "more");
    assert_eq!(built.build(), not(&["world/top"], false), "it refers to another");
    built.append("ui/a.rec.asset.toml", "# a remark\n");
    assert_eq!(built.build(), not(&[], true), "an anchor");
    built.append("ui/a.rec.asset.toml", "[rec]\nsize = 7\n");
    built.append("ui/b.rec", "more");
    assert_eq!(built.build(), not(&["ui/a", "ui/b"], false), "an anchor and a source");
    built.append(".packerignore", "*.old\n");
    assert_eq!(built.build(), not(&[], true), "what is ignored");
    built.workspace.write("assets/new.md", b"new");
    assert_eq!(built.build(), not(&[], true), "a file that was not there");
    built.append("ui/b.rec", "more");
    assert_eq!(built.build(), not(&["ui/b"], false), "the file is still not known of");
    built.append("notes.md", "more");
    assert_eq!(
        built.build(),
        Did { patched: true, baked: Vec::new(), unchanged: true },
        "it is used for nothing"
    );
    let text = built.workspace.text("packer.toml").replace("size = 2", "size = 3");
    built.workspace.write("packer.toml", text.as_bytes());
    built.append("world/other.rec", "more");
    assert_eq!(built.build(), not(&["ui/b", "world/other"], false), "the configuration");
    built.check();
}

#[test]
fn sources_that_two_assets_share_take_an_evaluation() {
    let built = Built::new();
    let anchor = "uuid = \"01a20386-0de8-7ca4-98aa-000000000077\"\nname = \"all\"\nkind = \"set\"\n";
    built.workspace.write("assets/ui/asset.toml", format!("{anchor}inputs = [\"a.rec\"]\n").as_bytes());
    let register = Mutation::Register(Register { targets: vec![Target::Root] });
    let _ = run(&built.fresh(), Command::Mutate(register));
    assert_eq!(built.build(), Did { patched: false, ..patched(&["ui"]) });
    built.append("ui/a.rec", "more");
    assert_eq!(built.build(), Did { patched: false, ..patched(&["ui", "ui/a"]) });
    built.append("ui/b.rec", "more");
    assert_eq!(built.build(), patched(&["ui/b"]));
    built.check();
}

#[test]
fn whoever_asks_for_more_gets_an_evaluation() {
    let built = Built::new();
    let requests = [
        BuildRequest { explain: true, ..BuildRequest::default() },
        BuildRequest { prove: true, ..BuildRequest::default() },
        BuildRequest { reuse: false, ..BuildRequest::default() },
        BuildRequest { output: Some("elsewhere".into()), ..BuildRequest::default() },
        BuildRequest { profile: Some("dev".into()), ..BuildRequest::default() },
        BuildRequest { constants: Some("rs".parse().unwrap()), ..BuildRequest::default() },
    ];
    for request in requests {
        built.append("ui/a.rec", "more");
        assert!(!built.build_as(request.clone()).patched, "{request:?}");
        built.build();
    }
}

#[test]
fn constants_are_left_in_place_and_made_again_where_somebody_wrote_to_them() {
    let built = Built::new();
    let with = || BuildRequest { constants: Some("rs,ts".parse().unwrap()), ..BuildRequest::default() };
    built.build_as(with());
    let text = built.workspace.text("build/assets.rs");
    built.append("ui/a.rec", "more");
    assert_eq!(built.build_as(with()), patched(&["ui/a"]));
    assert_eq!(built.workspace.text("build/assets.rs"), text);
    assert!(built.build_as(with()).unchanged);
    built.workspace.write("build/assets.rs", b"mine");
    built.append("ui/a.rec", "more");
    assert!(!built.build_as(with()).patched);
    assert_eq!(built.workspace.text("build/assets.rs"), text);
}

#[test]
fn outputs_that_were_touched_and_notes_that_are_gone_take_an_evaluation() {
    let built = Built::new();
    for path in
        ["build/assets.pack", "build/assets.manifest.json", ".packer/build-record", ".packer/build-sources"]
    {
        for is_gone in [false, true] {
            built.append("ui/b.rec", "more");
            if is_gone {
                built.workspace.remove(path);
            } else {
                let mut bytes = built.workspace.read(path);
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                built.workspace.write(path, &bytes);
            }
            let did = built.build();
            assert!(!did.patched, "{path}: {did:?}");
            built.append("ui/b.rec", "more");
            assert_eq!(built.build(), patched(&["ui/b"]), "{path}");
            built.check();
            built.build_as(BuildRequest { reuse: false, ..BuildRequest::default() });
        }
    }
}

#[test]
fn notes_of_another_build_are_not_believed() {
    let built = Built::new();
    let notes = built.workspace.read(".packer/build-sources");
    built.append("ui/b.rec", "more");
    assert!(built.build().patched);
    built.workspace.write(".packer/build-sources", &notes);
    built.append("ui/c.rec", "more");
    assert_eq!(built.build(), Did { patched: false, ..patched(&["ui/c"]) });
    built.check();
}

#[test]
fn a_payload_that_turns_out_equal_leaves_the_outputs_and_is_not_baked_again() {
    let built = Built::new();
    let before = built.workspace.tree();
    let text = built.workspace.text("assets/data/levels.json");
    built.workspace.write("assets/data/levels.json", format!("  {text}\n\n").as_bytes());
    let equal = Did { patched: true, unchanged: true, baked: vec!["data/levels".to_owned()] };
    assert_eq!(built.build(), equal);
    let mut after = built.workspace.tree();
    after.insert("assets/data/levels.json".to_owned(), before["assets/data/levels.json"]);
    assert_eq!(after, before);
    built.workspace.remove(".packer/build-stamp");
    assert_eq!(built.build(), Did { patched: true, unchanged: true, baked: Vec::new() });
    built.append("ui/a.rec", "more");
    assert_eq!(built.build(), patched(&["ui/a"]));
    built.check();
}

/// Assets whose codec finds in them what they say.
fn fussing() -> Built {
    let files = [("assets/a.fuss", &b""[..]), ("assets/b.txt", b"b")];
    let (workspace, project) = Workspace::adopted(&files, vec![fussy()]);
    drop(project);
    let codecs: Vec<_> = builtin().into_iter().chain([fussy()]).collect();
    let built = Built { workspace, codecs, recorder: Recorder::default() };
    assert!(!built.build().patched);
    built
}

#[test]
fn a_bake_that_fails_is_told_once_and_as_ever() {
    let built = fussing();
    built.workspace.write("assets/a.fuss", b"error");
    let project = built.fresh();
    let outcome = build_as(&project, BuildRequest::default());
    assert!(matches!(failure(&outcome), Failure::BakesFailed { failed: 1 }));
    assert_eq!(built.workspace.diagnostics_of(&outcome).len(), 1);
    assert_eq!(project.status().snapshot.revision(), Revision(1), "everything was evaluated");
    drop(project);
    let did = built.build_as(keep_going());
    assert!(!did.patched && !did.unchanged);
    // The pack lacks an asset now: it is tried again by every build, and nothing is patched.
    built.append("b.txt", "more");
    assert!(!built.build_as(keep_going()).patched);
    built.workspace.write("assets/a.fuss", b"");
    assert!(!built.build().patched);
    built.append("b.txt", "more");
    assert!(built.build().patched);
}

#[test]
fn what_a_bake_warns_of_is_told_once() {
    let built = fussing();
    built.workspace.write("assets/a.fuss", b"warning");
    let project = built.fresh();
    let outcome = build_as(&project, BuildRequest::default());
    assert_eq!(project.status().snapshot.revision(), Revision(0));
    assert_eq!(built.workspace.diagnostics_of(&outcome).len(), 1);
}

#[test]
fn what_the_store_has_is_fetched() {
    let built = Built::new();
    let text = built.workspace.read("assets/ui/a.rec");
    let all = || BuildRequest { store: StorePolicy::All, ..BuildRequest::default() };
    for (contents, baked, reused) in [(&b"other"[..], 1, 12), (&text, 1, 12), (b"other", 0, 13)] {
        built.workspace.write("assets/ui/a.rec", contents);
        let project = built.fresh();
        let outcome = build_with_store(&project, all());
        let report = super::support::built(&outcome);
        assert_eq!((report.baked, report.reused, report.unchanged), (baked, reused, false));
        assert_eq!(project.status().snapshot.revision(), Revision(0));
    }
    built.check();
}

/// A build of two sources, one of which changed, is held at its bake; then something else changes.
fn overtake(path: &str, contents: &[u8]) -> (Workspace, packer_runtime::api::Outcome, Vec<u8>, Revision) {
    let (codec, gate) = gated();
    let files = [("assets/a.slow", &b"a"[..]), ("assets/b.txt", b"b"), ("assets/notes.md", b"")];
    let (workspace, project) = Workspace::adopted(&files[..2], vec![Arc::clone(&codec)]);
    workspace.write(files[2].0, files[2].1);
    let first = project.submit(Command::Build(BuildRequest::default()));
    gate.entered();
    gate.open();
    built(&first.wait().unwrap());
    drop(project);
    let pack = workspace.pack();
    workspace.write("assets/a.slow", b"changed");
    let codecs: Vec<_> = builtin().into_iter().chain([codec]).collect();
    let project = open(&workspace, codecs, FirstObservation::ByFirstOperation);
    let handle = project.submit(Command::Build(BuildRequest::default()));
    assert_eq!(gate.entered(), "a.slow");
    workspace.write(path, contents);
    drop(gate);
    let outcome = handle.wait().unwrap();
    let revision = project.status().snapshot.revision();
    (workspace, outcome, pack, revision)
}

#[test]
fn whatever_was_used_and_changes_meanwhile_is_named() {
    let registry = |workspace: &Utf8Path| std::fs::read_to_string(workspace.join("registry.jsonl")).unwrap();
    for (path, named) in [("assets/a.slow", "a.slow"), ("assets/b.txt", "b.txt")] {
        let (workspace, outcome, pack, revision) = overtake(path, b"overtaken");
        let Rejection::InputsChanged { paths, registry: false, configuration: false, more: 0 } =
            rejection(&outcome)
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), [named]);
        assert_eq!((workspace.pack(), revision), (pack, Revision(0)));
        assert_eq!(workspace.left_behind(), [""; 0]);
        assert!(!registry(&workspace.root).is_empty());
    }
    let (workspace, outcome, pack, _) = overtake("registry.jsonl", b"<<<<<<< ours\n");
    assert!(matches!(rejection(&outcome), Rejection::InputsChanged { registry: true, .. }), "{outcome:?}");
    assert_eq!(workspace.pack(), pack);
    let (workspace, outcome, pack, _) = overtake("packer.toml", b"[project");
    assert!(
        matches!(rejection(&outcome), Rejection::InputsChanged { configuration: true, .. }),
        "{outcome:?}"
    );
    assert_eq!(workspace.pack(), pack);
}

#[test]
fn what_nothing_uses_may_change_meanwhile() {
    let (workspace, outcome, pack, revision) = overtake("assets/notes.md", b"new");
    assert_eq!((built(&outcome).baked, revision), (1, Revision(0)));
    assert_ne!(workspace.pack(), pack);
}

/// Changes the contents of a few files before each build, mostly of such as stand alone.
fn edit_and_build(seed: u64) {
    const BUILDS: usize = 40;
    let built = Built::new();
    let mut chance = Chance::new(seed);
    let sources = [
        "ui/a.rec",
        "ui/b.rec",
        "ui/c.rec",
        "world/other.rec",
        "texts/readme.txt",
        "data/tides.bin",
        "notes.md",
    ];
    let entangled = ["world/base.rec", "world/map.rec", "hero/frames/1.frm", "ui/a.rec.asset.toml"];
    let mut count = 0;
    for number in 0..BUILDS {
        for _ in 0..=chance.below(3) {
            let path = *chance.of(&sources);
            let contents = match chance.below(4) {
                0 => b"common".to_vec(),
                1 => "much of the same ".repeat(1 + chance.below(300)).into_bytes(),
                _ => {
                    let words = 1 + chance.below(200);
                    (0..words).flat_map(|_| format!("{:x}", chance.number()).into_bytes()).collect()
                }
            };
            built.workspace.write(&format!("assets/{path}"), &contents);
        }
        if chance.once_in(6) {
            let path: &&str = chance.of(&entangled);
            built.append(path, "\n# more\n");
        }
        let did = built.build();
        count += usize::from(did.patched && !did.unchanged);
        let outputs = built.outputs("build");
        let project = open(&built.workspace, built.codecs.clone(), FirstObservation::AtOpening);
        let clean = BuildRequest { reuse: false, output: Some("clean".into()), ..BuildRequest::default() };
        let record = built.workspace.read(".packer/build-record");
        let notes =
            [".packer/build-stamp", ".packer/build-sources"].map(|path| (path, built.workspace.read(path)));
        super::support::built(&build_as(&project, clean));
        assert!(outputs == built.outputs("clean"), "seed {seed}, build {number}: a clean build differs");
        // As if there had been no clean one.
        built.workspace.write(".packer/build-record", &record);
        for (path, bytes) in notes {
            built.workspace.write(path, &bytes);
        }
    }
    assert!(count > BUILDS / 2, "seed {seed}: {count} of {BUILDS}");
    built.check();
}

#[test]
fn random_contents_give_the_bytes_of_clean_builds() {
    edit_and_build(1);
    edit_and_build(2);
}

#[test]
fn a_project_of_one_asset_is_patched_too() {
    let (workspace, project) = Workspace::adopted(&[("assets/a.txt", b"a")], Vec::new());
    built(&build_as(&project, BuildRequest::default()));
    drop(project);
    workspace.write("assets/a.txt", b"changed");
    let project = open(&workspace, builtin(), FirstObservation::ByFirstOperation);
    assert_eq!(built(&build_as(&project, BuildRequest::default())).baked, 1);
    assert_eq!(project.status().snapshot.revision(), Revision(0));
    // The same process goes on from there as from anywhere.
    workspace.write("assets/b.txt", b"b");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    assert_eq!(built(&build_as(&project, BuildRequest::default())).baked, 1);
}
