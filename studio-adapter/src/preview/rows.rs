//! The rows of a preview: an asset whose meaning changes, a line of the registry, a path on disk.

use packer_runtime::api::{
    Affected, AssetId, AssetPath, Change, EntryState, FilesystemMutation, RegistryEntry, RegistryMutation,
};
use serde::Serialize;

use crate::labels;
use crate::workspace::ParticipationView;

/// An asset whose meaning changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AffectedRow {
    /// Its uuid.
    pub uuid: String,
    /// Its id, afterwards.
    pub id: Option<u32>,
    /// Its name, afterwards, if it is known.
    pub name: Option<String>,
    /// How.
    pub change: ChangeView,
    /// The same in words.
    pub change_label: String,
}

/// How an asset's meaning changes, as the packer has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeView {
    /// It becomes an asset.
    Adopted,
    /// Its anchor becomes managed.
    Registered,
    /// It is no longer managed.
    Retired,
    /// Its accepted place is another.
    Moved,
    /// It becomes an asset of its own.
    Separated,
    /// Its name is another.
    Renamed,
    /// Its id is another.
    Renumbered,
    /// One of its contradicting lines is kept.
    Settled,
    /// Its anchor says something else.
    Configured,
    /// Builds take it.
    Included,
    /// Builds leave it out.
    Excluded,
    /// It is a copy of another.
    Duplicated,
    /// It is managed again.
    Restored,
    /// It is as it was before an operation that is taken back.
    Reverted,
    /// It is no asset any more, and nothing of it is left in the registry.
    Undone,
}

/// A change of one line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryRow {
    /// The asset's uuid.
    pub uuid: String,
    /// What happens to the line, in one word.
    pub label: String,
    /// The line as it is; none for a new one.
    pub before: Option<RegistryLineView>,
    /// The line as it would be; none for one that goes.
    pub after: Option<RegistryLineView>,
}

/// A line of the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistryLineView {
    /// The runtime id.
    pub id: u32,
    /// The accepted anchor; none for a retired line.
    pub anchor: Option<String>,
    /// Whether builds take the asset; none for a retired line.
    pub build: Option<ParticipationView>,
    /// The line in words.
    pub text: String,
}

/// A change of one path on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileChangeRow {
    /// What happens.
    pub change: FileChangeView,
    /// The same in one word.
    pub label: String,
    /// The path that changes, below the assets root; of a move or a copy, where it goes.
    pub path: String,
    /// The path that something leaves or is read from.
    pub from: Option<String>,
    /// Bytes, where the packer says so.
    pub size: Option<u64>,
    /// Of an edit: what changes, as a unified diff.
    pub diff: Option<String>,
    /// Of a new file: its contents.
    pub contents: Option<String>,
}

/// What happens to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileChangeView {
    /// A new file.
    Create,
    /// New contents for a file.
    Edit,
    /// A file goes to another place.
    Move,
    /// A file gets a copy.
    Copy,
    /// A file leaves the workspace, and is kept in the history.
    ToHistory,
    /// A file comes back from what the packer keeps.
    Restore,
    /// A folder is made.
    MakeFolder,
    /// A folder in which nothing is left is removed.
    RemoveFolder,
}

impl AffectedRow {
    pub(super) fn of(affected: &Affected) -> Self {
        let Affected { uuid, id, name, change } = affected;
        Self {
            uuid: uuid.to_string(),
            id: id.map(AssetId::get),
            name: name.as_ref().map(ToString::to_string),
            change: ChangeView::of(*change),
            change_label: labels::change(*change).to_owned(),
        }
    }
}

impl ChangeView {
    fn of(change: Change) -> Self {
        match change {
            Change::Adopted => Self::Adopted,
            Change::Registered => Self::Registered,
            Change::Retired => Self::Retired,
            Change::Moved => Self::Moved,
            Change::Separated => Self::Separated,
            Change::Renamed => Self::Renamed,
            Change::Renumbered => Self::Renumbered,
            Change::Settled => Self::Settled,
            Change::Configured => Self::Configured,
            Change::Included => Self::Included,
            Change::Excluded => Self::Excluded,
            Change::Duplicated => Self::Duplicated,
            Change::Restored => Self::Restored,
            Change::Reverted => Self::Reverted,
            Change::Undone => Self::Undone,
        }
    }
}

impl RegistryRow {
    pub(super) fn of(mutation: &RegistryMutation) -> Self {
        let line = RegistryLineView::of;
        let (label, before, after) = match mutation {
            RegistryMutation::Insert { entry } => ("insert", None, Some(line(entry))),
            RegistryMutation::Update { before, after } => ("update", Some(line(before)), Some(line(after))),
            RegistryMutation::Retire { before } => {
                let after = RegistryEntry { state: EntryState::Retired, ..before.clone() };
                ("retire", Some(line(before)), Some(line(&after)))
            }
            RegistryMutation::Delete { entry } => ("delete", Some(line(entry)), None),
        };
        Self { uuid: mutation.uuid().to_string(), label: label.to_owned(), before, after }
    }
}

impl RegistryLineView {
    fn of(entry: &RegistryEntry) -> Self {
        let RegistryEntry { uuid: _, id, state } = entry;
        let (anchor, build) = match state {
            EntryState::Live { anchor, build } => {
                (Some(anchor.to_string()), Some(ParticipationView::of(*build)))
            }
            EntryState::Retired => (None, None),
        };
        Self { id: id.get(), anchor, build, text: entry.to_string() }
    }
}

impl FileChangeRow {
    pub(super) fn of(mutation: &FilesystemMutation) -> Self {
        let row = |change, label: &str| Self {
            change,
            label: label.to_owned(),
            path: mutation.path().to_string(),
            from: mutation.origin().map(AssetPath::to_string),
            size: None,
            diff: None,
            contents: None,
        };
        match mutation {
            FilesystemMutation::Create { path: _, contents, after: _ } => {
                Self { contents: Some(contents.clone()), ..row(FileChangeView::Create, "create") }
            }
            FilesystemMutation::Edit { diff, .. } => {
                Self { diff: Some(diff.clone()), ..row(FileChangeView::Edit, "edit") }
            }
            FilesystemMutation::Move { size, .. } => {
                Self { size: Some(*size), ..row(FileChangeView::Move, "move") }
            }
            FilesystemMutation::Copy { size, .. } => {
                Self { size: Some(*size), ..row(FileChangeView::Copy, "copy") }
            }
            FilesystemMutation::ToHistory { size, .. } => {
                Self { size: Some(*size), ..row(FileChangeView::ToHistory, "to history") }
            }
            FilesystemMutation::Restore { size, .. } => {
                Self { size: Some(*size), ..row(FileChangeView::Restore, "restore") }
            }
            FilesystemMutation::MakeDir { .. } => row(FileChangeView::MakeFolder, "make folder"),
            FilesystemMutation::RemoveDir { .. } => row(FileChangeView::RemoveFolder, "remove folder"),
        }
    }
}
