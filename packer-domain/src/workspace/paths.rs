//! Findings about paths alone: collisions, names that do not travel, and what could not be read.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use crate::observation::Observation;
use crate::path::{AssetPath, collision_key};

/// What is wrong with the paths of an observation.
#[derive(Debug, Default)]
pub(super) struct PathFindings {
    pub diagnostics: Vec<Diagnostic>,
    /// Files that cannot be used: each differs from another only by case or Unicode form, or lies in a folder that does.
    pub colliding: BTreeSet<AssetPath>,
}

/// What stands on disk and could not be read: nothing follows from its absence in the observation.
pub(super) struct Unread<'a> {
    paths: BTreeSet<&'a str>,
}

impl<'a> Unread<'a> {
    pub(super) fn of(observation: &'a Observation) -> Self {
        let unread = |found: &&Diagnostic| {
            matches!(found.code, DiagnosticCode::PathUnreadable | DiagnosticCode::PathUnstable)
        };
        let subject = |found: &'a Diagnostic| match &found.subject {
            Subject::Path(path) => Some(path.as_str()),
            Subject::Project | Subject::Asset(_) | Subject::Unrepresentable(_) => None,
        };
        Self { paths: observation.diagnostics.iter().filter(unread).filter_map(subject).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether `path`, or a folder that it is in, could not be read.
    pub(super) fn covers(&self, path: &AssetPath) -> bool {
        !self.paths.is_empty()
            && (self.paths.contains(path.as_str())
                || path.ancestors().any(|folder| self.paths.contains(folder)))
    }

    /// What could not be read below `folder`; below the assets root for `None`.
    pub(super) fn below(&self, folder: Option<&AssetPath>) -> impl Iterator<Item = AssetPath> {
        let is_below = |path: &&&str| folder.is_none_or(|folder| below(path, folder));
        self.paths
            .iter()
            .filter(is_below)
            .filter_map(|path| AssetPath::parse(path).ok())
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn below(path: &str, folder: &AssetPath) -> bool {
    path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
}

pub(super) fn path_findings(observation: &Observation, file: &impl Fn(&AssetPath) -> String) -> PathFindings {
    let mut found = PathFindings::default();
    for path in observation.files.keys() {
        let issues = path.portability();
        if !issues.is_empty() {
            let reasons: Vec<String> = issues.iter().map(ToString::to_string).collect();
            found.diagnostics.push(
                Diagnostic::new(
                    DiagnosticCode::PathNotPortable,
                    Subject::Path(path.clone()),
                    format!("{path} does not travel to every system: {}", reasons.join("; ")),
                )
                .in_file(file(path))
                .help("rename the file where the game is built or edited on other systems"),
            );
        }
    }
    collisions(observation, file, &mut found);
    found
}

fn collisions(observation: &Observation, file: &impl Fn(&AssetPath) -> String, found: &mut PathFindings) {
    for paths in colliding(observation) {
        let listed: Vec<String> = paths.iter().map(ToString::to_string).collect();
        let mut diagnostic = Diagnostic::new(
            DiagnosticCode::PathCollision,
            Subject::Path(paths[0].clone()),
            format!("{} differ only by case or Unicode form", listed.join(" and ")),
        )
        .in_file(file(paths[0]))
        .help("rename all but one: on Windows and macOS they are one file");
        for path in &paths[1..] {
            diagnostic = diagnostic.related("collides with it", file(path));
        }
        found.diagnostics.push(diagnostic);
        for path in paths {
            if observation.files.contains_key(path) {
                found.colliding.insert(path.clone());
            }
            found.colliding.extend(observation.files_below(Some(path)).map(|(path, _)| path.clone()));
        }
    }
}

/// The groups of files and folders of one folder whose names have one collision key, each files first, then folders. A
/// colliding folder is one finding, not one a file, since the folder that a name is in counts as it is written.
///
/// A name of lower-case ASCII is its own key, so of two different names with one key at least one is something else: only
/// those are folded, and the one name that may be equal to a key is looked up.
fn colliding(observation: &Observation) -> Vec<Vec<&AssetPath>> {
    let all = observation.files.keys().map(|path| (false, path));
    let all = all.chain(observation.folders.iter().map(|path| (true, path)));
    let mut odd: Vec<(&str, String, bool, &AssetPath)> = Vec::new();
    for (is_folder, path) in all {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        if !is_own_key(name) {
            odd.push((folder, collision_key(name), is_folder, path));
        }
    }
    odd.sort();
    let mut groups = Vec::new();
    for group in odd.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)) {
        let (folder, key, ..) = &group[0];
        let mut paths: Vec<(bool, &AssetPath)> =
            group.iter().map(|(.., folder, path)| (*folder, *path)).collect();
        if is_own_key(key) {
            let plain = if folder.is_empty() { key.clone() } else { format!("{folder}/{key}") };
            let as_file = observation.files.get_key_value(plain.as_str()).map(|(path, _)| (false, path));
            let as_folder = observation.folders.get(plain.as_str()).map(|path| (true, path));
            paths.extend(as_file.into_iter().chain(as_folder));
        }
        if paths.len() > 1 {
            paths.sort();
            groups.push(paths.into_iter().map(|(_, path)| path).collect());
        }
    }
    groups
}

/// Whether a name is its own collision key for being of lower-case ASCII.
fn is_own_key(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::identity::Digest;
    use crate::observation::FileFact;

    /// The same by folding every name.
    fn by_folding_all(observation: &Observation) -> Vec<Vec<&AssetPath>> {
        let mut names: BTreeMap<(&str, String), Vec<&AssetPath>> = BTreeMap::new();
        for path in observation.files.keys().chain(observation.folders.iter()) {
            let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
            names.entry((folder, collision_key(name))).or_default().push(path);
        }
        names.into_values().filter(|paths| paths.len() > 1).collect()
    }

    proptest! {
        #[test]
        fn folding_only_what_has_to_be_finds_the_same(
            files in prop::collection::btree_set("([aAbé]/)?(a|A|ab|aB|ss|ß|SS|é|É|e\u{301}|K|\u{212a}|k)", 0..14),
            folders in prop::collection::btree_set("([aAbé]/)?(a|A|b|é|É|e\u{301})", 0..5),
        ) {
            let path = |text: &String| AssetPath::parse(text).unwrap();
            let fact = FileFact { size: 0, digest: Digest::of(b"") };
            let folders = folders.difference(&files).map(path).collect();
            let files = files.iter().map(|text| (path(text), fact)).collect();
            let observation = Observation::new(files, folders, Vec::new(), Vec::new(), 0);
            prop_assert_eq!(colliding(&observation), by_folding_all(&observation));
        }
    }
}
