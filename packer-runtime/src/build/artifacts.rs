//! The artifact store as builds use it: what is worth storing, what it is filed under, and what is believed.
//!
//! An artifact is filed under everything that decides whether and to what an asset bakes: its build key, the limits of the
//! project, and the compression with its libraries. Where a bake has something to say, its words may have the asset's name
//! and paths in them, so these are then in the key too: no asset is told what is wrong with another.
//!
//! Failed bakes are stored as well, if the sources are at fault. A codec that panics, a kind that nothing bakes, and a
//! compression that fails for want of memory are not the asset's fault, and are tried again by every build.
//!
//! How artifacts are kept on disk is the business of `packer_fs::store`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use camino::Utf8Path;
use packer_domain::build::BuildEntry;
use packer_domain::config::{BuildOptions, ProjectConfig};
use packer_domain::diagnostic::{Diagnostic, DiagnosticCode, Subject};
use packer_domain::identity::Digest;
use packer_domain::limits::Limits;
use packer_fs::store::{ArtifactKey, Content, Lookup, Store, StoredPayload};
use packer_pack::format::Compression;
use packer_pack::index::Payload;

use super::bake::Made;
use super::former::options_text;

/// An asset that bakes and compresses quicker than this is not stored: to keep and to fetch it would cost as much.
const WORTH_STORING: Duration = Duration::from_millis(1);

/// Nor is one that takes less than this for each byte that would be stored: writing, reading and checking a byte costs
/// about a nanosecond each.
const WORTH_NS_PER_BYTE: u128 = 4;

/// Which artifacts a build stores and fetches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorePolicy {
    /// Those that cost more to bake than to keep and to fetch, and every bake that failed.
    #[default]
    Costly,
    /// All of them.
    All,
    /// None.
    Off,
}

/// The artifacts that one build may use.
pub(super) struct Artifacts {
    store: Store,
    policy: StorePolicy,
    limits: Limits,
    /// What the keys of all of this build's artifacts have in common.
    common: Vec<u8>,
    /// Whether what is found is believed.
    is_trusted: AtomicBool,
}

impl Artifacts {
    pub(super) fn open(
        root: &Utf8Path,
        config: &ProjectConfig,
        options: &BuildOptions,
        policy: StorePolicy,
    ) -> Option<Self> {
        if policy == StorePolicy::Off || config.max_store_bytes == 0 {
            return None;
        }
        let limits = config.limits;
        let Limits { max_input_bytes, max_pixels, max_payload_bytes } = limits;
        let mut common = b"packer artifact 1".to_vec();
        for number in [max_input_bytes, max_pixels, max_payload_bytes] {
            common.extend_from_slice(&number.to_le_bytes());
        }
        part(&mut common, &options_text(options));
        let store = Store::open(root, config.max_store_bytes);
        Some(Self { store, policy, limits, common, is_trusted: AtomicBool::new(true) })
    }

    /// Believes nothing that is stored from now on; what is baked replaces it.
    pub(super) fn distrust(&self) {
        self.is_trusted.store(false, Ordering::Relaxed);
    }

    /// What an earlier bake of the same gave. `file` is what diagnostics about the asset call it; `say` is told of artifacts
    /// that were damaged.
    pub(super) fn fetch(
        &self,
        entry: &BuildEntry,
        config: &ProjectConfig,
        say: &dyn Fn(Diagnostic),
    ) -> Option<Made> {
        if !self.is_trusted.load(Ordering::Relaxed) || !self.store.exists() {
            return None;
        }
        self.fetch_from(self.key(entry), entry, say)
            .or_else(|| self.fetch_from(self.key_with_words(entry, config), entry, say))
    }

    fn fetch_from(&self, key: ArtifactKey, entry: &BuildEntry, say: &dyn Fn(Diagnostic)) -> Option<Made> {
        match self.store.get(key, self.limits.max_payload_bytes) {
            Lookup::Hit(artifact) => made(entry, *artifact),
            Lookup::Miss => None,
            Lookup::Damaged { path, defect } => {
                let message = format!("the artifact of {} was removed: {defect}", entry.name());
                let subject = Subject::Asset(entry.uuid());
                say(Diagnostic::new(DiagnosticCode::StoreDamaged, subject, message).in_file(path.as_str()));
                None
            }
        }
    }

    /// What the store has for `entry`: nothing of it is read.
    pub(super) fn has(&self, entry: &BuildEntry, config: &ProjectConfig) -> bool {
        self.store.has(self.key(entry)) || self.store.has(self.key_with_words(entry, config))
    }

