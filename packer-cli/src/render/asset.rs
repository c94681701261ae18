//! Assets: rows of a list, and everything about one.

use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{AssetDetail, AssetRow};

use super::advice::Advice;
use super::diagnostic::diagnostics;
use super::{bytes, table, things};
use crate::ui::{Paint, plain};

/// A list of assets, one a line.
pub(crate) fn rows(rows: &[AssetRow]) -> String {
    let cells = |row: &AssetRow| {
        let AssetRow { uuid: _, id, name, kind, anchor, build, state } = row;
        vec![
            or_dash(id.as_ref()),
            or_dash(kind.as_ref()),
            state.as_str().to_owned(),
            build.map_or_else(|| "-".to_owned(), |build| build.as_str().to_owned()),
            or_dash(name.as_ref()),
            plain(anchor.as_str()),
        ]
    };
    table(&rows.iter().map(cells).collect::<Vec<_>>())
}

fn or_dash(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Everything about one asset. `name_of` gives what to call another one.
pub(crate) fn detail(
    detail: &AssetDetail,
    name_of: impl Fn(packer_runtime::api::AssetUuid) -> Option<String>,
    advice: &Advice,
    paint: Paint,
) -> String {
    let AssetDetail {
        row,
        preload,
        inputs,
        settings,
        references,
        referred_by,
        divergences: _,
        diagnostics: found,
    } = detail;
    let AssetRow { uuid, id, name, kind, anchor, build, state } = row;
    let mut text = format!(
        "{}\n",
        paint.strong(&name.as_ref().map_or_else(|| plain(anchor.as_str()), ToString::to_string))
    );
    let line = |key: &str, value: String| vec![format!("  {key}"), value];
    let mut lines = vec![
        line("uuid", or_dash(uuid.as_ref())),
        line("id", or_dash(id.as_ref())),
        line("kind", or_dash(kind.as_ref())),
        line("anchor", plain(anchor.as_str())),
        line("build", build.map_or_else(|| "-".to_owned(), |build| build.as_str().to_owned())),
        line("state", state.as_str().to_owned()),
        line("preload", if *preload { "yes" } else { "no" }.to_owned()),
    ];
    for input in inputs {
        lines.push(line(
            "input",
            format!("{}, {}, {}", plain(input.path.as_str()), bytes(input.size), input.digest),
        ));
    }
    for (key, value) in settings.iter() {
        lines.push(line("setting", plain(&format!("{key} = {value}"))));
    }
    for reference in references {
        let target = if reference.target.is_some() { "" } else { " (not a managed asset)" };
        lines.push(line("refers to", format!("{} by {}{target}", reference.name, reference.key)));
    }
    for uuid in referred_by {
        lines.push(line("referred to by", name_of(*uuid).unwrap_or_else(|| uuid.to_string())));
    }
    text.push_str(&table(&lines));
    if !found.is_empty() {
        let records: Vec<DiagnosticRecord> = found.iter().map(DiagnosticRecord::from).collect();
        push!(text, "{}\n\n", things(found.len() as u64, "finding:", "findings:"));
        text.push_str(&diagnostics(&records, advice, paint));
    }
    text
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{
        AssetId, AssetName, AssetState, BuildParticipation, Diagnostic, DiagnosticCode, Digest, InputRow,
        KindId, Reference, SettingValue, Settings, Subject,
    };

    use super::*;
    use crate::render::testing::{DRAW, asset_path};

    fn row() -> AssetRow {
        AssetRow {
            uuid: Some(DRAW.asset_uuid("a")),
            id: AssetId::new(77_120_933),
            name: Some(AssetName::parse("ui/confirm").unwrap()),
            kind: Some(KindId::parse("image").unwrap()),
            anchor: asset_path("ui/confirm.png.asset.toml"),
            build: Some(BuildParticipation::Included),
            state: AssetState::Ready,
        }
    }

    #[test]
    fn a_list_shows_what_is_known_and_dashes() {
        let unknown = AssetRow {
            uuid: None,
            id: None,
            name: None,
            kind: None,
            anchor: asset_path("new.png.asset.toml"),
            build: None,
            state: AssetState::Unregistered,
        };
        insta::assert_snapshot!(rows(&[row(), unknown]));
    }

    #[test]
    fn everything_about_an_asset() {
        let uuid = DRAW.asset_uuid("a");
        let full = AssetDetail {
            row: row(),
            preload: true,
            inputs: vec![InputRow {
                path: asset_path("ui/confirm.png"),
                size: 2048,
                digest: Digest::of(b""),
            }],
            settings: Settings::from_iter([("encoding".to_owned(), SettingValue::Text("rgba8".to_owned()))]),
            references: vec![Reference {
                key: "tileset".to_owned(),
                name: AssetName::parse("tiles/outdoor").unwrap(),
                target: None,
            }],
            referred_by: vec![DRAW.asset_uuid("b")],
            divergences: Vec::new(),
            diagnostics: vec![Diagnostic::new(
                DiagnosticCode::ReferenceUnresolved,
                Subject::Asset(uuid),
                "no such",
            )],
        };
        let shown = detail(&full, |_| Some("maps/quay".to_owned()), &Advice::none(), Paint::PLAIN);
        insta::assert_snapshot!(shown);
    }
}
