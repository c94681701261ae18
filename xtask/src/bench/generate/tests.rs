//! Generated projects, judged by the packer itself.

use std::collections::BTreeSet;

use super::*;

fn spec(assets: u64, seed: u64) -> ProjectSpec {
    ProjectSpec { assets, seed, mix: KindMix::default() }
}

fn packer(project: &Path, arguments: &[&str]) -> ExitCode {
    let mut all: Vec<OsString> = vec!["packer".into()];
    all.extend(arguments.iter().map(OsString::from));
    all.extend(["--quiet".into(), "--project".into(), project.as_os_str().to_owned()]);
    packer_cli::run(all, packer_cli::builtin_codecs())
}

/// Every file below `folder`, but for the configuration's random parts, with its bytes.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_generated_project_is_clean_and_builds() {
    let folder = tempfile::tempdir().unwrap();
    let generated = write(folder.path(), &spec(300, 1)).unwrap();
    assert_eq!(generated.folders, 6);
    let sources = files(&folder.path().join("assets"));
    assert_eq!(sources.len(), 600);
    let bytes = sources.iter().filter(|(path, _)| path.extension() != Some("toml".as_ref()));
    assert_eq!(bytes.map(|(_, bytes)| bytes.len() as u64).sum::<u64>(), generated.source_bytes);
    assert_eq!(packer(folder.path(), &["check"]), ExitCode::SUCCESS);
    assert_eq!(packer(folder.path(), &["build"]), ExitCode::SUCCESS);
    let pack = fs::read(folder.path().join("build/assets.pack")).unwrap();
    // A pack of fewer assets would be smaller; one that holds everything as it is would be larger.
    let ratio = pack.len() as u64 * 100 / generated.source_bytes;
    assert!((40..75).contains(&ratio), "the pack has {ratio} % of the sources' bytes");
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("build/assets.manifest.json")).unwrap()).unwrap();
    let packed: BTreeSet<u64> =
        manifest["assets"].as_array().unwrap().iter().filter_map(|asset| asset["id"].as_u64()).collect();
    let registry = fs::read_to_string(folder.path().join("registry.jsonl")).unwrap();
    let lines = registry.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let registered: Vec<u64> = lines.filter_map(|line| line["id"].as_u64()).collect();
    assert_eq!(registered.len(), 300);
    assert!(registered.is_sorted(), "not as the packer writes it");
    assert_eq!(registered, packed.into_iter().collect::<Vec<_>>());
}

#[test]
fn the_same_seed_gives_the_same_files() {
    let (a, b, c) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(a.path(), &spec(120, 4)).unwrap();
    write(b.path(), &spec(120, 4)).unwrap();
    write(c.path(), &spec(120, 5)).unwrap();
    assert_eq!(files(a.path()), files(b.path()));
    assert_ne!(files(a.path()), files(c.path()));
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "mine").unwrap();
    assert!(matches!(write(folder.path(), &spec(1, 1)), Err(GenError::NotEmpty { .. })));
    assert_eq!(files(folder.path()).len(), 1);
}
