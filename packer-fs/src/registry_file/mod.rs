//! `registry.jsonl`: the text form of the registry.
//!
//! A header line, then one JSON object a line:
//!
//! ```text
//! {"schema":1,"lineage":"0192f0c1-…"}
//! {"id":77120933,"uuid":"0192…","anchor":"ui/confirm.png.asset.toml","build":"included"}
//! {"id":2890135921,"uuid":"0192…","retired":true}
//! ```
//!
//! The reader takes what a union merge of two valid files can give: lines in any order, and exact duplicates, also of the
//! header; and `\r\n` line ends, from a checkout that makes them. Everything else is refused with its line, every such
//! line and not only the first. The writer gives the same bytes for the same registry: sorted by id, so that neighbours
//! are unrelated assets and two branches seldom touch adjacent lines.
//!
//! What the lines mean together (two uuids with one id, one uuid on two lines) is `packer-domain`'s; replacing the file is
//! a transaction of the journal's.

mod parse;
mod text;

pub use parse::parse;
pub(crate) use text::ReadRegistry;
pub use text::{EditedRegistry, RegistryText, ReplacedEntry};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::{AssetId, AssetUuid, Digest, LineageId};
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::disk::{Disk, DiskError};

/// The version of the text form.
pub const SCHEMA: u64 = 1;

/// A registry file of more bytes is refused: some eight million assets.
pub const MAX_REGISTRY_BYTES: u64 = 1 << 30;

/// A registry as it was read.
#[derive(Clone, Debug)]
pub struct LoadedRegistry {
    /// The registry.
    pub registry: Registry,
    /// The digest of the file's bytes, which need not be those that the writer would give.
    pub digest: Digest,
}

/// Why there is no registry to read.
#[derive(Debug, Error)]
pub enum RegistryReadError {
    /// There is no file.
    #[error("{path} does not exist")]
    Missing {
        /// Where it was looked for.
        path: Utf8PathBuf,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(DiskError),
    /// The file is refused.
    #[error("{path} is not a valid registry")]
    Invalid {
        /// The file.
        path: Utf8PathBuf,
        /// The digest of its bytes.
        digest: Digest,
        /// Every line that is refused, and why.
        diagnostics: Vec<Diagnostic>,
    },
}

/// Reads and parses the registry at `path`.
pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Result<LoadedRegistry, RegistryReadError> {
    let bytes = disk.read(path, MAX_REGISTRY_BYTES).map_err(|error| {
        let missing = error.is_not_found();
        if missing {
            RegistryReadError::Missing { path: path.to_owned() }
        } else {
            RegistryReadError::Unreadable(error)
        }
    })?;
    let digest = Digest::of(&bytes);
    match parse(&bytes, path.as_str()) {
        Ok(registry) => Ok(LoadedRegistry { registry, digest }),
        Err(diagnostics) => Err(RegistryReadError::Invalid { path: path.to_owned(), digest, diagnostics }),
    }
}

/// The bytes of `registry`'s file: the same for the same registry.
pub fn encode(registry: &Registry) -> Vec<u8> {
    let mut entries: Vec<&RegistryEntry> = registry.entries().collect();
    entries.sort_unstable_by(|a, b| (a.id, a.uuid, &a.state).cmp(&(b.id, b.uuid, &b.state)));
    let mut bytes = Vec::with_capacity(100 + entries.len() * 160);
    push_line(&mut bytes, &HeaderLine { schema: SCHEMA, lineage: registry.lineage() });
    for entry in entries {
        push_line(&mut bytes, &EntryLine::from(entry));
    }
    bytes
}

/// The line of one entry, without its end.
pub fn encode_entry(entry: &RegistryEntry) -> String {
    let mut bytes = Vec::new();
    push_line(&mut bytes, &EntryLine::from(entry));
    bytes.pop();
    into_text(bytes)
}

/// The entry of a line without its end; what is wrong with it otherwise.
pub fn decode_entry(text: &str) -> Result<RegistryEntry, String> {
    let line: EntryLine = serde_json::from_str(text).map_err(|error| error.to_string())?;
    line.into_entry().map_err(str::to_owned)
}

fn into_text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("JSON of texts is text")
}

fn push_line(bytes: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *bytes, line).expect("numbers and texts are JSON, and memory takes them");
    bytes.push(b'\n');
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeaderLine {
    schema: u64,
    lineage: LineageId,
}

/// Fields in the order of the format. An absent one is absent: `null` is no value.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryLine {
    id: AssetId,
    uuid: AssetUuid,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    anchor: Option<AssetPath>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    build: Option<BuildWord>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    retired: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BuildWord {
    Included,
    Excluded,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl From<&RegistryEntry> for EntryLine {
    fn from(entry: &RegistryEntry) -> Self {
        let (anchor, build, retired) = match &entry.state {
            EntryState::Live { anchor, build } => {
                let build = match build {
                    BuildParticipation::Included => BuildWord::Included,
                    BuildParticipation::Excluded => BuildWord::Excluded,
                };
                (Some(anchor.clone()), Some(build), None)
            }
            EntryState::Retired => (None, None, Some(true)),
        };
        Self { id: entry.id, uuid: entry.uuid, anchor, build, retired }
    }
}

impl EntryLine {
    fn into_entry(self) -> Result<RegistryEntry, &'static str> {
        let state = match (self.anchor, self.build, self.retired) {
            (Some(anchor), Some(build), None) => {
                let build = match build {
                    BuildWord::Included => BuildParticipation::Included,
                    BuildWord::Excluded => BuildParticipation::Excluded,
                };
                EntryState::Live { anchor, build }
            }
            (None, None, Some(true)) => EntryState::Retired,
            (_, _, Some(false)) => return Err("`retired` is true or absent"),
            (_, _, Some(true)) => return Err("a retired entry has neither `anchor` nor `build`"),
            (None, _, None) => return Err("missing field `anchor`"),
            (_, None, None) => return Err("missing field `build`"),
        };
        Ok(RegistryEntry { uuid: self.uuid, id: self.id, state })
    }
}

#[cfg(test)]
mod tests;
