//! The artifact store: what bakes gave, payloads as packs store them and failures with their reasons, one file each, under
//! a key of everything that the bake depended on.
//!
//! ```text
//! .packer/store/
//!   3f/9a…           artifacts, by the hexadecimal digits of their keys; see `format`
//!   size             how many bytes they take, while nobody adds to them
//!   new-<pid>-<n>    an artifact that is being written
//! ```
//!
//! Nothing that is right or wrong hangs on it. An artifact is checked whole whenever it is read; one that is not what was
//! written is removed and reported, and counts as none. A file becomes an artifact by a rename, so nobody sees half of one,
//! and two who write the same one write the same bytes. Everything may be deleted at any time: what is missing is baked.
//! What cannot be written is not stored. Nothing is synced: after a power cut, the checksum tells.
//!
//! The file system is its index: the time of a file says when it was last used, which is what `keep` goes by when the
//! store outgrows its limit. There is no database, because a cache that many processes share and that people delete
//! while it is used needs none of what one gives, and has to survive what one does not.
//!
//! It does its own file operations, not through [`crate::disk::Disk`], whose order and syncs it has no use for.
//! What is worth storing, and under which key, is the caller's business.

mod findings;
mod format;
mod keep;
#[cfg(test)]
mod tests;

pub use format::Defect;
pub use keep::{DamagedArtifact, Swept};

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::Digest;

use crate::layout;

/// How often a name for a new file is tried.
const MAX_TRIES: u32 = 100;

/// Numbers the files that this process writes.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What an artifact is filed under: the digest of everything that its bake depended on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactKey(Digest);

impl ArtifactKey {
    /// The key with this digest.
    pub const fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// Its digest.
    pub const fn digest(self) -> Digest {
        self.0
    }
}

/// A payload as a pack stores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredPayload<B> {
    /// How it is laid out, among the layouts of its kind.
    pub encoding: u8,
    /// The code of its compression.
    pub compression: u8,
    /// Bytes before it was compressed.
    pub raw_size: u64,
    /// The digest of those.
    pub raw_digest: Digest,
    /// The bytes to store.
    pub stored: B,
}

/// What a bake gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<B> {
    /// A payload.
    Payload(StoredPayload<B>),
    /// Nothing but the reasons.
    Failure,
}

/// What a bake gave, and what it had to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// What it gave.
    pub content: Content<Vec<u8>>,
    /// What it said. The subject is the project until whoever asks puts in their own.
    pub said: Vec<Diagnostic>,
}

/// The answer to a question for an artifact.
#[derive(Debug)]
pub enum Lookup {
    /// It is there and whole.
    Hit(Box<Artifact>),
    /// It is not there.
    Miss,
    /// It was there and damaged, and is no more.
    Damaged {
        /// Its file, relative to the project.
        path: Utf8PathBuf,
        /// What is wrong with it.
        defect: Defect,
    },
}

/// The artifacts of one project.
#[derive(Debug)]
pub struct Store {
    folder: Utf8PathBuf,
    max_bytes: u64,
    /// Whether the folder was there at the first question.
    exists: OnceLock<bool>,
    added: Mutex<Added>,
}

/// What this one has added.
#[derive(Debug, Default)]
struct Added {
    keys: BTreeSet<ArtifactKey>,
    /// Bytes since the last time that somebody noted how many there are.
    bytes: u64,
    /// Whether nobody knows by now how many there are.
    is_open: bool,
    /// How many bytes there were before, if that was known.
    before: Option<u64>,
}

impl Store {
    /// The store of the project in `root`, which is to take about `max_bytes` at the most. Touches nothing.
    pub fn open(root: &Utf8Path, max_bytes: u64) -> Self {
        Self { folder: root.join(layout::STORE), max_bytes, exists: OnceLock::new(), added: Mutex::default() }
    }

    /// Whether there was a store when this was asked first; where there was none, nothing is found.
    pub fn exists(&self) -> bool {
        *self.exists.get_or_init(|| self.folder.is_dir())
    }

