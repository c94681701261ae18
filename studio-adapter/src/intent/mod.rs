//! Intents: everything that an editor can ask to be changed, in the words of its users.
//!
//! An intent is words. Reading them makes a request of the packer's of it, or says what the packer says of the word that
//! it cannot read; whether the request makes sense is the plan's to say, and nothing is changed by either. Assets are
//! called by a name, an id, a uuid, or the path of an anchor or a source; paths stand below the assets root, as views
//! show them, and `.` is the assets root.

mod read;

pub(crate) use read::word;

use serde::Serialize;

/// A change that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "intent", rename_all = "snake_case")]
pub enum Intent {
    /// Make assets of raw files: write their anchors and register them.
    Adopt {
        /// Files, and folders with everything below them.
        paths: Vec<String>,
        /// The kind for all of them, over every rule.
        kind: Option<String>,
    },
    /// Take anchors that exist into the registry.
    Register {
        /// Anchors, and folders with every anchor below them.
        paths: Vec<String>,
    },
    /// Give an asset another name, and rewrite every reference to it.
    Rename {
        /// Which.
        asset: String,
        /// Its new name.
        name: String,
    },
    /// Move assets: their anchors and their inputs.
    Move {
        /// Which; all of them move, or none.
        assets: Vec<String>,
        /// Where the source goes, or the folder of a directory asset. A folder that is there, or a path that ends in a
        /// slash, means into it; of several assets it is always a folder.
        to: String,
    },
    /// Copy an asset as an asset of its own.
    Duplicate {
        /// Which.
        asset: String,
        /// Where its copy goes, as with `Move`.
        to: String,
        /// The copy's name; none for one made from where it goes.
        name: Option<String>,
    },
    /// Take assets out of the project.
    Remove {
        /// Which.
        assets: Vec<String>,
        /// Whether their sources stay, as files that no anchor claims; else they go to the history.
        keep_inputs: bool,
    },
    /// Set or clear keys of an asset's anchor.
    Configure {
        /// Which.
        asset: String,
        /// The keys that are said, and their values.
        set: Vec<Assignment>,
        /// The keys that are no longer said, so that the rules and defaults decide.
        clear: Vec<String>,
    },
    /// Let builds take assets.
    Include {
        /// Which.
        assets: Vec<String>,
    },
    /// Let builds leave assets out.
    Exclude {
        /// Which.
        assets: Vec<String>,
    },
    /// Resolve divergences between the registry and the disk.
    Reconcile {
        /// Codes, assets and paths whose divergences are meant; all divergences without one.
        select: Vec<String>,
        /// Which resolution, by its name, where several are offered.
        resolution: Option<String>,
        /// Which of the paths concerned, for resolutions that are for one.
        path: Option<String>,
        /// The name, for resolutions that need one.
        name: Option<String>,
    },
    /// Take back what an operation did.
    Undo {
        /// Its id, or as much of its beginning or end as tells it apart; none for the one that the history names as next.
        operation: Option<String>,
    },
    /// Do again what was taken back last.
    Redo {},
    /// Settle the operation that was interrupted in the middle of its commit.
    Recover {
        /// How.
        choice: RecoveryChoiceView,
    },
    /// Several of them as one, each on what those before it leave; all of them are carried out, or none.
    Batch {
        /// The members, in order.
        intents: Vec<Intent>,
    },
}

/// A key and the value that it gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// The key.
    pub key: String,
    /// The value as in TOML; what is no TOML value is a text.
    pub value: String,
}

/// How an interrupted operation is settled. Either way no byte is lost: what gives way goes to the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryChoiceView {
    /// What somebody else saved meanwhile stays, and the rest becomes as it was before the operation.
    KeepTheirs,
    /// The operation is carried out, over what somebody else saved meanwhile.
    FinishOurs,
}
