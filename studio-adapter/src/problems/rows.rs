//! The rows of the problems view: one diagnostic, one divergence, and the parts of both, word by word as reported.
//!
//! A row adds titles and labels to what a report says, and leaves nothing of it out but byte offsets, which the place
//! and its excerpt stand for. Which rows there are, and in which order, is settled before.

use packer_events::record::{DiagnosticRecord, RelatedRecord, SeverityRecord, SpanRecord, SubjectRecord};
use packer_runtime::api::{
    Diagnostic, DiagnosticCode, Divergence, Related, ResolutionNeed, ResolutionOffer, Severity, Span, Subject,
};
use serde::Serialize;

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiagnosticRow {
    /// How bad it is.
    pub severity: SeverityView,
    /// The stable code: `area/finding`.
    pub code: String,
    /// What the code means, in one line without a final period.
    pub title: String,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// What it is about.
    pub subject: SubjectView,
    /// The file it was found in, relative to the project, `/`-separated.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The text of that line; may be cut.
    pub excerpt: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<PlaceRow>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeverityView {
    /// The asset, or the project, cannot be built as it is.
    Error,
    /// Works here, and may not elsewhere, or is likely not meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "text", rename_all = "snake_case")]
pub enum SubjectView {
    /// The project as a whole.
    Project,
    /// A path below the assets root.
    Path(String),
    /// The uuid of an asset.
    Asset(String),
    /// A name on disk that is no text that a path can have, shown lossily.
    Unrepresentable(String),
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceRow {
    /// What that place has to do with it.
    pub message: String,
    /// The file, relative to the project, `/`-separated.
    pub file: String,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The text of that line; may be cut.
    pub excerpt: Option<String>,
}

/// One difference between registry and disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DivergenceRow {
    /// The stable code: `area/finding`.
    pub code: String,
    /// What the code means, in one line without a final period.
    pub title: String,
    /// What differs, in one sentence without a final period.
    pub message: String,
    /// The paths concerned, below the assets root, in the packer's order.
    pub paths: Vec<String>,
    /// The uuids of the assets concerned.
    pub assets: Vec<String>,
    /// The runtime ids concerned.
    pub ids: Vec<u32>,
    /// The resolutions that the packer offers; none where it offers none.
    pub resolutions: Vec<ResolutionRow>,
}

/// One resolution that the packer offers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResolutionRow {
    /// The name under which it is asked for.
    pub name: String,
    /// What it would do here, in one line without a final period.
    pub title: String,
    /// What it has to be told besides.
    pub needs: Vec<NeedRow>,
}

/// Something that a resolution has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NeedRow {
    /// What.
    pub need: NeedView,
    /// How to ask for it.
    pub label: String,
}

/// What a resolution has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedView {
    /// Which of the divergence's paths it is for.
    Path,
    /// A name.
    Name,
}

impl DiagnosticRow {
    pub(crate) fn of(diagnostic: &Diagnostic) -> Self {
        let Diagnostic { code, severity, subject, message, file, span, help, related } = diagnostic;
        let (line, column, excerpt) = place(span.as_ref());
        Self {
            severity: SeverityView::of(*severity),
            code: code.as_str().to_owned(),
            title: code.title().to_owned(),
            message: message.clone(),
            subject: SubjectView::of(subject),
            file: file.clone(),
            line,
            column,
            excerpt,
            help: help.clone(),
            related: related.iter().map(PlaceRow::of).collect(),
        }
    }
}

impl DiagnosticRow {
    /// Where it is, for people: the file, with line and column where it has them, or else the path or the asset that it is
    /// about. None where it is about the project as a whole.
    pub fn place(&self) -> Option<String> {
        match (&self.file, self.line, self.column) {
            (Some(file), Some(line), Some(column)) => Some(format!("{file}:{line}:{column}")),
            (Some(file), Some(line), None) => Some(format!("{file}:{line}")),
            (Some(file), None, _) => Some(file.clone()),
            (None, _, _) => match &self.subject {
                SubjectView::Path(text) | SubjectView::Asset(text) | SubjectView::Unrepresentable(text) => {
                    Some(text.clone())
                }
                SubjectView::Project => None,
            },
        }
    }

