//! Whole commands on a project in a temporary folder: their exit codes, and what goes to which output. What the packer
//! does on disk is tested where it is done.

use camino::{Utf8Path, Utf8PathBuf};
use packer_events::wire::decode_line;
use packer_runtime::codec::{BakeRequest, Baked, Codec, Finding, KindSpec};

use super::*;
use crate::ui::testing;

/// A folder with a project `game`, unless nothing has made it.
struct Fixture {
    folder: tempfile::TempDir,
}

/// How a command ended, and what it wrote.
#[derive(Debug)]
struct Ended {
    exit: Exit,
    out: String,
    err: String,
}

impl Fixture {
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A project with two texts and a file that no rule covers.
    fn project() -> Self {
        let fixture = Self::empty();
        let game = fixture.game();
        assert_eq!(Self::run(&["new", game.as_str()]).exit, Exit::Done);
        for (path, text) in [("a.txt", "a"), ("b.txt", "b"), ("c.unknown", "c")] {
            fixture.write(path, text);
        }
        fixture
    }

    fn root(&self) -> &Utf8Path {
        Utf8Path::from_path(self.folder.path()).unwrap()
    }

    fn game(&self) -> Utf8PathBuf {
        self.root().join("game")
    }

    fn asset(&self, path: &str) -> Utf8PathBuf {
        self.game().join("assets").join(path)
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.asset(path), text).unwrap();
    }

    /// Runs a command on the project.
    fn packer(&self, args: &[&str]) -> Ended {
        let game = self.game();
        Self::run(&[args, &["--project", game.as_str()]].concat())
    }

    fn run(args: &[&str]) -> Ended {
        Self::run_with(args, builtin_codecs())
    }

    fn run_with(args: &[&str], codecs: Vec<Arc<dyn Codec>>) -> Ended {
        let cli = Cli::try_parse_from([&["packer"], args].concat()).unwrap();
        let (mut ui, out, err) = testing::ui(cli.global.format, cli.global.quiet);
        let exit = conduct(&cli, codecs, &mut ui);
        Ended { exit, out: out.text(), err: err.text() }
    }
}

#[test]
fn the_main_story_ends_well() {
    let fixture = Fixture::project();
    let unpacked = fixture.root().join("unpacked");
    let pack = fixture.game().join("build/assets.pack");
    let (game, assets) = (fixture.game(), fixture.asset(""));
    let stories: [(&[&str], Exit); 13] = [
        (&["new", game.as_str()], Exit::Refused),
        (&["status"], Exit::Done),
        (&["adopt", assets.as_str(), "--dry-run"], Exit::Done),
        (&["adopt", "assets", "--yes"], Exit::Done),
        (&["adopt", "assets", "--kind", "raw", "--yes"], Exit::Done),
        (&["check"], Exit::Done),
        (&["build", "--prove"], Exit::Done),
        (&["build", "--jobs", "2"], Exit::Done),
        (&["refresh"], Exit::Done),
        (&["verify"], Exit::Done),
        (&["unpack", pack.as_str(), unpacked.as_str()], Exit::Done),
        (&["unpack", pack.as_str(), unpacked.as_str()], Exit::Refused),
        (&["show", "a"], Exit::Done),
    ];
    for (args, expected) in stories {
        let ended = fixture.packer(args);
        assert_eq!(ended.exit, expected, "{args:?}: {ended:?}");
        assert_eq!(ended.err.contains("error"), expected != Exit::Done, "{args:?}: {ended:?}");
    }
    assert_eq!(std::fs::read(unpacked.join("c.raw")).unwrap(), b"c");
    assert_eq!(fixture.packer(&["list"]).out.lines().count(), 3);
}

#[test]
fn files_that_become_no_asset_are_listed_also_without_a_question() {
    let fixture = Fixture::project();
    for args in [&["adopt", "assets", "--dry-run"][..], &["adopt", "assets", "--yes"]] {
        let ended = fixture.packer(args);
        assert!(ended.out.contains("c.unknown is left: no rule gives it a kind"), "{args:?}: {ended:?}");
    }
}

#[test]
fn nothing_is_changed_where_nobody_can_be_asked() {
    let fixture = Fixture::project();
    let ended = fixture.packer(&["adopt", "assets"]);
    assert_eq!(ended.exit, Exit::Usage);
    assert!(ended.out.ends_with("ready to adopt\n"), "{ended:?}");
    assert!(ended.err.contains("--yes applies without asking"), "{ended:?}");
    assert!(!fixture.asset("a.txt.asset.toml").exists());
}

