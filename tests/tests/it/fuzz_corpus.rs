//! Replays what the fuzzers start from and what they once found, through the same code, in the ordinary run.
//!
//! The seeds in `fuzz/corpus` are generated: `UPDATE_FUZZ_CORPUS=1 cargo test -p packer-tests fuzz` writes them. What a
//! fuzzer found is kept in `fuzz/regressions/<target>/`, by hand. Looking for more is `cargo xtask soak fuzz`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::catch_unwind;

use packer_tests::fuzz::{TARGETS, Target, Verdict, kinds, target};
use packer_tests::repo;

const CORPUS: &str = "fuzz/corpus";
const REGRESSIONS: &str = "fuzz/regressions";

/// The least seeds of a target: one that is taken, one that is refused, and what lies between.
const LEAST_SEEDS: usize = 8;

/// The most bytes of all seeds together.
const MOST_BYTES: u64 = 3 << 19;

/// The files below `folder`: by target and name, their bytes.
fn inputs(folder: &str) -> BTreeMap<(String, String), Vec<u8>> {
    let prefix = format!("{folder}/");
    let files = repo::files().into_iter().filter(|path| path.starts_with(&prefix));
    let input = |path: String| {
        let (target, name) = path[prefix.len()..].split_once('/')?;
        Some(((target.to_owned(), name.to_owned()), repo::bytes(&path)))
    };
    files.filter_map(input).collect()
}

/// Runs one input; a panic says which it was.
fn replay(target: &Target, name: &str, bytes: &[u8]) -> Verdict {
    let run = catch_unwind(|| (target.run)(bytes));
    run.unwrap_or_else(|_| panic!("{}/{name}: see what was said above", target.name))
}

#[test]
fn every_seed_of_every_fuzz_target_holds() {
    let seeds = inputs(CORPUS);
    let mut verdicts: BTreeMap<&str, Vec<Verdict>> = BTreeMap::new();
    for ((of, name), bytes) in &seeds {
        let target = target(of).unwrap_or_else(|| panic!("{CORPUS}/{of}: there is no such target"));
        verdicts.entry(target.name).or_default().push(replay(target, name, bytes));
    }
    for Target { name, .. } in TARGETS {
        let verdicts = verdicts.get(name).map_or(&[][..], Vec::as_slice);
        assert!(verdicts.len() >= LEAST_SEEDS, "{name} has {} seeds", verdicts.len());
        assert!(verdicts.contains(&Verdict::Taken), "no seed of {name} is taken");
        let always = ["codec_raw"].contains(&name);
        assert!(always || verdicts.contains(&Verdict::Refused), "no seed of {name} is refused");
    }
}

#[test]
fn everything_that_fuzzing_found_stays_mended() {
    let mut found = 0;
    for ((of, name), bytes) in inputs(REGRESSIONS) {
        let target = target(&of).unwrap_or_else(|| panic!("{REGRESSIONS}/{of}: there is no such target"));
        replay(target, &name, &bytes);
        found += 1;
    }
    assert!(found > 0, "{REGRESSIONS} holds nothing");
}

/// Bytes without a shape, and short ones, which no seed is.
#[test]
fn no_fuzz_target_minds_what_is_nothing() {
    for target in &TARGETS {
        for length in [0, 1, 2, 3, 7, 64, 300] {
            for value in [0, 1, b' ', 0x7f, 0xff] {
                replay(target, &format!("{length} bytes of {value}"), &vec![value; length]);
            }
            let ramp: Vec<u8> = (0..length).map(|n| (n * 41) as u8).collect();
            replay(target, &format!("a ramp of {length} bytes"), &ramp);
        }
    }
}

