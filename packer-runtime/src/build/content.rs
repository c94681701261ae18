//! Previews of content: what an asset looks or sounds like, made from what a build has baked of it.
//!
//! A read: it bakes nothing, and no source is opened. What is shown is the payload in the last pack or in the artifact store; whether
//! that is what a build of the snapshot would give follows from the build keys. How a payload is made small is
//! `packer_codecs::preview`'s.
//!
//! Guarantees: every payload is checked against its digest before it is shown; a decoder that panics is a payload that
//! cannot be read. Holds one payload at a time, of [`MAX_SHOWN_BYTES`] at the most. As with every reader of the store, an
//! artifact that turns out damaged is removed there.

use std::collections::{BTreeMap, BTreeSet};
use std::io::SeekFrom;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use packer_codecs::preview::{Preview, PreviewRequest, preview};
use packer_domain::build::{BuildEntry, plan_build};
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::{AssetUuid, Digest, Revision};
use packer_domain::kind::KindId;
use packer_domain::workspace::AssetState;
use packer_fs::build_parts;
use packer_fs::build_record::{BuildRecord, RecordedPayload};
use packer_fs::disk::ReadFile;
use packer_fs::layout;
use packer_pack::format::Compression;
use packer_pack::reader::decompressed;

use super::artifacts::{Artifacts, StorePolicy};
use super::bake::Made;
use crate::operation::panic_message;
use crate::shared::Shared;
use crate::snapshot::Snapshot;

/// A payload of more bytes is not shown.
pub const MAX_SHOWN_BYTES: u64 = 256 << 20;

/// What there is to show of an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentPreview {
    /// The asset.
    pub asset: AssetUuid,
    /// The snapshot by which it was judged.
    pub revision: Revision,
    /// What is shown, if anything can be.
    pub shown: Option<ShownContent>,
    /// Why that is not what a build of the snapshot would put into the pack, or why nothing is shown; none where it is current.
    pub lack: Option<ContentLack>,
}

/// What is shown of an asset, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownContent {
    /// It.
    pub preview: Preview,
    /// The kind that the asset had when its payload was baked.
    pub kind: KindId,
    /// Digest of the payload.
    pub artifact: Digest,
    /// What the payload was baked from.
    pub build_key: Digest,
    /// Where the payload is.
    pub place: ContentPlace,
}

/// Where a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentPlace {
    /// In the pack of the last build.
    Pack,
    /// In the artifact store.
    Store,
}

/// Why an asset has nothing current to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentLack {
    /// No build has baked what it is now.
    NotBuilt,
    /// What it is now cannot be baked.
    Failed {
        /// Why not, as the build said.
        diagnostics: Vec<Diagnostic>,
    },
    /// Builds leave it out.
    Excluded,
    /// No build can take it as it is.
    HeldBack {
        /// What stands in the way; ready where it is something that it refers to.
        state: AssetState,
    },
    /// What was baked of it cannot be shown.
    Unreadable {
        /// Why not, in one sentence without a final period.
        message: String,
    },
    /// What was baked of it is larger than [`MAX_SHOWN_BYTES`].
    TooLarge {
        /// Its size.
        bytes: u64,
    },
}

/// Shows the assets of one snapshot. What all of them need is looked up once, when it is made: a build that ends after that is
/// not seen.
pub struct ContentPreviews {
    shared: Arc<Shared>,
    snapshot: Snapshot,
    /// What a build would bake, by asset.
    entries: BTreeMap<AssetUuid, BuildEntry>,
    pack: Option<LastPack>,
    artifacts: Option<Artifacts>,
}

/// The last build's pack.
struct LastPack {
    record: BuildRecord,
    file: Mutex<Box<dyn ReadFile>>,
}

/// A payload in one of its places.
struct Baked {
    kind: KindId,
    encoding: u8,
    build_key: Digest,
    artifact: Digest,
    place: ContentPlace,
    payload: Vec<u8>,
}