#[test]
fn what_does_not_exist_is_a_mistake_of_usage() {
    let fixture = Fixture::project();
    for args in [
        &["show", "nobody"][..],
        &["adopt", "/nowhere/a.txt", "--yes"],
        &["adopt", "assets", "--kind", "No Kind", "--yes"],
        &["list", "--kind", "No Kind"],
        &["reconcile", "--as", "wish"],
        &["explain", "no/code"],
        &["mv", "nobody", "assets/"],
        &["set", "nobody", "a=1"],
        &["rm", "nobody"],
        &["dup", "nobody", "assets/"],
        &["undo"],
        &["undo", "nothing"],
    ] {
        let ended = fixture.packer(args);
        assert_eq!(ended.exit, Exit::Usage, "{args:?}: {ended:?}");
        assert!(ended.out.is_empty() && ended.err.starts_with("error: "), "{args:?}: {ended:?}");
    }
    let nowhere = fixture.root().join("nowhere");
    for command in ["status", "events", "build"] {
        let ended = Fixture::run(&[command, "--project", nowhere.as_str()]);
        assert_eq!(ended.exit, Exit::Usage, "{command}: {ended:?}");
        assert!(ended.err.contains("`packer new DIR` makes a project"), "{command}: {ended:?}");
    }
}

#[test]
fn a_refused_build_names_what_resolves_each_divergence() {
    let fixture = Fixture::project();
    assert_eq!(fixture.packer(&["adopt", "assets", "--yes"]).exit, Exit::Done);
    std::fs::rename(fixture.asset("a.txt"), fixture.asset("moved.txt")).unwrap();
    std::fs::rename(fixture.asset("a.txt.asset.toml"), fixture.asset("moved.txt.asset.toml")).unwrap();
    let command = format!("`packer reconcile anchor/moved --project {}`", fixture.game());
    let build = fixture.packer(&["build"]);
    assert_eq!(build.exit, Exit::Failed);
    assert!(build.err.contains(&command) && build.out.is_empty(), "{build:?}");
    let status = fixture.packer(&["status"]);
    assert_eq!(status.exit, Exit::Done);
    assert!(status.out.contains(&command), "{status:?}");
    let check = fixture.packer(&["check"]);
    assert_eq!(check.exit, Exit::Failed);
    assert!(check.out.contains(&command), "{check:?}");
    assert_eq!(fixture.packer(&["reconcile", "anchor/moved", "--yes"]).exit, Exit::Done);
    assert_eq!(fixture.packer(&["reconcile", "anchor/moved", "--dry-run"]).exit, Exit::Refused);
    assert_eq!(fixture.packer(&["build"]).exit, Exit::Done);
}

#[test]
fn several_assets_go_into_a_folder_all_or_none() {
    let fixture = Fixture::project();
    assert_eq!(fixture.packer(&["adopt", "assets", "--yes"]).exit, Exit::Done);
    for to in ["texts", "texts/"] {
        let shown = fixture.packer(&["mv", "a", "b", to, "--dry-run"]);
        assert_eq!(shown.exit, Exit::Done, "{to}: {shown:?}");
        assert!(shown.out.contains("a.txt -> texts/a.txt"), "{to}: {shown:?}");
        assert!(shown.out.ends_with("ready to move (2 steps, all or nothing)\n"), "{to}: {shown:?}");
    }
    fixture.write("in-the-way", "a file");
    assert_eq!(fixture.packer(&["mv", "a", "b", "in-the-way", "--yes"]).exit, Exit::Refused);
    assert!(fixture.asset("a.txt").exists() && fixture.asset("b.txt").exists());
}

#[test]
fn what_can_be_done_next_is_told_with_the_project() {
    let fixture = Fixture::project();
    assert_eq!(fixture.packer(&["adopt", "assets", "--yes"]).exit, Exit::Done);
    let done = fixture.packer(&["set", "a", "preload=true", "--yes"]);
    let (_, told) = done.out.split_once("`packer undo ").unwrap();
    let (id, rest) = told.split_once(' ').unwrap();
    assert!(rest.starts_with(&format!("--project {}` takes it back", fixture.game())), "{done:?}");
    assert_eq!(fixture.packer(&["set", "a", "preload=false", "preload=true"]).exit, Exit::Usage);
    let undone = fixture.packer(&["undo", id, "--yes"]);
    assert!(undone.out.contains("done: undo: ") && undone.err.contains("undoing: set, "), "{undone:?}");
    let again = fixture.packer(&["undo", id, "--dry-run"]);
    assert_eq!(again.exit, Exit::Refused);
    assert!(again.err.contains("it is undone already"), "{again:?}");
    let log = fixture.packer(&["log", "--limit", "2"]);
    let lines: Vec<&str> = log.out.lines().collect();
    assert_eq!(lines.len(), 2, "{log:?}");
    assert!(lines[0].contains(&format!("undo {id}")) && lines[1].contains("undone by "), "{log:?}");
}

