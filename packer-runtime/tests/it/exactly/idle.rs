//! Changes that decide nothing: whatever they touch, the outputs are left alone.

use std::time::{Duration, SystemTime};

use camino::Utf8Path;
use packer_runtime::codec::{KindId, KindSpec};

use super::super::recording::{anchor, everything_declared, of_kind, one};
use super::super::support::{build, rejection};
use super::{Bench, Outputs, Row};

const fn idle(what: &'static str, change: fn(&mut Bench)) -> Row {
    Row { what, change, baked: &[], outputs: Outputs::Untouched }
}

pub(super) const ROWS: &[Row] = &[
    idle("nothing", |_| {}),
    idle("the times of all files", |b| {
        for file in files(&b.workspace.root.join("assets")) {
            touch(&file);
        }
        touch(&b.workspace.root.join("packer.toml"));
        touch(&b.workspace.root.join("registry.jsonl"));
    }),
    idle("the times of the outputs", |b| {
        for file in files(&b.workspace.root.join("build")) {
            touch(&file);
        }
    }),
    idle("an input saved again as it was", |b| b.append("assets/ui/a.rec", "")),
    idle("an input edited and edited back", |b| {
        b.edit("assets/ui/a.rec", "ui/a", "ui/b");
        b.edit("assets/ui/a.rec", "ui/b", "ui/a");
    }),
    idle("a comment and blank lines in an anchor", |b| {
        b.edit("assets/ui/c.rec.asset.toml", "[rec]", "\n# why it is so\n\n[rec]  # here\n");
    }),
    idle("the order of the keys of an anchor", |b| {
        let text = b.workspace.text("assets/world/mid.rec.asset.toml");
        let (head, table) = text.split_once("[rec]\n").unwrap();
        let turned = |text: &str| text.lines().rev().collect::<Vec<_>>().join("\n");
        b.write("assets/world/mid.rec.asset.toml", &format!("{}\n[rec]\n{}\n", turned(head), turned(table)));
    }),
    idle("another writing of the same anchor", |b| {
        b.edit(
            "assets/world/mid.rec.asset.toml",
            "[rec]\nto = \"world/base\"\nsize = 3",
            "rec = { to = 'world/base', size = 0x3 }",
        );
    }),
    idle("the ends of the lines of an anchor", |b| b.edit("assets/ui/c.rec.asset.toml", "\n", "\r\n")),
    idle("a setting that says what the rule says", |b| {
        b.append("assets/ui/a.rec.asset.toml", "[rec]\nsize = 2\n");
    }),
    idle("a setting that says the default", |b| {
        b.append("assets/world/base.rec.asset.toml", "[rec]\nsize = 1\n");
    }),
    idle("a preload that says the default", |b| {
        b.edit("assets/ui/a.rec.asset.toml", "kind", "preload = false\nkind");
    }),
    idle("a pattern that claims the same", |b| {
        b.edit("assets/hero/asset.toml", "[\"frames/*.frm\"]", "[\"frames/[0-9].*\", \"none/*\"]");
    }),
    idle("comments in packer.toml", |b| {
        let text = b.workspace.text("packer.toml");
        b.write("packer.toml", &format!("# of the game\n\n{}\n# the end", text.replace("\n\n", "\n\n\n")));
    }),
    idle("the order of tables of packer.toml", |b| {
        let text = b.workspace.text("packer.toml");
        let (project, rest) = text.split_once("\n\n").unwrap();
        b.write("packer.toml", &format!("{rest}\n{project}\n"));
    }),
    idle("the name of the project", |b| b.edit("packer.toml", "\"game\"", "\"renamed\"")),
    idle("what an unused profile says", |b| b.edit("packer.toml", "\"none\"", "\"lz4\"")),
    idle("a default said in packer.toml", |b| {
        b.edit("packer.toml", "\"zstd\"", "\"zstd:3\"\nalignment = 16");
    }),
    idle("the limits, and none is passed", |b| {
        b.append("packer.toml", "\n[limits]\nmax_input_bytes = 9999\nmax_pixels = 9999\n");
    }),
    idle("the size of the store", |b| b.edit("packer.toml", "\"zstd\"", "\"zstd\"\nmax_store_bytes = 9")),
    idle("a rule that matches nothing", |b| {
        b.edit("packer.toml", "[build]\n", "[[rules]]\nmatch = \"no/*\"\nrec.size = 9\n\n[build]\n");
    }),
    idle("a rule behind the one that counts", |b| {
        b.edit("packer.toml", "[build]\n", "[[rules]]\nmatch = \"ui/*\"\nrec.size = 9\n\n[build]\n");
    }),
    idle("one rule as two", |b| {
        b.edit(
            "packer.toml",
            "match = \"ui/**\"",
            "match = \"ui/a*\"\nrec.size = 2\n\n[[rules]]\nmatch = \"ui/**\"",
        );
    }),
    idle("the order of the registry's lines, and one of them twice", |b| {
        let text = b.workspace.text("registry.jsonl");
        let (head, lines) = text.split_once('\n').unwrap();
        let lines: Vec<&str> = lines.lines().rev().chain(lines.lines().next()).collect();
        b.write("registry.jsonl", &format!("{head}\n{}\n", lines.join("\n")));
    }),
    idle("the order of folders", |b| {
        let assets = b.workspace.root.join("assets");
        let copy = b.workspace.root.join("copied");
        for file in files(&assets).iter().rev() {
            let to = copy.join(file.strip_prefix(&assets).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
        std::fs::remove_dir_all(&assets).unwrap();
        std::fs::rename(copy, assets).unwrap();
    }),
    idle("the folder of assets", |b| {
        b.workspace.rename("assets/world", "assets/earth");
        b.reconcile();
    }),
    idle("the folder of assets of several inputs", |b| {
        std::fs::create_dir(b.workspace.root.join("assets/people")).unwrap();
        b.workspace.rename("assets/hero", "assets/people/lead");
        b.reconcile();
    }),
    idle("the assets root", |b| {
        b.workspace.rename("assets", "sources");
        b.edit("packer.toml", "[project]\n", "[project]\nassets = \"sources\"\n");
    }),
    idle("comments in .packerignore", |b| b.append("assets/.packerignore", "# and nothing else\n")),
    idle("what .packerignore leaves out", |b| b.append("assets/.packerignore", "notes.md\n")),
    idle("a file that no asset claims", |b| {
        b.append("assets/notes.md", "more");
        b.write("assets/hero/frames/readme", "new");
        b.write("assets/ui/a.bak", "left out");
    }),
    idle("a file that no asset claims, gone", |b| b.workspace.remove("assets/notes.md")),
    idle("an anchor that nobody registered", |b| {
        b.write("assets/ui/z.rec", "z");
        b.write("assets/ui/z.rec.asset.toml", &anchor(99, "ui/z", "rec", ""));
    }),
    idle("an anchor broken, built in vain, and mended", |b| {
        let text = b.workspace.text("assets/ui/a.rec.asset.toml");
        b.append("assets/ui/a.rec.asset.toml", "broken");
        rejection(&build(b.project()));
        b.write("assets/ui/a.rec.asset.toml", &text);
    }),
    idle("one kind more", |b| {
        b.close();
        let spec = KindSpec { id: KindId::parse("more").unwrap(), extensions: &["more"], ..one() };
        b.codecs.push(of_kind(spec, everything_declared));
    }),
    idle("no stat index", |b| b.workspace.remove(".packer/index")),
    idle("no stamp of the scan", |b| b.workspace.remove(".packer/stamp")),
    idle("no build stamp", |b| b.workspace.remove(".packer/build-stamp")),
    idle("no build record, though outputs", |b| b.workspace.remove(".packer/build-record")),
    idle("another checkout path", |b| {
        b.close();
        let to = b.workspace.root.with_file_name("moved");
        std::fs::rename(&b.workspace.root, &to).unwrap();
        b.workspace.root = to;
    }),
    idle("a copy of all of it", |b| {
        b.close();
        let to = b.workspace.root.with_file_name("copy");
        for file in files(&b.workspace.root) {
            let at = to.join(file.strip_prefix(&b.workspace.root).unwrap());
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            std::fs::copy(file, at).unwrap();
        }
        b.workspace.root = to;
    }),
];

/// Every file below a folder, sorted.
fn files(folder: &Utf8Path) -> Vec<camino::Utf8PathBuf> {
    let mut files = Vec::new();
    for entry in folder.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn touch(path: &Utf8Path) {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}
