//! Diagnostics and divergences as records: the JSON of `packer_domain`'s, with codes as text, and readable.
//!
//! Codes are text here so that a log that names a code of another packer version can still be read.

use packer_domain::diagnostic::{Diagnostic, Related, Severity, Span, Subject};
use packer_domain::divergence::Divergence;
use packer_domain::identity::{AssetId, AssetUuid};
use packer_domain::path::AssetPath;
use serde::{Deserialize, Serialize};

use crate::optional;

/// A diagnostic. Its JSON is that of [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DiagnosticRecord {
    /// The stable code: `area/finding`.
    pub code: String,
    /// How bad it is.
    pub severity: SeverityRecord,
    /// What it is about.
    pub subject: SubjectRecord,
    /// What is wrong, in one sentence without a final period.
    pub message: String,
    /// The file it was found in, relative to the project, `/`-separated.
    #[serde(deserialize_with = "optional::nullable")]
    pub file: Option<String>,
    /// The place in that file.
    #[serde(deserialize_with = "optional::nullable")]
    pub span: Option<SpanRecord>,
    /// What to do about it.
    #[serde(deserialize_with = "optional::nullable")]
    pub help: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<RelatedRecord>,
}

/// How bad a finding is. Errors sort first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SeverityRecord {
    /// The asset, or the project, cannot be built as it is.
    Error,
    /// Works here, and may not elsewhere, or is likely not meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubjectRecord {
    /// The project as a whole.
    Project,
    /// A path below the assets root.
    Path(AssetPath),
    /// An asset.
    Asset(AssetUuid),
    /// A name on disk that cannot be an [`AssetPath`], shown lossily.
    Unrepresentable(String),
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpanRecord {
    /// Byte offset of its first byte.
    pub start: u32,
    /// Byte offset after its last byte.
    pub end: u32,
    /// Line of its start, from 1.
    pub line: u32,
    /// Column of its start in characters, from 1.
    pub column: u32,
    /// The line it starts in, without its end; may be cut.
    pub excerpt: String,
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RelatedRecord {
    /// What that place has to do with it.
    pub message: String,
    /// The file, relative to the project, `/`-separated.
    pub file: String,
    /// The place in it.
    #[serde(deserialize_with = "optional::nullable")]
    pub span: Option<SpanRecord>,
}

/// A difference between the registry and what is on disk. Its JSON is that of [`Divergence`], with resolutions by name only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DivergenceRecord {
    /// The stable code: `area/finding`.
    pub code: String,
    /// The paths concerned.
    pub paths: Vec<AssetPath>,
    /// The assets concerned.
    pub assets: Vec<AssetUuid>,
    /// The runtime ids concerned.
    pub ids: Vec<AssetId>,
    /// What differs, in one sentence without a final period.
    pub message: String,
    /// The resolutions that the packer offers, by their names on the command line.
    pub resolutions: Vec<String>,
}

impl From<&Diagnostic> for DiagnosticRecord {
    fn from(diagnostic: &Diagnostic) -> Self {
        Self {
            code: diagnostic.code.as_str().to_owned(),
            severity: diagnostic.severity.into(),
            subject: (&diagnostic.subject).into(),
            message: diagnostic.message.clone(),
            file: diagnostic.file.clone(),
            span: diagnostic.span.as_ref().map(Into::into),
            help: diagnostic.help.clone(),
            related: diagnostic.related.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Divergence> for DivergenceRecord {
    fn from(divergence: &Divergence) -> Self {
        Self {
            code: divergence.code.as_str().to_owned(),
            paths: divergence.paths.clone(),
            assets: divergence.assets.clone(),
            ids: divergence.ids.clone(),
            message: divergence.message.clone(),
            resolutions: divergence.resolutions.iter().map(|offer| offer.resolution.to_string()).collect(),
        }
    }
}

impl From<Severity> for SeverityRecord {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Info,
        }
    }
}

impl From<&Subject> for SubjectRecord {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Project => Self::Project,
            Subject::Path(path) => Self::Path(path.clone()),
            Subject::Asset(uuid) => Self::Asset(*uuid),
            Subject::Unrepresentable(text) => Self::Unrepresentable(text.clone()),
        }
    }
}

impl From<&Span> for SpanRecord {
    fn from(span: &Span) -> Self {
        Self {
            start: span.start,
            end: span.end,
            line: span.line,
            column: span.column,
            excerpt: span.excerpt.clone(),
        }
    }
}

impl From<&Related> for RelatedRecord {
    fn from(related: &Related) -> Self {
        Self {
            message: related.message.clone(),
            file: related.file.clone(),
            span: related.span.as_ref().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use packer_domain::diagnostic::{DiagnosticCode, SourceText};
    use packer_domain::divergence::{DivergenceCode, Resolution, ResolutionNeed, ResolutionOffer};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_has_the_json_of_the_diagnostic_and_reads_back() {
        let span = SourceText::new("uuid = 1\n").span(7..8);
        let uuid = "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap();
        let subjects = [
            Subject::Project,
            Subject::Path(AssetPath::parse("ui/a.png").unwrap()),
            Subject::Asset(uuid),
            Subject::Unrepresentable("a\u{fffd}".to_owned()),
        ];
        let severities = [Severity::Error, Severity::Warning, Severity::Info, Severity::Error];
        for (subject, severity) in subjects.into_iter().zip(severities) {
            let mut full = Diagnostic::new(DiagnosticCode::AnchorInvalidValue, subject, "`uuid` is a number")
                .in_file("assets/ui/a.png.asset.toml")
                .at(span.clone())
                .help("write a uuid")
                .related("the file it claims", "assets/ui/a.png");
            full.severity = severity;
            let bare = Diagnostic::new(DiagnosticCode::AnchorMissing, Subject::Project, "gone");
            for diagnostic in [full, bare] {
                let record = DiagnosticRecord::from(&diagnostic);
                let json = serde_json::to_value(&record).unwrap();
                assert_eq!(json, serde_json::to_value(&diagnostic).unwrap());
                assert_eq!(serde_json::from_value::<DiagnosticRecord>(json).unwrap(), record);
            }
        }
    }

    #[test]
    fn a_record_has_the_json_of_the_divergence_with_resolutions_by_name() {
        let divergence = Divergence {
            code: DivergenceCode::AnchorDuplicateUuid,
            paths: vec![
                AssetPath::parse("a.png.asset.toml").unwrap(),
                AssetPath::parse("b.png.asset.toml").unwrap(),
            ],
            assets: vec!["0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap()],
            ids: AssetId::new(77).into_iter().collect(),
            message: "one uuid at two paths".to_owned(),
            resolutions: vec![ResolutionOffer {
                resolution: Resolution::NewUuid,
                title: "give the copy a uuid of its own".to_owned(),
                needs: vec![ResolutionNeed::Path],
            }],
        };
        let mut expected = serde_json::to_value(&divergence).unwrap();
        expected["resolutions"] = json!(["new-uuid"]);
        let record = DivergenceRecord::from(&divergence);
        assert_eq!(serde_json::to_value(&record).unwrap(), expected);
        assert_eq!(serde_json::from_value::<DivergenceRecord>(expected).unwrap(), record);
    }
}
