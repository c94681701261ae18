//! Typed constants beside the pack: when they are written, left alone, told unchanged and removed. What is in them is tested in
//! the domain.

use std::os::unix::fs::MetadataExt;

use packer_runtime::api::{BuildRequest, Command, ConstantsLanguage, Project};

use super::support::{Workspace, adopt_all, build, build_as, built, keep_going, mutated, run};

const STAMP: &str = ".packer/build-stamp";

fn game() -> (Workspace, Project) {
    let files = [("assets/a.txt", &b"all work and no play"[..]), ("assets/ui/b.txt", b"b")];
    Workspace::adopted(&files, Vec::new())
}

fn with(languages: &str) -> BuildRequest {
    BuildRequest { constants: Some(languages.parse().unwrap()), ..BuildRequest::default() }
}

/// The files of constants that there are.
fn there(workspace: &Workspace) -> Vec<&'static str> {
    let names = ConstantsLanguage::ALL.map(ConstantsLanguage::file_name);
    names.into_iter().filter(|name| workspace.root.join("build").join(name).exists()).collect()
}

/// What changes when a file is written anew, also with the same bytes.
fn inode(workspace: &Workspace, path: &str) -> (u64, i64, i64) {
    let metadata = std::fs::metadata(workspace.root.join(path)).unwrap();
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}

#[test]
fn asking_for_other_constants_is_a_change_that_bakes_nothing() {
    let (workspace, project) = game();
    assert_eq!(built(&build(&project)).baked, 2);
    let pack = workspace.pack();
    assert_eq!(there(&workspace), [""; 0]);
    // The last build's stamp says at once that something differs; without it, the plan does.
    for (languages, expected) in [
        ("rs,h", &["assets.rs", "assets.h"][..]),
        ("cs,h,ts", &["assets.ts", "assets.h", "assets.cs"]),
        ("none", &[]),
    ] {
        for has_stamp in [true, false] {
            if !has_stamp {
                built(&build_as(&project, with("rs,ts")));
                workspace.remove(STAMP);
            }
            let report = build_as(&project, with(languages));
            let report = built(&report);
            assert_eq!((report.baked, report.reused, report.unchanged), (0, 2, false), "{languages}");
            assert_eq!(there(&workspace), expected);
            assert_eq!(workspace.pack(), pack);
            let before = workspace.tree();
            assert!(built(&build_as(&project, with(languages))).unchanged, "{languages}");
            workspace.remove(STAMP);
            assert!(built(&build_as(&project, with(languages))).unchanged, "{languages}, planned");
            assert_eq!(workspace.tree(), before);
        }
    }
    assert_eq!(workspace.left_behind(), [""; 0]);
}

#[test]
fn the_configuration_and_its_profiles_ask_for_constants_and_a_request_counts_more() {
    let (workspace, project) = game();
    let config =
        workspace.text("packer.toml").replace("[build]\n", "[build]\nconstants = [\"rs\", \"ts\"]\n");
    workspace.write("packer.toml", format!("{config}constants = [\"h\"]\n").as_bytes());
    built(&build(&project));
    assert_eq!(there(&workspace), ["assets.rs", "assets.ts"]);
    let dev = BuildRequest { profile: Some("dev".into()), ..BuildRequest::default() };
    // Another compression, too: nothing of the last pack is of use, and its constants are still known.
    built(&build_as(&project, dev.clone()));
    assert_eq!(there(&workspace), ["assets.h"]);
    built(&build_as(&project, BuildRequest { profile: dev.profile, ..with("cs") }));
    assert_eq!(there(&workspace), ["assets.cs"]);
}

