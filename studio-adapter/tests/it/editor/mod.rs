//! The example editor under a pseudo-terminal, driven by keys: what a person would see who uses it.

mod terminal;

use studio_adapter::BuildIntent;

use crate::support::Workspace;
use terminal::{SIZE, Terminal};

const BACKSPACE: &str = "\x7f";
const ENTER: &str = "\r";
const ESCAPE: &str = "\x1b";
const F5: &str = "\x1b[15~";
const DOWN: &str = "\x1b[B";

/// Checks a screen against its snapshot, without what differs between runs, and without the filling of frames, whose length
/// depends on that.
macro_rules! check {
    ($name:literal, $screen:expr) => {
        let filters = vec![
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
            // It is longer than a line.
            (r"b3:[0-9a-f]*│\n│ *││[0-9a-f]* *│", "[digest]│"),
            (r"\d+ bytes, +│", "[bytes], │"),
            (r"writing the pack \d+ bytes", "writing the pack [bytes]"),
            (r"(id|asset) \d+", "$1 [id]"),
            // These stand in the order of the ids.
            (r"(insert: id \[id\] at) \S+,", "$1 [anchor],"),
            (r"  +│", " │"),
            (r"─+", "─"),
            (r" +(\n|$)", "$1"),
            // A file that was written just before is read by more than one scan, and then there is a line less to be seen.
            (r"│ ││  (reading files|revision) .*\n", ""),
            (r"(│ ││ │\n)+", "│ ││ │\n"),
        ];
        insta::with_settings!({filters => filters}, { insta::assert_snapshot!($name, $screen); });
    };
}

fn open(workspace: &Workspace) -> Terminal {
    open_in(workspace, SIZE)
}

fn open_in(workspace: &Workspace, size: (u16, u16)) -> Terminal {
    let mut terminal = Terminal::open(&[workspace.root()], size);
    terminal.rest(&["● Verified", "q quit"]);
    terminal
}

/// Types a new name for what is selected, in the place of the old one, and asks for its preview.
fn rename(terminal: &mut Terminal, old: &str, new: &str) {
    terminal.press("r");
    terminal.rest(&[&format!("New name of {old}: {old}▏")]);
    terminal.press(&BACKSPACE.repeat(old.len()));
    terminal.press(new);
    terminal.rest(&[&format!("New name of {old}: {new}▏")]);
    terminal.press(ENTER);
}

fn quit(mut terminal: Terminal) {
    terminal.press("q");
    let (code, _) = terminal.end();
    assert_eq!(code, 0);
}

#[test]
fn assets_are_adopted_renamed_built_and_taken_back() {
    let workspace = Workspace::new();
    for (path, text) in [("readme.txt", "read me"), ("ui/no.txt", "No"), ("ui/yes.txt", "Yes")] {
        workspace.write(&format!("assets/{path}"), text.as_bytes());
    }
    let mut terminal = open(&workspace);
    check!("opened", terminal.text());

    terminal.press(DOWN);
    terminal.rest(&["No anchor claims ui/no.txt"]);
    terminal.press("a");
    terminal.rest(&["Ready to adopt", "create: ui/no.txt.asset.toml"]);
    terminal.press(ESCAPE);
    terminal.rest(&["Assets: 0 · unclaimed files: 3", "q quit"]);
    assert!(!workspace.exists("assets/ui/no.txt.asset.toml"), "a preview alone did it");

    terminal.press("A");
    check!("adoption", terminal.rest(&["Ready to adopt", "Esc discard"]));
    terminal.press(ENTER);
    check!("adopted", terminal.rest(&["Assets: 3 · unclaimed files: 0", "Adopt succeeded"]));

    // The selection stayed with the last file, which is an asset now.
    terminal.press("k");
    terminal.rest(&["▸ ui/no"]);
    rename(&mut terminal, "ui/no", "ui/nope");
    check!("renaming", terminal.rest(&["Ready to rename", "Esc discard"]));
    terminal.press(ENTER);
    // It is called otherwise, stands elsewhere for that, and is still what is selected.
    check!("renamed", terminal.rest(&["▸ ui/nope", "Rename succeeded"]));
    assert!(workspace.text("assets/ui/no.txt.asset.toml").contains("ui/nope"));

    terminal.press("b");
    terminal.rest(&["Build succeeded"]);
    terminal.press("\t\t");
    let built = terminal.rest(&["writing the pack", "rename as previewed"]);
    check!("built", built.split("rename as previewed").next().unwrap());
    assert!(workspace.exists("build/assets.pack"));

    terminal.press("\tu");
    check!("undoing", terminal.rest(&["Ready to undo", "Esc discard"]));
    terminal.press(ENTER);
    check!("undone", terminal.rest(&["▸ ui/no", "Undo succeeded"]));
    assert!(workspace.text("assets/ui/no.txt.asset.toml").contains("\"ui/no\""));

    // The adoption, too: what was assets is files again.
    terminal.press("u");
    terminal.rest(&["Ready to undo", "Esc discard"]);
    terminal.press(ENTER);
    check!("none_again", terminal.rest(&["Assets: 0 · unclaimed files: 3", "Undo succeeded"]));
    quit(terminal);
}

/// The screen without its first line.
fn below_the_head(screen: &str) -> &str {
    screen.split_once('\n').unwrap().1
}

#[test]
fn an_edit_outside_changes_the_badge_and_nothing_else_until_f5() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    // So wide that no message is broken: where it would be, depends on how long a number in it is.
    let mut terminal = open_in(&workspace, (260, 30));
    let before = terminal.text();

    workspace.remove("assets/hello.txt.asset.toml");
    let doubtful = terminal.rest(&["● May differ (hello.txt.asset.toml)"]);
    assert_eq!(below_the_head(&doubtful), below_the_head(&before));

    terminal.press(F5);
    check!("diverged", terminal.rest(&["● Verified", "Missing", "anchor/missing", "Refresh succeeded"]));
    quit(terminal);
}