impl std::fmt::Debug for ContentPreviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentPreviews").field("revision", &self.snapshot.revision()).finish_non_exhaustive()
    }
}

impl ContentPreviews {
    pub(crate) fn of(shared: &Arc<Shared>, snapshot: Snapshot) -> Self {
        let (entries, artifacts) = {
            let state = snapshot.state();
            let options = state.config().build;
            let entries = plan_build(state, options).entries.into_iter().map(|entry| (entry.uuid(), entry));
            let artifacts = Artifacts::open(&shared.root, state.config(), &options, StorePolicy::default());
            (entries.collect(), artifacts)
        };
        Self { shared: Arc::clone(shared), snapshot, entries, pack: LastPack::open(shared), artifacts }
    }

    /// The snapshot whose assets are shown.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What there is to show of the managed asset `uuid`; `None` if there is no such asset.
    pub fn preview(&self, uuid: AssetUuid, request: &PreviewRequest) -> Option<ContentPreview> {
        let record = self.snapshot.state().asset(uuid)?;
        // A retired line is no asset.
        record.entry.anchor()?;
        let entry = self.entries.get(&uuid);
        let recorded = self.pack.as_ref().and_then(|pack| pack.record.get(uuid));
        let (mut lack, mut found) = (None, None);
        match (entry, recorded) {
            (Some(entry), Some(recorded)) if recorded.build_key == entry.key => {
                found = Some(self.of_pack(entry.kind().clone(), &recorded));
            }
            (Some(entry), _) => match self.of_store(entry) {
                Some(Ok(baked)) => found = Some(baked),
                Some(Err(why)) => lack = Some(why),
                None => lack = Some(ContentLack::NotBuilt),
            },
            (None, _) if !record.entry.is_included() => {
                lack = Some(ContentLack::Excluded);
            }
            (None, _) => lack = Some(ContentLack::HeldBack { state: record.state }),
        }
        // What it was is shown where there is nothing of what it is.
        if let (Some(_), None, Some(recorded)) = (&lack, &found, recorded) {
            let kind = self.former_kind(uuid, &recorded).or_else(|| record.kind().cloned());
            found = kind.map(|kind| self.of_pack(kind, &recorded));
        }
        let shown = found.map(|baked| baked.and_then(|baked| self.shown(baked, request)));
        let (shown, lack) = match shown {
            Some(Ok(shown)) => (Some(shown), lack),
            Some(Err(why)) => (None, Some(lack.unwrap_or(why))),
            None => (None, lack),
        };
        Some(ContentPreview { asset: uuid, revision: self.snapshot.revision(), shown, lack })
    }

    /// The payload in the pack.
    fn of_pack(&self, kind: KindId, recorded: &RecordedPayload) -> Result<Baked, ContentLack> {
        let stored = match &self.pack {
            Some(pack) => pack.read(recorded)?,
            None => return Err(ContentLack::NotBuilt),
        };
        let payload = unpacked(&stored, recorded.compression, recorded.raw_size, recorded.raw_digest)?;
        Ok(Baked {
            kind,
            encoding: recorded.encoding,
            build_key: recorded.build_key,
            artifact: recorded.raw_digest,
            place: ContentPlace::Pack,
            payload,
        })
    }

    /// What the store has of what a build would bake: a payload, or why there is none. Outer, whether it has anything.
    fn of_store(&self, entry: &BuildEntry) -> Option<Result<Result<Baked, ContentLack>, ContentLack>> {
        let damaged =
            |diagnostic: Diagnostic| tracing::warn!(message = diagnostic.message, "while showing content");
        match self.artifacts.as_ref()?.fetch(entry, self.snapshot.state().config(), &damaged)? {
            Made::Payload { payload, stored, .. } => {
                let artifact = Digest::from_bytes(payload.digest);
                let unpacked = unpacked(&stored, payload.compression.code(), payload.raw_size, artifact);
                Some(Ok(unpacked.map(|bytes| Baked {
                    kind: entry.kind().clone(),
                    encoding: payload.encoding,
                    build_key: entry.key,
                    artifact,
                    place: ContentPlace::Store,
                    payload: bytes,
                })))
            }
            Made::Failed(diagnostics) => Some(Err(ContentLack::Failed { diagnostics })),
            Made::Changed(_) | Made::Io(_) => None,
        }
    }