#[test]
fn the_seeds_of_fuzzing_on_disk_are_current() {
    let made: BTreeMap<(String, String), Vec<u8>> = TARGETS
        .iter()
        .flat_map(|target| (target.seeds)().into_iter().map(|seed| (target.name, seed)))
        .map(|(target, (name, bytes))| ((target.to_owned(), name), bytes))
        .collect();
    if std::env::var_os("UPDATE_FUZZ_CORPUS").is_some() {
        write(&made);
    }
    let on_disk = inputs(CORPUS);
    let keys: BTreeSet<_> = made.keys().chain(on_disk.keys()).collect();
    let stale: Vec<String> = keys
        .into_iter()
        .filter(|key| made.get(key) != on_disk.get(key))
        .map(|(target, name)| format!("{CORPUS}/{target}/{name}"))
        .collect();
    let how = "UPDATE_FUZZ_CORPUS=1 cargo test -p packer-tests fuzz";
    assert!(stale.is_empty(), "{} seeds are out of date: run {how}\n{}", stale.len(), stale.join("\n"));
    let bytes: u64 = made.values().map(|bytes| bytes.len() as u64).sum();
    assert!(bytes <= MOST_BYTES, "{bytes} bytes of seeds");
}

fn write(made: &BTreeMap<(String, String), Vec<u8>>) {
    let corpus = repo::root().join(CORPUS);
    if corpus.exists() {
        fs::remove_dir_all(&corpus).unwrap();
    }
    for ((target, name), bytes) in made {
        let folder = corpus.join(target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn seeds_have_names_of_their_own() {
    for target in TARGETS {
        let names: Vec<String> = (target.seeds)().into_iter().map(|(name, _)| name).collect();
        let distinct: BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{}: {names:?}", target.name);
    }
}

#[test]
fn every_kind_has_a_fuzz_target() {
    let kinds = kinds();
    assert!(!kinds.is_empty());
    for kind in kinds {
        assert!(target(&format!("codec_{kind}")).is_some(), "the codec of {kind} is not fuzzed");
    }
}

/// `fuzz` is no part of the workspace, so nothing else notices a target that lacks its binary.
#[test]
fn every_fuzz_target_has_its_binary_and_nothing_else_has() {
    let manifest = repo::read("fuzz/Cargo.toml");
    let named: Vec<&str> = manifest
        .split("[[bin]]\n")
        .skip(1)
        .filter_map(|section| section.strip_prefix("name = \"")?.split('"').next())
        .collect();
    assert_eq!(named, TARGETS.map(|target| target.name), "fuzz/Cargo.toml");
    let files: Vec<String> =
        repo::files().into_iter().filter(|path| path.starts_with("fuzz/fuzz_targets/")).collect();
    assert_eq!(files, TARGETS.map(|target| format!("fuzz/fuzz_targets/{}.rs", target.name)));
    for target in TARGETS {
        let text = repo::read(&format!("fuzz/fuzz_targets/{}.rs", target.name));
        assert!(text.contains(&format!("packer_tests::fuzz::run(\"{}\", data)", target.name)), "{text}");
    }
}

/// Fuzzing other versions of the decoders than those that are shipped would show nothing of these.
#[test]
fn fuzzing_is_of_the_versions_that_are_shipped() {
    let versions = |path: &str| -> BTreeSet<(String, String)> {
        let text = repo::read(path);
        let packages = text.split("[[package]]\n").skip(1);
        let value = |line: Option<&str>, key: &str| {
            line.and_then(|line| Some(line.strip_prefix(key)?.trim_matches('"').to_owned()))
        };
        let package = |section: &str| {
            let mut lines = section.lines();
            Some((value(lines.next(), "name = ")?, value(lines.next(), "version = ")?))
        };
        packages.filter_map(package).collect()
    };
    let shipped = versions("Cargo.lock");
    let fuzzed = versions("fuzz/Cargo.lock");
    let names: BTreeSet<&String> = shipped.iter().map(|(name, _)| name).collect();
    let common: Vec<_> = fuzzed.iter().filter(|(name, _)| names.contains(name)).collect();
    assert!(common.len() > 50, "only {} packages are in both", common.len());
    let others: Vec<_> = common.into_iter().filter(|package| !shipped.contains(package)).collect();
    assert!(others.is_empty(), "fuzz/Cargo.lock has other versions than Cargo.lock: {others:?}");
}