#[test]
fn what_is_blocked_says_why_and_is_not_applied() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let files = ["registry.jsonl", "assets/hello.txt.asset.toml", "assets/other.txt.asset.toml"];
    let before = files.map(|path| workspace.text(path));
    let mut terminal = open(&workspace);

    rename(&mut terminal, "hello", "other");
    let blocked = terminal.rest(&["Blocked: cannot rename", "plan/name-taken"]);
    check!("blocked", blocked);
    terminal.press(ENTER);
    // What is pressed next is seen on a screen that Enter has left as it was.
    terminal.press("j");
    let scrolled = terminal.see("the preview scrolled", |screen| screen != blocked);
    assert!(scrolled.contains("Esc discard") && !scrolled.contains("Blocked"), "{scrolled}");
    terminal.press(ESCAPE);
    let left = terminal.rest(&["q quit"]);
    assert!(!left.contains("Rename"), "an operation was begun:\n{left}");

    // What makes no sense has no preview, and can be corrected.
    rename(&mut terminal, "hello", "no name");
    check!("refused", terminal.rest(&["New name of hello: no name▏"]));
    terminal.press(ESCAPE);
    terminal.rest(&["q quit"]);
    quit(terminal);
    assert_eq!(files.map(|path| workspace.text(path)), before);
}

#[test]
fn what_a_build_finds_stands_beside_how_it_ended() {
    let workspace = Workspace::adopted(&[("good.txt", "good"), ("broken.txt", "broken")]);
    workspace.write("assets/broken.txt", b"\xff\xfe\xfd");
    let mut terminal = open(&workspace);
    terminal.press("b");
    terminal.rest(&["Build failed"]);
    terminal.press("\t\t");
    check!("failed", terminal.rest(&["bake/encoding assets/broken.txt"]));
    quit(terminal);
}

/// A project whose build takes a while: tables of many rows.
fn large() -> Workspace {
    let row = "id,name,worth,text\n".to_owned() + &"1,one,10.5,a text of some length\n".repeat(10_000);
    let workspace = Workspace::new();
    for table in 0..40 {
        workspace
            .write(&format!("assets/table_{table}.csv"), format!("{row}{table},last,0,end\n").as_bytes());
    }
    workspace
}

#[test]
fn a_build_shows_its_progress_is_called_off_and_can_be_left() {
    let workspace = large();
    let mut terminal = open(&workspace);
    terminal.press("A");
    terminal.rest(&["Ready to adopt"]);
    terminal.press(ENTER);
    terminal.rest(&["40 assets", "Adopt succeeded"]);

    let is_amid =
        |screen: &str| ["build game: Running", "░", "baking"].iter().all(|text| screen.contains(text));
    terminal.press("b");
    terminal.see("a build that bakes", is_amid);
    terminal.press("c");
    terminal.rest(&["Build cancelled"]);
    assert!(!workspace.exists("build/assets.pack"));

    terminal.press("b");
    terminal.see("another build that bakes", is_amid);
    quit(terminal);
    assert!(!workspace.exists("build/assets.pack"));

    // Nothing is left to be recovered, and nothing is in the way.
    let session = workspace.session();
    assert_eq!(session.recovered(), []);
    let rows = session.history(None).unwrap().rows;
    let ends: Vec<String> = rows.iter().map(|row| format!("{} {:?}", row.label, row.state)).collect();
    assert_eq!(ends, ["Build Cancelled", "Build Cancelled", "Adopt Succeeded", "Watch Succeeded"]);
    let built = session.build(&BuildIntent::default()).unwrap().wait().unwrap();
    assert!(built.succeeded(), "{built:?}");
    assert!(session.verify(None, true).unwrap().ok);
}

#[test]
fn a_terminal_of_any_size_is_drawn_on() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let mut terminal = Terminal::open(&[workspace.root()], (8, 2));
    terminal.rest(&["Tab"]);
    for (columns, rows) in [(1, 1), (3, 40), (200, 1), (5, 5), (1, 30)] {
        terminal.resize(columns, rows);
        terminal.press("\t");
        terminal.rest(&[]);
    }
    // In the narrowest one, also what takes more room: a name, and the preview of taking it.
    terminal.press("r");
    terminal.press(ENTER);
    terminal.rest(&[]);
    terminal.resize(SIZE.0, SIZE.1);
    terminal.rest(&["● Verified", "There is nothing to rename", "Esc discard"]);
    terminal.press(ESCAPE);
    terminal.rest(&["hello", "other", "q quit"]);
    quit(terminal);
}

#[test]
fn what_cannot_be_opened_is_said_in_a_line() {
    let workspace = Workspace::new();
    let (code, said) = Terminal::open(&["/nowhere/at/all"], SIZE).end();
    assert_eq!(code, 1);
    assert_eq!(said.trim(), "/nowhere/at/all is not a project: it has no packer.toml");
    workspace.write("packer.toml", b"[project]\nnaem = \"game\"\n");
    let (code, said) = Terminal::open(&[workspace.root()], SIZE).end();
    assert_eq!(code, 1);
    let found: Vec<&str> = said.trim().lines().collect();
    let expected = [
        "packer.toml cannot be used",
        "config/missing-key: [project] lacks the key `name`",
        "config/unknown-key: unknown key \"naem\" in [project]",
    ];
    assert_eq!(found, expected);
    let (code, said) = Terminal::open(&[], SIZE).end();
    assert_eq!((code, said.trim()), (1, "usage: editor PROJECT"));
}
