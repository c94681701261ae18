//! The state of a workspace: the figures as the packer counted them, what is known of their freshness, and every
//! divergence with what resolves it.

use std::collections::BTreeMap;

use packer_events::record::UnknownCause;
use packer_runtime::api::{
    AssetCounts, AssetPath, DiagnosticCounts, Divergence, DivergenceCode, FileCounts, Freshness, KindId,
    LineageId, Revision, WorkspaceSummary,
};
use serde::Serialize;

use super::advice::{ProjectFlag, advice_for};
use super::{Detail, bytes, count, table, things};
use crate::ui::{Paint, plain};

/// The figures of a workspace, and what is known of their freshness.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct StatusJson<'s> {
    /// Of which snapshot.
    revision: Revision,
    /// What is known of it against the disk.
    freshness: &'s Freshness,
    /// The project's lineage.
    lineage: LineageId,
    /// Assets by registration, presence, build participation and health.
    assets: AssetCounts,
    /// Managed assets by kind; those whose anchor is invalid or missing have none.
    kinds: &'s BTreeMap<KindId, u64>,
    /// Files below the assets root.
    files: FileCounts,
    /// Diagnostics by severity.
    diagnostics: DiagnosticCounts,
    /// Divergences by code; codes without one are left out.
    divergences: &'s BTreeMap<DivergenceCode, u64>,
}

impl<'s> StatusJson<'s> {
    pub(crate) fn new(summary: &'s WorkspaceSummary, freshness: &'s Freshness) -> Self {
        let WorkspaceSummary { revision, lineage, assets, kinds, files, diagnostics, divergences } = summary;
        Self {
            revision: *revision,
            freshness,
            lineage: *lineage,
            assets: *assets,
            kinds,
            files: *files,
            diagnostics: *diagnostics,
            divergences,
        }
    }
}

/// The figures and the freshness.
pub(crate) fn status(name: &str, summary: &WorkspaceSummary, freshness: &Freshness, paint: Paint) -> String {
    let WorkspaceSummary { revision, lineage, assets, kinds, files, diagnostics: _, divergences: _ } =
        summary;
    let mut text = format!("{}, revision {revision}\n", paint.strong(&plain(name)));
    text.push_str(&self::freshness(freshness, paint));
    text.push('\n');
    let kinds: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {kind}", count(*n))).collect();
    let row = |key: &str, value: String| vec![format!("  {key}"), value];
    let mut rows = vec![
        row("lineage", lineage.to_string()),
        row(
            "assets",
            format!(
                "{} managed ({} included, {} excluded), {} unregistered, {} missing, {} invalid",
                count(assets.managed),
                count(assets.included),
                count(assets.excluded),
                count(assets.unregistered),
                count(assets.missing),
                count(assets.invalid)
            ),
        ),
    ];
    if !kinds.is_empty() {
        rows.push(row("kinds", kinds.join(", ")));
    }
    rows.push(row(
        "files",
        format!(
            "{} claimed, {} unclaimed, {} ignored, {} in all",
            count(files.inputs),
            count(files.unclaimed),
            count(files.ignored),
            bytes(files.bytes)
        ),
    ));
    rows.push(row("findings", summary_line(summary)));
    text.push_str(&table(&rows));
    if summary.assets.missing + summary.assets.invalid + summary.diagnostics.error > 0 {
        push!(text, "{} lists every finding\n", paint.command("`packer check`"));
    }
    if files.unclaimed > 0 {
        let files = if files.unclaimed == 1 {
            "1 file is".to_owned()
        } else {
            format!("{} files are", count(files.unclaimed))
        };
        let hint = paint.command("`packer adopt PATH`");
        push!(text, "{files} claimed by no asset: {hint} makes assets of them\n");
    }
    text
}

/// `2 errors, 1 warning, 0 infos`.
fn summary_line(summary: &WorkspaceSummary) -> String {
    let DiagnosticCounts { error, warning, info } = summary.diagnostics;
    let parts = [
        things(error, "error", "errors"),
        things(warning, "warning", "warnings"),
        things(info, "info", "infos"),
    ];
    parts.join(", ")
}

fn freshness(freshness: &Freshness, paint: Paint) -> String {
    match freshness {
        Freshness::Verified { at, watched: true } => {
            format!("verified against the disk at {at}, and watched since")
        }
        Freshness::Verified { at, watched: false } => format!("verified against the disk at {at}"),
        Freshness::Dirty { paths, registry, configuration } => {
            let what = dirty(paths.len() as u64, *registry, *configuration);
            let named: Vec<&str> = paths.iter().take(3).map(AssetPath::as_str).collect();
            let more = if paths.len() > named.len() { " …" } else { "" };
            let named =
                if named.is_empty() { String::new() } else { format!(": {}{more}", named.join(", ")) };
            let refresh = paint.command("`packer refresh`");
            format!("{}: {what} may differ by now{named}; {refresh} looks", paint.warning("dirty"))
        }
        Freshness::Unknown { cause } => {
            let (why, refresh) = (unknown(*cause), paint.command("`packer refresh`"));
            format!("{}: {why}; {refresh} looks", paint.warning("anything may differ by now"))
        }
        Freshness::RecoveryRequired { operation_id } => format!(
            "{}: operation {operation_id} stopped amid its commit; {} shows what can be done",
            paint.error("recovery required"),
            paint.command("`packer recover`")
        ),
    }
}

