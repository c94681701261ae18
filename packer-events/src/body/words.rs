//! The closed vocabularies of event bodies: kinds of operations, parts of their work, units, and what one waits for.

use std::fmt;

use packer_domain::identity::OperationId;
use serde::{Deserialize, Serialize};

use crate::optional;
use crate::time::Timestamp;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What an operation does. One that applies a plan is of the kind of the plan's mutation.
    OperationKind {
        /// Writes anchors for raw files and registers them.
        Adopt "adopt",
        /// Takes anchors that exist into the registry.
        Register "register",
        /// Retires assets from the registry.
        Remove "remove",
        /// Moves assets.
        Relocate "relocate",
        /// Changes names of assets, and references to them.
        Rename "rename",
        /// Sets or clears keys of anchors.
        Configure "configure",
        /// Includes assets in builds, or excludes them.
        SetBuild "set_build",
        /// Copies assets under new identities.
        Duplicate "duplicate",
        /// Carries out resolutions of divergences.
        Reconcile "reconcile",
        /// Takes back an applied operation.
        Undo "undo",
        /// Applies several mutations as one.
        Apply "apply",
        /// Builds the pack.
        Build "build",
        /// Observes the workspace and publishes what it finds.
        Refresh "refresh",
        /// Settles what a dead or a frozen operation left.
        Recover "recover",
        /// Watches the workspace for as long as the project is open.
        Watch "watch",
    }
}

words! {
    /// A part of an operation's work. Parts can overlap, as baking and writing do.
    Phase {
        /// Walks the assets root.
        Scan "scan",
        /// Reads files that changed.
        Hash "hash",
        /// Decides what is to be done.
        Plan "plan",
        /// Stages new contents.
        Stage "stage",
        /// Takes the staged contents into the workspace or the output folder.
        Commit "commit",
        /// Runs codecs.
        Bake "bake",
        /// Writes the pack.
        Write "write",
        /// Checks that what was used is what is on disk, and what was written is what was meant.
        Verify "verify",
        /// Builds again from nothing and compares.
        Prove "prove",
        /// Completes or drops what a dead operation left.
        Recover "recover",
    }
}

words! {
    /// What progress counts.
    Unit {
        /// Files.
        Files "files",
        /// Assets.
        Assets "assets",
        /// Bytes.
        Bytes "bytes",
        /// Steps of a transaction.
        Steps "steps",
    }
}

words! {
    /// What an operation can wait for.
    Lock {
        /// The project's single writer.
        Lane "lane",
        /// One build at a time.
        Build "build",
    }
}

/// What a waiting operation waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// What it needs.
    pub lock: Lock,
    /// How many operations of its own process go first.
    pub operations: u64,
    /// Who holds the lock, where that is another process and it left its name.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "optional::omitted")]
    #[cfg_attr(feature = "schema", schemars(with = "Holder"))]
    pub holder: Option<Holder>,
}

/// Who holds a lock, as that process wrote beside it: for people, never for decisions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// Its process id, on its host.
    pub pid: u32,
    /// Its host.
    pub host: String,
    /// The operation it holds the lock for.
    pub operation_id: OperationId,
    /// What that operation does.
    pub kind: OperationKind,
    /// Since when.
    pub since: Timestamp,
}