#[test]
fn paths_select_divergences_however_they_are_typed() {
    let fixture = Fixture::project();
    assert_eq!(fixture.packer(&["adopt", "assets", "--yes"]).exit, Exit::Done);
    std::fs::copy(fixture.asset("a.txt"), fixture.asset("copy.txt")).unwrap();
    std::fs::copy(fixture.asset("a.txt.asset.toml"), fixture.asset("copy.txt.asset.toml")).unwrap();
    let absolute = fixture.asset("copy.txt");
    for typed in
        [absolute.as_str(), "assets/copy.txt", "copy.txt", "copy.txt.asset.toml", "assets/a.txt", "a"]
    {
        let ended = fixture.packer(&["reconcile", typed, "--dry-run"]);
        assert_eq!(ended.exit, Exit::Done, "{typed}: {ended:?}");
        assert!(ended.out.contains("edit copy.txt.asset.toml"), "{typed}: {ended:?}");
    }
}

#[test]
fn a_source_that_cannot_be_baked_fails_the_build_or_leaves_it_incomplete() {
    let fixture = Fixture::project();
    assert_eq!(fixture.packer(&["adopt", "assets", "--yes"]).exit, Exit::Done);
    std::fs::write(fixture.asset("a.txt"), b"\xff\xfe\xff").unwrap();
    let build = fixture.packer(&["build"]);
    assert_eq!(build.exit, Exit::Failed);
    assert!(build.err.contains("--> assets/a.txt") && build.out.is_empty(), "{build:?}");
    let build = fixture.packer(&["build", "--keep-going"]);
    assert_eq!(build.exit, Exit::Failed);
    assert!(build.out.starts_with("built incompletely: 2 assets, 1 of them absent\n"), "{build:?}");
}

#[test]
fn as_json_every_line_is_an_object_and_the_last_event_is_the_end() {
    let fixture = Fixture::project();
    let json = |args: &[&str]| fixture.packer(&[args, &["--format", "json"]].concat());
    for args in [&["adopt", "assets", "--yes"][..], &["build"], &["refresh"], &["reconcile", "--yes"]] {
        let ended = json(args);
        let events: Vec<_> = ended.out.lines().map(|line| decode_line(line).unwrap()).collect();
        let terminals: Vec<bool> = events.iter().map(|event| event.terminal).collect();
        assert_eq!(terminals.iter().filter(|terminal| **terminal).count(), 1, "{args:?}");
        assert_eq!(terminals.last(), Some(&true), "{args:?}");
        assert_eq!(ended.err, "", "{args:?}");
    }
    for args in [
        &["status"][..],
        &["list"],
        &["show", "a"],
        &["check"],
        &["explain"],
        &["verify"],
        &["events"],
        &["log"],
        &["gc", "--dry-run"],
        &["mv", "a", "texts/", "--dry-run"],
        &["set", "a", "preload=true", "--dry-run"],
        &["rm", "a", "--dry-run"],
        &["dup", "a", "c.txt", "--dry-run"],
        &["undo", "--dry-run"],
        &["recover"],
        &["adopt", "assets", "--dry-run"],
        &["adopt", "assets"],
        &["show", "nobody"],
    ] {
        let ended = json(args);
        assert!(!ended.out.is_empty() && ended.err.is_empty(), "{args:?}: {ended:?}");
        for line in ended.out.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(value.is_object(), "{args:?}: {line}");
        }
    }
}

#[test]
fn quiet_is_quiet() {
    let fixture = Fixture::project();
    for args in [&["adopt", "assets", "--yes", "--quiet"][..], &["build", "-q"], &["refresh", "-q"]] {
        let ended = fixture.packer(args);
        assert_eq!((ended.exit, ended.out.as_str(), ended.err.as_str()), (Exit::Done, "", ""), "{args:?}");
    }
    assert!(!fixture.packer(&["status", "-q"]).out.is_empty());
}

/// A codec with a bug.
struct Broken;

impl Codec for Broken {
    fn spec(&self) -> &KindSpec {
        panic!("a codec that does not know what it is")
    }

    fn bake(&self, _: &BakeRequest<'_>) -> Result<Baked, Vec<Finding>> {
        Err(Vec::new())
    }
}

#[test]
fn a_panic_is_a_bug_and_has_its_own_code() {
    let fixture = Fixture::project();
    let game = fixture.game();
    let ended = Fixture::run_with(&["status", "--project", game.as_str()], vec![Arc::new(Broken)]);
    assert_eq!(ended.exit, Exit::Bug);
}
