//! What to type about a divergence: the command line of each resolution that the packer offers for it.
//!
//! The resolutions, their words and what they need are the packer's; here they are put into the form of a command.

use std::collections::BTreeMap;
use std::fmt;

use camino::Utf8Path;
use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{AssetPath, Divergence, ResolutionNeed, ResolutionOffer, Selector, Snapshot};

/// The end of a command line that names the project as the one did that is running: nothing where it was found by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProjectFlag(String);

impl ProjectFlag {
    pub(crate) fn new(project: Option<&Utf8Path>) -> Self {
        Self(project.map_or_else(String::new, |folder| format!(" --project {}", quoted(folder.as_str()))))
    }
}

impl fmt::Display for ProjectFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The commands for the diagnostics that tell of divergences, by what such a diagnostic says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Advice {
    commands: BTreeMap<(String, String), Vec<String>>,
}

impl Advice {
    /// None for anything.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// What `snapshot` offers for its divergences.
    pub(crate) fn of_snapshot(snapshot: &Snapshot, project: &ProjectFlag) -> Self {
        let alone = |code| snapshot.summary().divergences.get(&code) == Some(&1);
        let path = |path: &AssetPath| snapshot.project_path(path);
        let advise = |divergence: &Divergence| {
            let key = (divergence.code.as_str().to_owned(), divergence.message.clone());
            (key, advice_for(divergence, alone(divergence.code), path, project))
        };
        Self { commands: snapshot.divergences().iter().map(advise).collect() }
    }

    /// The commands for one diagnostic.
    pub(crate) fn of(&self, record: &DiagnosticRecord) -> Vec<String> {
        let key = (record.code.clone(), record.message.clone());
        self.commands.get(&key).cloned().unwrap_or_default()
    }
}

/// A line for each resolution of `divergence`: what to type, and what it would do. `is_alone` says whether it is the only
/// one of its code; `path` makes a path relative to the project.
pub(crate) fn advice_for(
    divergence: &Divergence,
    is_alone: bool,
    path: impl Fn(&AssetPath) -> String,
    project: &ProjectFlag,
) -> Vec<String> {
    if divergence.resolutions.is_empty() {
        return vec![format!("`packer explain {}` says what to mend by hand", divergence.code)];
    }
    let selector = match selector(divergence, is_alone) {
        Selector::Code(code) => code.to_string(),
        Selector::Asset(uuid) => uuid.to_string(),
        Selector::Name(name) => name.to_string(),
        Selector::Path(selected) => quoted(&path(&selected)),
    };
    let is_choice = divergence.resolutions.len() > 1;
    let line = |offer: &ResolutionOffer| {
        let mut command = format!("packer reconcile {selector}");
        if is_choice {
            push!(command, " --as {}", offer.resolution);
        }
        for need in &offer.needs {
            match need {
                ResolutionNeed::Path => {
                    let last =
                        divergence.paths.last().map_or_else(|| "PATH".to_owned(), |p| quoted(&path(p)));
                    push!(command, " --path {last}");
                }
                ResolutionNeed::Name => command.push_str(" --name NEW-NAME"),
            }
        }
        format!("`{command}{project}`: {}", offer.title)
    };
    divergence.resolutions.iter().map(line).collect()
}

/// What selects `divergence`, and as little else as can be.
pub(crate) fn selector(divergence: &Divergence, is_alone: bool) -> Selector {
    match (divergence.paths.first(), divergence.assets.first()) {
        _ if is_alone => Selector::Code(divergence.code),
        (Some(first), _) => Selector::Path(first.clone()),
        (None, Some(uuid)) => Selector::Asset(*uuid),
        (None, None) => Selector::Code(divergence.code),
    }
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let is_safe = |c: char| c.is_alphanumeric() || "/._-+@%:,=~".contains(c);
    if !text.is_empty() && !text.starts_with('~') && text.chars().all(is_safe) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{DivergenceCode, Resolution};

    use super::*;
    use crate::render::testing::divergence;

    fn lines(divergence: &Divergence, is_alone: bool) -> Vec<String> {
        advice_for(divergence, is_alone, |path| format!("assets/{path}"), &ProjectFlag::default())
    }

    #[test]
    fn the_only_divergence_of_a_code_is_selected_by_it() {
        let moved = divergence(
            DivergenceCode::AnchorMoved,
            &["ui/a.png.asset.toml", "ui/b.png.asset.toml"],
            &[(Resolution::AcceptMove, &[])],
        );
        assert_eq!(lines(&moved, true), ["`packer reconcile anchor/moved`: do accept-move"]);
        assert_eq!(lines(&moved, false), ["`packer reconcile assets/ui/a.png.asset.toml`: do accept-move"]);
    }

    #[test]
    fn a_choice_and_what_a_resolution_needs_are_spelled_out() {
        let lines_differ = divergence(
            DivergenceCode::RegistryDuplicateEntry,
            &[],
            &[(Resolution::KeepLine(1), &[]), (Resolution::KeepLine(2), &[])],
        );
        let expected = [
            "`packer reconcile registry/duplicate-entry --as keep-1`: do keep-1",
            "`packer reconcile registry/duplicate-entry --as keep-2`: do keep-2",
        ];
        assert_eq!(lines(&lines_differ, true), expected);
        let conflict = divergence(
            DivergenceCode::NameConflict,
            &["a.png.asset.toml", "it's b.png.asset.toml"],
            &[(Resolution::Rename, &[ResolutionNeed::Path, ResolutionNeed::Name])],
        );
        let expected = r"`packer reconcile name/conflict --path 'assets/it'\''s b.png.asset.toml' --name NEW-NAME`: do rename";
        assert_eq!(lines(&conflict, true), [expected]);
    }

    #[test]
    fn what_no_command_resolves_is_explained() {
        let missing = divergence(DivergenceCode::InputMissing, &["a.png.asset.toml"], &[]);
        assert_eq!(lines(&missing, true), ["`packer explain input/missing` says what to mend by hand"]);
    }

    #[test]
    fn a_project_that_was_named_is_named_again() {
        let missing =
            divergence(DivergenceCode::AnchorMissing, &["a.png.asset.toml"], &[(Resolution::Retire, &[])]);
        let flag = ProjectFlag::new(Some(Utf8Path::new("../my game")));
        let lines = advice_for(&missing, true, ToString::to_string, &flag);
        assert_eq!(lines, ["`packer reconcile anchor/missing --project '../my game'`: do retire"]);
    }

    #[test]
    fn words_of_a_shell() {
        for (text, expected) in [
            ("a/b.png", "a/b.png"),
            ("a b", "'a b'"),
            ("~a", "'~a'"),
            ("", "''"),
            ("a'b", r"'a'\''b'"),
            ("ä.png", "ä.png"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
