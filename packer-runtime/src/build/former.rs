//! What the last build left: which payloads can be taken over, and whether its pack is already the one to build.

use std::collections::BTreeMap;
use std::sync::Arc;

use camino::Utf8Path;
use packer_domain::build::{BuildEntry, BuildPlan};
use packer_domain::config::BuildOptions;
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::{AssetUuid, Digest};
use packer_fs::build_parts::NoFormer;
use packer_fs::build_record::{BuildRecord, OutputFact, RecordHead, RecordedPayload};
use packer_fs::build_stamp::BuildStamp;
use packer_fs::disk::{ReadFile, Stat};
use packer_fs::layout;
use packer_fs::lock::host;
use packer_pack::format::Compression;
use packer_pack::index::{IndexLayout, Payload};

use super::constants::ConstantsFile;
use super::write::{Written, declared, open_pack};
use super::{MANIFEST_FILE, PACK_FILE};
use crate::operation::Operation;
use crate::packs;
use crate::project::pool;
use crate::shared::Shared;
use crate::threads;

/// The last build's pack, where it is still what was written.
pub(super) struct Former {
    record: BuildRecord,
    pack: std::sync::Mutex<Option<Box<dyn ReadFile>>>,
    /// The pack's file as it was before anything was believed of it.
    seen: Option<Stat>,
    /// Whether every output is as it was written, not only the pack.
    complete: bool,
}

impl Former {
    /// The last build's outputs in `folder`, if they were made with the same options and are undamaged; else why nothing
    /// can be taken over. Says so if the pack is damaged.
    pub(super) fn load(
        shared: &Arc<Shared>,
        operation: &Operation,
        folder: &Utf8Path,
        options: &BuildOptions,
    ) -> Result<Self, NoFormer> {
        let found = Self::find(shared, folder, options);
        if let Err(NoFormer::PackDamaged { pack }) = &found {
            diagnose_damage(operation, pack.as_str().into());
        }
        found
    }

    /// The same for whoever only wants to know. Writes nothing.
    pub(super) fn find(
        shared: &Arc<Shared>,
        folder: &Utf8Path,
        options: &BuildOptions,
    ) -> Result<Self, NoFormer> {
        let record = match BuildRecord::load(&*shared.disk, layout::BUILD_RECORD.into()) {
            Ok(Some(record)) => record,
            Ok(None) => return Err(NoFormer::NeverBuilt {}),
            Err(defect) => {
                tracing::info!(%defect, "everything is baked anew");
                return Err(NoFormer::RecordUnreadable {});
            }
        };
        let head = record.head();
        let pack = || head.pack.path.to_string();
        if head.pack.path != folder.join(PACK_FILE) {
            return Err(NoFormer::OtherOutput { pack: pack() });
        }
        if head.options != options_digest(options) {
            return Err(NoFormer::Compression { from: None, to: options_text(options) });
        }
        let seen = stat(shared, &head.pack.path);
        let stamp = BuildStamp::load(&*shared.disk, layout::BUILD_STAMP.into());
        let boot = host::boot_id();
        // What nobody vouches for is compared by its contents: whatever is taken over from the pack is not looked at again.
        let is_vouched = |fact: &OutputFact| {
            stamp.as_ref().is_some_and(|stamp| stamp.vouches(&*shared.disk, boot.as_deref(), fact))
        };
        let is_intact = |fact: &OutputFact, has_digest: fn(&Shared, &OutputFact) -> bool| {
            is_vouched(fact) || has_digest(shared, fact)
        };
        if !is_intact(&head.pack, pack_is) {
            // A pack that was deleted is no damage: it is simply built again.
            let is_there = shared.disk.stat(&head.pack.path).is_ok_and(|stat| stat.is_some());
            return Err(if is_there {
                NoFormer::PackDamaged { pack: pack() }
            } else {
                NoFormer::PackMissing { pack: pack() }
            });
        }
        let manifest = folder.join(MANIFEST_FILE);
        let complete = head.others.iter().any(|fact| fact.path == manifest)
            && head.others.iter().all(|fact| is_intact(fact, file_is));
        let open = shared.disk.open(&head.pack.path);
        let pack = open.map_err(|_| NoFormer::PackMissing { pack: pack() })?;
        Ok(Self { pack: std::sync::Mutex::new(Some(pack)), seen, complete, record })
    }