    /// Stores what a bake gave, if that is worth it. `took` is what baking and compressing took.
    pub(super) fn keep(&self, entry: &BuildEntry, config: &ProjectConfig, made: &Made, took: Duration) {
        let (content, said) = match made {
            Made::Payload { payload, stored, diagnostics, .. } => {
                if self.policy == StorePolicy::Costly && !is_costly(took, stored.len()) {
                    return;
                }
                let payload = StoredPayload {
                    encoding: payload.encoding,
                    compression: payload.compression.code(),
                    raw_size: payload.raw_size,
                    raw_digest: Digest::from_bytes(payload.digest),
                    stored: stored.as_slice(),
                };
                (Content::Payload(payload), diagnostics)
            }
            Made::Failed(diagnostics) => (Content::Failure, diagnostics),
            Made::Changed(_) | Made::Io(_) => return,
        };
        let key = if said.is_empty() { self.key(entry) } else { self.key_with_words(entry, config) };
        if let Err(error) = self.store.put(key, content, said) {
            tracing::debug!(%error, asset = %entry.name(), "its artifact is not stored");
        }
    }

    /// Keeps the store to its limit, at the end of a build.
    pub(super) fn settle(&self) {
        if let Err(error) = self.store.settle() {
            tracing::warn!(%error, "the artifact store could not be kept to its limit");
        }
    }

    fn key(&self, entry: &BuildEntry) -> ArtifactKey {
        let mut bytes = self.common.clone();
        bytes.extend_from_slice(entry.key.as_bytes());
        ArtifactKey::new(Digest::of(&bytes))
    }

    fn key_with_words(&self, entry: &BuildEntry, config: &ProjectConfig) -> ArtifactKey {
        let mut bytes = self.common.clone();
        bytes.extend_from_slice(entry.key.as_bytes());
        part(&mut bytes, entry.name().as_str());
        part(&mut bytes, config.assets.as_str());
        part(&mut bytes, entry.anchor().as_str());
        entry.inputs().for_each(|input| part(&mut bytes, input.path.as_str()));
        ArtifactKey::new(Digest::of(&bytes))
    }
}

impl Drop for Artifacts {
    /// Also a build that comes to nothing keeps what it baked, and the store to its limit.
    fn drop(&mut self) {
        self.settle();
    }
}

fn part(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Whether an artifact of so many bytes costs more to bake than to keep and to fetch.
fn is_costly(took: Duration, bytes: usize) -> bool {
    took >= WORTH_STORING && took.as_nanos() >= bytes as u128 * WORTH_NS_PER_BYTE
}

/// An artifact as the result of a bake; none if it says what this version of the packer does not know, or what no bake gives.
fn made(entry: &BuildEntry, artifact: packer_fs::store::Artifact) -> Option<Made> {
    let mut diagnostics = artifact.said;
    for diagnostic in &mut diagnostics {
        diagnostic.subject = Subject::Asset(entry.uuid());
    }
    match artifact.content {
        // An error and a payload, or a failure without an error, is nothing that a bake gives.
        Content::Payload(_) if diagnostics.iter().any(Diagnostic::is_error) => None,
        Content::Failure if !diagnostics.iter().any(Diagnostic::is_error) => None,
        Content::Failure => Some(Made::Failed(diagnostics)),
        Content::Payload(StoredPayload { encoding, compression, raw_size, raw_digest, stored }) => {
            let (compression, stored_size) = (Compression::from_code(compression)?, stored.len() as u64);
            // No pack takes others, so believing this would let the build fail.
            let are_possible = match compression {
                Compression::None => stored_size == raw_size,
                Compression::Lz4 | Compression::Zstd => 0 < stored_size && stored_size < raw_size,
            };
            if !are_possible {
                return None;
            }
            let payload =
                Payload { encoding, compression, stored_size, raw_size, digest: *raw_digest.as_bytes() };
            Some(Made::Payload { payload, stored, diagnostics, is_fetched: true })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quick_or_large_for_its_time_is_not_worth_storing() {
        let ms = Duration::from_millis;
        assert!(!is_costly(Duration::from_micros(999), 10));
        assert!(is_costly(ms(1), 10) && is_costly(ms(1), 250_000));
        assert!(!is_costly(ms(1), 250_001), "a megabyte a quarter of a millisecond is a copy");
        assert!(is_costly(ms(40), 10_000_000) && !is_costly(ms(39), 10_000_000));
    }
}
