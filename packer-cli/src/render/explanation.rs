//! Explanations: why an asset is in the pack and why it is baked, what a file is that is no asset, and what was collected.

use packer_events::record::DiagnosticRecord;
use packer_events::time::Timestamp;
use packer_runtime::api::{
    AssetExplanation, AssetPath, BakeReason, FileExplanation, GcReport, HistoryReport, NextBuild,
    OperationId, Origin, Presence, RuleRow,
};

use super::advice::Advice;
use super::diagnostic::diagnostics;
use super::{Detail, bytes, second, short_id, table, things};
use crate::ui::{Paint, plain};

/// Everything that there is to say of why an asset is as it is.
pub(crate) fn explanation(explained: &AssetExplanation, advice: &Advice, paint: Paint) -> String {
    let AssetExplanation { row, presence, rule, settings, preload, references, referred_by, key, .. } =
        explained;
    let name = row.name.as_ref().map_or_else(|| plain(row.anchor.as_str()), ToString::to_string);
    let mut text = format!("{}\n", paint.strong(&name));
    let line = |key: &str, value: String| vec![format!("  {key}"), value];
    let mut lines = vec![
        line("in the pack", self::presence(*presence, row.state.as_str(), paint)),
        line("anchor", plain(row.anchor.as_str())),
    ];
    if let Some(rule) = rule {
        lines.push(line("rule", self::rule(rule)));
    }
    for setting in settings {
        let value = plain(&format!("{} = {}", setting.key, setting.value));
        lines.push(line("setting", format!("{value}, {}", origin(setting.origin))));
    }
    if preload.value || preload.origin != Origin::Default {
        let value = if preload.value { "yes" } else { "no" };
        lines.push(line("preload", format!("{value}, {}", origin(preload.origin))));
    }
    for reference in references {
        let target = match (reference.target, reference.build_key) {
            (None, _) => ", which is not a managed asset".to_owned(),
            (Some(_), None) => String::new(),
            (Some(_), Some(key)) => format!(", build key {key}"),
        };
        lines.push(line(
            "refers to",
            format!("{} by {}{target}", plain(&reference.name), plain(&reference.key)),
        ));
    }
    for other in referred_by {
        lines.push(line("referred to by", plain(&other.name)));
    }
    if let Some(key) = key {
        lines.push(line("build key", key.build_key.to_string()));
        let codec = format!(
            "{}, codec version {}, payload version {}",
            key.kind, key.codec_version, key.payload_version
        );
        lines.push(line("kind", codec));
        for input in &key.inputs {
            let input = format!("{}, {}, {}", plain(&input.relative), bytes(input.size), input.digest);
            lines.push(line("input", input));
        }
    }
    text.push_str(&table(&lines));
    text.push_str(&next(&explained.next, paint));
    if let Some(last) = &explained.last {
        let did = if last.fetched { "fetched from the artifact store" } else { "baked" };
        push!(text, "last {did} by operation {}\n{}", last.operation, reasons(&last.reasons));
    }
    if !explained.diagnostics.is_empty() {
        let records: Vec<DiagnosticRecord> =
            explained.diagnostics.iter().map(DiagnosticRecord::from).collect();
        push!(text, "{}\n\n", things(records.len() as u64, "finding:", "findings:"));
        text.push_str(&diagnostics(&records, advice, paint));
    }
    text
}

fn presence(presence: Presence, state: &str, paint: Paint) -> String {
    match presence {
        Presence::Included => "yes: the registry includes it".to_owned(),
        Presence::Excluded => "no: the registry excludes it".to_owned(),
        Presence::HeldBack => {
            format!("{}: the registry includes it, and it cannot be built ({state})", paint.bad("no"))
        }
    }
}

fn rule(rule: &RuleRow) -> String {
    let line = rule.line.map_or_else(String::new, |line| format!(", packer.toml:{line}"));
    format!("number {}, {:?}{line}", rule.number, plain(&rule.pattern))
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "by default",
        Origin::Rule => "by the rule",
        Origin::Anchor => "by the anchor",
    }
}

