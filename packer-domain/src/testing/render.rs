//! States and plans as text, for people to read in a review: what is wrong, what is offered, what would be done.
//!
//! Uuids of a fixture are shown by their aliases, all others by their order of appearance.

use std::fmt::Write as _;

use crate::diagnostic::Diagnostic;
use crate::divergence::ResolutionNeed;
use crate::identity::{AssetUuid, Revision};
use crate::mutation::{FilesystemMutation, MutationPlan, RegistryMutation, Seen};
use crate::report::asset_rows;
use crate::summary::WorkspaceSummary;
use crate::workspace::WorkspaceState;

use super::alias;

/// Divergences with their offers, the other diagnostics, a row an asset, and the figures that are not zero.
pub(crate) fn state_text(state: &WorkspaceState) -> String {
    let mut out = String::new();
    for divergence in state.divergences() {
        let paths: Vec<_> = divergence.paths.iter().map(ToString::to_string).collect();
        let assets: Vec<String> = divergence.assets.iter().map(ToString::to_string).collect();
        let ids: Vec<String> = divergence.ids.iter().map(ToString::to_string).collect();
        let _ = writeln!(
            out,
            "{}: {}\n  paths {}; assets {}; ids {}",
            divergence.code,
            divergence.message,
            listed(&paths),
            listed(&assets),
            listed(&ids)
        );
        for offer in &divergence.resolutions {
            let needs: Vec<&str> = offer
                .needs
                .iter()
                .map(|need| match need {
                    ResolutionNeed::Path => "a path",
                    ResolutionNeed::Name => "a name",
                })
                .collect();
            let needs =
                if needs.is_empty() { String::new() } else { format!("; needs {}", needs.join(", ")) };
            let _ = writeln!(out, "  offers {}: {}{needs}", offer.resolution, offer.title);
        }
    }
    let of_divergences: Vec<Diagnostic> = state
        .divergences()
        .iter()
        .map(|divergence| divergence.to_diagnostic(|path| state.project_path(path)))
        .collect();
    let others = state.diagnostics().iter().filter(|found| !of_divergences.contains(found));
    others.for_each(|found| out.push_str(&diagnostic_text("", found)));
    for row in asset_rows(state) {
        let text = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        let _ = writeln!(
            out,
            "{} {} {} {} at {}: {} {}",
            text(row.uuid.map(|uuid| uuid.to_string())),
            text(row.id.map(|id| id.to_string())),
            text(row.name.map(|name| name.to_string())),
            text(row.kind.map(|kind| kind.to_string())),
            row.anchor,
            text(row.build.map(|build| build.as_str().to_owned())),
            row.state.as_str()
        );
    }
    out.push_str(&summary_text(state));
    named(&out)
}

fn summary_text(state: &WorkspaceState) -> String {
    let summary = serde_json::to_value(WorkspaceSummary::of(state, Revision(1))).unwrap();
    let mut out = String::new();
    for group in ["assets", "kinds", "files", "diagnostics", "divergences"] {
        let figures: Vec<String> = summary[group]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, figure)| *figure != 0 && *key != "bytes")
            .map(|(key, figure)| format!("{key} {figure}"))
            .collect();
        if !figures.is_empty() {
            let _ = writeln!(out, "{group}: {}", figures.join(", "));
        }
    }
    out
}

/// Verdict, findings and effects.
pub(crate) fn plan_text(plan: &MutationPlan) -> String {
    let mut out = format!("{:?}\n", plan.verdict).to_lowercase();
    plan.blockers.iter().for_each(|found| out.push_str(&diagnostic_text("blocked: ", found)));
    plan.warnings.iter().for_each(|found| out.push_str(&diagnostic_text("warned: ", found)));
    for mutation in &plan.registry_mutations {
        let _ = match mutation {
            RegistryMutation::Insert { entry } => writeln!(out, "insert {}: {entry}", entry.uuid),
            RegistryMutation::Update { before, after } => {
                writeln!(out, "update {}: {before} -> {after}", before.uuid)
            }
            RegistryMutation::Retire { before } => writeln!(out, "retire {}: {before}", before.uuid),
            RegistryMutation::Delete { entry } => writeln!(out, "delete {}: {entry}", entry.uuid),
        };
    }
    for mutation in &plan.filesystem_mutations {
        match mutation {
            FilesystemMutation::Create { path, contents, .. } => {
                let _ = writeln!(out, "create {path}");
                for line in contents.lines() {
                    let _ = writeln!(out, "  {line}");
                }
            }
            FilesystemMutation::Move { from, to, .. } => {
                let _ = writeln!(out, "move {from} -> {to}");
            }
            FilesystemMutation::Copy { from, to, .. } => {
                let _ = writeln!(out, "copy {from} -> {to}");
            }
            FilesystemMutation::ToHistory { path, .. } => {
                let _ = writeln!(out, "to history {path}");
            }
            FilesystemMutation::Restore { path, .. } => {
                let _ = writeln!(out, "restore {path}");
            }
            FilesystemMutation::MakeDir { path } => {
                let _ = writeln!(out, "make folder {path}");
            }
            FilesystemMutation::RemoveDir { path } => {
                let _ = writeln!(out, "remove folder {path}");
            }
            FilesystemMutation::Edit { path, diff, .. } => {
                let _ = writeln!(out, "edit {path}");
                let changed = diff.lines().skip(2).filter(|line| line.starts_with(['+', '-']));
                for line in changed {
                    let _ = writeln!(out, "  {line}");
                }
            }
        }
    }
    for affected in &plan.affected {
        let name = affected.name.as_ref().map_or("-", |name| name.as_str());
        let change = format!("{:?}", affected.change).to_lowercase();
        let _ = writeln!(out, "affects {} {name}: {change}", affected.uuid);
    }
    for seen in &plan.seen {
        let what = match seen.seen {
            Seen::Absent => "absent",
            Seen::File { .. } => "a file",
            Seen::Other => "something else",
        };
        let _ = writeln!(out, "seen {}: {what}", seen.path);
    }
    named(&out)
}

fn diagnostic_text(prefix: &str, found: &Diagnostic) -> String {
    let file = found.file.as_deref().unwrap_or("-");
    let mut out = format!("{prefix}{}[{}] {file}: {}\n", found.severity, found.code, found.message);
    if let Some(help) = &found.help {
        let _ = writeln!(out, "  help: {help}");
    }
    for related in &found.related {
        let _ = writeln!(out, "  {}: {}", related.file, related.message);
    }
    out
}

fn listed(texts: &[String]) -> String {
    if texts.is_empty() { "-".to_owned() } else { texts.join(", ") }
}

/// `text` with names for its uuids.
fn named(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut out = String::new();
    let mut drawn: Vec<AssetUuid> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let Some(uuid) = rest.get(..LENGTH).and_then(|text| text.parse::<AssetUuid>().ok()) else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let name = alias(uuid).unwrap_or_else(|| {
            let at = drawn.iter().position(|other| *other == uuid).unwrap_or(drawn.len());
            if at == drawn.len() {
                drawn.push(uuid);
            }
            format!("new{}", at + 1)
        });
        let _ = write!(out, "<{name}>");
        rest = &rest[LENGTH..];
    }
    out
}
