//! Tests of the problems view: everything that can stand in it, pinned; and answers that contradict each other, which
//! the view has to pass on as they are.

use std::collections::BTreeMap;

use packer_events::record::UnknownCause;
use packer_events::time::Timestamp;
use packer_runtime::api::{
    AssetCounts, AssetId, AssetPath, AssetUuid, DiagnosticCode, DivergenceCode, FileCounts, LineageId,
    OperationId, Related, Resolution, ResolutionNeed, ResolutionOffer, Revision, Severity, Span, Subject,
    UuidDraw,
};

use super::*;
use crate::freshness::FreshnessState;

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] };

fn summary(diagnostics: DiagnosticCounts, divergences: &[(DivergenceCode, u64)]) -> WorkspaceSummary {
    WorkspaceSummary {
        revision: Revision(41),
        lineage: LineageId::drawn(DRAW),
        assets: AssetCounts::default(),
        kinds: BTreeMap::new(),
        files: FileCounts::default(),
        diagnostics,
        divergences: divergences.iter().copied().collect(),
    }
}

fn verified() -> Freshness {
    Freshness::Verified { at: Timestamp::from_unix_ms(1_795_338_000_123), watched: true }
}

fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

fn divergence(code: DivergenceCode, resolutions: Vec<ResolutionOffer>) -> Divergence {
    Divergence {
        code,
        paths: vec![path("ui/b.png.asset.toml"), path("ui/a.png.asset.toml")],
        assets: vec![AssetUuid::drawn(DRAW)],
        ids: AssetId::new(77).into_iter().collect(),
        message: format!("what differs in {code}"),
        resolutions,
    }
}

fn offer(resolution: Resolution, needs: &[ResolutionNeed]) -> ResolutionOffer {
    ResolutionOffer { resolution, title: format!("what {resolution} would do"), needs: needs.to_vec() }
}

/// Every resolution; each of two lines of a registry can be kept.
fn offers() -> Vec<ResolutionOffer> {
    vec![
        offer(Resolution::Register, &[]),
        offer(Resolution::Retire, &[]),
        offer(Resolution::AcceptMove, &[]),
        offer(Resolution::NewUuid, &[ResolutionNeed::Path]),
        offer(Resolution::Rename, &[ResolutionNeed::Path, ResolutionNeed::Name]),
        offer(Resolution::Reallocate, &[]),
        offer(Resolution::KeepLine(1), &[]),
        offer(Resolution::KeepLine(2), &[]),
    ]
}

fn span() -> Span {
    Span { start: 7, end: 8, line: 3, column: 8, excerpt: "uuid = 1".to_owned() }
}

/// Every severity with every subject, with and without a place.
fn findings() -> Vec<Diagnostic> {
    let subjects = [
        Subject::Project,
        Subject::Path(path("ui/a.png")),
        Subject::Asset(AssetUuid::drawn(DRAW)),
        Subject::Unrepresentable("a\u{fffd}.png".to_owned()),
    ];
    let mut found = Vec::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        for subject in subjects.clone() {
            let message = format!("a finding of the severity {severity}");
            let bare = Diagnostic::new(DiagnosticCode::PathNotPortable, subject, message);
            found.push(Diagnostic { severity, ..bare });
        }
    }
    let placed = Diagnostic::new(DiagnosticCode::AnchorInvalidValue, Subject::Project, "`uuid` is a number")
        .in_file("assets/ui/a.png.asset.toml")
        .at(span())
        .help("write a uuid")
        .related("the file it claims", "assets/ui/a.png");
    let related = Related {
        message: "first written here".to_owned(),
        file: "assets/ui/b.png.asset.toml".to_owned(),
        span: Some(span()),
    };
    found.push(Diagnostic { related: [placed.related.clone(), vec![related]].concat(), ..placed });
    found
}

#[test]
fn every_finding_has_a_row() {
    let view = ProblemsView::of_reports(
        &summary(DiagnosticCounts { error: 5, warning: 4, info: 4 }, &[]),
        &findings(),
        &[],
        &verified(),
    );
    insta::assert_json_snapshot!("diagnostics", view);
}

#[test]
fn every_divergence_and_resolution_has_a_row() {
    let all = DivergenceCode::ALL.iter();
    let mut divergences: Vec<Divergence> = all.clone().map(|code| divergence(*code, Vec::new())).collect();
    divergences.push(divergence(DivergenceCode::RegistryDuplicateEntry, offers()));
    let counts: Vec<(DivergenceCode, u64)> = all.map(|code| (*code, 1)).collect();
    let view = ProblemsView::of_reports(
        &summary(DiagnosticCounts::default(), &counts),
        &[],
        &divergences,
        &verified(),
    );
    for code in DivergenceCode::ALL {
        let row = view.divergences.iter().find(|row| row.code == code.as_str()).unwrap();
        assert_eq!(row.title, code.diagnostic().title());
    }
    insta::assert_json_snapshot!("divergences", view);
}

