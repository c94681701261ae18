//! The repository keeps its own rules: headers, sizes, links, and no file that was forgotten.
//!
//! Each check counts what it looked at; one that looked at nothing fails.

use std::collections::BTreeSet;

use packer_tests::repo;

/// The most lines of a source file.
const MAX_LINES: usize = 600;

/// The most bytes of any file of the repository.
const MAX_BYTES: u64 = 256 * 1024;

fn sources() -> Vec<(String, String)> {
    let sources: Vec<(String, String)> = repo::files_with_extension("rs")
        .into_iter()
        .map(|path| {
            let text = repo::read(&path);
            (path, text)
        })
        .collect();
    assert!(sources.len() > 20, "only {} source files were found", sources.len());
    sources
}

/// Fails with every complaint, one a line.
fn none(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn every_source_file_opens_with_a_header() {
    let bare = sources().into_iter().filter(|(_, text)| !text.starts_with("//! "));
    none(bare.map(|(path, _)| format!("{path} does not open with `//!`")));
}

#[test]
fn no_source_file_is_too_long() {
    let lengths = sources().into_iter().map(|(path, text)| (path, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > MAX_LINES);
    none(long.map(|(path, lines)| format!("{path} has {lines} lines; split it before {MAX_LINES}")));
}

#[test]
fn texts_have_no_tabs_and_no_spaces_at_the_end_of_a_line() {
    let is_text = |path: &String| {
        [".rs", ".md", ".toml", ".yml", ".py"].iter().any(|extension| path.ends_with(extension))
            || path == ".ci/run"
    };
    let paths: Vec<String> = repo::files().into_iter().filter(is_text).collect();
    assert!(paths.len() > 30, "only {} texts were found", paths.len());
    let mut complaints = Vec::new();
    for path in paths {
        let text = repo::read(&path);
        for (index, line) in text.split('\n').enumerate() {
            if line.contains('\t') || line.ends_with([' ', '\r']) {
                complaints.push(format!("{path}:{}: a tab, or a space at the end", index + 1));
            }
        }
        if !text.ends_with('\n') || text.ends_with("\n\n") {
            complaints.push(format!("{path} does not end with exactly one line feed"));
        }
    }
    none(complaints);
}

#[test]
fn no_file_is_too_large() {
    let files = repo::files();
    assert!(files.len() > 50, "only {} files were found", files.len());
    let large = files.into_iter().map(|path| (repo::size(&path), path)).filter(|(size, _)| *size > MAX_BYTES);
    none(large.map(|(size, path)| format!("{path} has {size} bytes; at most {MAX_BYTES} are taken")));
}

/// What no source file may contain, and why. Written in two halves, because this is a source file too.
const NOWHERE: [(&str, &str, &str); 7] = [
    ("#[ig", "nore", "a test that does not run shows nothing"),
    ("should_", "panic", "assert on what the panic leaves behind, or return an error"),
    ("[al", "low(", "write #[expect(lint, reason = \"…\")]"),
    ("TO", "DO", "do it, or say in SHORTCOMINGS.md that it is not done"),
    ("FIX", "ME", "do it, or say in SHORTCOMINGS.md that it is not done"),
    ("to", "do!", "do it, or say in SHORTCOMINGS.md that it is not done"),
    ("unimple", "mented!", "do it, or say in SHORTCOMINGS.md that it is not done"),
];

#[test]
fn nothing_is_put_off_or_switched_off() {
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        for (first, second, why) in NOWHERE {
            let word = format!("{first}{second}");
            let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&word));
            complaints.extend(lines.map(|(index, _)| format!("{path}:{}: {word}: {why}", index + 1)));
        }
    }
    none(complaints);
}

#[test]
fn no_test_sleeps() {
    let word = ["thread::", "sleep"].concat();
    let mut looked_at = 0;
    let mut complaints = Vec::new();
    for (path, text) in sources() {
        let is_test = path.contains("tests/") || path.ends_with("/tests.rs");
        let tests = if is_test { &text } else { &text[repo::shipped_part(&text).len()..] };
        looked_at += usize::from(!tests.is_empty());
        // The list of bans names it, in a text.
        if tests.lines().any(|line| line.contains(&word) && !line.contains('"')) {
            complaints.push(format!("{path} waits by sleeping: wait for what is expected instead"));
        }
    }
    assert!(looked_at > 5, "only {looked_at} files with tests were found");
    none(complaints);
}

/// The roots of a package: files that cargo compiles without a `mod` that names them.
fn is_root(path_in_package: &str) -> bool {
    let parts: Vec<&str> = path_in_package.split('/').collect();
    matches!(
        parts.as_slice(),
        ["build.rs"]
            | ["src", "lib.rs" | "main.rs"]
            | ["src", "bin", _]
            | ["src", "bin", _, "main.rs"]
            | ["tests" | "benches" | "examples" | "fuzz_targets", _]
            | ["tests" | "benches" | "examples", _, "main.rs"]
    )
}

/// The modules that a file declares: `mod name;` with or without visibility.
fn declared_modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim();
        let line = match line.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
            Some(rest) => rest,
            None => line,
        };
        line.trim_start().strip_prefix("mod ")?.strip_suffix(';')
    })
}

