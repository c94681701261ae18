//! Every state of an asset, pinned; and figures that disagree with the rows, which have to be passed on.

use std::collections::{BTreeMap, BTreeSet};

use packer_runtime::api::{
    AssetCounts, AssetId, AssetPage, AssetPath, AssetRow, AssetState, AssetUuid, BuildParticipation,
    DiagnosticCounts, FileCounts, KindId, LineageId, Revision, UuidDraw,
};

use super::*;
use crate::error::ErrorReason;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] };

fn states() -> Vec<AssetState> {
    every![
        AssetState: Ready,
        Unregistered,
        RegistryConflict,
        Missing,
        Moved,
        Duplicated,
        Invalid,
        NameConflict,
        InputMissing,
        ReferenceBroken,
    ]
    .to_vec()
}

fn row(state: AssetState) -> AssetRow {
    AssetRow {
        uuid: Some(AssetUuid::drawn(DRAW)),
        id: AssetId::new(77),
        name: Some("ui/a".parse().unwrap()),
        kind: Some(KindId::parse("image").unwrap()),
        anchor: AssetPath::parse("ui/a.png.asset.toml").unwrap(),
        build: Some(BuildParticipation::Included),
        state,
    }
}

fn bare() -> AssetRow {
    AssetRow { uuid: None, id: None, name: None, kind: None, build: None, ..row(AssetState::Unregistered) }
}

fn summary() -> WorkspaceSummary {
    WorkspaceSummary {
        revision: Revision(41),
        lineage: LineageId::drawn(DRAW),
        assets: AssetCounts { managed: 9, unregistered: 8, missing: 7, included: 6, excluded: 5, invalid: 4 },
        kinds: BTreeMap::from([(KindId::parse("image").unwrap(), 3)]),
        files: FileCounts { inputs: 2, unclaimed: 1, ignored: 11, bytes: 12 },
        diagnostics: DiagnosticCounts { error: 13, warning: 14, info: 1 },
        divergences: BTreeMap::new(),
    }
}

#[test]
fn every_state_has_a_row_of_its_own() {
    let excluded = AssetRow { build: Some(BuildParticipation::Excluded), ..row(AssetState::Ready) };
    // An unregistered anchor can repeat the uuid of a managed asset.
    let copy = AssetRow { id: None, build: None, ..row(AssetState::Unregistered) };
    let rows: Vec<AssetRow> = states().into_iter().map(row).chain([excluded, bare(), copy]).collect();
    let page = AssetPage { revision: Revision(41), total: 1000, rows };
    let view = NavigatorPage::of(&page);
    insta::assert_json_snapshot!("rows", view);
    let labels: BTreeSet<&str> = view.rows.iter().map(|row| row.state_label.as_str()).collect();
    assert_eq!(labels.len(), states().len(), "two states have one label: {labels:?}");
    for state in states() {
        assert_eq!(AssetStateView::of(state).state(), state);
    }
}

#[test]
fn figures_are_the_packers_also_where_rows_disagree() {
    insta::assert_json_snapshot!("summary", SummaryView::of(&summary()));
    // The figures add up to nothing, and a page of one row says that there are a thousand.
    let page = AssetPage { revision: Revision(41), total: 1000, rows: vec![row(AssetState::Missing)] };
    let view = NavigatorPage::of(&page);
    assert_eq!((view.total, view.rows.len()), (1000, 1));
    let none = AssetPage { revision: Revision(41), total: 0, rows: vec![bare(), bare()] };
    let view = NavigatorPage::of(&none);
    assert_eq!((view.total, view.rows.len()), (0, 2));
}

#[test]
fn what_a_query_cannot_mean_names_its_field() {
    let query = NavigatorQuery::default();
    assert_eq!(query.read().unwrap().limit, Some(200));
    let text = |text: &str| Some(text.to_owned());
    for (query, field) in [
        (NavigatorQuery { kind: text("No Kind"), ..query.clone() }, "kind"),
        (NavigatorQuery { code: text("no-code"), ..query.clone() }, "code"),
        (NavigatorQuery { path: text("../up"), ..query.clone() }, "path"),
    ] {
        let error = query.read().unwrap_err();
        assert_eq!((error.reason, error.field.as_deref()), (ErrorReason::Invalid, Some(field)));
        assert!(!error.message.is_empty());
    }
    let huge = NavigatorQuery { offset: u64::MAX, limit: u64::MAX, ..query };
    assert_eq!(huge.read().unwrap().limit, Some(usize::MAX));
}
