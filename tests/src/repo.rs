//! The repository as the tests see it: its files, as text or bytes, by path.
//!
//! Read from the disk, not from git, so that the tests run in an exported tree too. Build outputs and what the packer
//! keeps for itself are no files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what tools make.
const MADE_BY_TOOLS: [&str; 4] = [".git", ".packer", "node_modules", "target"];

/// The repository's root.
///
/// # Panics
/// Never in a checkout: this package is one of its folders.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package is a folder of the repository")
        .to_owned()
}

/// Every file, relative to the root and `/`-separated, in the order of their paths.
///
/// # Panics
/// When a folder cannot be read.
pub fn files() -> Vec<String> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort();
    found
}

/// The files of [`files`] with the extension `extension`.
pub fn files_with_extension(extension: &str) -> Vec<String> {
    let has = |path: &String| Path::new(path).extension().is_some_and(|found| found == extension);
    files().into_iter().filter(has).collect()
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let is_project = folder.join("packer.toml").is_file();
    for entry in fs::read_dir(folder).expect("a folder of the repository can be read") {
        let entry = entry.expect("a folder of the repository can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if entry.file_type().expect("an entry has a type").is_dir() {
            let made = MADE_BY_TOOLS.contains(&name.as_str()) || (is_project && name == "build");
            if !made {
                collect(&entry.path(), &format!("{path}/"), found);
            }
        } else if !name.ends_with(".snap.new") {
            found.push(path);
        }
    }
}

/// The text of the file at `path`.
///
/// # Panics
/// When it is not there, or not UTF-8.
pub fn read(path: &str) -> String {
    match fs::read_to_string(root().join(path)) {
        Ok(text) => text,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// The bytes of the file at `path`.
///
/// # Panics
/// When it is not there.
pub fn bytes(path: &str) -> Vec<u8> {
    match fs::read(root().join(path)) {
        Ok(bytes) => bytes,
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Whether something is at `path`.
pub fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// The size of the file at `path` in bytes.
///
/// # Panics
/// When it is not there.
pub fn size(path: &str) -> u64 {
    match fs::metadata(root().join(path)) {
        Ok(metadata) => metadata.len(),
        Err(error) => panic!("{path}: {error}"),
    }
}

/// What a source text contains before its module of tests: the part that ships. A module of tests in a file of its own
/// leaves the text whole.
pub fn shipped_part(text: &str) -> &str {
    let mut from = 0;
    while let Some(at) = text[from..].find("#[cfg(test)]\nmod ") {
        let start = from + at;
        let declaration = text[start..].lines().nth(1).unwrap_or_default();
        if declaration.ends_with('{') {
            return &text[..start];
        }
        from = start + 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_module_of_tests_in_the_file_is_cut_off() {
        let text = "#[cfg(test)]\nmod tests;\nfn a() {}\n#[cfg(test)]\nmod more {\n}\n";
        assert_eq!(shipped_part(text), "#[cfg(test)]\nmod tests;\nfn a() {}\n");
        assert_eq!(shipped_part("fn a() {}\n"), "fn a() {}\n");
    }

    #[test]
    fn the_files_of_the_repository_are_found() {
        let files = files();
        assert!(files.contains(&"Cargo.toml".to_owned()) && files.contains(&"tests/src/repo.rs".to_owned()));
        assert!(!files.iter().any(|path| path.starts_with(".git/") || path.starts_with("target/")));
    }
}