    /// The key that the last build made `uuid` from; none if its pack has no payload of it.
    pub(super) fn key_of(&self, uuid: AssetUuid) -> Option<Digest> {
        self.record.get(uuid).map(|payload| payload.build_key)
    }

    /// What was recorded of it.
    pub(super) fn record(&self) -> &BuildRecord {
        &self.record
    }

    /// The same, once nothing else is wanted.
    pub(super) fn into_record(self) -> BuildRecord {
        self.record
    }

    /// Whether every output is as it was written, and the pack lacks nothing.
    pub(super) fn is_whole(&self) -> bool {
        self.complete && !self.record.head().incomplete
    }

    /// What the last build as a whole left.
    pub(super) fn head(&self) -> &RecordHead {
        self.record.head()
    }

    /// The digest that names the pack.
    pub(super) fn pack_digest(&self) -> Digest {
        self.record.head().pack_digest
    }

    /// What was built of `entry`, if it was built from the same.
    pub(super) fn payload(&self, entry: &BuildEntry) -> Option<RecordedPayload> {
        self.record.get(entry.uuid()).filter(|payload| payload.build_key == entry.key)
    }

    /// The pack's file, to take ranges over from; once.
    pub(super) fn take_pack(&self) -> Option<Box<dyn ReadFile>> {
        self.pack.lock().ok()?.take()
    }

    /// Whether nobody has touched the pack since it was looked at.
    pub(super) fn is_untouched(&self, shared: &Shared) -> bool {
        self.seen.is_some() && stat(shared, &self.record.head().pack.path) == self.seen
    }

    /// Why nothing that was taken over can be believed after all, if that is so: somebody has touched the pack since it was
    /// looked at. Says so.
    pub(super) fn check_untouched(&self, shared: &Shared, operation: &Operation) -> Result<(), NoFormer> {
        let pack = &self.record.head().pack.path;
        if self.is_untouched(shared) {
            return Ok(());
        }
        diagnose_damage(operation, pack);
        Err(NoFormer::PackDamaged { pack: pack.to_string() })
    }

    /// Whether building `plan` would give exactly this pack, if what it lacks cannot be baked this time either. Nothing is
    /// baked or read to tell.
    pub(super) fn current<'p>(&self, plan: &'p BuildPlan) -> Option<Current<'p>> {
        if !self.complete {
            return None;
        }
        let layout = IndexLayout::new(plan.options.alignment, &declared(plan)).ok()?;
        let entries: BTreeMap<u32, &BuildEntry> =
            plan.entries.iter().map(|entry| (entry.id().get(), entry)).collect();
        let order: Vec<u32> = layout.payload_order().collect();
        let mut placer = layout.into_placer();
        let mut lacking = Vec::new();
        for id in order {
            let entry = entries.get(&id).copied();
            if let Some(payload) = entry.and_then(|entry| self.payload(entry)) {
                // Only where it would go matters.
                let _ = placer.place(id, announced(&payload)?).ok()?;
            } else {
                placer.absent(id).ok()?;
                lacking.extend(entry);
            }
        }
        let prefix = placer.finish().ok()?;
        let head = self.record.head();
        // Assets that are left out leave no trace in the pack; the manifest tells of them.
        let incomplete = !lacking.is_empty() || !plan.absent.is_empty() || plan.left_out > 0;
        let is_same = prefix.pack_digest == *head.pack_digest.as_bytes() && head.incomplete == incomplete;
        is_same.then_some(Current { size: head.pack.size, lacking })
    }

    /// Whether the constants that the last build left in `folder` are these.
    pub(super) fn has_constants(&self, folder: &Utf8Path, files: &[ConstantsFile]) -> bool {
        let manifest = folder.join(MANIFEST_FILE);
        let recorded = self.head().others.iter().filter(|fact| fact.path != manifest);
        let recorded = recorded.map(|fact| (fact.path.clone(), fact.digest));
        recorded.eq(files.iter().map(|file| (folder.join(file.name()), file.digest)))
    }

    /// Notes under which keys payloads have been made now that stand in the pack already. Says whether the note is there;
    /// without it the next build makes them again.
    pub(super) fn note_keys(&self, shared: &Shared, written: &Written) -> bool {
        self.note_payloads(shared, &written.payloads).is_some()
    }

    /// The same of these payloads; gives the checksum of the record, if it is there.
    pub(super) fn note_payloads(
        &self,
        shared: &Shared,
        payloads: &[(AssetUuid, RecordedPayload)],
    ) -> Option<Digest> {
        let record = BuildRecord::encode(self.record.head(), payloads);
        let noted = BuildRecord::replace(&*shared.disk, layout::BUILD_RECORD.into(), &record);
        if let Err(error) = &noted {
            tracing::info!(%error, "the next build bakes again what turned out equal");
        }
        noted.ok().and_then(|()| BuildRecord::checksum_of(&record))
    }

    /// Whether what was written is the pack that stands there already, and lacks assets as that does.
    pub(super) fn is_same_pack(&self, written: &Written, incomplete: bool) -> bool {
        self.complete && self.pack_digest() == written.digest && self.record.head().incomplete == incomplete
    }
}