fn next(next: &NextBuild, paint: Paint) -> String {
    let (does, why) = match next {
        NextBuild::Nothing {} => ("leaves it out", &[][..]),
        NextBuild::TakeOver {} => ("takes it over from the last pack", &[][..]),
        NextBuild::Fetch { reasons } => ("fetches it from the artifact store", &reasons[..]),
        NextBuild::Bake { reasons } => ("bakes it", &reasons[..]),
    };
    format!("the next build {}\n{}", paint.strong(does), reasons(why))
}

fn reasons(reasons: &[BakeReason]) -> String {
    let mut text = String::new();
    for reason in reasons {
        push!(text, "  {}\n", plain(&reason.to_string()));
    }
    text
}

/// What a path is that no asset is called by.
pub(crate) fn file_explanation(
    explained: &FileExplanation,
    project_path: impl Fn(&AssetPath) -> String,
    paint: Paint,
) -> String {
    let of = |path: &AssetPath| plain(&project_path(path));
    match explained {
        FileExplanation::UnregisteredAnchor { path } => format!(
            "{}: an anchor that the registry does not know; {} takes it in\n",
            of(path),
            paint.command("`packer reconcile anchor/unregistered`")
        ),
        FileExplanation::Claimed { path, anchors } => {
            let anchors: Vec<String> = anchors.iter().map(of).collect();
            format!("{}: a source, claimed by {}\n", of(path), anchors.join(", "))
        }
        FileExplanation::Unclaimed { path, size, rule } => {
            let by = match rule {
                Some(rule) => format!("rule {}", self::rule(rule)),
                None => "no rule: adoption goes by its extension and content".to_owned(),
            };
            let adopt = paint.command("`packer adopt PATH`");
            format!(
                "{}: not in the pack, because no anchor claims it\n  {}, {by}\n  {adopt} makes an asset of it\n",
                of(path),
                bytes(*size)
            )
        }
        FileExplanation::Ignored { path, covered, file, pattern } => {
            let rule = match (file, pattern) {
                (Some(file), Some(pattern)) => format!("{} says {:?}", plain(file), plain(pattern)),
                _ => "such names are passed over everywhere".to_owned(),
            };
            let what =
                if covered == path.as_str() { String::new() } else { format!(" with {}", plain(covered)) };
            format!("{}: passed over{what}: {rule}\n", of(path))
        }
        FileExplanation::Folder { path, files, unclaimed } => format!(
            "{}: a folder with {}, {} of them claimed by no asset\n",
            of(path),
            things(*files, "file", "files"),
            super::count(*unclaimed)
        ),
    }
}

/// Files that no anchor claims, of which there are `total`: the first of them with their sizes.
pub(crate) fn unclaimed<'a>(
    paths: impl Iterator<Item = &'a AssetPath>,
    total: u64,
    project_path: impl Fn(&AssetPath) -> String,
    size: impl Fn(&AssetPath) -> u64,
    detail: Detail,
) -> String {
    let row = |path: &AssetPath| vec![format!("  {}", plain(&project_path(path))), bytes(size(path))];
    let rows: Vec<_> = paths.take(detail.shown(total as usize)).map(row).collect();
    let mut text = table(&rows);
    if total > rows.len() as u64 {
        let rest = total - rows.len() as u64;
        push!(text, "  … and {} more; `packer list --unclaimed` lists all\n", super::count(rest));
    }
    text
}

