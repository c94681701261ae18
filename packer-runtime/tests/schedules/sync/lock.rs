//! The locks between processes, within one: the same faces as in `packer_fs::lock`, with a table instead of files.
//!
//! Nobody deletes a lock file here; what happens then is tested on real files. Whoever waits lets others run, and asks at
//! every try whether it is to stop, as the real ones do.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::identity::SourceId;
use packer_fs::layout;
use packer_fs::lock::{HolderFacts, LockError, Wait};

/// What is held, by path, with whoever holds it. Every schedule has a root of its own.
static HELD: Mutex<BTreeMap<Utf8PathBuf, Option<HolderFacts>>> = Mutex::new(BTreeMap::new());

fn held() -> MutexGuard<'static, BTreeMap<Utf8PathBuf, Option<HolderFacts>>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds one path of the table until it is dropped.
#[derive(Debug)]
struct Held(Utf8PathBuf);

impl Drop for Held {
    fn drop(&mut self) {
        held().remove(&self.0);
    }
}

fn try_take(path: &Utf8Path, facts: Option<&HolderFacts>) -> Result<Held, Option<HolderFacts>> {
    // Somebody else may be first.
    shuttle::thread::yield_now();
    let mut held = held();
    if let Some(holder) = held.get(path) {
        return Err(holder.clone());
    }
    held.insert(path.to_owned(), facts.cloned());
    Ok(Held(path.to_owned()))
}

fn take(
    path: Utf8PathBuf,
    facts: &HolderFacts,
    wait: Wait<'_>,
    on_wait: &mut dyn FnMut(Option<&HolderFacts>),
) -> Result<Held, LockError> {
    let mut told = None;
    loop {
        let holder = match try_take(&path, Some(facts)) {
            Ok(held) => return Ok(held),
            Err(holder) => holder,
        };
        match wait {
            Wait::Never => return Err(LockError::Busy { path, holder }),
            Wait::Block(should_stop) if should_stop() => return Err(LockError::Stopped { path }),
            Wait::Block(_) => {}
        }
        if told.as_ref() != Some(&holder) {
            on_wait(holder.as_ref());
            told = Some(holder);
        }
    }
}

/// As `packer_fs::lock::LaneLock`.
#[derive(Debug)]
pub(crate) struct LaneLock;

/// As `packer_fs::lock::LaneGuard`.
#[derive(Debug)]
#[must_use]
pub(crate) struct LaneGuard {
    _held: Held,
}

impl LaneLock {
    pub(crate) fn acquire(
        root: &Utf8Path,
        facts: &HolderFacts,
        wait: Wait<'_>,
        on_wait: &mut dyn FnMut(Option<&HolderFacts>),
    ) -> Result<LaneGuard, LockError> {
        Ok(LaneGuard { _held: take(root.join(layout::LANE_LOCK), facts, wait, on_wait)? })
    }
}

impl LaneGuard {
    pub(crate) fn still_valid(&self) -> bool {
        true
    }
}

/// As `packer_fs::lock::BuildLock`.
#[derive(Debug)]
pub(crate) struct BuildLock;

/// As `packer_fs::lock::BuildGuard`.
#[derive(Debug)]
#[must_use]
pub(crate) struct BuildGuard {
    _held: Held,
}

impl BuildLock {
    pub(crate) fn acquire(
        root: &Utf8Path,
        facts: &HolderFacts,
        wait: Wait<'_>,
        on_wait: &mut dyn FnMut(Option<&HolderFacts>),
    ) -> Result<BuildGuard, LockError> {
        Ok(BuildGuard { _held: take(root.join(layout::BUILD_LOCK), facts, wait, on_wait)? })
    }
}

impl BuildGuard {
    pub(crate) fn still_valid(&self) -> bool {
        true
    }
}

/// As `packer_fs::lock::SourceLock`.
#[derive(Debug)]
pub(crate) struct SourceLock;

/// As `packer_fs::lock::SourceGuard`.
#[derive(Debug)]
#[must_use]
pub(crate) struct SourceGuard {
    _held: Held,
}

impl SourceLock {
    pub(crate) fn hold(root: &Utf8Path, source: SourceId) -> Result<SourceGuard, LockError> {
        let path = root.join(layout::event_lock(source));
        let held = try_take(&path, None).map_err(|holder| LockError::Busy { path, holder })?;
        Ok(SourceGuard { _held: held })
    }

    pub(crate) fn clear_unborn(_root: &Utf8Path, _name: &str) -> Result<(), LockError> {
        Ok(())
    }

    pub(crate) fn try_take(root: &Utf8Path, source: SourceId) -> Result<Option<SourceGuard>, LockError> {
        let held = try_take(&root.join(layout::event_lock(source)), None).ok();
        Ok(held.map(|held| SourceGuard { _held: held }))
    }
}

impl SourceGuard {
    pub(crate) fn still_valid(&self) -> bool {
        true
    }

    pub(crate) fn discard(self) -> Result<(), LockError> {
        drop(self);
        Ok(())
    }
}
