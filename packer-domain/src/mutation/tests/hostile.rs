//! Destinations that are typed by mistake or in bad faith: each is a blocker, and nothing has happened.

use super::requests::{atlas, duplicate, file, image, project, relocate};
use crate::mutation::{Contents, Verdict, needs};
use crate::path::AssetPath;
use crate::testing::{World, path, plan_text};

fn world() -> World {
    let parts = [
        image("a", "a", "a.png"),
        image("b", "b", "ui/b.png"),
        atlas("f", "f", "d/frames", "\"**/*.png\""),
        file("d/frames/1.png"),
        "//- assets/asset.toml\nuuid = \"$r\"\nname = \"r\"\nkind = \"atlas\"\ninputs = [\"root/*\"]\n".to_owned(),
        file("root/1"),
        file("stra\u{df}e.png"),
        file("e\u{301}t\u{e9}/1.png"),
        file("o\u{308}.png"),
        "//- link l\n//- special pipe\n//- mount mnt\n//- ignored hidden.png\n//- passed-over .git\n//- passed-over build\n".to_owned(),
    ];
    let registry = "a 1 a.png.asset.toml\nb 2 ui/b.png.asset.toml\nf 3 d/frames/asset.toml\nr 4 asset.toml";
    World::new(&project(registry, &parts))
}

/// By what is typed for the image `a`: the code that forbids it.
fn for_a_file() -> Vec<(String, &'static str)> {
    let given = |code: &'static str, texts: &[&str]| {
        texts.iter().map(|text| ((*text).to_owned(), code)).collect::<Vec<_>>()
    };
    let mut cases = given(
        "plan/target-invalid",
        &[
            "",
            "/",
            "//",
            "/etc/passwd",
            "/a.png",
            "..",
            "../",
            "../a.png",
            "ui/..",
            "ui/../../x.png",
            "./x.png",
            "ui/./x.png",
            "ui//x.png",
            "C:\\x.png",
            "\\\\host\\share",
            "ui\\x.png",
            "x\0.png",
            "x\n.png",
            "x\u{1b}[2J.png",
            "x\u{85}",
            "asset.toml",
            "ui/asset.toml",
            ".asset.toml",
            "ui/.asset.toml",
            "x.asset.toml.asset.toml",
            "asset.toml.asset.toml",
            "..asset.toml",
        ],
    );
    cases.extend(given(
        "path/not-portable",
        &[
            "C:/x.png",
            "C:x.png",
            "con",
            "CON.png",
            "ui/aux.tar.gz",
            "nul",
            "COM1",
            "lpt9.png",
            "com\u{b9}.png",
            "aux/x.png",
            "prn .png",
            "x.",
            "x ",
            "dir./x.png",
            "dir /x.png",
            "...",
            "a?.png",
            "a*.png",
            "a|b",
            "a<b",
            "a>b",
            "a\"b",
            "a:b",
            "e\u{301}.png",
            "x/e\u{301}/y.png",
        ],
    ));
    cases.extend(given(
        "path/collision",
        &[
            "UI/x.png",
            "Ui/",
            "ROOT/2",
            "STRASSE.png",
            "strasse.png",
            "Stra\u{df}e.PNG",
            "\u{e9}t\u{e9}/2.png",
            "\u{f6}.png",
            "\u{d6}.PNG",
            "D/Frames/x.png",
        ],
    ));
    cases.extend(given(
        "plan/target-exists",
        &["ui/b.png", "root/1", "l", "pipe", "hidden.png", "ui/b.png/x.png"],
    ));
    cases.extend(given("plan/target-ignored", &[".git", ".git/config", "build/x.png", "build/"]));
    cases.extend(given("path/symlink", &["l/x.png", "l/", "l/deep/x.png"]));
    cases.extend(given("path/special-file", &["pipe/x.png"]));
    cases.extend(given("plan/another-device", &["mnt", "mnt/", "mnt/x.png", "mnt/new/x.png"]));
    cases.push(("n".repeat(241), "path/not-portable"));
    cases.push((format!("{}x", "d/".repeat(120)), "path/not-portable"));
    cases.push((format!("{}.png", "n".repeat(235)), "path/not-portable"));
    cases.push(("n".repeat(250), "plan/target-invalid"));
    cases.push((format!("{}x.png", "d/".repeat(10_000)), "plan/target-invalid"));
    cases.push(("x".repeat(1 << 20), "plan/target-invalid"));
    cases.push(("/".repeat(1 << 20), "plan/target-invalid"));
    cases
}

