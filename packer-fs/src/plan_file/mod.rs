//! Plan files: a plan as JSON, written for whoever reviews or applies it later, and read back as what applying goes by.
//!
//! Reading is strict: a field that is not known, a path that is none, a text where a number belongs are refused, with line,
//! column and what was expected. Nothing is repaired, and nothing of what a file says its effects are is ever executed:
//! comparing them with those of the present is `packer-runtime`'s. Blockers, warnings and affected assets are for people,
//! and are only looked at for being lists.
//!
//! Guarantees: hostile files neither panic nor exhaust the stack ([`MAX_BATCH_DEPTH`]), and take memory by their own size,
//! which is bounded ([`MAX_PLAN_BYTES`]). What is written reads back, appears at its path whole or not at all, and
//! replaces nothing unless that is asked for.

mod effects;
mod request;
mod tagged;
#[cfg(test)]
mod tests;

use std::io::Write;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::{Digest, LineageId};
use packer_domain::mutation::{Mutation, MutationPlan, PLAN_SCHEMA, ShownPlan, Verdict};
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::disk::{Disk, DiskError, DiskOperation};
use effects::{FilesystemForm, RegistryForm, SeenForm};
use request::MutationForm;
use tagged::nullable;

/// A file of more bytes is neither read nor written.
pub const MAX_PLAN_BYTES: u64 = 512 << 20;

/// How deep batches may stand in batches.
pub const MAX_BATCH_DEPTH: usize = 16;

/// A reason is cut off after this many characters: it repeats texts of the file, however long they are.
const MAX_REASON_CHARS: usize = 300;