#[test]
fn a_file_with_the_same_bytes_is_left_alone_while_payloads_change() {
    let (workspace, project) = game();
    let request = with("rs,h");
    built(&build_as(&project, request.clone()));
    let before = ["build/assets.rs", "build/assets.h"].map(|path| inode(&workspace, path));
    let pack = inode(&workspace, "build/assets.pack");
    workspace.write("assets/a.txt", b"edited");
    assert_eq!(built(&build_as(&project, request.clone())).baked, 1);
    assert_ne!(inode(&workspace, "build/assets.pack"), pack);
    assert_eq!(["build/assets.rs", "build/assets.h"].map(|path| inode(&workspace, path)), before);
    assert!(built(&build_as(&project, request.clone())).unchanged, "what was left alone is recorded");

    // Another asset is another text.
    workspace.write("assets/ui/c.txt", b"c");
    mutated(&run(&project, Command::Mutate(adopt_all(None))));
    built(&build_as(&project, request.clone()));
    assert_ne!(inode(&workspace, "build/assets.rs"), before[0]);
    assert!(workspace.text("build/assets.rs").contains("pub const C: super::TextId"));

    // Nobody knows whether what an earlier build wrote reached the disk.
    let before = inode(&workspace, "build/assets.rs");
    let config = workspace.text("packer.toml").replace("[build]\n", "[build]\ndurable = true\n");
    workspace.write("packer.toml", config.as_bytes());
    built(&build_as(&project, BuildRequest { reuse: false, ..request }));
    assert_ne!(inode(&workspace, "build/assets.rs"), before);
}

#[test]
fn constants_that_somebody_changed_or_deleted_are_written_again() {
    let (workspace, project) = game();
    built(&build_as(&project, with("rs,ts")));
    let whole = workspace.tree();
    let untouched = inode(&workspace, "build/assets.ts");
    for damage in [Some("// mine\n"), None, Some("")] {
        match damage {
            Some(text) => workspace.write("build/assets.rs", text.as_bytes()),
            None => workspace.remove("build/assets.rs"),
        }
        let report = build_as(&project, with("rs,ts"));
        assert_eq!((built(&report).baked, built(&report).unchanged), (0, false));
        assert_eq!(workspace.tree(), whole);
        assert_eq!(inode(&workspace, "build/assets.ts"), untouched);
    }
}

#[test]
fn only_what_the_last_build_wrote_and_nobody_touched_is_removed() {
    let (workspace, project) = game();
    workspace.write("build/assets.cs", b"// nobody's but mine");
    built(&build_as(&project, with("rs,ts")));
    assert_eq!(workspace.text("build/assets.cs"), "// nobody's but mine");
    workspace.write("build/assets.ts", b"// mine now");
    // Also where nothing of the last build is to be used.
    built(&build_as(&project, BuildRequest { reuse: false, ..with("none") }));
    assert_eq!(there(&workspace), ["assets.ts", "assets.cs"]);
    assert_eq!(workspace.text("build/assets.ts"), "// mine now");
    // Another folder's are not those of the last build here.
    let elsewhere = BuildRequest { output: Some("out".into()), ..with("rs") };
    built(&build_as(&project, elsewhere));
    assert!(workspace.root.join("out/assets.rs").is_file());
    built(&build_as(&project, with("none")));
    assert!(workspace.root.join("out/assets.rs").is_file());
}

#[test]
fn a_build_that_comes_to_nothing_leaves_the_constants_of_the_last_one() {
    let (workspace, project) = game();
    built(&build_as(&project, with("rs,ts")));
    let rust = workspace.text("build/assets.rs");
    workspace.write("assets/ui/b.txt", b"\xff\xfe");
    let before = workspace.tree();
    assert!(build_as(&project, with("h")).success().is_none());
    assert_eq!(workspace.tree(), before);
    // An asset that is absent has its constant, so that the game compiles all the same: one that does not bake, and one
    // whose source is gone.
    workspace.remove("assets/a.txt");
    built(&build_as(&project, BuildRequest { constants: Some("rs".parse().unwrap()), ..keep_going() }));
    assert_eq!((there(&workspace), workspace.text("build/assets.rs")), (vec!["assets.rs"], rust));
}

#[test]
fn constants_are_equal_on_any_machine_and_say_nothing_of_payloads() {
    let (workspace, project) = game();
    built(&build_as(&project, with("rs,ts,h,cs")));
    let texts =
        || there(&workspace).iter().map(|name| workspace.text(&format!("build/{name}"))).collect::<Vec<_>>();
    let first = texts();
    assert_eq!(first.len(), 4);
    workspace.write("assets/a.txt", b"other");
    std::fs::remove_dir_all(workspace.root.join("build")).unwrap();
    built(&build_as(&project, BuildRequest { jobs: Some(1), reuse: false, ..with("rs,ts,h,cs") }));
    assert_eq!(texts(), first);
}
