//! Builds: what is refused and how completely that is said, what is left out, what counts as unchanged, what decides bytes.

use packer_events::report::{Failure, Rejection};
use packer_runtime::api::{
    AssetQuery, BuildBase, BuildRequest, Command, MANIFEST_FILE, Mutation, PACK_FILE, Project, Reconcile,
    Resolution, Revision, draw,
};
use packer_runtime::packs;

use super::codecs::{codec, dice, fussy};
use super::support::{
    Workspace, adopt_all, build, build_as, built, errors, failure, keep_going, mutated, rejection, run,
};

const BROKEN_PNG: &[u8] = b"\x89PNG\r\n\x1a\nand nothing of the kind";

/// An image of one pixel, whatever it is called.
const WHOLE_IMAGE: &[u8] = b"qoif\0\0\0\x01\0\0\0\x01\x04\0\xff\x01\x02\x03\x04\0\0\0\0\0\0\0\x01";

fn game() -> (Workspace, Project) {
    let long = "all work and no play ".repeat(500);
    let files = [
        ("assets/a.txt", long.as_bytes()),
        ("assets/b.txt", &b"b"[..]),
        ("assets/c.json", br#"{"c":[1,2,3]}"#),
    ];
    Workspace::adopted(&files, Vec::new())
}

#[test]
fn what_turns_out_equal_under_another_key_is_baked_once() {
    let (workspace, project) = game();
    built(&build(&project));
    let before = workspace.pack();
    // Canonical JSON is the same whatever stands between its parts.
    workspace.write("assets/c.json", br#"{ "c": [1, 2, 3] }"#);
    let report = |project: &Project| {
        let outcome = build(project);
        let report = built(&outcome);
        (report.baked, report.reused, report.unchanged)
    };
    assert_eq!(report(&project), (1, 2, true));
    assert_eq!(report(&project), (0, 3, true));
    // Also by what is on disk alone, and also where something else has to be planned.
    let project = workspace.open();
    assert_eq!(report(&project), (0, 3, true));
    workspace.write("assets/b.txt", b"other");
    assert_eq!(report(&project), (1, 2, false));
    assert_ne!(workspace.pack(), before);
    assert_eq!(workspace.left_behind(), [""; 0]);
}

#[test]
fn every_error_of_the_workspace_is_said_and_the_earlier_pack_stays() {
    let (workspace, project) = game();
    built(&build(&project));
    workspace.remove("assets/a.txt");
    workspace.remove("assets/b.txt.asset.toml");
    workspace.write("assets/c.json.asset.toml", b"uuid = 3\n");
    let before = workspace.tree();
    let outcome = build(&project);
    let &Rejection::WorkspaceErrors { errors: count } = rejection(&outcome) else { panic!("{outcome:?}") };
    assert_eq!(workspace.tree(), before);
    assert_eq!(workspace.left_behind(), [""; 0]);
    let said = workspace.diagnostics_of(&outcome);
    let found = errors(&said);
    assert_eq!(found.len() as u64, count);
    for (code, file) in [
        ("input/missing", "assets/a.txt.asset.toml"),
        ("anchor/missing", "assets/b.txt.asset.toml"),
        ("anchor/invalid", "assets/c.json.asset.toml"),
    ] {
        assert!(found.contains(&(code, file)), "{code} of {file} is not among {found:?}");
    }
}

#[test]
fn one_broken_picture_is_one_finding_and_keep_going_builds_the_rest() {
    let (workspace, project) = game();
    built(&build(&project));
    let whole = workspace.pack();
    workspace.write("assets/bad.png", BROKEN_PNG);
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    let before = workspace.tree();
    let outcome = build(&project);
    assert_eq!(failure(&outcome), &Failure::BakesFailed { failed: 1 });
    let said = workspace.diagnostics_of(&outcome);
    assert_eq!(errors(&said).iter().map(|(_, file)| *file).collect::<Vec<_>>(), ["assets/bad.png"]);
    assert_eq!(workspace.tree(), before);

    let outcome = build_as(&project, keep_going());
    let report = built(&outcome);
    assert_eq!((report.assets, report.baked, report.reused, report.failed), (4, 0, 3, 1));
    assert!(report.incomplete && !report.unchanged);
    assert_eq!(errors(&workspace.diagnostics_of(&outcome)).len(), 1);
    assert_ne!(workspace.pack(), whole);
    let rows = packs::list(&workspace.root.join("build").join(PACK_FILE)).unwrap();
    let absent: Vec<&str> =
        rows.iter().filter(|row| row.digest.is_none()).map(|row| row.name.as_str()).collect();
    assert_eq!((rows.len(), absent), (4, vec!["bad"]));

    // Again, and proved: nothing outside of the packer's own folder is touched, and the finding is still said, once.
    let before = workspace.tree();
    let touched = || std::fs::metadata(workspace.root.join("build")).unwrap().modified().unwrap();
    let when = touched();
    let outcome = build_as(&project, BuildRequest { prove: true, ..keep_going() });
    let report = built(&outcome);
    assert_eq!((report.unchanged, report.incomplete, report.proved), (true, true, true));
    assert_eq!((report.baked, report.reused, report.failed), (0, 3, 1));
    assert_eq!(errors(&workspace.diagnostics_of(&outcome)).len(), 1);
    assert_eq!((workspace.tree(), touched()), (before, when));
    assert_eq!(workspace.left_behind(), [""; 0]);
    // Without keeping going it is still refused, though the pack is the one that it would be.
    assert_eq!(failure(&build(&project)), &Failure::BakesFailed { failed: 1 });

    workspace.write("assets/bad.png", WHOLE_IMAGE);
    let outcome = build_as(&project, keep_going());
    let report = built(&outcome);
    assert_eq!((report.baked, report.reused, report.failed, report.incomplete), (1, 3, 0, false));
    assert!(built(&build(&project)).unchanged);
}

#[test]
fn an_asset_that_bakes_again_though_nothing_changed_ends_an_incomplete_build() {
    let (workspace, project) = game();
    workspace.write("assets/x.fuss", b"error");
    drop(project);
    let project = workspace.open_with(vec![fussy()]);
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    assert!(built(&build_as(&project, keep_going())).incomplete);
    drop(project);
    // As after an update of a codec that nobody gave a new version: the key is the same, and the result is not.
    let project =
        workspace.open_with(vec![codec("fuss", &["fuss"], |request| Ok(super::codecs::as_it_is(request)))]);
    let report = build_as(&project, keep_going());
    let report = built(&report);
    assert_eq!((report.baked, report.failed, report.incomplete), (1, 0, false));
}

#[test]
fn what_a_missing_input_holds_back_is_absent_when_going_on() {
    let (workspace, project) = game();
    workspace.remove("assets/b.txt");
    let first = build_as(&project, keep_going());
    assert_eq!((built(&first).baked, built(&first).failed, built(&first).incomplete), (2, 1, true));
    assert_eq!(errors(&workspace.diagnostics_of(&first)).len(), 1);
    let before = workspace.tree();
    assert!(built(&build_as(&project, keep_going())).unchanged);
    assert_eq!(workspace.tree(), before);
    workspace.write("assets/b.txt", b"b again");
    assert!(!built(&build(&project)).incomplete);
}

#[test]
fn what_has_no_place_in_the_pack_is_missing_from_it_all_the_same() {
    let (workspace, project) = game();
    workspace.remove("assets/b.txt");
    workspace.remove("assets/b.txt.asset.toml");
    let first = build_as(&project, keep_going());
    let report = built(&first);
    assert_eq!((report.assets, report.baked, report.failed, report.incomplete), (3, 2, 1, true));
    assert!(workspace.text("build/assets.manifest.json").contains("\"incomplete\": true"));
    assert!(built(&build_as(&project, keep_going())).unchanged);
    // Retired, it is not missed any more. The pack is the same, byte for byte; what is said of it is not.
    let all = Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: draw() };
    mutated(&run(&project, Command::Mutate(Mutation::Reconcile(all))));
    let whole = build(&project);
    assert_eq!((built(&whole).assets, built(&whole).failed, built(&whole).incomplete), (2, 0, false));
    assert!(workspace.text("build/assets.manifest.json").contains("\"incomplete\": false"));
}

#[test]
fn warnings_do_not_stop_a_build_and_errors_do_even_beside_a_payload() {
    let (workspace, project) = Workspace::adopted(&[("assets/x.fuss", b"warning")], vec![fussy()]);
    let outcome = build_as(&project, BuildRequest { prove: true, ..BuildRequest::default() });
    assert!(built(&outcome).proved);
    assert_eq!(workspace.diagnostics_of(&outcome).len(), 1, "a proof says nothing twice");
    workspace.write("assets/x.fuss", b"error!");
    assert_eq!(failure(&build(&project)), &Failure::BakesFailed { failed: 1 });
}

#[test]
fn threads_and_deleted_records_decide_no_byte() {
    let (workspace, project) = game();
    built(&build_as(&project, BuildRequest { jobs: Some(1), ..BuildRequest::default() }));
    let outputs =
        |workspace: &Workspace| (workspace.pack(), workspace.read(&format!("build/{MANIFEST_FILE}")));
    let first = outputs(&workspace);
    for jobs in [2, 8] {
        let report =
            build_as(&project, BuildRequest { jobs: Some(jobs), reuse: false, ..BuildRequest::default() });
        assert_eq!((built(&report).baked, built(&report).unchanged), (3, false));
        assert_eq!(outputs(&workspace), first);
    }
    drop(project);
    workspace.delete_with_logs(".packer");
    let project = workspace.open();
    assert_eq!(built(&build(&project)).baked, 3);
    assert_eq!(outputs(&workspace), first);
    std::fs::remove_dir_all(workspace.root.join("build")).unwrap();
    assert_eq!(built(&build(&project)).baked, 3);
    assert_eq!(outputs(&workspace), first);
}

#[test]
fn what_the_options_say_decides_what_is_baked_again() {
    let (workspace, project) = game();
    let config = workspace.text("packer.toml");
    let compressed = built(&build(&project)).bytes;

    // Another profile, and back.
    let dev = BuildRequest { profile: Some("dev".into()), ..BuildRequest::default() };
    let report = build_as(&project, dev.clone());
    assert_eq!((built(&report).baked, built(&report).unchanged), (3, false));
    assert!(built(&report).bytes > compressed + 5000);
    assert!(built(&build_as(&project, dev)).unchanged);
    assert_eq!(built(&build(&project)).bytes, compressed);

    // Another alignment moves payloads, and changes none.
    workspace.write("packer.toml", config.replace("[build]\n", "[build]\nalignment = 4096\n").as_bytes());
    let report = build(&project);
    assert_eq!((built(&report).baked, built(&report).reused, built(&report).unchanged), (0, 3, false));
    assert!(built(&report).bytes > 2 * 4096);
    workspace.write("packer.toml", config.replace("\"zstd\"", "\"lz4\"").as_bytes());
    assert_eq!(built(&build(&project)).baked, 3);

    // Nothing that is in no output is a reason to write one.
    let before = workspace.tree()["build/assets.pack"];
    workspace.write(
        "packer.toml",
        config.replace("\"zstd\"", "\"lz4\"").replace("\"game\"", "\"renamed\"").as_bytes(),
    );
    assert!(built(&build(&project)).unchanged);
    let manifest = workspace.text(&format!("build/{MANIFEST_FILE}"));
    let clean = build_as(&project, BuildRequest { reuse: false, ..BuildRequest::default() });
    assert!(!built(&clean).unchanged);
    assert_eq!(workspace.tree()["build/assets.pack"], before);
    assert_eq!(workspace.text(&format!("build/{MANIFEST_FILE}")), manifest);

    let unknown = build_as(&project, BuildRequest { profile: Some("dve".into()), ..BuildRequest::default() });
    let Rejection::Blocked { blockers, more: 0 } = rejection(&unknown) else { panic!("{unknown:?}") };
    assert!(blockers[0].message.contains("dve"), "{blockers:?}");
}

#[test]
fn a_durable_build_is_the_same_build() {
    let (workspace, project) = game();
    built(&build(&project));
    let pack = workspace.pack();
    let config = workspace.text("packer.toml");
    workspace.write("packer.toml", config.replace("[build]\n", "[build]\ndurable = true\n").as_bytes());
    let report = build_as(&project, BuildRequest { reuse: false, ..BuildRequest::default() });
    assert_eq!(built(&report).baked, 3);
    assert_eq!(workspace.pack(), pack);
    assert!(built(&build(&project)).unchanged);
}

#[test]
fn outputs_go_where_the_request_says_and_nowhere_among_the_assets() {
    let (workspace, project) = game();
    let to = |folder: &str| BuildRequest { output: Some(folder.into()), ..BuildRequest::default() };
    assert_eq!(built(&build_as(&project, to("out/deep"))).baked, 3);
    assert!(workspace.root.join("out/deep").join(PACK_FILE).is_file());
    assert!(!workspace.root.join("build").exists());
    // The same folder, called otherwise.
    assert!(built(&build_as(&project, to(workspace.root.join("out/deep").as_str()))).unchanged);

    let outside = workspace.root.parent().unwrap().join("elsewhere");
    assert_eq!(built(&build_as(&project, to(outside.as_str()))).baked, 3);
    assert_eq!(std::fs::read(outside.join(PACK_FILE)).unwrap(), workspace.read("out/deep/assets.pack"));

    let before = workspace.tree();
    let inside = workspace.root.join("assets/built");
    for folder in ["assets", "assets/built", inside.as_str(), workspace.root.as_str()] {
        let outcome = build_as(&project, to(folder));
        assert!(matches!(rejection(&outcome), Rejection::Blocked { .. }), "{folder}: {outcome:?}");
    }
    for folder in [".packer/out", "../out", workspace.root.join(".packer/out").as_str()] {
        assert!(matches!(failure(&build_as(&project, to(folder))), Failure::Io { .. }), "{folder}");
    }
    assert_eq!(workspace.tree(), before);
}

#[test]
fn a_proof_catches_a_codec_that_never_bakes_alike() {
    let (workspace, project) = Workspace::adopted(&[("assets/x.dice", b"")], vec![dice()]);
    let before = workspace.tree();
    let prove = BuildRequest { prove: true, ..BuildRequest::default() };
    let outcome = build_as(&project, prove.clone());
    assert!(matches!(failure(&outcome), Failure::ProveMismatch { built, proved } if built != proved));
    assert_eq!(errors(&workspace.diagnostics_of(&outcome)), [("build/not-reproducible", "")]);
    assert_eq!(workspace.tree(), before);
    assert_eq!(workspace.left_behind(), [""; 0]);

    // Also where there is nothing to build: the pack that stands there is proved.
    built(&build(&project));
    let before = workspace.tree();
    assert!(matches!(failure(&build_as(&project, prove)), Failure::ProveMismatch { .. }));
    assert_eq!(workspace.tree(), before);
}

#[test]
fn what_a_dead_proof_left_is_removed_by_the_next() {
    let (workspace, project) = game();
    workspace.write(".packer/prove-dead.pack", b"half a pack");
    assert!(built(&build_as(&project, BuildRequest { prove: true, ..BuildRequest::default() })).proved);
    assert_eq!(workspace.left_behind(), [""; 0]);
}

#[test]
fn a_build_can_name_the_revision_that_it_is_of() {
    let (workspace, project) = game();
    let current = project.status().snapshot.revision();
    let exactly = |revision| BuildRequest { base: BuildBase::Exactly(revision), ..BuildRequest::default() };
    assert_eq!(built(&build_as(&project, exactly(current))).baked, 3);
    let asked = Revision(current.0 + 1);
    assert_eq!(
        rejection(&build_as(&project, exactly(asked))),
        &Rejection::BaseRevisionGone { asked, current }
    );

    // The files are not those of that revision any more.
    workspace.write("assets/b.txt", b"other");
    let before = workspace.tree();
    let outcome = build_as(&project, BuildRequest { reuse: false, ..exactly(current) });
    let Rejection::InputsChanged { paths, .. } = rejection(&outcome) else { panic!("{outcome:?}") };
    assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["b.txt"]);
    assert_eq!(workspace.tree(), before);
    run(&project, Command::Refresh);
    assert!(matches!(rejection(&build_as(&project, exactly(current))), Rejection::BaseRevisionGone { .. }));
}

#[test]
fn a_project_without_assets_has_a_pack_without_assets() {
    let workspace = Workspace::new();
    let project = workspace.open();
    let report = build(&project);
    assert_eq!((built(&report).assets, built(&report).unchanged), (0, false));
    assert!(built(&build(&project)).unchanged);
    assert_eq!(packs::verify(&workspace.root.join("build").join(PACK_FILE)).unwrap().entries, 0);
}

#[test]
fn a_retired_asset_leaves_the_pack() {
    let (workspace, project) = game();
    built(&build(&project));
    workspace.remove("assets/b.txt");
    workspace.remove("assets/b.txt.asset.toml");
    run(&project, Command::Refresh);
    let retire = Reconcile {
        select: Vec::new(),
        resolution: Some(Resolution::Retire),
        path: None,
        name: None,
        draw: draw(),
    };
    mutated(&run(&project, Command::Mutate(Mutation::Reconcile(retire))));
    let report = build(&project);
    assert_eq!((built(&report).assets, built(&report).reused, built(&report).unchanged), (2, 2, false));
    assert_eq!(project.status().snapshot.assets(&AssetQuery::default()).total, 2);
}