#[test]
fn totals_are_the_packers_even_when_rows_disagree() {
    let counts = DiagnosticCounts { error: 1, warning: 907, info: 0 };
    let divergences = [divergence(DivergenceCode::AnchorMoved, Vec::new())];
    let told = [(DivergenceCode::InputMissing, 3)];
    let view = ProblemsView::of_reports(&summary(counts, &told), &findings(), &divergences, &verified());
    assert_eq!(view.diagnostics.len(), findings().len());
    assert_eq!((view.totals.errors, view.totals.warnings, view.totals.infos), (1, 907, 0));
    assert_eq!(view.totals.headline, "1 error, 907 warnings, 0 infos");
    let codes: Vec<(&str, u64)> =
        view.totals.divergences.iter().map(|total| (total.code.as_str(), total.count)).collect();
    assert_eq!(codes, [("input/missing", 3)]);
    assert_eq!(view.divergences.len(), 1);

    let nothing = ProblemsView::of_reports(&summary(counts, &told), &[], &[], &verified());
    assert_eq!(nothing.totals, view.totals);
    let zero = summary(DiagnosticCounts::default(), &[]);
    let silent = ProblemsView::of_reports(&zero, &findings(), &divergences, &verified());
    assert_eq!(silent.totals.headline, "0 errors, 0 warnings, 0 infos");
    assert!(silent.totals.divergences.is_empty());
    assert_eq!((silent.diagnostics, silent.divergences), (view.diagnostics, view.divergences));
}

#[test]
fn rows_stand_in_the_order_in_which_they_are_given() {
    let summary = summary(DiagnosticCounts::default(), &[]);
    let mut diagnostics = findings();
    let mut divergences: Vec<Divergence> =
        DivergenceCode::ALL.iter().map(|code| divergence(*code, offers())).collect();
    let forwards = ProblemsView::of_reports(&summary, &diagnostics, &divergences, &verified());
    diagnostics.reverse();
    for divergence in &mut divergences {
        divergence.paths.reverse();
        divergence.resolutions.reverse();
    }
    divergences.reverse();
    let mut backwards = ProblemsView::of_reports(&summary, &diagnostics, &divergences, &verified());
    assert_ne!(backwards, forwards);
    backwards.diagnostics.reverse();
    backwards.divergences.reverse();
    for row in &mut backwards.divergences {
        row.paths.reverse();
        row.resolutions.reverse();
    }
    assert_eq!(backwards, forwards);
}

#[test]
fn a_severity_is_the_findings_and_not_the_usual_one_of_its_code() {
    let summary = summary(DiagnosticCounts::default(), &[]);
    let usual = Diagnostic::new(DiagnosticCode::AnchorMissing, Subject::Project, "gone");
    assert_eq!(usual.severity, Severity::Error);
    let told = Diagnostic { severity: Severity::Info, ..usual };
    let view = ProblemsView::of_reports(&summary, &[told], &[], &verified());
    assert_eq!(view.diagnostics[0].severity, SeverityView::Info);
}

#[test]
fn no_resolution_is_offered_that_the_packer_does_not_offer() {
    let summary = summary(DiagnosticCounts::default(), &[]);
    let odd = offer(Resolution::Register, &[ResolutionNeed::Name]);
    let divergences = [
        divergence(DivergenceCode::AnchorMoved, Vec::new()),
        divergence(DivergenceCode::InputMissing, vec![odd]),
    ];
    let view = ProblemsView::of_reports(&summary, &[], &divergences, &verified());
    assert!(view.divergences[0].resolutions.is_empty());
    let offered = &view.divergences[1].resolutions;
    assert_eq!((offered.len(), offered[0].name.as_str()), (1, "register"));
    assert_eq!(offered[0].needs[0].need, NeedView::Name);
}

#[test]
fn the_badge_follows_the_freshness_and_nothing_else() {
    let errors = summary(DiagnosticCounts { error: 9, warning: 9, info: 9 }, &[]);
    let clean = summary(DiagnosticCounts::default(), &[]);
    let frozen = Freshness::RecoveryRequired { operation_id: OperationId::drawn(DRAW) };
    let unknown = Freshness::Unknown { cause: UnknownCause::ChangedOutside };
    for (freshness, state) in [
        (verified(), FreshnessState::Verified),
        (Freshness::Dirty { paths: Vec::new(), registry: true, configuration: false }, FreshnessState::Dirty),
        (unknown, FreshnessState::Unknown),
        (frozen, FreshnessState::RecoveryRequired),
    ] {
        let problems = ProblemsView::of_reports(&errors, &findings(), &[], &freshness);
        let none = ProblemsView::of_reports(&clean, &[], &[], &freshness);
        assert_eq!(problems.freshness, none.freshness);
        assert_eq!(none.freshness.state, state);
        assert_eq!(none.revision, 41);
    }
}

#[test]
fn a_place_is_as_exact_as_the_packer_says() {
    let about = |subject| DiagnosticRow::of(&Diagnostic::new(DiagnosticCode::ConfigSyntax, subject, ""));
    let uuid = AssetUuid::drawn(DRAW);
    assert_eq!(about(Subject::Project).place(), None);
    assert_eq!(about(Subject::Path(path("ui/a.png"))).place().as_deref(), Some("ui/a.png"));
    assert_eq!(about(Subject::Asset(uuid)).place(), Some(uuid.to_string()));
    assert_eq!(about(Subject::Unrepresentable("a?".to_owned())).place().as_deref(), Some("a?"));

    // A file says more than the subject, and its line and column say more than the file.
    let row =
        DiagnosticRow { file: Some("packer.toml".to_owned()), ..about(Subject::Path(path("ui/a.png"))) };
    assert_eq!(row.place().as_deref(), Some("packer.toml"));
    let row = DiagnosticRow { line: Some(3), ..row };
    assert_eq!(row.place().as_deref(), Some("packer.toml:3"));
    let row = DiagnosticRow { column: Some(7), ..row };
    assert_eq!(row.place().as_deref(), Some("packer.toml:3:7"));
}
