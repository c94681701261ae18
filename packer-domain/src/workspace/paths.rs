//! Findings about paths alone: collisions, names that do not travel, and what could not be read.

use std::collections::{BTreeMap, BTreeSet};

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
    // By the folder as written and the folded name in it, so that a colliding folder is one finding, not one a file.
    let mut names: BTreeMap<(&str, String), Vec<&AssetPath>> = BTreeMap::new();
    for path in observation.files.keys().chain(observation.folders.iter()) {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        names.entry((folder, collision_key(name))).or_default().push(path);
    }
    for paths in names.into_values().filter(|paths| paths.len() > 1) {
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
