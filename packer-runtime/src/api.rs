//! Everything that consumers may name: the runtime's own types, and of the domain an explicit list of value types,
//! requests and reports. Planners, registry, observation and workspace state stay behind this wall.

pub use crate::build::{
    BuildRequest, ContentLack, ContentPlace, ContentPreview, ContentPreviews, ExplainError, GcDamage,
    GcError, GcReport, GcRequest, GcScrub, MANIFEST_FILE, MAX_SHOWN_BYTES, PACK_FILE, ShownContent,
    StorePolicy,
};
pub use crate::clock::draw;
pub use crate::create::{CreateError, CreatedProject, MissingLine, create_project};
pub use crate::feed::{CutOff, Feed, FeedItem, FeedNext, From, Missed};
pub use crate::follower::{LogFollower, LogNext};
pub use crate::freshness::Freshness;
pub use crate::history::{DroppedHistory, HISTORY_MAX_AGE, HISTORY_MAX_BYTES, HistoryReport};
pub use crate::log::{
    LoggedOperation, NameOperationError, ReadableLog, UndoState, named_operation, next_redo, next_undo,
};
pub use crate::operation::OperationHandle;
pub use crate::outcome::{Outcome, OutcomeNotDurable, Provenance};
pub use crate::plan_file::PlanFile;
pub use crate::project::{
    BuildBase, Command, ContentError, FirstObservation, Glance, LocateError, OpenError, OpenOptions, Project,
    RecoveryWay, Status, StatusReader,
};
pub use crate::record::{RecordedLog, Unreadable, recorded_logs};
pub use crate::snapshot::{
    AssetPage, AssetQuery, AssetSelector, AssetSort, SelectError, Snapshot, UnclaimedFile, UnclaimedPage,
    UnclaimedQuery,
};
pub use crate::watch::{Automatic, WatchOptions};

pub use packer_codecs::preview::{
    ByteHead, ChannelPeaks, Peak, Preview, PreviewRequest, TableHead, TextHead, Thumbnail, Waveform,
};
pub use packer_domain::build::{
    AssetExplanation, AssetSettings, BakeReason, FileExplanation, InputPart, KeyParts, LastMade, NamedAsset,
    NextBuild, Origin, PreloadRow, Presence, ReferenceChange, ReferencePart, ReferenceRow, RuleRow,
    SettingRow,
};
pub use packer_domain::changes::ReportChanges;
pub use packer_domain::config::UnknownProfile;
pub use packer_domain::constants::{ConstantsLanguage, ConstantsLanguageError, ConstantsLanguages};
pub use packer_domain::diagnostic::{
    Diagnostic, DiagnosticCode, Related, Severity, Span, Subject, UnknownCode,
};
pub use packer_domain::divergence::{
    Divergence, DivergenceCode, Resolution, ResolutionNeed, ResolutionOffer, UnknownDivergence,
    UnknownResolution,
};
pub use packer_domain::identity::{
    AssetId, AssetUuid, Digest, LineageId, OperationId, Revision, SourceId, UuidDraw,
};
pub use packer_domain::kind::{
    InputArity, KindId, KindIdError, KindSpec, SettingSpec, SettingType, SettingValue, Settings,
};
pub use packer_domain::mutation::{
    Adopt, Affected, Batch, Change, Configure, Duplicate, FilesystemMutation, KeptFile, Mutation,
    MutationPlan, Reconcile, Recover, RecoveryChoice, Register, RegistryMutation, Relocate, Remove,
    RemovedInputs, Rename, Seen, SeenPath, Selector, SetBuild, ShownPlan, Target, Undo, Verdict,
};
pub use packer_domain::name::{AssetName, AssetNameError};
pub use packer_domain::path::{AssetPath, AssetPathError};
pub use packer_domain::registry::{BuildParticipation, EntryState, RegistryEntry};
pub use packer_domain::report::{AssetDetail, AssetRow, InputRow};
pub use packer_domain::sorted::{Findings, FindingsIter, SharedSet};
pub use packer_domain::summary::{AssetCounts, DiagnosticCounts, FileCounts, WorkspaceSummary};
pub use packer_domain::toml_text::suggest;
pub use packer_domain::workspace::{AssetState, Reference};
pub use packer_fs::disk::{DiskError, DiskOperation};
pub use packer_fs::event_log::{LogBounds, LogHole};
pub use packer_fs::plan_file::{ReadPlanError, WritePlanError};