/// What was dropped, or would be.
pub(crate) fn collected(report: &GcReport, detail: Detail, paint: Paint) -> String {
    let did = if report.dry_run { "would drop" } else { "dropped" };
    let mut text = String::new();
    if let Some(scrub) = &report.scrub {
        push!(
            text,
            "{} checked, {} damaged\n",
            things(scrub.checked, "artifact", "artifacts"),
            scrub.damaged.len()
        );
        for damaged in &scrub.damaged[..detail.shown(scrub.damaged.len())] {
            push!(text, "  {did} {}: {}\n", paint.bad(&plain(&damaged.path)), plain(&damaged.reason));
        }
        if let Some(rest) = detail.rest(scrub.damaged.len()) {
            push!(text, "  {rest}\n");
        }
    }
    push!(
        text,
        "artifact store: {}, {} of at most {}\n",
        things(report.artifacts, "artifact", "artifacts"),
        bytes(report.bytes),
        bytes(report.max_store_bytes)
    );
    if report.dropped > 0 {
        let dropped = things(report.dropped, "artifact", "artifacts");
        push!(text, "  {did} {dropped}, {}: those that were used longest ago\n", bytes(report.dropped_bytes));
    }
    if report.orphans > 0 {
        push!(text, "  {did} {} that a dead build was writing\n", things(report.orphans, "file", "files"));
    }
    for path in &report.leftovers[..detail.shown(report.leftovers.len())] {
        push!(text, "{did} {}, left by a dead build\n", plain(path));
    }
    if let Some(rest) = detail.rest(report.leftovers.len()) {
        push!(text, "{rest}\n");
    }
    let HistoryReport { operations, bytes: kept, dropped } = &report.history;
    push!(
        text,
        "history: {} that can be undone, {}\n",
        things(*operations, "operation", "operations"),
        bytes(*kept)
    );
    for operation in &dropped[..detail.shown(dropped.len())] {
        let (id, time) = (short_id(operation.operation_id), second(drawn(operation.operation_id)));
        push!(
            text,
            "  {did} operation {id} of {time}, {}: it cannot be undone after that\n",
            bytes(operation.bytes)
        );
    }
    if let Some(rest) = detail.rest(dropped.len()) {
        push!(text, "  {rest}\n");
    }
    let is_nothing = report.dropped == 0 && report.orphans == 0 && report.leftovers.is_empty();
    if is_nothing && dropped.is_empty() {
        text.push_str("nothing else to drop\n");
    }
    text
}

