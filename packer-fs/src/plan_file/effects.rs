//! Effects, and what a plan depends on, as they stand in a plan file.
//!
//! Of an edit the file has the diff and the digests, and neither the contents nor the size before: what is carried out is
//! planned again.

use packer_domain::identity::{AssetId, AssetUuid, Digest, OperationId};
use packer_domain::mutation::{FilesystemMutation, KeptFile, RegistryMutation, Seen, SeenPath};
use packer_domain::path::AssetPath;
use packer_domain::registry::{EntryState, RegistryEntry};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error};

use super::request::BuildForm;
use super::tagged::{ByTag, Tagged};

/// A change of one line of the registry.
pub(super) struct RegistryForm(pub RegistryMutation);

impl<'de> Deserialize<'de> for RegistryForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByTag::within(0).deserialize(deserializer).map(Self)
    }
}

impl Tagged for RegistryMutation {
    const TAG: &'static str = "change";
    const WORDS: &'static [&'static str] = &["insert", "update", "retire", "delete"];

    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, _: usize) -> Result<Self, D::Error> {
        Ok(match word {
            "insert" => Self::Insert { entry: LineForm::deserialize(rest)?.entry.into() },
            "update" => {
                let form = UpdateForm::deserialize(rest)?;
                Self::Update { before: form.before.into(), after: form.after.into() }
            }
            "retire" => Self::Retire { before: RetireForm::deserialize(rest)?.before.into() },
            "delete" => Self::Delete { entry: LineForm::deserialize(rest)?.entry.into() },
            other => return Err(D::Error::unknown_variant(other, Self::WORDS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineForm {
    entry: EntryForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpdateForm {
    before: EntryForm,
    after: EntryForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetireForm {
    before: EntryForm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryForm {
    uuid: AssetUuid,
    id: AssetId,
    state: StateForm,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum StateForm {
    Live { anchor: AssetPath, build: BuildForm },
    Retired,
}

impl From<EntryForm> for RegistryEntry {
    fn from(form: EntryForm) -> Self {
        let state = match form.state {
            StateForm::Live { anchor, build } => EntryState::Live { anchor, build: build.into() },
            StateForm::Retired => EntryState::Retired,
        };
        Self { uuid: form.uuid, id: form.id, state }
    }
}

/// A change of one path on disk.
pub(super) struct FilesystemForm(pub FilesystemMutation);

impl<'de> Deserialize<'de> for FilesystemForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByTag::within(0).deserialize(deserializer).map(Self)
    }
}

impl Tagged for FilesystemMutation {
    const TAG: &'static str = "change";
    const WORDS: &'static [&'static str] =
        &["create", "edit", "move", "copy", "to_history", "restore", "make_dir", "remove_dir"];

    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, _: usize) -> Result<Self, D::Error> {
        Ok(match word {
            "create" => {
                let CreateForm { path, contents, after } = CreateForm::deserialize(rest)?;
                Self::Create { path, contents, after }
            }
            "edit" => {
                let EditForm { path, diff, before, after } = EditForm::deserialize(rest)?;
                Self::Edit { path, diff, before, after, before_size: 0, contents: String::new() }
            }
            "move" => {
                let CarryForm { from, to, digest, size } = CarryForm::deserialize(rest)?;
                Self::Move { from, to, digest, size }
            }
            "copy" => {
                let CarryForm { from, to, digest, size } = CarryForm::deserialize(rest)?;
                Self::Copy { from, to, digest, size }
            }
            "to_history" => {
                let TakeForm { path, digest, size } = TakeForm::deserialize(rest)?;
                Self::ToHistory { path, digest, size }
            }
            "restore" => {
                let RestoreForm { path, kept, digest, size } = RestoreForm::deserialize(rest)?;
                Self::Restore { path, kept: kept.0, digest, size }
            }
            "make_dir" => Self::MakeDir { path: FolderForm::deserialize(rest)?.path },
            "remove_dir" => Self::RemoveDir { path: FolderForm::deserialize(rest)?.path },
            other => return Err(D::Error::unknown_variant(other, Self::WORDS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateForm {
    path: AssetPath,
    contents: String,
    after: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EditForm {
    path: AssetPath,
    diff: String,
    before: Digest,
    after: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CarryForm {
    from: AssetPath,
    to: AssetPath,
    digest: Digest,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TakeForm {
    path: AssetPath,
    digest: Digest,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreForm {
    path: AssetPath,
    kept: KeptForm,
    digest: Digest,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderForm {
    path: AssetPath,
}

/// Where the packer keeps a file.
struct KeptForm(KeptFile);

impl<'de> Deserialize<'de> for KeptForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByTag::within(0).deserialize(deserializer).map(Self)
    }
}

impl Tagged for KeptFile {
    const TAG: &'static str = "in";
    const WORDS: &'static [&'static str] = &["history", "displaced", "staged"];

    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, _: usize) -> Result<Self, D::Error> {
        let NumberForm { operation, number } = NumberForm::deserialize(rest)?;
        Ok(match word {
            "history" => Self::History { operation, number },
            "displaced" => Self::Displaced { operation, number },
            "staged" => Self::Staged { operation, number },
            other => return Err(D::Error::unknown_variant(other, Self::WORDS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NumberForm {
    operation: OperationId,
    number: u32,
}

/// A path that a plan depends on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenForm {
    path: AssetPath,
    seen: WhatForm,
}

impl SeenForm {
    pub(super) fn into_seen(self) -> SeenPath {
        SeenPath { path: self.path, seen: self.seen.0 }
    }
}

struct WhatForm(Seen);

impl<'de> Deserialize<'de> for WhatForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByTag::within(0).deserialize(deserializer).map(Self)
    }
}

impl Tagged for Seen {
    const TAG: &'static str = "kind";
    const WORDS: &'static [&'static str] = &["absent", "file", "other"];

    fn read<'de, D: Deserializer<'de>>(word: &str, rest: D, _: usize) -> Result<Self, D::Error> {
        Ok(match word {
            "absent" => nothing(rest, Self::Absent)?,
            "file" => Self::File { digest: FileForm::deserialize(rest)?.digest },
            "other" => nothing(rest, Self::Other)?,
            unknown => return Err(D::Error::unknown_variant(unknown, Self::WORDS)),
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NothingForm {}

/// `form`, which has no further field.
fn nothing<'de, D: Deserializer<'de>>(rest: D, form: Seen) -> Result<Seen, D::Error> {
    let NothingForm {} = NothingForm::deserialize(rest)?;
    Ok(form)
}