    /// The kind that an asset had when it was baked, if that is still known.
    fn former_kind(&self, uuid: AssetUuid, recorded: &RecordedPayload) -> Option<KindId> {
        let wanted = BTreeSet::from([uuid]);
        let known = build_parts::load(&*self.shared.disk, &|uuid| wanted.contains(&uuid));
        let history = known.ok()?.remove(&uuid)?;
        let records = [Some(history.last), history.before].into_iter().flatten();
        records
            .map(|record| record.parts)
            .find(|parts| parts.build_key == recorded.build_key)
            .map(|parts| parts.kind)
    }

    fn shown(&self, baked: Baked, request: &PreviewRequest) -> Result<ShownContent, ContentLack> {
        let Baked { kind, encoding, build_key, artifact, place, payload } = baked;
        let limits = self.snapshot.state().config().limits;
        let made =
            catch_unwind(AssertUnwindSafe(|| preview(kind.as_str(), encoding, &payload, &limits, request)));
        let unreadable = |message: String| ContentLack::Unreadable { message };
        match made {
            Ok(Ok(preview)) => Ok(ShownContent { preview, kind, artifact, build_key, place }),
            Ok(Err(error)) => Err(unreadable(error.to_string())),
            Err(panic) => Err(unreadable(format!("decoding it panicked: {}", panic_message(&*panic)))),
        }
    }
}

impl LastPack {
    /// The last build's pack, if there is one whose record can be read.
    fn open(shared: &Shared) -> Option<Self> {
        let record = BuildRecord::load(&*shared.disk, layout::BUILD_RECORD.into());
        let record = record.unwrap_or_else(|defect| {
            tracing::info!(%defect, "what is in the last pack is not known");
            None
        })?;
        let file = shared.disk.open(&record.head().pack.path);
        let file = file.inspect_err(|error| tracing::info!(%error, "the last pack is not there")).ok()?;
        Some(Self { record, file: Mutex::new(file) })
    }

    /// The bytes of a payload as they are stored.
    fn read(&self, recorded: &RecordedPayload) -> Result<Vec<u8>, ContentLack> {
        check_size(recorded.raw_size.max(recorded.stored_size))?;
        let failed =
            |error: std::io::Error| ContentLack::Unreadable { message: format!("the pack: {error}") };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // A record of more than the file has would ask for room that nothing fills.
        let size = file.stat().map_err(failed)?.size;
        if recorded.offset.checked_add(recorded.stored_size).is_none_or(|end| end > size) {
            let message = "the pack is shorter than it was when it was built".to_owned();
            return Err(ContentLack::Unreadable { message });
        }
        let mut stored = vec![0; recorded.stored_size as usize];
        file.seek(SeekFrom::Start(recorded.offset)).map_err(failed)?;
        file.read_exact(&mut stored).map_err(failed)?;
        Ok(stored)
    }
}

fn check_size(bytes: u64) -> Result<(), ContentLack> {
    if bytes > MAX_SHOWN_BYTES { Err(ContentLack::TooLarge { bytes }) } else { Ok(()) }
}

/// A payload from its stored bytes, once it has the digest that it should have.
fn unpacked(stored: &[u8], compression: u8, raw_size: u64, digest: Digest) -> Result<Vec<u8>, ContentLack> {
    check_size(raw_size)?;
    let payload = Compression::from_code(compression).and_then(|how| decompressed(how, stored, raw_size));
    payload.filter(|payload| Digest::of(payload) == digest).ok_or_else(|| ContentLack::Unreadable {
        message: "what is stored is damaged: it has another digest than what was baked".to_owned(),
    })
}