    /// The same of what an event says. A code of another version of the packer has no title.
    pub(crate) fn of_record(record: &DiagnosticRecord) -> Self {
        let DiagnosticRecord { code, severity, subject, message, file, span, help, related } = record;
        let (line, column, excerpt) = place_of(span.as_ref());
        let title = code.parse::<DiagnosticCode>().map_or("", DiagnosticCode::title);
        let place = |related: &RelatedRecord| {
            let RelatedRecord { message, file, span } = related;
            let (line, column, excerpt) = place_of(span.as_ref());
            PlaceRow { message: message.clone(), file: file.clone(), line, column, excerpt }
        };
        Self {
            severity: match severity {
                SeverityRecord::Error => SeverityView::Error,
                SeverityRecord::Warning => SeverityView::Warning,
                SeverityRecord::Info => SeverityView::Info,
            },
            code: code.clone(),
            title: title.to_owned(),
            message: message.clone(),
            subject: match subject {
                SubjectRecord::Project => SubjectView::Project,
                SubjectRecord::Path(path) => SubjectView::Path(path.to_string()),
                SubjectRecord::Asset(uuid) => SubjectView::Asset(uuid.to_string()),
                SubjectRecord::Unrepresentable(text) => SubjectView::Unrepresentable(text.clone()),
            },
            file: file.clone(),
            line,
            column,
            excerpt,
            help: help.clone(),
            related: related.iter().map(place).collect(),
        }
    }
}

impl SeverityView {
    pub(crate) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Info,
        }
    }
}

impl SubjectView {
    fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Project => Self::Project,
            Subject::Path(path) => Self::Path(path.to_string()),
            Subject::Asset(uuid) => Self::Asset(uuid.to_string()),
            Subject::Unrepresentable(text) => Self::Unrepresentable(text.clone()),
        }
    }
}

impl PlaceRow {
    fn of(related: &Related) -> Self {
        let Related { message, file, span } = related;
        let (line, column, excerpt) = place(span.as_ref());
        Self { message: message.clone(), file: file.clone(), line, column, excerpt }
    }
}

impl DivergenceRow {
    pub(crate) fn of(divergence: &Divergence) -> Self {
        let Divergence { code, paths, assets, ids, message, resolutions } = divergence;
        Self {
            code: code.as_str().to_owned(),
            title: code.diagnostic().title().to_owned(),
            message: message.clone(),
            paths: paths.iter().map(ToString::to_string).collect(),
            assets: assets.iter().map(ToString::to_string).collect(),
            ids: ids.iter().map(|id| id.get()).collect(),
            resolutions: resolutions.iter().map(ResolutionRow::of).collect(),
        }
    }
}

impl ResolutionRow {
    fn of(offer: &ResolutionOffer) -> Self {
        let ResolutionOffer { resolution, title, needs } = offer;
        Self {
            name: resolution.to_string(),
            title: title.clone(),
            needs: needs.iter().map(|need| NeedRow::of(*need)).collect(),
        }
    }
}

impl NeedRow {
    fn of(need: ResolutionNeed) -> Self {
        let (need, label) = match need {
            ResolutionNeed::Path => (NeedView::Path, "Which of the paths"),
            ResolutionNeed::Name => (NeedView::Name, "Which name"),
        };
        Self { need, label: label.to_owned() }
    }
}

/// Line, column and excerpt of a span.
fn place(span: Option<&Span>) -> (Option<u32>, Option<u32>, Option<String>) {
    match span {
        Some(span) => (Some(span.line), Some(span.column), Some(span.excerpt.clone())),
        None => (None, None, None),
    }
}

fn place_of(span: Option<&SpanRecord>) -> (Option<u32>, Option<u32>, Option<String>) {
    match span {
        Some(span) => (Some(span.line), Some(span.column), Some(span.excerpt.clone())),
        None => (None, None, None),
    }
}
