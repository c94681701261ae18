//! What the tests of `render` share: hand-made values of what the packer says.

use std::collections::BTreeMap;

use packer_events::record::{DiagnosticRecord, SeverityRecord, SpanRecord, SubjectRecord};
use packer_events::time::Timestamp;
use packer_runtime::api::{
    AssetCounts, AssetPath, DiagnosticCounts, Divergence, DivergenceCode, FileCounts, KindId, LineageId,
    OperationId, Resolution, ResolutionNeed, ResolutionOffer, Revision, SourceId, UuidDraw, WorkspaceSummary,
};

pub(crate) const DRAW: UuidDraw = UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] };

pub(crate) fn time() -> Timestamp {
    Timestamp::from_unix_ms(1_795_338_000_123)
}

pub(crate) fn operation_id() -> OperationId {
    OperationId::drawn(DRAW)
}

pub(crate) fn source_id() -> SourceId {
    SourceId::drawn(DRAW)
}

pub(crate) fn asset_path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

pub(crate) fn diagnostic_record(code: &str, message: &str) -> DiagnosticRecord {
    DiagnosticRecord {
        code: code.to_owned(),
        severity: SeverityRecord::Error,
        subject: SubjectRecord::Project,
        message: message.to_owned(),
        file: None,
        span: None,
        help: None,
        related: Vec::new(),
    }
}

pub(crate) fn span(line: u32, column: u32, excerpt: &str, range: std::ops::Range<u32>) -> SpanRecord {
    SpanRecord { start: range.start, end: range.end, line, column, excerpt: excerpt.to_owned() }
}

pub(crate) fn divergence(
    code: DivergenceCode,
    paths: &[&str],
    offers: &[(Resolution, &[ResolutionNeed])],
) -> Divergence {
    let offer = |(resolution, needs): &(Resolution, &[ResolutionNeed])| ResolutionOffer {
        resolution: *resolution,
        title: format!("do {resolution}"),
        needs: needs.to_vec(),
    };
    Divergence {
        code,
        paths: paths.iter().map(|path| asset_path(path)).collect(),
        assets: Vec::new(),
        ids: Vec::new(),
        message: format!("{code} is so"),
        resolutions: offers.iter().map(offer).collect(),
    }
}

/// Figures that agree with nothing: what is shown must be these, never a count of anything.
pub(crate) fn summary() -> WorkspaceSummary {
    WorkspaceSummary {
        revision: Revision(3),
        lineage: LineageId::drawn(DRAW),
        assets: AssetCounts {
            managed: 1941,
            unregistered: 2,
            missing: 3,
            included: 930,
            excluded: 11,
            invalid: 4,
        },
        kinds: BTreeMap::from([
            (KindId::parse("image").unwrap(), 800),
            (KindId::parse("data").unwrap(), 120),
        ]),
        files: FileCounts { inputs: 950, unclaimed: 12, ignored: 5, bytes: 23_800_000 },
        diagnostics: DiagnosticCounts { error: 2, warning: 1, info: 0 },
        divergences: BTreeMap::from([(DivergenceCode::AnchorMoved, 6)]),
    }
}