/// The same for the directory asset `f` in `d/frames`.
fn for_a_folder() -> Vec<(&'static str, &'static str)> {
    vec![
        ("d/frames/in", "plan/into-itself"),
        ("d/frames/in/deeper", "plan/into-itself"),
        ("d/frames/1.png", "plan/into-itself"),
        ("a.png", "plan/target-exists"),
        ("a.png/x", "plan/target-exists"),
        ("asset.toml", "plan/target-invalid"),
        ("x.asset.toml.asset.toml", "plan/target-invalid"),
        ("..", "plan/target-invalid"),
        ("A.png", "path/collision"),
        ("Root/x", "path/collision"),
        ("e\u{301}", "path/not-portable"),
        ("nul", "path/not-portable"),
        ("mnt", "plan/another-device"),
        ("l", "path/symlink"),
        ("l/x", "path/symlink"),
        ("pipe", "path/special-file"),
        ("build", "plan/target-ignored"),
    ]
}

#[test]
fn each_is_refused_with_its_reason_and_nothing_happens() {
    let world = world();
    let before = world.state();
    let folders = for_a_folder().into_iter().map(|(to, code)| ("f", to.to_owned(), code));
    let files = for_a_file().into_iter().map(|(to, code)| ("a", to, code));
    let root = ["x", ".", "ui/", ".."].map(|to| ("r", to.to_owned(), "plan/target-invalid"));
    for (alias, to, code) in files.chain(folders).chain(root) {
        for mutation in [relocate(alias, &to), duplicate(alias, &to)] {
            let plan = world.plan(&mutation);
            let codes: Vec<&str> = plan.blockers.iter().map(|found| found.code.as_str()).collect();
            let shown: String = to.chars().take(60).collect();
            let text: String = plan_text(&plan).chars().take(600).collect();
            assert_eq!(plan.verdict, Verdict::Blocked, "{alias} to {shown:?}: {text}");
            assert!(
                codes.iter().all(|found| *found == code) && !codes.is_empty(),
                "{alias} to {shown:?}: {text}"
            );
        }
    }
    assert_eq!(world.state().observation(), before.observation());
    assert_eq!(world.state().registry(), before.registry());
}

#[test]
fn into_where_it_is_already_is_nothing_to_do() {
    for (alias, to) in [("a", "."), ("a", "a.png"), ("b", "ui"), ("f", "d"), ("f", "d/"), ("f", "d/frames")] {
        assert_eq!(world().plan(&relocate(alias, to)).verdict, Verdict::Empty, "{alias} to {to}");
    }
    for (alias, to) in [("a", "."), ("a", "a.png"), ("b", "ui")] {
        let plan = world().plan(&duplicate(alias, to));
        assert_eq!(plan.blockers[0].code.as_str(), "plan/target-exists", "{alias} to {to}");
    }
    for to in ["d", "d/frames"] {
        assert_eq!(world().plan(&duplicate("f", to)).blockers[0].code.as_str(), "plan/into-itself", "{to}");
    }
}

#[test]
fn nothing_is_looked_at_for_a_destination_that_means_no_place() {
    let world = world();
    for to in ["../../etc/passwd", "/etc/passwd", "C:\\x", &"d/".repeat(1 << 20)] {
        let looked = needs(&world.state(), &Contents::default(), &relocate("a", to));
        assert!(looked.is_empty(), "{looked:?}");
    }
    // And for one that means a place, nothing but that place and its folders.
    let looked = needs(&world.state(), &Contents::default(), &relocate("a", "x/y.png"));
    let paths: Vec<&str> = looked.paths.keys().map(AssetPath::as_str).collect();
    assert_eq!(paths, ["a.png.asset.toml", "x", "x/y.png", "x/y.png.asset.toml"]);
    assert!(looked.paths.contains_key(&path("x")));
}
