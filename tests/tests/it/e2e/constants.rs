//! Typed constants as a game uses them: a program in each language is compiled with what a build wrote, run, and has to know
//! the assets as the manifest does.
//!
//! Rust is compiled wherever these tests are. Of the other languages those are tried whose tools are there; which are not is said.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use packer_domain::constants::{ConstantRow, ConstantsLanguage, constants_text};
use packer_domain::identity::AssetId;
use packer_domain::kind::KindId;
use packer_domain::name::AssetName;
use packer_tests::project::TestProject;
use serde_json::Value;
use tempfile::TempDir;

use super::packer;

/// A folder in which programs are compiled and run.
struct Bench {
    folder: TempDir,
}

impl Bench {
    /// With the constants of `texts`.
    fn new(texts: impl Fn(ConstantsLanguage) -> Vec<u8>) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for language in ConstantsLanguage::ALL {
            bench.put(language.file_name(), &texts(language));
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Runs a tool in the folder, which must not complain; what it wrote.
    #[track_caller]
    fn run(&self, tool: &str, arguments: &[&str]) -> String {
        let output = Command::new(tool).args(arguments).current_dir(self.folder.path()).output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{tool} {arguments:?}\n{out}\n{err}");
        out.into_owned()
    }

    fn rust(&self, program: &str) -> String {
        self.put("main.rs", format!("//! A game.\n{program}").as_bytes());
        // Nothing of the module needs to be used, and no lint of the game's own reaches it.
        let strict = ["-D", "warnings", "-D", "missing-docs", "-D", "unreachable-pub"];
        self.run("rustc", &[&["--edition", "2024", "main.rs", "-o", "from-rust"], &strict[..]].concat());
        self.run(
            "rustc",
            &[
                "--crate-type",
                "lib",
                "--edition",
                "2018",
                "--emit",
                "metadata",
                "-D",
                "warnings",
                "assets.rs",
            ],
        );
        self.run(&self.tool("from-rust"), &[])
    }

    fn c(&self, program: &str) -> Option<String> {
        let tool = found(&["cc", "gcc", "clang"])?;
        // Two source files: one has the table, the other the constants alone.
        self.put("table.c", b"#define PACKER_ASSETS_IMPLEMENTATION\n#include \"assets.h\"\n");
        self.put("main.c", program.as_bytes());
        let files = ["table.c", "main.c", "-o", "from-c"];
        let strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"];
        self.run(tool, &[&strict[..], &files[..]].concat());
        Some(self.run(&self.tool("from-c"), &[]))
    }

    fn cpp(&self, program: &str) -> Option<String> {
        let tool = found(&["c++", "g++", "clang++"])?;
        self.put(
            "table.cpp",
            b"#include \"assets.h\"\n#define PACKER_ASSETS_IMPLEMENTATION\n#include \"assets.h\"\n",
        );
        self.put("main.cpp", program.as_bytes());
        let files = ["table.cpp", "main.cpp", "-o", "from-cpp"];
        let strict = ["-std=c++11", "-Wall", "-Wextra", "-pedantic", "-Werror"];
        self.run(tool, &[&strict[..], &files[..]].concat());
        Some(self.run(&self.tool("from-cpp"), &[]))
    }

    fn typescript(&self, program: &str) -> Option<String> {
        let (compiler, runner) = (found(&["tsc"])?, found(&["node"])?);
        self.put("main.ts", program.as_bytes());
        let options = ["--strict", "--noUnusedParameters", "--target", "es2015", "--module", "commonjs"];
        self.run(compiler, &[&options[..], &["main.ts"]].concat());
        Some(self.run(runner, &["main.js"]))
    }

    fn csharp(&self, program: &str) -> Option<String> {
        let (compiler, runner) = (found(&["mcs"])?, found(&["mono"])?);
        self.put("Main.cs", program.as_bytes());
        self.run(compiler, &["-warnaserror", "-warn:4", "-out:from-csharp.exe", "Main.cs", "assets.cs"]);
        Some(self.run(runner, &["from-csharp.exe"]))
    }

    fn tool(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// The first of these tools that is there; if none is, that is said.
fn found(tools: &[&'static str]) -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there =
        |tool: &&&str| std::env::split_paths(&path).any(|folder| Path::new(&folder).join(tool).is_file());
    let tool = tools.iter().find(is_there).copied();
    if tool.is_none() {
        // Written past the test runner, which shows what a test prints only if it fails.
        let said =
            format!("not checked: none of {tools:?} is installed, so constants were not compiled with it\n");
        std::io::stderr().write_all(said.as_bytes()).unwrap();
    }
    tool
}

/// Programs that name two constants, and then print every asset as it is found by its id and by its name, by name.
struct Programs {
    rust: &'static str,
    c: &'static str,
    typescript: &'static str,
    csharp: &'static str,
}

const GAME: Programs = Programs {
    rust: r#"
#[path = "assets.rs"]
mod assets;

/// What takes pictures takes nothing else.
fn show(picture: assets::ImageId) -> u32 {
    picture.get()
}

fn main() {
    const BUTTON: assets::ImageId = assets::ui::BUTTON;
    println!("{} {}", show(BUTTON), assets::texts::HELLO.get());
    for asset in &assets::ASSETS {
        assert_eq!(assets::by_id(asset.id), Some(asset));
        assert_eq!(assets::by_name(asset.name), Some(asset));
        println!("{} {} {}", asset.id.get(), asset.name, asset.kind);
    }
    assert_eq!(assets::by_id(BUTTON).map(|asset| asset.name), Some("ui/button"));
    assert!(assets::by_id(assets::AssetId(0)).is_none() && assets::by_name("ui/butto").is_none());
}
"#,
    c: r#"
#include <inttypes.h>
#include <stdio.h>
#include "assets.h"
#include "assets.h"

int main(void)
{
    size_t n;
    printf("%" PRIu32 " %" PRIu32 "\n", ASSETS_UI_BUTTON, ASSETS_TEXTS_HELLO);
    for (n = 0; n < assets_count; n++) {
        const struct assets_asset *asset = &assets_all[n];
        if (assets_by_id(asset->id) != asset || assets_by_name(asset->name) != asset) {
            return 1;
        }
        printf("%" PRIu32 " %s %s\n", asset->id, asset->name, asset->kind);
    }
    return assets_by_id(0) != NULL || assets_by_name("ui/butto") != NULL;
}
"#,
    typescript: r#"
import { AssetId, allAssets, assetById, assetByName, assets } from "./assets";

function show(picture: AssetId<"image">): number {
  return picture;
}

console.log(`${show(assets.ui.button)} ${assets.texts.hello}`);
// @ts-expect-error: a text is no picture.
show(assets.texts.hello);
for (const asset of allAssets) {
  if (assetById(asset.id) !== asset || assetByName(asset.name) !== asset) {
    throw new Error(asset.name);
  }
  console.log(`${asset.id} ${asset.name} ${asset.kind}`);
}
const known: number = assetByName("ui/button").id;
if (assetById(known) === undefined || assetById(0) !== undefined || assetByName("ui/butto" as string) !== undefined) {
  throw new Error("lookups");
}
"#,
    csharp: r#"
using System;

public static class Program
{
    private static uint Show(Assets.ImageId picture)
    {
        return (uint)picture;
    }

    public static int Main()
    {
        const Assets.ImageId button = Assets.Ui.Button;
        Console.WriteLine("{0} {1}", Show(button), (uint)Assets.Texts.Hello);
        Assets.Asset found;
        foreach (Assets.Asset asset in Assets.All)
        {
            if (!Assets.TryById(asset.Id, out found) || found.Name != asset.Name)
            {
                return 1;
            }
            if (!Assets.TryByName(asset.Name, out found) || found.Id != asset.Id)
            {
                return 2;
            }
            Console.WriteLine("{0} {1} {2}", asset.Id, asset.Name, asset.Kind);
        }
        return Assets.TryById(0, out found) || Assets.TryByName("ui/butto", out found) ? 3 : 0;
    }
}
"#,
};

/// Programs that need no asset in particular.
const ANY: Programs = Programs {
    rust: "#[path = \"assets.rs\"]\nmod assets;\nmod included {\n    include!(\"assets.rs\");\n}\nfn main() {\n    \
           for asset in assets::ASSETS {\n        println!(\"{} {} {}\", asset.id.get(), asset.name, asset.kind);\n    }\n}\n",
    c: "#include <inttypes.h>\n#include <stdio.h>\n#include \"assets.h\"\nint main(void)\n{\n    size_t n;\n    \
        for (n = 0; n < assets_count; n++) {\n        const struct assets_asset *asset = assets_by_id(assets_all[n].id);\n        \
        if (asset == NULL || assets_by_name(asset->name) != asset) {\n            return 1;\n        }\n        \
        printf(\"%\" PRIu32 \" %s %s\\n\", asset->id, asset->name, asset->kind);\n    }\n    \
        return assets_by_id(0) != NULL || assets_by_name(\"\") != NULL;\n}\n",
    typescript: "import { allAssets } from \"./assets\";\nallAssets.forEach((asset) => console.log(`${asset.id} ${asset.name} \
                 ${asset.kind}`));\n",
    csharp: "public static class Program\n{\n    public static void Main()\n    {\n        foreach (var asset in Assets.All)\n        \
             {\n            System.Console.WriteLine(\"{0} {1} {2}\", asset.Id, asset.Name, asset.Kind);\n        }\n    }\n}\n",
};

/// Runs the programs whose tools are there, all of which have to print this.
#[track_caller]
fn check(bench: &Bench, programs: &Programs, expected: &str) {
    assert_eq!(bench.rust(programs.rust), expected, "in Rust");
    let others = [
        ("C", bench.c(programs.c)),
        ("C++", bench.cpp(programs.c)),
        ("TypeScript", bench.typescript(programs.typescript)),
        ("C#", bench.csharp(programs.csharp)),
    ];
    for (language, printed) in others {
        if let Some(printed) = printed {
            assert_eq!(printed, expected, "in {language}");
        }
    }
}

/// What the manifest says: a line an asset, by name.
fn lines(project: &TestProject) -> (String, Value) {
    let manifest: Value = serde_json::from_slice(&project.read("build/assets.manifest.json")).unwrap();
    let mut assets = manifest["assets"].as_array().unwrap().clone();
    assets.sort_by_key(|asset| asset["name"].as_str().unwrap().to_owned());
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line =
        |asset: &Value| format!("{} {} {}\n", text(&asset["id"]), text(&asset["name"]), text(&asset["kind"]));
    (assets.iter().map(line).collect(), Value::Array(assets))
}

#[test]
fn games_in_every_language_know_the_assets_as_the_manifest_does() {
    let project = TestProject::adopted(packer());
    project.packer(&["build", "--constants", "rs,ts,h,cs"]).exits(0);
    let (all, assets) = lines(&project);
    assert_eq!(all.lines().count(), 5);
    let id = |name: &str| {
        let assets = assets.as_array().unwrap();
        assets.iter().find(|asset| asset["name"] == name).unwrap()["id"].clone()
    };
    let bench = Bench::new(|language| project.read(&format!("build/{}", language.file_name())));
    check(&bench, &GAME, &format!("{} {}\n{all}", id("ui/button"), id("texts/hello")));
}

#[test]
fn what_no_language_wants_for_an_identifier_compiles_in_each() {
    let names = [
        "ui/confirm",
        "ui",
        "ui/ui",
        "ui/ui/ui",
        "a-b",
        "a_b",
        "a.c",
        "a-b/x",
        "a_b/y",
        "a_b/x",
        "1st",
        "2/3/4.5",
        "type/self/crate/super/class/int",
        "type",
        "gen/try/async/dyn",
        "assets",
        "assets/by-id",
        "by-id",
        "by_name",
        "u32/str/bool",
        "u32",
        "str/x",
        "bool/x",
        "usize/x",
        "option/some",
        "core/std/option",
        "std/x",
        "system/collections/x",
        "global/x",
        "equals",
        "get-type/to-string",
        "image-id",
        "image-id/x",
        "asset",
        "asset/id",
        "asset-id",
        "all",
        "lookups/x",
        "h",
        "implementation",
        "included",
        "hero-",
        "hero",
        "hero/idle",
        "x.7",
        "x-7",
        "x_7_29",
        "x.7.30/y",
        "constructor/prototype",
        "rows",
        "some",
        "none",
        "derive/x",
        "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u/v/w/x/y/z",
    ];
    let kinds =
        ["image", "sound", "tile-map", "asset", "raw-2", "x--y"].map(|kind| KindId::parse(kind).unwrap());
    let mut names: Vec<AssetName> = names.iter().map(|name| AssetName::parse(name).unwrap()).collect();
    let row = |(n, name): (usize, &AssetName)| (AssetId::new(u32::MAX - n as u32).unwrap(), name.clone());
    let texts = |names: &[AssetName]| {
        let owned: Vec<(AssetId, AssetName)> = names.iter().enumerate().map(row).collect();
        let rows = owned.iter().enumerate().map(|(n, (id, name))| ConstantRow {
            id: *id,
            name,
            kind: &kinds[n % 6],
        });
        let rows: Vec<ConstantRow<'_>> = rows.collect();
        Bench::new(|language| constants_text(language, &rows).into_bytes())
    };
    let expected = |names: &[AssetName]| {
        let line = |(n, name): (usize, &AssetName)| {
            (name.clone(), format!("{} {name} {}\n", u32::MAX - n as u32, kinds[n % 6]))
        };
        let mut lines: Vec<(AssetName, String)> = names.iter().enumerate().map(line).collect();
        lines.sort();
        lines.into_iter().map(|(_, line)| line).collect::<String>()
    };
    check(&texts(&names), &ANY, &expected(&names));
    // And a project without assets.
    names.clear();
    check(&texts(&names), &ANY, "");
}