/// Why a plan cannot be read.
#[derive(Debug, Error)]
pub enum ReadPlanError {
    /// It is longer than any plan.
    #[error("it has {bytes} bytes, and a plan has at most {MAX_PLAN_BYTES}")]
    TooLarge {
        /// How long it is.
        bytes: u64,
    },
    /// It was written in a form that this packer does not know.
    #[error("it is a plan of schema {found}, and this packer knows schema {PLAN_SCHEMA}")]
    Schema {
        /// The schema that it names.
        found: u64,
    },
    /// It is no plan.
    #[error("line {line}, column {column}: {reason}")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// The byte in the line, from 1, at which reading it ended.
        column: usize,
        /// What is wrong there, and what was expected, in one line.
        reason: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a plan cannot be written.
#[derive(Debug, Error)]
pub enum WritePlanError {
    /// It would be too long to be read again.
    #[error("the plan would have {bytes} bytes, over {MAX_PLAN_BYTES}")]
    TooLarge {
        /// How long it would be.
        bytes: u64,
    },
    /// Its batches stand too deep in each other to be read again.
    #[error("its batches stand over {MAX_BATCH_DEPTH} deep in each other")]
    TooDeep,
    /// Something stands at the path, and was not to be replaced.
    #[error("{path} is there already")]
    Exists {
        /// The path.
        path: Utf8PathBuf,
    },
    /// A file operation failed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What is read before anything else of a file.
#[derive(Deserialize)]
#[serde(expecting = "a plan, which is an object")]
struct Head {
    schema: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a plan, which is an object")]
struct Document {
    #[serde(rename = "schema")]
    _schema: u64,
    mutation: MutationForm,
    lineage: LineageId,
    #[serde(deserialize_with = "nullable")]
    configuration: Option<Digest>,
    verdict: VerdictForm,
    #[serde(rename = "blockers")]
    _blockers: Vec<IgnoredAny>,
    #[serde(rename = "warnings")]
    _warnings: Vec<IgnoredAny>,
    registry_mutations: Vec<RegistryForm>,
    filesystem_mutations: Vec<FilesystemForm>,
    seen: Vec<SeenForm>,
    #[serde(rename = "affected")]
    _affected: Vec<IgnoredAny>,
    effects_digest: Digest,
    plan_digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerdictForm {
    Ready,
    Blocked,
    Empty,
}

/// The plan in the bytes of a file.
pub fn decode(bytes: &[u8]) -> Result<ShownPlan, ReadPlanError> {
    if bytes.len() as u64 > MAX_PLAN_BYTES {
        return Err(ReadPlanError::TooLarge { bytes: bytes.len() as u64 });
    }
    let Head { schema } = parse(bytes)?;
    if schema != u64::from(PLAN_SCHEMA) {
        return Err(ReadPlanError::Schema { found: schema });
    }
    let document: Document = parse(bytes)?;
    Ok(ShownPlan {
        mutation: document.mutation.0,
        lineage: document.lineage,
        configuration: document.configuration,
        verdict: match document.verdict {
            VerdictForm::Ready => Verdict::Ready,
            VerdictForm::Blocked => Verdict::Blocked,
            VerdictForm::Empty => Verdict::Empty,
        },
        registry_mutations: document.registry_mutations.into_iter().map(|form| form.0).collect(),
        filesystem_mutations: document.filesystem_mutations.into_iter().map(|form| form.0).collect(),
        seen: document.seen.into_iter().map(SeenForm::into_seen).collect(),
        effects_digest: document.effects_digest,
        plan_digest: document.plan_digest,
    })
}

/// The bytes of a plan's file: JSON, one field a line.
#[expect(clippy::missing_panics_doc, reason = "it cannot: what it expects is so for every plan")]
pub fn encode(plan: &MutationPlan) -> Result<Vec<u8>, WritePlanError> {
    if depth(&plan.mutation) > MAX_BATCH_DEPTH {
        return Err(WritePlanError::TooDeep);
    }
    let mut bytes = serde_json::to_vec_pretty(plan)
        .expect("plans hold only strings, numbers and lists, which always serialise");
    bytes.push(b'\n');
    let size = bytes.len() as u64;
    if size > MAX_PLAN_BYTES { Err(WritePlanError::TooLarge { bytes: size }) } else { Ok(bytes) }
}

/// Reads the plan at `path`.
pub fn load(disk: &dyn Disk, path: &Utf8Path) -> Result<ShownPlan, ReadPlanError> {
    decode(&disk.read(path, MAX_PLAN_BYTES)?)
}

/// Writes `plan` at `path`, durably. Until it is whole it stands beside it, under a name with `draw`, which nobody else may
/// have drawn. With `replace`, over a file that is there.
pub fn store(
    disk: &dyn Disk,
    plan: &MutationPlan,
    path: &Utf8Path,
    draw: &str,
    replace: bool,
) -> Result<(), WritePlanError> {
    let exists = || WritePlanError::Exists { path: path.to_owned() };
    let bytes = encode(plan)?;
    if !replace && disk.stat(path)?.is_some() {
        return Err(exists());
    }
    let beside = path.with_file_name(format!(".{}.{draw}", path.file_name().unwrap_or("plan")));
    let result = put(disk, &beside, &bytes).and_then(|()| {
        if replace { disk.rename_over(&beside, path) } else { disk.rename_new(&beside, path) }
    });
    if let Err(error) = result {
        // The error is what is to be told; whether this works too changes nothing about it.
        let _ = disk.remove_file(&beside);
        let is_taken = error.source.kind() == std::io::ErrorKind::AlreadyExists && !replace;
        return Err(if is_taken { exists() } else { error.into() });
    }
    disk.sync_dir(path.parent().unwrap_or(Utf8Path::new("")))?;
    Ok(())
}

fn put(disk: &dyn Disk, path: &Utf8Path, bytes: &[u8]) -> Result<(), DiskError> {
    let fail = |operation| move |source| DiskError { operation, path: path.to_owned(), source };
    let mut file = disk.create(path)?;
    file.write_all(bytes).map_err(fail(DiskOperation::Write))?;
    file.sync().map_err(fail(DiskOperation::Sync))
}

fn parse<'b, T: Deserialize<'b>>(bytes: &'b [u8]) -> Result<T, ReadPlanError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = place(bytes, error.line(), error.column());
        let text = error.to_string();
        let said = text.strip_suffix(&format!(" at line {} column {}", error.line(), error.column()));
        ReadPlanError::Malformed { line, column, reason: tame(said.unwrap_or(&text)) }
    })
}

/// The line and the column of the last byte that was read up to there and is no space: a value is found to be wrong only
/// after the spaces behind it were passed.
fn place(bytes: &[u8], line: usize, column: usize) -> (usize, usize) {
    let start: usize =
        bytes.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    let read = &bytes[..bytes.len().min(start.saturating_add(column))];
    let read = read.trim_ascii_end();
    let line = read.split(|byte| *byte == b'\n').count();
    let start = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    (line, (read.len() - start).max(1))
}

/// `text` on one line, and not too long.
fn tame(text: &str) -> String {
    let mut tamed = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == MAX_REASON_CHARS {
            tamed.push('…');
            break;
        }
        if c.is_control() { tamed.extend(c.escape_default()) } else { tamed.push(c) }
    }
    tamed
}

/// How deep batches stand in `mutation`: 0 in one that is none.
fn depth(mutation: &Mutation) -> usize {
    let (mut deepest, mut waiting) = (0, vec![(mutation, 0)]);
    while let Some((next, depth)) = waiting.pop() {
        if let Mutation::Batch(batch) = next {
            deepest = deepest.max(depth + 1);
            waiting.extend(batch.mutations.iter().map(|member| (member, depth + 1)));
        }
    }
    deepest
}
