//! Everything that `--format json` prints: each form with its name, the commands that print it, and so its schema in
//! `docs/schema`.
//!
//! [`Ui::json`](crate::ui::Ui::json) takes a [`Response`] and nothing else, and only the list below makes one: a form
//! without a schema cannot be printed. What the forms say is decided where they are made.

use packer_events::body::EventBody;
use packer_events::event::Event;
use packer_runtime::api::{
    AssetDetail, AssetExplanation, AssetRow, Diagnostic, FileExplanation, GcReport, MutationPlan,
};
use packer_runtime::packs::{PackReport, PackRow, UnpackReport};
use serde::Serialize;

use crate::commands::{CodeJson, NewJson, UnclaimedJson};
use crate::failure::FailureJson;
use crate::render::{LoggedJson, StatusJson};

/// What can be printed as one JSON object on one line.
pub(crate) trait Response: Serialize {}

/// Names each form once: the file in `docs/schema`, the type, and the commands; none where every command can print it.
macro_rules! responses {
    ($($form:literal, $type:ty, [$($command:literal),*];)*) => {
        $(impl Response for $type {})*

        /// Every form, in the order of this list.
        #[cfg(feature = "schema")]
        pub(crate) fn forms() -> Vec<crate::schema::Form> {
            vec![$(crate::schema::Form::of::<$type>($form, &[$($command),*])),*]
        }
    };
}

responses! {
    "event", Event, [
        "adopt", "mv", "rename", "set", "include", "exclude", "rm", "dup", "reconcile", "recover", "undo", "apply",
        "build", "refresh", "watch", "events"
    ];
    "plan", MutationPlan, [
        "adopt", "mv", "rename", "set", "include", "exclude", "rm", "dup", "reconcile", "recover", "undo", "apply"
    ];
    "body", EventBody, ["apply"];
    "status", StatusJson<'_>, ["status", "check"];
    "diagnostic", Diagnostic, ["check"];
    "asset", AssetRow, ["list"];
    "unclaimed-file", UnclaimedJson<'_>, ["list"];
    "packed-asset", PackRow, ["list"];
    "asset-detail", AssetDetail, ["show"];
    "code", CodeJson, ["explain"];
    "asset-explanation", AssetExplanation, ["explain"];
    "file-explanation", FileExplanation, ["explain"];
    "logged-operation", LoggedJson<'_>, ["log"];
    "new-project", NewJson<'_>, ["new"];
    "verification", PackReport, ["verify"];
    "unpacking", UnpackReport, ["unpack"];
    "collection", GcReport, ["gc"];
    "error", FailureJson<'_>, [];
}
