//! Changes that decide bytes: of payloads, which are then baked, or of the pack alone.

use packer_runtime::api::{Adopt, AssetPath, BuildRequest, Command, Mutation, Target, draw};
use packer_runtime::codec::{KindSpec, SettingValue};

use super::super::recording::{ALL, id, many, one};
use super::super::support::{build_as, built, keep_going, mutated, run};
use super::{Bench, Outputs, Row};

const EVERY: &[&str] = &ALL;
/// All of the kind `rec`; what they refer to is among them, or of the kind `set`.
const EVERY_ONE: &[&str] =
    &["ui/a", "ui/b", "ui/c", "world/base", "world/map", "world/mid", "world/other", "world/top"];
const HERO: &[&str] = &["foe", "hero", "world/map"];

const fn other(what: &'static str, change: fn(&mut Bench), baked: &'static [&'static str]) -> Row {
    Row { what, change, baked, outputs: Outputs::Other }
}

const fn same(what: &'static str, change: fn(&mut Bench), baked: &'static [&'static str]) -> Row {
    Row { what, change, baked, outputs: Outputs::Same }
}

pub(super) const ROWS: &[Row] = &[
    other("the contents of an input", |b| b.write("assets/ui/a.rec", "others"), &["ui/a"]),
    other("one byte of an input, of the same length", edit_quickly, &["world/other"]),
    other(
        "the contents of a built-in kind's input",
        |b| b.write("assets/texts/readme.txt", "x"),
        &["texts/readme"],
    ),
    other(
        "an input that others refer to",
        |b| b.write("assets/world/base.rec", "x"),
        &["world/base", "world/mid", "world/top"],
    ),
    other(
        "an input in the middle of references",
        |b| b.write("assets/world/mid.rec", "x"),
        &["world/mid", "world/top"],
    ),
    other("one of several inputs", |b| b.write("assets/hero/frames/2.frm", "x"), HERO),
    other("one more input", |b| b.write("assets/hero/frames/4.frm", "4"), HERO),
    other("one input less", |b| b.workspace.remove("assets/hero/frames/3.frm"), HERO),
    other(
        "an input by another name",
        |b| b.workspace.rename("assets/hero/frames/3.frm", "assets/hero/frames/5.frm"),
        HERO,
    ),
    other("two inputs in each other's place", exchange, HERO),
    other("a pattern that claims less", |b| b.edit("assets/hero/asset.toml", "*.frm", "[12].frm"), HERO),
    other(
        "a setting in an anchor",
        |b| b.edit("assets/ui/c.rec.asset.toml", "size = 5", "size = 6"),
        &["ui/c"],
    ),
    other(
        "a setting taken out of an anchor",
        |b| b.edit("assets/ui/c.rec.asset.toml", "size = 5", ""),
        &["ui/c"],
    ),
    other(
        "a setting of a target",
        |b| b.edit("assets/world/mid.rec.asset.toml", "size = 3", "size = 4"),
        &["world/mid", "world/top"],
    ),
    other(
        "a setting of a built-in kind",
        |b| b.edit("assets/data/levels.json.asset.toml", "messagepack", "json"),
        &["data/levels"],
    ),
    other(
        "a setting in a rule",
        |b| b.edit("packer.toml", "rec.size = 2", "rec.size = 3"),
        &["ui/a", "ui/b"],
    ),
    other("a rule for fewer", |b| b.edit("packer.toml", "ui/**", "ui/a.*"), &["ui/b"]),
    other(
        "a rule before another",
        |b| {
            b.edit(
                "packer.toml",
                "[[rules]]\nmatch = \"ui/**\"",
                "[[rules]]\nmatch = \"**/b.*\"\n\n[[rules]]\nmatch = \"ui/**\"",
            );
        },
        &["ui/b"],
    ),
    other("a rule gone", |b| b.edit("packer.toml", "rec.size = 2", ""), &["ui/a", "ui/b"]),
    other("a preload in an anchor", |b| b.append("assets/ui/a.rec.asset.toml", "preload = true\n"), &[]),
    other(
        "a preload in a rule",
        |b| b.edit("packer.toml", "rec.size = 2", "preload = true\nrec.size = 2"),
        &[],
    ),
    other("another compression", |b| b.edit("packer.toml", "\"zstd\"", "\"lz4\""), EVERY),
    other("another alignment", |b| b.edit("packer.toml", "\"zstd\"", "\"zstd\"\nalignment = 64"), &[]),
    other(
        "another version of a codec",
        |b| b.kinds(KindSpec { codec_version: 2, ..one() }, many()),
        EVERY_ONE,
    ),
    other(
        "another version of a payload",
        |b| b.kinds(one(), KindSpec { payload_version: 2, ..many() }),
        HERO,
    ),
    other(
        "another default of a setting",
        another_default,
        &["world/base", "world/map", "world/mid", "world/other", "world/top"],
    ),
    other(
        "another kind",
        |b| b.edit("assets/texts/readme.txt.asset.toml", "\"text\"", "\"raw\""),
        &["texts/readme"],
    ),
    other("another name", |b| b.edit("assets/world/other.rec.asset.toml", "world/other", "world/else"), &[]),
    other("another name that is referred to", rename_target, &["world/mid", "world/top"]),
    other(
        "another target",
        |b| b.edit("assets/world/mid.rec.asset.toml", "world/base", "world/other"),
        &["world/mid", "world/top"],
    ),
    other("another id", |b| renumber(b, 6), &[]),
    other("another id that is referred to", |b| renumber(b, 3), &["world/mid", "world/top"]),
    other("an asset that is excluded", |b| participate(b, "included", "excluded"), &[]),
    other("an asset that is added", add, &["ui/new"]),
    other("an asset that is retired", retire, &[]),
    same(
        "an asset that is excluded, and included again",
        |b| {
            participate(b, "included", "excluded");
            b.build();
            participate(b, "excluded", "included");
        },
        &["world/other"],
    ),
    same(
        "an edit that was built, taken back",
        |b| {
            b.write("assets/world/mid.rec", "x");
            b.build();
            b.write("assets/world/mid.rec", "the contents of world/mid");
        },
        &["world/mid", "world/top"],
    ),
    same(
        "a source that did not bake, mended",
        |b| {
            let text = b.workspace.read("assets/texts/readme.txt");
            b.workspace.write("assets/texts/readme.txt", b"\xff\xff");
            assert!(built(&build_as(b.project(), keep_going())).incomplete);
            b.workspace.write("assets/texts/readme.txt", &text);
        },
        &["texts/readme"],
    ),
    same(
        "no packer's folder",
        |b| {
            b.close();
            b.workspace.delete_with_logs(".packer");
        },
        EVERY,
    ),
    same(
        "no build record",
        |b| {
            b.workspace.remove(".packer/build-record");
            b.workspace.remove("build/assets.manifest.json");
        },
        EVERY,
    ),
    same("no outputs", |b| std::fs::remove_dir_all(b.workspace.root.join("build")).unwrap(), EVERY),
    same("constants", |b| b.edit("packer.toml", "\"zstd\"", "\"zstd\"\nconstants = [\"rs\"]"), &[]),
    same("no manifest", |b| b.workspace.remove("build/assets.manifest.json"), &[]),
    same(
        "another build in another folder",
        |b| {
            b.build_as(BuildRequest { output: Some("other".into()), ..BuildRequest::default() });
        },
        EVERY,
    ),
    same(
        "another checkout, without what the packer left",
        |b| {
            b.close();
            let to = b.workspace.root.with_file_name("checkout");
            std::fs::create_dir(&to).unwrap();
            for name in ["packer.toml", "registry.jsonl", "assets"] {
                std::fs::rename(b.workspace.root.join(name), to.join(name)).unwrap();
            }
            b.workspace.move_without_logs(to);
        },
        EVERY,
    ),
];

/// As an edit that comes within the clock's resolution of the file's time, and that its size does not tell.
fn edit_quickly(b: &mut Bench) {
    let path = b.workspace.root.join("assets/world/other.rec");
    let modified = path.metadata().unwrap().modified().unwrap();
    b.write("assets/world/other.rec", "The contents of world/other");
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
}

fn exchange(b: &mut Bench) {
    for (from, to) in [("1", "x"), ("2", "1"), ("x", "2")] {
        b.workspace
            .rename(&format!("assets/hero/frames/{from}.frm"), &format!("assets/hero/frames/{to}.frm"));
    }
}

fn another_default(b: &mut Bench) {
    let mut spec = one();
    spec.settings[0].default = SettingValue::Int(9);
    b.kinds(spec, many());
}

/// The referring anchor says the new name, as it must.
fn rename_target(b: &mut Bench) {
    b.edit("assets/world/base.rec.asset.toml", "world/base", "world/ground");
    b.edit("assets/world/mid.rec.asset.toml", "world/base", "world/ground");
}

fn renumber(b: &mut Bench, number: usize) {
    b.edit("registry.jsonl", &format!("{{\"id\":{},", id(number)), "{\"id\":77777,");
}

fn participate(b: &mut Bench, from: &str, to: &str) {
    let line = |build: &str| format!("\"world/other.rec.asset.toml\",\"build\":\"{build}\"");
    b.edit("registry.jsonl", &line(from), &line(to));
}

fn add(b: &mut Bench) {
    b.write("assets/ui/new.rec", "new");
    let targets = vec![Target::Path(AssetPath::parse("ui/new.rec").unwrap())];
    let adopt = Adopt { targets, kind: None, draw: draw() };
    mutated(&run(b.project(), Command::Mutate(Mutation::Adopt(adopt))));
}

fn retire(b: &mut Bench) {
    b.workspace.remove("assets/world/other.rec");
    b.workspace.remove("assets/world/other.rec.asset.toml");
    b.reconcile();
}
