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
const UP: &str = "\x1b[A";

/// Checks a screen against its snapshot, without what differs between runs, and without the filling of frames, whose length
/// depends on that.
macro_rules! check {
    ($name:literal, $screen:expr) => {
        let filters = vec![
            (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
            // It is longer than a line.
            (r"b3:[0-9a-f]*│\n│ *││[0-9a-f]* *│", "[digest]│"),
            (r"\d+ bytes, +│", "[bytes], │"),
            (r"(table_\d\.csv), \d+ bytes", "$1, [bytes]"),
            (r"writing the pack \d+ bytes", "writing the pack [bytes]"),
            // What is half done differs from run to run.
            (r"█*░+ baking \d+ of", "[bar] baking [n] of"),
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
    terminal.rest(&["0 managed, 0 unregistered", "3 unclaimed", "q quit"]);
    assert!(!workspace.exists("assets/ui/no.txt.asset.toml"), "a preview alone did it");

    terminal.press("A");
    check!("adoption", terminal.rest(&["Ready to adopt", "Esc discard"]));
    terminal.press(ENTER);
    check!("adopted", terminal.rest(&["3 managed, 0 unregistered", "0 unclaimed", "Adopt succeeded"]));

    // What was selected was a file, and no file is left. A selection does not follow one into its asset: the last row has it.
    terminal.rest(&["▸ ui/yes  text"]);
    terminal.press("k");
    terminal.rest(&["▸ ui/no  text"]);
    rename(&mut terminal, "ui/no", "ui/nope");
    check!("renaming", terminal.rest(&["Ready to rename", "Esc discard"]));
    terminal.press(ENTER);
    // It is called otherwise, stands elsewhere for that, and is still what is selected.
    check!("renamed", terminal.rest(&["▸ ui/nope  text", "Rename succeeded"]));
    assert!(workspace.text("assets/ui/no.txt.asset.toml").contains("name = \"ui/nope\""));

    terminal.press("b");
    terminal.rest(&["Build succeeded"]);
    terminal.press("\t\t");
    let built = terminal.rest(&["writing the pack", "rename as previewed"]);
    check!("built", built.split("rename as previewed").next().unwrap());
    assert!(workspace.exists("build/assets.pack"));

    terminal.press("\tu");
    check!("undoing", terminal.rest(&["Ready to undo", "Esc discard"]));
    terminal.press(ENTER);
    check!("undone", terminal.rest(&["▸ ui/no  text", "Undo succeeded"]));
    assert!(workspace.text("assets/ui/no.txt.asset.toml").contains("name = \"ui/no\""));

    // The adoption, too: what was assets is files again.
    terminal.press("u");
    terminal.rest(&["Ready to undo", "Esc discard"]);
    terminal.press(ENTER);
    check!("none_again", terminal.rest(&["0 managed, 0 unregistered", "3 unclaimed", "Undo succeeded"]));
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
    // It is still what is shown, and can be read where there is less room than it needs.
    terminal.resize(SIZE.0, 7);
    terminal.press(DOWN);
    terminal.rest(&["plan/name-taken", "Esc discard"]);
    terminal.resize(SIZE.0, SIZE.1);
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

#[test]
fn an_anchor_that_is_not_registered_is_shown_with_what_is_known_of_it() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello")]);
    let anchor = workspace.text("assets/hello.txt.asset.toml");
    workspace.write("assets/other.txt", b"other");
    let uuid = "uuid = \"01890000-0000-7000-8000-000000000001\"";
    let other = anchor.lines().map(|line| match line.split_once(" = ") {
        Some(("uuid", _)) => format!("{uuid}\n"),
        Some(("name", _)) => "name = \"other\"\n".to_owned(),
        _ => format!("{line}\n"),
    });
    workspace.write("assets/other.txt.asset.toml", other.collect::<String>().as_bytes());
    let mut terminal = open_in(&workspace, (160, 30));
    terminal.press(DOWN);
    let counted = "1 managed, 1 unregistered";
    check!("unregistered", terminal.rest(&["▸ other", counted, "0 unclaimed", "anchor/unregistered"]));

    // What is wrong with it is another thing after a while, and the row is the same.
    workspace.write("assets/other.txt.asset.toml", format!("{uuid}\nname = 7\n").as_bytes());
    terminal.rest(&["● May differ (other.txt.asset.toml)"]);
    terminal.press(F5);
    check!("unregistered_and_invalid", terminal.rest(&["● Verified", "Refresh succeeded"]));
    quit(terminal);
}

#[test]
fn details_follow_what_they_are_of() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let mut terminal = open(&workspace);
    terminal.rest(&["input  hello.txt, 5 bytes"]);
    workspace.write("assets/hello.txt", b"hello again");
    terminal.rest(&["● May differ (hello.txt)", "input  hello.txt, 5 bytes"]);
    terminal.press(F5);
    terminal.rest(&["● Verified", "input  hello.txt, 11 bytes"]);
    terminal.press(DOWN);
    terminal.rest(&["▸ other", "input  other.txt, 5 bytes"]);
    quit(terminal);
}

#[test]
fn a_text_is_scrolled_to_its_end_and_no_further() {
    let files: Vec<String> = (10..25).map(|n| format!("file_{n}.txt")).collect();
    let workspace = Workspace::new();
    for file in &files {
        workspace.write(&format!("assets/{file}"), b"text");
    }
    let mut terminal = open(&workspace);
    terminal.press("A");
    terminal.rest(&["Ready to adopt"]);
    // Far more than there is; then one step back has to be seen at once.
    terminal.press(&DOWN.repeat(150));
    let end = terminal.rest(&["name = \"file_24\""]);
    let last = |screen: &str| screen.lines().rev().nth(4).unwrap().to_owned();
    assert!(last(&end).contains("kind = \"text\""), "the end is not at the end of the pane:\n{end}");
    terminal.press(UP);
    let before = terminal.see("a step back", |screen| *screen != end);
    assert!(last(&before).contains("name = \"file_24\""), "{before}");
    terminal.press(ESCAPE);

    terminal.rest(&["q quit"]);

    // What fits is not scrolled at all: what comes on top of it is seen.
    terminal.press("\t\t");
    terminal.press(&DOWN.repeat(5));
    terminal.press(F5);
    terminal.rest(&["refresh: Refresh succeeded", "watch game: Running"]);
    quit(terminal);
}

#[test]
fn states_marks_and_the_badge_have_their_colours() {
    let [red, green, yellow] = [1, 2, 3].map(vt100::Color::Idx);
    let workspace = Workspace::adopted(&[("hello.txt", "hello"), ("other.txt", "other")]);
    let mut terminal = open(&workspace);
    assert_eq!(terminal.colour("● Verified", "●"), green);
    assert_eq!(terminal.colour("other  text  Ready", "Ready"), green);
    workspace.remove("assets/hello.txt.asset.toml");
    terminal.rest(&["● May differ"]);
    assert_eq!(terminal.colour("● May differ", "●"), yellow);
    terminal.press(F5);
    terminal.rest(&["● Verified", "E anchor/missing", "Refresh succeeded"]);
    assert_eq!(terminal.colour("E anchor/missing", "E"), red);
    assert_eq!(terminal.colour("-  Missing", "Missing"), yellow);
    assert_eq!(terminal.colour("Refresh succeeded: Assets", "Refresh"), green);
    quit(terminal);
}

#[test]
fn a_build_that_waits_says_for_what_and_goes_on() {
    let workspace = Workspace::adopted(&[("hello.txt", "hello")]);
    let mut terminal = open(&workspace);
    let lock = workspace.hold_the_build_lock();
    terminal.press("\t\tb");
    check!("waiting", terminal.rest(&["build game: Waiting", "build lock"]));
    assert!(!workspace.exists("build/assets.pack"));
    drop(lock);
    let built = terminal.rest(&["build game: Build succeeded"]);
    assert!(!built.contains("build lock"), "it waits no more:\n{built}");
    quit(terminal);
}

/// A project whose build takes a while: a few tables of many rows.
fn large(rows: usize) -> Workspace {
    let row = "id,name,worth,text\n".to_owned() + &"1,one,10.5,a text of some length\n".repeat(rows);
    let workspace = Workspace::new();
    for table in 0..8 {
        workspace
            .write(&format!("assets/table_{table}.csv"), format!("{row}{table},last,0,end\n").as_bytes());
    }
    workspace
}

/// Begins a build, and gives a screen amid its baking; none if it ended before one was drawn.
fn baking(terminal: &mut Terminal) -> Option<String> {
    let newest = |screen: &str| screen.split("build game: ").nth(1).unwrap_or_default().to_owned();
    let is_amid = |screen: &str| {
        let newest = newest(screen);
        screen.contains("● Verified")
            && newest.starts_with("Running")
            && newest.contains('░')
            && newest.contains("baking")
    };
    terminal.press("b");
    let has_ended = |screen: &str| newest(screen).starts_with("Build succeeded");
    let screen =
        terminal.see("a build that bakes, or its end", |screen| is_amid(screen) || has_ended(screen));
    is_amid(&screen).then_some(screen)
}

/// What becomes of a project with tables of so many rows where one build is called off while it bakes, and another is left then;
/// none where one of them was done too soon for that.
fn interrupted(rows: usize) -> Option<Workspace> {
    let workspace = large(rows);
    let mut terminal = open(&workspace);
    terminal.press("A");
    terminal.rest(&["Ready to adopt"]);
    terminal.press(ENTER);
    terminal.rest(&["8 assets", "Adopt succeeded"]);
    terminal.press("\t\t");
    let building = baking(&mut terminal)?;
    terminal.press("c");
    let ended = terminal.see("its end", |screen| screen.contains("build game: Build "));
    if !ended.contains("build game: Build cancelled") {
        return None;
    }
    // What stands below is of the adoption.
    check!("building", building.split("adopt as previewed").next().unwrap());
    let cancelled = terminal.rest(&["build game: Build cancelled", "Build cancelled: "]);
    check!("cancelled", cancelled.split("adopt as previewed").next().unwrap());
    assert!(!workspace.exists("build/assets.pack"));

    baking(&mut terminal)?;
    quit(terminal);
    (!workspace.exists("build/assets.pack")).then_some(workspace)
}

#[test]
fn a_build_shows_its_progress_is_called_off_and_can_be_left() {
    // How much work is enough to be seen amid depends on the machine, and on how the editor was built.
    let workspace = (0..7).find_map(|doubled| interrupted(50_000 << doubled));
    let workspace = workspace.expect("some build takes long enough to be seen, and called off");

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