fn stat(shared: &Shared, path: &Utf8Path) -> Option<Stat> {
    shared.disk.stat(path).ok().flatten()
}

fn diagnose_damage(operation: &Operation, pack: &Utf8Path) {
    let message = format!("{pack} is not what the last build wrote; it is built anew");
    let diagnostic = Diagnostic::new(DiagnosticCode::BuildPackDamaged, Subject::Project, message);
    operation.diagnose([&diagnostic.in_file(pack.as_str())]);
}

/// A former pack that is the one to build.
pub(super) struct Current<'p> {
    /// Bytes of the pack.
    pub size: u64,
    /// What it has as absent, because it could not be baked. The pack is the one to build only if that is still so.
    pub lacking: Vec<&'p BuildEntry>,
}

/// A recorded payload as the pack's layout takes it.
pub(super) fn announced(payload: &RecordedPayload) -> Option<Payload> {
    Some(Payload {
        encoding: payload.encoding,
        compression: Compression::from_code(payload.compression)?,
        stored_size: payload.stored_size,
        raw_size: payload.raw_size,
        digest: *payload.raw_digest.as_bytes(),
    })
}

/// The digest of everything beside the workspace that decides the bytes of stored payloads.
pub(super) fn options_digest(options: &BuildOptions) -> Digest {
    Digest::of(options_text(options).as_bytes())
}

/// The same in words.
pub(super) fn options_text(options: &BuildOptions) -> String {
    format!(
        "{} by {} in pack format {}",
        options.compression,
        packer_pack::compress::LIBRARIES,
        packer_pack::format::VERSION
    )
}

/// Whether the pack is the one that was written, by every byte of it.
fn pack_is(shared: &Shared, fact: &OutputFact) -> bool {
    match open_pack(shared, &fact.path) {
        Ok(pack) => {
            pack.digest() == *fact.digest.as_bytes()
                // As many payloads in memory as there are processors, and not as there are readers.
                && {
                    let pool = pool(threads::computing(shared.jobs));
                    let pool = pool.as_ref().unwrap_or(&shared.observer.pool);
                    packs::verify_parallel(&pack, pool).is_empty()
                }
        }
        Err(_) => false,
    }
}

/// Whether the file is the one that was written, by every byte of it.
pub(super) fn file_is(shared: &Shared, fact: &OutputFact) -> bool {
    shared.disk.read(&fact.path, fact.size).is_ok_and(|bytes| Digest::of(&bytes) == fact.digest)
}