#[test]
fn every_source_file_is_part_of_a_crate() {
    let sources: Vec<(String, String)> = sources().into_iter().collect();
    let packages: Vec<String> = repo::files()
        .iter()
        .filter_map(|path| path.strip_suffix("/Cargo.toml"))
        .map(|folder| format!("{folder}/"))
        .collect();
    let package_of =
        |path: &str| packages.iter().filter(|p| path.starts_with(p.as_str())).max_by_key(|p| p.len());
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut roots = BTreeSet::new();
    for (path, text) in &sources {
        let package = package_of(path).unwrap_or_else(|| panic!("{path} is in no package"));
        let (folder, file) = path.rsplit_once('/').unwrap();
        let root = is_root(&path[package.len()..]);
        if root {
            roots.insert(path.as_str());
        }
        let below = if root || file == "mod.rs" {
            folder.to_owned()
        } else {
            format!("{folder}/{}", file.trim_end_matches(".rs"))
        };
        for module in declared_modules(text) {
            named.insert(format!("{below}/{module}.rs"));
            named.insert(format!("{below}/{module}/mod.rs"));
        }
    }
    let forgotten =
        sources.iter().filter(|(path, _)| !roots.contains(path.as_str()) && !named.contains(path));
    none(forgotten.map(|(path, _)| format!("{path}: no `mod` names it, so nothing compiles it")));
    let binaries: Vec<&&str> = roots.iter().filter(|path| path.starts_with("tests/tests/")).collect();
    assert_eq!(binaries, [&"tests/tests/it/main.rs"], "there is one integration binary");
}

#[test]
fn modules_are_read_as_rust_reads_them() {
    let text = "mod a;\n    pub mod b;\npub(crate) mod c;\nmod d {\n}\n// mod e;\nlet mod_f;\n";
    assert_eq!(declared_modules(text).collect::<Vec<_>>(), ["a", "b", "c"]);
}

/// The folders of the workspace's crates; each is named as its package, but `tests`.
fn crates() -> BTreeSet<String> {
    let manifest = repo::read("Cargo.toml");
    let members = manifest.split_once("members = [").and_then(|(_, rest)| rest.split_once(']')).unwrap().0;
    let names = members.split('"').skip(1).step_by(2);
    names.map(|name| if name == "tests" { "packer-tests".to_owned() } else { name.to_owned() }).collect()
}

#[test]
fn architecture_names_every_crate_and_no_other() {
    let crates = crates();
    assert!(crates.len() >= 10, "{crates:?}");
    let text = repo::read("ARCHITECTURE.md");
    let words: BTreeSet<String> = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_')))
        .filter(|word| {
            word.starts_with("packer-") || word.starts_with("packer_") || word.ends_with("-adapter")
        })
        .map(|word| word.replace('_', "-"))
        .collect();
    none(words.difference(&crates).map(|word| format!("ARCHITECTURE.md names {word}, which is no crate")));
    let unnamed = crates.iter().filter(|name| !text.contains(&format!("`{name}`")));
    none(unnamed.map(|name| format!("ARCHITECTURE.md does not name `{name}`")));
}

#[test]
fn architecture_names_tests_that_exist() {
    let functions: String = sources().into_iter().map(|(_, text)| text).collect();
    // Lines are broken anywhere, also between these two words.
    let text =
        repo::read("ARCHITECTURE.md").replace("Held\n  by", "Held by").replace("Held by\n  ", "Held by ");
    let mut named = 0;
    let mut complaints = Vec::new();
    for claim in text.split("Held by ").skip(1) {
        let claim = claim.split("\n\n").next().unwrap_or_default();
        let claim = claim.split("\n- ").next().unwrap_or_default();
        for test in claim.split('`').skip(1).step_by(2) {
            named += 1;
            let function = test.rsplit("::").next().unwrap_or_default();
            if !functions.contains(&format!("fn {function}(")) {
                complaints.push(format!("ARCHITECTURE.md: held by `{test}`, which is nowhere"));
            }
        }
    }
    assert!(named > 5, "only {named} tests are named");
    none(complaints);
}

/// The anchor that renderers of Markdown give a heading.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn has_heading(text: &str, anchor: &str) -> bool {
    text.lines().filter(|line| line.starts_with('#')).any(|line| slug(line.trim_start_matches('#')) == anchor)
}

/// The links of a Markdown text, without those in blocks of code.
fn links(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut links = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
            links.extend(targets.map(str::to_owned));
        }
    }
    links
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let pages = repo::files_with_extension("md");
    let mut looked_at = 0;
    let mut complaints = Vec::new();
    for page in pages {
        let text = repo::read(&page);
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            looked_at += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { page.clone() } else { resolve(folder, file) };
            if !repo::exists(&target) {
                complaints.push(format!("{page}: {link} leads nowhere"));
            } else if !anchor.is_empty() && !has_heading(&repo::read(&target), anchor) {
                complaints.push(format!("{page}: {link}: no such heading"));
            }
        }
    }
    assert!(looked_at > 0, "no link was found");
    none(complaints);
}

/// `file` as seen from `folder`, without `..`.
fn resolve(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            ".." => drop(parts.pop()),
            "" | "." => {}
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[test]
fn links_are_found_and_resolved() {
    let text = "see [a](docs/a.md#b-c), [d](../e \"t\")\n```\n[no](this)\n```\n";
    assert_eq!(links(text), ["docs/a.md#b-c", "../e"]);
    assert_eq!(resolve("docs/x", "../y.md"), "docs/y.md");
    assert_eq!(slug(" anchor/unknown-key"), "anchorunknown-key");
    assert!(has_heading("# One\n## Two words\n", "two-words"));
}
