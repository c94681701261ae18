//! Intents: the record of what a commit is about to do, complete enough for another process to finish it.
//!
//! A file is a line `packer-intent <schema> <digest of the rest>`, then one JSON document. What is read back is checked
//! as if it were hostile: by its digest, by the operation that its name says, and path by path, because recovery acts
//! on it. What the inverse and the prepared outcome mean is the runtime's knowledge; here they are carried.

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{Digest, OperationId, SourceId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::fingerprint::FileFingerprint;
use super::steps::{StepProblem, Work};
use crate::disk::{Disk, DiskError};

/// The most bytes that an intent may have: some hundreds of thousands of steps.
pub const MAX_INTENT_BYTES: u64 = 256 << 20;

const SCHEMA: u32 = 1;

/// What an operation is about to do, or did, to the workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The operation.
    pub operation: OperationId,
    /// The source in whose log its events stand.
    pub source: SourceId,
    /// The number that the head will have.
    pub commit: u64,
    /// The files.
    pub work: Work,
    /// The registry.
    pub registry: RegistryWork,
    /// Lines of the registry that the new one does not have.
    pub replaced_lines: Vec<String>,
    /// The frozen operations that it settles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resolves: Vec<OperationId>,
    /// How to undo it.
    pub inverse: Value,
    /// What is needed to end the operation in another process: its outcome and its next sequence numbers.
    pub prepared: Value,
}

/// What happens to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RegistryWork {
    /// It stays as it is.
    Unchanged {
        /// Its digest.
        digest: Digest,
    },
    /// It is swapped with a staged one.
    Replaced {
        /// What it must hold; `None` if there is none yet.
        before: Option<FileFingerprint>,
        /// What it will hold.
        after: FileFingerprint,
        /// The number of the staged one.
        staged: u32,
    },
}

impl RegistryWork {
    /// The digest of the registry once this is done.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Unchanged { digest } => *digest,
            Self::Replaced { after, .. } => after.digest,
        }
    }
}

/// Why the bytes of an intent cannot be acted on.
#[derive(Debug, Error)]
pub enum IntentDamage {
    /// The first line is not that of an intent.
    #[error("it does not start as an intent does")]
    NotAnIntent,
    /// Another version of the packer wrote it.
    #[error("it has schema {found}, and this packer knows {SCHEMA}")]
    Schema {
        /// The schema it has.
        found: String,
    },
    /// Its bytes changed since they were written.
    #[error("its digest does not match its contents")]
    Digest,
    /// The document is not that of an intent.
    #[error("its document is malformed: {source}")]
    Malformed {
        /// Where and how.
        source: serde_json::Error,
    },
    /// It belongs to another operation than its name says.
    #[error("it is that of operation {found}")]
    OtherOperation {
        /// The operation in it.
        found: OperationId,
    },
    /// It asks for something that no commit does.
    #[error("it does something to {path} that no commit does: {problem}")]
    Impossible {
        /// The path.
        path: Utf8PathBuf,
        /// What is wrong.
        problem: StepProblem,
    },
    /// It settles itself.
    #[error("it is to settle its own operation")]
    SettlesItself,
    /// It is larger than any intent.
    #[error("it has more than {MAX_INTENT_BYTES} bytes")]
    TooLarge,
}

/// An intent, or why it is none.
pub(super) type Decoded<T> = Result<T, IntentDamage>;

pub(super) const WORKSPACE_MAGIC: &str = "packer-intent";
pub(super) const OUTPUTS_MAGIC: &str = "packer-outputs";

pub(super) fn encode<T: Serialize>(magic: &str, intent: &T) -> Vec<u8> {
    let mut body = serde_json::to_vec(intent).expect("its maps have text keys, and nothing in it fails");
    body.push(b'\n');
    let mut bytes = format!("{magic} {SCHEMA} {}\n", Digest::of(&body)).into_bytes();
    bytes.append(&mut body);
    bytes
}

pub(super) fn decode_document<T: DeserializeOwned>(magic: &str, bytes: &[u8]) -> Decoded<T> {
    let end = bytes.iter().take(256).position(|byte| *byte == b'\n').ok_or(IntentDamage::NotAnIntent)?;
    let (line, body) = (&bytes[..end], &bytes[end + 1..]);
    let line = std::str::from_utf8(line).map_err(|_| IntentDamage::NotAnIntent)?;
    let fields: Vec<&str> = line.split(' ').collect();
    let [found, schema, digest] = fields[..] else { return Err(IntentDamage::NotAnIntent) };
    if found != magic {
        return Err(IntentDamage::NotAnIntent);
    }
    if schema != SCHEMA.to_string() {
        return Err(IntentDamage::Schema { found: schema.to_owned() });
    }
    if digest.parse() != Ok(Digest::of(body)) {
        return Err(IntentDamage::Digest);
    }
    serde_json::from_slice(body).map_err(|source| IntentDamage::Malformed { source })
}

pub(super) fn decode(operation: OperationId, bytes: &[u8]) -> Decoded<Intent> {
    let intent: Intent = decode_document(WORKSPACE_MAGIC, bytes)?;
    if intent.operation != operation {
        return Err(IntentDamage::OtherOperation { found: intent.operation });
    }
    intent.work.check().map_err(|(path, problem)| IntentDamage::Impossible { path, problem })?;
    if intent.resolves.contains(&operation) {
        return Err(IntentDamage::SettlesItself);
    }
    if let RegistryWork::Replaced { staged, .. } = intent.registry
        && staged != intent.work.staged_count()
    {
        let path = crate::layout::REGISTRY.into();
        return Err(IntentDamage::Impossible { path, problem: StepProblem::PlacedTwice });
    }
    Ok(intent)
}

/// Reads an intent; what cannot be one is `Ok(Err(_))`, what cannot be read is `Err`.
pub(super) fn read(
    disk: &dyn Disk,
    path: &Utf8Path,
    operation: OperationId,
) -> Result<Decoded<Intent>, DiskError> {
    Ok(read_bytes(disk, path)?.and_then(|bytes| decode(operation, &bytes)))
}

pub(super) fn read_bytes(disk: &dyn Disk, path: &Utf8Path) -> Result<Decoded<Vec<u8>>, DiskError> {
    match disk.read(path, MAX_INTENT_BYTES) {
        Ok(bytes) => Ok(Ok(bytes)),
        Err(error) if error.source.kind() == std::io::ErrorKind::FileTooLarge => {
            Ok(Err(IntentDamage::TooLarge))
        }
        Err(error) => Err(error),
    }
}
