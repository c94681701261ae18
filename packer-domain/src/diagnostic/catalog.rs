//! The codes of diagnostics: the one list from which `packer explain CODE` and `docs/diagnostics.md` are made.
//!
//! A code, once released, keeps its meaning. Each has a usual severity, a one-line title, and an explanation of what it
//! means, why it matters and what to do; those texts are in `explain`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Severity, explain};

macro_rules! catalog {
    ($($variant:ident $code:literal $severity:ident $title:literal $explanation:path)*) => {
        /// A stable code: what kind of finding a diagnostic is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DiagnosticCode {
            $(#[doc = $title] $variant,)*
        }

        impl DiagnosticCode {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The code as text: `area/finding`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The severity that findings of this code usually have.
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// What it means, in one line without a final period.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means, why it matters and what to do about it.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => $explanation,)* }
            }
        }
    };
}

catalog! {
    ConfigSyntax "config/syntax" Error
        "packer.toml is not valid TOML"
        explain::CONFIG_SYNTAX

    ConfigUnknownKey "config/unknown-key" Error
        "packer.toml has a key that means nothing"
        explain::CONFIG_UNKNOWN_KEY

    ConfigMissingKey "config/missing-key" Error
        "packer.toml lacks a required key"
        explain::CONFIG_MISSING_KEY

    ConfigInvalidValue "config/invalid-value" Error
        "a value in packer.toml is not one that its key takes"
        explain::CONFIG_INVALID_VALUE

    AnchorSyntax "anchor/syntax" Error
        "an anchor is not valid TOML"
        explain::ANCHOR_SYNTAX

    AnchorUnknownKey "anchor/unknown-key" Error
        "an anchor has a key that means nothing"
        explain::ANCHOR_UNKNOWN_KEY

    AnchorMissingKey "anchor/missing-key" Error
        "an anchor lacks a required key"
        explain::ANCHOR_MISSING_KEY

    AnchorInvalidValue "anchor/invalid-value" Error
        "a value in an anchor is not one that its key takes"
        explain::ANCHOR_INVALID_VALUE

    AnchorUnregistered "anchor/unregistered" Warning
        "an anchor on disk that the registry does not know"
        explain::ANCHOR_UNREGISTERED

    AnchorMissing "anchor/missing" Error
        "a registered asset whose anchor is nowhere on disk"
        explain::ANCHOR_MISSING

    AnchorMoved "anchor/moved" Error
        "a registered asset whose anchor is at another path"
        explain::ANCHOR_MOVED

    AnchorDuplicateUuid "anchor/duplicate-uuid" Error
        "one uuid in two or more anchors"
        explain::ANCHOR_DUPLICATE_UUID

    AnchorInvalid "anchor/invalid" Error
        "a registered anchor that does not parse or validate"
        explain::ANCHOR_INVALID

    NameConflict "name/conflict" Error
        "two managed assets with one name"
        explain::NAME_CONFLICT

    RegistryDuplicateId "registry/duplicate-id" Error
        "one id on two lines of the registry"
        explain::REGISTRY_DUPLICATE_ID

    RegistryDuplicateEntry "registry/duplicate-entry" Error
        "one uuid on two lines of the registry that differ"
        explain::REGISTRY_DUPLICATE_ENTRY

    RegistryInvalid "registry/invalid" Error
        "the registry cannot be read"
        explain::REGISTRY_INVALID

    RegistryMissing "registry/missing" Error
        "the project has no registry"
        explain::REGISTRY_MISSING

    InputMissing "input/missing" Error
        "an asset whose source is not there"
        explain::INPUT_MISSING

    InputShared "input/shared" Warning
        "one file claimed by two anchors"
        explain::INPUT_SHARED

    ReferenceUnresolved "reference/unresolved" Error
        "a reference to a name that no managed asset has"
        explain::REFERENCE_UNRESOLVED

    ReferenceCycle "reference/cycle" Error
        "assets that refer to each other in a circle"
        explain::REFERENCE_CYCLE

    KindUnknown "kind/unknown" Error
        "a kind that no codec bakes"
        explain::KIND_UNKNOWN

    PathNotRepresentable "path/not-representable" Error
        "a name on disk that cannot be an asset path"
        explain::PATH_NOT_REPRESENTABLE

    PathCollision "path/collision" Error
        "two paths that differ only by case or Unicode form"
        explain::PATH_COLLISION

    PathNotPortable "path/not-portable" Warning
        "a path that some systems do not take"
        explain::PATH_NOT_PORTABLE

    PathSymlink "path/symlink" Warning
        "a symbolic link below the assets root"
        explain::PATH_SYMLINK

    PathSpecialFile "path/special-file" Warning
        "something below the assets root that is no file or folder"
        explain::PATH_SPECIAL_FILE

    PathUnreadable "path/unreadable" Error
        "a file or folder that cannot be read"
        explain::PATH_UNREADABLE

    PathUnstable "path/unstable" Error
        "a file that was being written while it was read"
        explain::PATH_UNSTABLE

    IgnoreInvalid "ignore/invalid" Warning
        "a line of .packerignore that is not a pattern"
        explain::IGNORE_INVALID

    BakeDecode "bake/decode" Error
        "a source that does not decode"
        explain::BAKE_DECODE

    BakeEncoding "bake/encoding" Error
        "a source in another text encoding than expected"
        explain::BAKE_ENCODING

    BakeLimit "bake/limit" Error
        "a source beyond the project's limits"
        explain::BAKE_LIMIT

    BakeUnsupported "bake/unsupported" Error
        "a source in a form that the codec does not take"
        explain::BAKE_UNSUPPORTED

    BakeSettings "bake/settings" Error
        "settings that do not fit the source"
        explain::BAKE_SETTINGS

    BakeContentMismatch "bake/content-mismatch" Info
        "a source whose content is of another type than its extension"
        explain::BAKE_CONTENT_MISMATCH

    BakePanic "bake/panic" Error
        "a codec that panicked"
        explain::BAKE_PANIC

    PlanTargetMissing "plan/target-missing" Error
        "a target that does not exist"
        explain::PLAN_TARGET_MISSING

    PlanTargetExists "plan/target-exists" Error
        "a file that stands where one would be created"
        explain::PLAN_TARGET_EXISTS

    PlanAlreadyManaged "plan/already-managed" Info
        "a target that is managed already"
        explain::PLAN_ALREADY_MANAGED

    PlanNoRule "plan/no-rule" Warning
        "a file that no rule gives a kind"
        explain::PLAN_NO_RULE

    PlanNameTaken "plan/name-taken" Error
        "a name that another managed asset has"
        explain::PLAN_NAME_TAKEN

    PlanInvalidAnchor "plan/invalid-anchor" Error
        "an anchor that has to be mended before it can be used"
        explain::PLAN_INVALID_ANCHOR

    PlanNotDiverged "plan/not-diverged" Error
        "nothing to reconcile at a target"
        explain::PLAN_NOT_DIVERGED

    PlanChoiceNeeded "plan/choice-needed" Error
        "a divergence with more than one possible resolution"
        explain::PLAN_CHOICE_NEEDED

    PlanResolutionUnavailable "plan/resolution-unavailable" Error
        "a resolution that this divergence does not offer"
        explain::PLAN_RESOLUTION_UNAVAILABLE

    PlanDiverged "plan/diverged" Error
        "an asset that has to be reconciled first"
        explain::PLAN_DIVERGED

    PlanReferredTo "plan/referred-to" Warning
        "an asset that others refer to"
        explain::PLAN_REFERRED_TO

    PlanReferenceInRules "plan/reference-in-rules" Error
        "a reference that a rule of packer.toml gives"
        explain::PLAN_REFERENCE_IN_RULES

    PlanTargetInvalid "plan/target-invalid" Error
        "a destination that is no place for an asset"
        explain::PLAN_TARGET_INVALID

    PlanTargetIgnored "plan/target-ignored" Error
        "a destination that scans pass over"
        explain::PLAN_TARGET_IGNORED

    PlanIntoItself "plan/into-itself" Error
        "a folder that would go into itself"
        explain::PLAN_INTO_ITSELF

    PlanAnotherDevice "plan/another-device" Error
        "a folder on another device than the project"
        explain::PLAN_ANOTHER_DEVICE

    PlanKeyNotSettable "plan/key-not-settable" Error
        "a key of an anchor that is changed in another way"
        explain::PLAN_KEY_NOT_SETTABLE

    PlanLeftBehind "plan/left-behind" Warning
        "files that stay where they are"
        explain::PLAN_LEFT_BEHIND

    PlanMovedOn "plan/moved-on" Error
        "something that is no longer as an operation left it"
        explain::PLAN_MOVED_ON

    PlanLeavesDivergence "plan/leaves-divergence" Warning
        "a divergence that a plan would leave"
        explain::PLAN_LEAVES_DIVERGENCE

    PlanNotInBatch "plan/not-in-batch" Error
        "a mutation that has to be asked for by itself"
        explain::PLAN_NOT_IN_BATCH

    LaneFrozen "lane/frozen" Error
        "a project that must be recovered first"
        explain::LANE_FROZEN

    LaneLockUnsupported "lane/lock-unsupported" Error
        "a file system that cannot lock"
        explain::LANE_LOCK_UNSUPPORTED


    BuildPackDamaged "build/pack-damaged" Warning
        "an earlier pack that is not what the last build wrote"
        explain::BUILD_PACK_DAMAGED

    BuildNotReproducible "build/not-reproducible" Error
        "two builds of the same workspace that differ"
        explain::BUILD_NOT_REPRODUCIBLE

    BuildBaked "build/baked" Info
        "an asset that could not be taken over from the last pack"
        explain::BUILD_BAKED

    StoreDamaged "store/damaged" Warning
        "an artifact in the store that is not what was put there"
        explain::STORE_DAMAGED

}

impl fmt::Display for DiagnosticCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for DiagnosticCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

crate::schema::described!(DiagnosticCode, {
    "description": "The stable code of a finding: `area/finding`.",
    "type": "string",
    "enum": DiagnosticCode::ALL
});

/// A text that is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a diagnostic code")]
pub struct UnknownCode {
    /// The text as given.
    pub text: String,
}

impl FromStr for DiagnosticCode {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|code| code.as_str() == text);
        found.ok_or_else(|| UnknownCode { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_distinct_and_every_one_is_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for code in DiagnosticCode::ALL {
            assert!(seen.insert(code.as_str()), "{code} stands twice");
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code}: title");
            let text = code.explanation();
            let sentences = text.replace('\n', " ").matches(". ").count() + 1;
            assert!((3..=6).contains(&sentences), "{code}: {sentences} sentences");
            assert!(text.ends_with('.') && !text.starts_with(char::is_whitespace), "{code}: form");
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{code}: too wide for a terminal");
        }
    }
}