    /// The artifact under `key`, checked, if its payload has at most `max_payload` bytes as stored. What was added through
    /// this same value is not found, so that what is found does not depend on the order in which threads work.
    pub fn get(&self, key: ArtifactKey, max_payload: u64) -> Lookup {
        if !self.exists() || self.is_added(key) {
            return Lookup::Miss;
        }
        let path = self.path(key);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Lookup::Miss,
            Err(error) => return self.damaged(key, Defect::Unreadable(error)),
        };
        let size = match file.metadata() {
            Ok(facts) if facts.is_file() => facts.len(),
            Ok(_) => return self.damaged(key, Defect::NotAnArtifact),
            Err(error) => return self.damaged(key, Defect::Unreadable(error)),
        };
        match format::decode(&file, size, key, max_payload) {
            Ok(artifact) => {
                // Where the time cannot be set, it only goes earlier than it should.
                let _ = file.set_modified(SystemTime::now());
                Lookup::Hit(Box::new(artifact))
            }
            Err(defect) => self.damaged(key, defect),
        }
    }

    /// Whether there is a file for the artifact under `key`. Nothing of it is read.
    pub fn has(&self, key: ArtifactKey) -> bool {
        self.path(key).is_file()
    }

    /// Files an artifact under `key`. One with more to say than is kept is left out, and so is any where the store is to
    /// take nothing.
    pub fn put(&self, key: ArtifactKey, content: Content<&[u8]>, said: &[Diagnostic]) -> io::Result<()> {
        let Some((head, findings)) = format::encode(key, content, said) else { return Ok(()) };
        let stored: &[u8] = match content {
            Content::Payload(payload) => payload.stored,
            Content::Failure => &[],
        };
        let takes = keep::taken(head.len() as u64 + stored.len() as u64 + findings.len() as u64);
        if takes > self.max_bytes || !self.announce(key, takes) {
            return Ok(());
        }
        let (new, mut file) = self.create()?;
        let mut write = || [&head[..], stored, &findings].iter().try_for_each(|part| file.write_all(part));
        let written = write().and_then(|()| self.place(&new, key));
        if written.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        written
    }

    /// Notes that an artifact is about to be added; false if it was before. From the first one on, nobody knows how many
    /// bytes there are until [`settle`](Self::settle), also if this process ends before.
    fn announce(&self, key: ArtifactKey, takes: u64) -> bool {
        let mut added = self.added.lock().unwrap_or_else(PoisonError::into_inner);
        if !added.is_open {
            added.before = self.take_size();
            added.is_open = true;
        }
        let is_new = added.keys.insert(key);
        if is_new {
            added.bytes = added.bytes.saturating_add(takes);
        }
        is_new
    }

    fn is_added(&self, key: ArtifactKey) -> bool {
        self.added.lock().unwrap_or_else(PoisonError::into_inner).keys.contains(&key)
    }

    /// Makes a file that is nobody else's, also not one's who has the same process id elsewhere.
    fn create(&self) -> io::Result<(Utf8PathBuf, File)> {
        let mut tries = 0;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = self.folder.join(format!("{}{}-{number}", keep::NEW, std::process::id()));
            tries += 1;
            match File::create_new(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if tries == MAX_TRIES => return Err(error),
                // Deleted, or not there yet. Not the folders above it: without them, this is no project any more.
                Err(error) if error.kind() == io::ErrorKind::NotFound => make_folder(&self.folder)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn place(&self, new: &Utf8Path, key: ArtifactKey) -> io::Result<()> {
        let path = self.path(key);
        match std::fs::rename(new, &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folder(path.parent().unwrap_or(&self.folder))?;
                std::fs::rename(new, &path)
            }
            result => result,
        }
    }

    fn path(&self, key: ArtifactKey) -> Utf8PathBuf {
        let hex = key.digest().hex();
        self.folder.join(&hex[..2]).join(&hex[2..])
    }

    fn damaged(&self, key: ArtifactKey, defect: Defect) -> Lookup {
        // One that somebody has removed meanwhile was damaged all the same.
        let _ = std::fs::remove_file(self.path(key));
        Lookup::Damaged { path: Utf8Path::new(layout::STORE).join(name(key)), defect }
    }
}

/// The file of an artifact, relative to the store.
fn name(key: ArtifactKey) -> Utf8PathBuf {
    let hex = key.digest().hex();
    Utf8Path::new(&hex[..2]).join(&hex[2..])
}

fn make_folder(folder: &Utf8Path) -> io::Result<()> {
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}