/// When an operation began.
fn drawn(operation: OperationId) -> Timestamp {
    Timestamp::from_unix_ms(operation.drawn_at_ms())
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{
        AssetId, AssetName, AssetRow, AssetState, BuildParticipation, Digest, DroppedHistory, GcDamage,
        GcScrub, InputPart, KeyParts, KindId, LastMade, NamedAsset, PreloadRow, ReferenceRow, SettingRow,
        SettingValue,
    };

    use super::*;
    use crate::render::testing::{DRAW, asset_path, operation_id};

    fn explained() -> AssetExplanation {
        let kind = KindId::parse("tilemap").unwrap();
        let input = InputPart { relative: "quay.tmx".to_owned(), digest: Digest::of(b"new"), size: 2048 };
        let setting = |key: &str, value, origin| SettingRow { key: key.to_owned(), value, origin };
        let changed = BakeReason::InputChanged {
            input: "quay.tmx".to_owned(),
            from: Digest::of(b"old"),
            to: Digest::of(b"new"),
        };
        AssetExplanation {
            row: AssetRow {
                uuid: Some(DRAW.asset_uuid("a")),
                id: AssetId::new(77_120_933),
                name: Some(AssetName::parse("maps/quay").unwrap()),
                kind: Some(kind.clone()),
                anchor: asset_path("maps/quay.tmx.asset.toml"),
                build: Some(BuildParticipation::Included),
                state: AssetState::Ready,
            },
            presence: Presence::Included,
            rule: Some(RuleRow { number: 2, line: Some(14), pattern: "maps/**".to_owned() }),
            settings: vec![
                setting("margin", SettingValue::Int(2), Origin::Rule),
                setting("tileset", SettingValue::Text("tiles/quay".to_owned()), Origin::Anchor),
                setting("trim", SettingValue::Bool(false), Origin::Default),
            ],
            preload: PreloadRow { value: true, origin: Origin::Rule },
            references: vec![ReferenceRow {
                key: "tileset".to_owned(),
                name: "tiles/quay".to_owned(),
                target: Some(DRAW.asset_uuid("t")),
                build_key: Some(Digest::of(b"t")),
            }],
            referred_by: vec![NamedAsset { name: "worlds/harbour".to_owned(), uuid: DRAW.asset_uuid("w") }],
            key: Some(KeyParts {
                build_key: Digest::of(b"key"),
                kind,
                codec_version: 3,
                payload_version: 1,
                settings: std::collections::BTreeMap::new(),
                inputs: vec![input],
                references: Vec::new(),
            }),
            diagnostics: Vec::new(),
            next: NextBuild::Bake { reasons: vec![changed, BakeReason::CodecVersion { from: 2, to: 3 }] },
            last: Some(LastMade {
                operation: operation_id(),
                fetched: false,
                reasons: vec![BakeReason::NeverBuilt {}],
            }),
        }
    }

    #[test]
    fn an_asset_that_will_be_baked() {
        insta::assert_snapshot!(explanation(&explained(), &Advice::none(), Paint::PLAIN));
    }

    #[test]
    fn one_that_is_left_out() {
        let mut held_back = explained();
        held_back.row.state = AssetState::InputMissing;
        held_back.presence = Presence::HeldBack;
        held_back.key = None;
        held_back.last = None;
        held_back.next = NextBuild::Nothing {};
        held_back.references[0].target = None;
        insta::assert_snapshot!(explanation(&held_back, &Advice::none(), Paint::PLAIN));
    }

    #[test]
    fn files_that_are_no_assets() {
        let path = || asset_path("ui/a.png");
        let all = [
            FileExplanation::UnregisteredAnchor { path: asset_path("ui/a.png.asset.toml") },
            FileExplanation::Claimed { path: path(), anchors: vec![asset_path("ui/a.png.asset.toml")] },
            FileExplanation::Unclaimed { path: path(), size: 1536, rule: None },
            FileExplanation::Ignored {
                path: path(),
                covered: "ui".to_owned(),
                file: Some("assets/.packerignore".to_owned()),
                pattern: Some("/ui/".to_owned()),
            },
            FileExplanation::Ignored {
                path: path(),
                covered: "ui/a.png".to_owned(),
                file: None,
                pattern: None,
            },
            FileExplanation::Folder { path: asset_path("ui"), files: 7, unclaimed: 2 },
        ];
        let shown: Vec<String> = all
            .iter()
            .map(|one| file_explanation(one, |path| format!("assets/{path}"), Paint::PLAIN))
            .collect();
        insta::assert_snapshot!(shown.concat());
    }

    #[test]
    fn unclaimed_files_are_cut_and_the_rest_is_counted() {
        let paths: Vec<AssetPath> = (0..23).map(|n| asset_path(&format!("ui/{n:02}.png"))).collect();
        let shown = |detail| {
            unclaimed(paths.iter(), paths.len() as u64, |path| format!("assets/{path}"), |_| 2048, detail)
        };
        let short = shown(Detail::Short);
        assert!(short.starts_with("  assets/ui/00.png  2.0 KiB\n"), "{short}");
        assert!(short.ends_with("  … and 3 more; `packer list --unclaimed` lists all\n"), "{short}");
        assert_eq!(shown(Detail::Full).lines().count(), 23);
    }

    #[test]
    fn what_was_collected() {
        let report = GcReport {
            history: HistoryReport {
                operations: 3,
                bytes: 3 << 20,
                dropped: vec![DroppedHistory { operation_id: operation_id(), bytes: 5_000 }],
            },
            dry_run: true,
            max_store_bytes: 1 << 30,
            artifacts: 12,
            bytes: 3 << 30,
            dropped: 9,
            dropped_bytes: 2 << 30,
            leftovers: vec!["build/.staging-x".to_owned()],
            orphans: 1,
            scrub: Some(GcScrub {
                checked: 13,
                damaged: vec![GcDamage {
                    path: ".packer/store/ab/cd".to_owned(),
                    reason: "its checksum does not fit".to_owned(),
                }],
            }),
        };
        let nothing = GcReport {
            history: HistoryReport { operations: 1, bytes: 120, dropped: Vec::new() },
            dry_run: false,
            dropped: 0,
            orphans: 0,
            leftovers: Vec::new(),
            scrub: None,
            ..report.clone()
        };
        let shown = [&report, &nothing].map(|report| collected(report, Detail::Short, Paint::PLAIN));
        insta::assert_snapshot!(shown.join("---\n"));
    }
}
