//! What an intent says for taking its commit back, beside the files, which it lists anyway: the registry's lines of the
//! assets concerned, before and after, as the registry writes them; and which folder was the assets root.
//!
//! What is read back is checked line by line: it stood on a disk. What undoing means is decided in `packer-domain`.

use camino::Utf8PathBuf;
use packer_domain::identity::OperationId;
use packer_domain::registry::RegistryEntry;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::registry_file::{decode_entry, encode_entry};

/// What it takes to take a commit back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoRecord {
    /// The assets root, relative to the project.
    pub assets: Utf8PathBuf,
    /// Of every asset whose lines of the registry change: all its lines before.
    pub lines_before: Vec<RegistryEntry>,
    /// And all of them after.
    pub lines_after: Vec<RegistryEntry>,
    /// The operation that it took back itself, if it is an undo.
    pub undoes: Option<OperationId>,
}

/// Why a record cannot be used.
#[derive(Debug, Error)]
pub enum UndoRecordError {
    /// It is not the document that it should be.
    #[error("its record for undoing is malformed: {source}")]
    Malformed {
        /// Where and how.
        source: serde_json::Error,
    },
    /// A line in it is no line of a registry.
    #[error("its record for undoing has a line that is none of a registry: {reason}")]
    Line {
        /// Why.
        reason: String,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    assets: Utf8PathBuf,
    lines_before: Vec<String>,
    lines_after: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undoes: Option<OperationId>,
}

impl UndoRecord {
    /// As it stands in an intent.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: what it expects is so for every record")]
    pub fn encode(&self) -> Value {
        let texts = |lines: &[RegistryEntry]| lines.iter().map(encode_entry).collect();
        let document = Document {
            assets: self.assets.clone(),
            lines_before: texts(&self.lines_before),
            lines_after: texts(&self.lines_after),
            undoes: self.undoes,
        };
        serde_json::to_value(document).expect("texts and lists of them are JSON")
    }

    /// As it is read back.
    pub fn decode(value: &Value) -> Result<Self, UndoRecordError> {
        let document =
            Document::deserialize(value).map_err(|source| UndoRecordError::Malformed { source })?;
        let entries = |lines: &[String]| -> Result<Vec<RegistryEntry>, UndoRecordError> {
            let entry = |line: &String| decode_entry(line).map_err(|reason| UndoRecordError::Line { reason });
            lines.iter().map(entry).collect()
        };
        Ok(Self {
            lines_before: entries(&document.lines_before)?,
            lines_after: entries(&document.lines_after)?,
            assets: document.assets,
            undoes: document.undoes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packer_domain::identity::{AssetId, AssetUuid, UuidDraw};
    use packer_domain::path::AssetPath;
    use packer_domain::registry::{BuildParticipation, EntryState};

    #[test]
    fn is_read_as_it_was_written_and_refused_where_it_is_not_one() {
        let entry = |state| RegistryEntry {
            uuid: AssetUuid::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] }),
            id: AssetId::new(7).unwrap(),
            state,
        };
        let anchor = AssetPath::parse("a.png.asset.toml").unwrap();
        let record = UndoRecord {
            assets: "assets".into(),
            lines_before: vec![entry(EntryState::Live { anchor, build: BuildParticipation::Excluded })],
            lines_after: vec![entry(EntryState::Retired)],
            undoes: Some(OperationId::drawn(UuidDraw { unix_ms: 1, entropy: [1; 16] })),
        };
        let value = record.encode();
        assert_eq!(UndoRecord::decode(&value).unwrap(), record);
        let mut torn = value.clone();
        torn["lines_after"][0] = Value::String("{\"id\":7}".to_owned());
        assert!(matches!(UndoRecord::decode(&torn), Err(UndoRecordError::Line { .. })));
        torn["more"] = Value::Null;
        assert!(matches!(UndoRecord::decode(&torn), Err(UndoRecordError::Malformed { .. })));
        assert!(matches!(UndoRecord::decode(&Value::Null), Err(UndoRecordError::Malformed { .. })));
    }
}