/// Every divergence, with what resolves it.
pub(crate) fn divergences<'a>(
    divergences: impl ExactSizeIterator<Item = &'a Divergence>,
    counts: &BTreeMap<DivergenceCode, u64>,
    path: impl Fn(&AssetPath) -> String,
    project: &ProjectFlag,
    detail: Detail,
    paint: Paint,
) -> String {
    let found = divergences.len();
    if found == 0 {
        return "nothing diverges\n".to_owned();
    }
    let by_code: Vec<String> = counts.iter().map(|(code, n)| format!("{} {code}", count(*n))).collect();
    let mut text = format!("{} {}\n", paint.strong("divergences:"), by_code.join(", "));
    for divergence in divergences.take(detail.shown(found)) {
        let code = paint.bad(divergence.code.as_str());
        push!(text, "  {code}: {}\n", plain(&divergence.message));
        for line in advice_for(divergence, counts.get(&divergence.code) == Some(&1), &path, project) {
            push!(text, "      {}\n", plain(&line));
        }
    }
    if let Some(rest) = detail.rest(found) {
        push!(text, "  {rest}\n");
    }
    if found > 1 {
        let all = paint.command(&format!("`packer reconcile{project}`"));
        let code = paint.command(&format!("`packer reconcile CODE{project}`"));
        push!(text, "{all} goes through all of them, {code} through those of one code\n");
    }
    text
}

/// Why anything may differ.
pub(crate) fn unknown(cause: UnknownCause) -> &'static str {
    match cause {
        UnknownCause::Overflow => "more changed than could be followed",
        UnknownCause::WatchLost => "the watcher is gone",
        UnknownCause::ScanInterrupted => "a scan did not complete",
        UnknownCause::ChangedOutside => "another process committed",
        UnknownCause::NotObserved => "nothing was observed yet",
    }
}

/// What may differ: `3 paths and the registry`.
pub(crate) fn dirty(paths: u64, registry: bool, configuration: bool) -> String {
    let mut parts = Vec::new();
    if paths > 0 || !(registry || configuration) {
        parts.push(things(paths, "path", "paths"));
    }
    if registry {
        parts.push("the registry".to_owned());
    }
    if configuration {
        parts.push("packer.toml".to_owned());
    }
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{Resolution, ResolutionNeed};

    use super::*;
    use crate::render::testing::{asset_path, divergence, operation_id, summary, time};

    #[test]
    fn a_workspace_with_everything() {
        let verified = Freshness::Verified { at: time(), watched: false };
        insta::assert_snapshot!(status("harbour", &summary(), &verified, Paint::PLAIN));
    }

    #[test]
    fn a_clean_workspace_is_quiet() {
        let mut clean = summary();
        clean.files.unclaimed = 0;
        clean.assets.missing = 0;
        clean.assets.invalid = 0;
        clean.diagnostics = DiagnosticCounts::default();
        clean.kinds.clear();
        let verified = Freshness::Verified { at: time(), watched: true };
        insta::assert_snapshot!(status("harbour", &clean, &verified, Paint::PLAIN));
    }

    #[test]
    fn every_freshness_has_its_words() {
        let states = [
            Freshness::Verified { at: time(), watched: true },
            Freshness::Verified { at: time(), watched: false },
            Freshness::Dirty {
                paths: ["a", "b", "c", "d"].map(asset_path).into(),
                registry: false,
                configuration: false,
            },
            Freshness::Dirty { paths: vec![asset_path("a")], registry: true, configuration: true },
            Freshness::Dirty { paths: Vec::new(), registry: false, configuration: true },
            Freshness::Unknown { cause: UnknownCause::Overflow },
            Freshness::Unknown { cause: UnknownCause::WatchLost },
            Freshness::Unknown { cause: UnknownCause::ScanInterrupted },
            Freshness::Unknown { cause: UnknownCause::ChangedOutside },
            Freshness::Unknown { cause: UnknownCause::NotObserved },
            Freshness::RecoveryRequired { operation_id: operation_id() },
        ];
        let lines: Vec<String> = states.iter().map(|state| freshness(state, Paint::PLAIN)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn every_divergence_code_is_listed_with_what_resolves_it() {
        let all: Vec<Divergence> = DivergenceCode::ALL
            .iter()
            .map(|code| {
                let offers: &[(Resolution, &[ResolutionNeed])] = match code {
                    DivergenceCode::AnchorUnregistered => &[(Resolution::Register, &[])],
                    DivergenceCode::AnchorMissing => &[(Resolution::Retire, &[])],
                    DivergenceCode::AnchorMoved => &[(Resolution::AcceptMove, &[])],
                    DivergenceCode::AnchorDuplicateUuid => &[(Resolution::NewUuid, &[ResolutionNeed::Path])],
                    DivergenceCode::NameConflict => {
                        &[(Resolution::Rename, &[ResolutionNeed::Path, ResolutionNeed::Name])]
                    }
                    DivergenceCode::RegistryDuplicateId => &[(Resolution::Reallocate, &[])],
                    DivergenceCode::RegistryDuplicateEntry => {
                        &[(Resolution::KeepLine(1), &[]), (Resolution::KeepLine(2), &[])]
                    }
                    DivergenceCode::AnchorInvalid
                    | DivergenceCode::InputMissing
                    | DivergenceCode::ReferenceUnresolved
                    | DivergenceCode::ReferenceCycle => &[],
                };
                divergence(*code, &["ui/a.png.asset.toml", "ui/b.png.asset.toml"], offers)
            })
            .collect();
        let counts = all.iter().map(|divergence| (divergence.code, 1)).collect();
        let project = ProjectFlag::default();
        let shown = divergences(
            all.iter(),
            &counts,
            |path| format!("assets/{path}"),
            &project,
            Detail::Short,
            Paint::PLAIN,
        );
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn the_json_has_the_figures_as_given() {
        let verified = Freshness::Verified { at: time(), watched: false };
        let summary = summary();
        insta::assert_json_snapshot!(StatusJson::new(&summary, &verified));
    }
}
