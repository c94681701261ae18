//! How far a recorded commit got: what the disk says, against the intent. Reads only.
//!
//! A commit goes through two phases with a sync between them, so the disk is in one of two sorts of state. While
//! *displacing*, each file that leaves is at its place or displaced, and nothing is placed. While *placing*, everything
//! that leaves has left, and each file that comes is at its origin or at its place. Any mixture of phases, and any
//! contents that the intent does not name, is a conflict.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use super::fingerprint::{FileFingerprint, Fingerprint};
use super::intent::{Intent, RegistryWork};
use super::spelling::Spelling;
use super::steps::{Origin, Work};
use crate::disk::{Disk, DiskError};
use crate::layout;

/// A path that is not as an intent says it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The path.
    pub path: Utf8PathBuf,
    /// What stands there.
    pub found: Fingerprint,
    /// Where under `.packer/` the other contents that belong to the path are.
    pub kept_at: Option<Utf8PathBuf>,
}

/// Which steps are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) displaced: Vec<bool>,
    pub(super) placed: Vec<bool>,
    pub(super) registry_swapped: bool,
}

impl Progress {
    pub(super) fn none(work: &Work) -> Self {
        Self {
            displaced: vec![false; work.displaced.len()],
            placed: vec![false; work.placed.len()],
            registry_swapped: false,
        }
    }
}

/// What a comparison found.
#[derive(Debug)]
pub(super) enum Comparison {
    /// Nothing was done, and not everything is staged: the commit point was not reached.
    NotReached,
    /// It can be finished from here.
    Resumable(Progress),
    /// Somebody changed something.
    Conflicting(Vec<Conflict>),
}

impl Comparison {
    /// The conflicts found, and `seen`, which stopped the commit.
    pub(super) fn conflicts_with(self, seen: Conflict) -> Vec<Conflict> {
        let mut conflicts = match self {
            Self::Conflicting(conflicts) => conflicts,
            Self::NotReached | Self::Resumable(_) => Vec::new(),
        };
        if !conflicts.iter().any(|conflict| conflict.path == seen.path) {
            conflicts.push(seen);
        }
        conflicts.sort_by(|a, b| a.path.cmp(&b.path));
        conflicts
    }
}

/// One place that counts, looked at once.
struct Seen {
    path: Utf8PathBuf,
    found: Fingerprint,
}

/// What the disk says of an intent.
struct Observed<'i> {
    intent: &'i Intent,
    /// The place of each displaced file, and where it is displaced to.
    displaced: Vec<(Seen, Seen)>,
    /// The place of each placed file, and its origin.
    placed: Vec<(Seen, Seen)>,
    registry: RegistryState,
    /// Whether there is the folder to displace to, which becomes the operation's history.
    has_folder: bool,
}

enum RegistryState {
    Before { staged: bool },
    Swapped,
    Conflict(Conflict),
}

pub(super) fn compare(disk: &dyn Disk, intent: &Intent) -> Result<Comparison, DiskError> {
    let observed = Observed::look(disk, intent)?;
    let displacing = observed.displacing();
    let is_untouched = displacing.as_ref().is_ok_and(|progress| !progress.displaced.contains(&true));
    if is_untouched && !observed.all_staged() {
        return Ok(Comparison::NotReached);
    }
    // Where files are equal a state can be of both sorts. Then it is the later one: nothing is moved once more that may
    // have reached its place in memory only.
    let (while_placing, any_placed) = match observed.placing() {
        Ok(progress) => return Ok(Comparison::Resumable(progress)),
        Err(conflicts) => conflicts,
    };
    let mut conflicts = match displacing {
        Ok(progress) if observed.all_staged() => return Ok(Comparison::Resumable(progress)),
        Ok(_) => observed.missing_staged(),
        // Where it is a mixture, it is of the sort that less speaks against; files can be equal, and saved over.
        Err(while_displacing) => match while_displacing.len().cmp(&while_placing.len()) {
            Ordering::Less => while_displacing,
            Ordering::Equal if !any_placed => while_displacing,
            Ordering::Equal | Ordering::Greater => while_placing,
        },
    };
    // One path can speak against it for several reasons.
    let mut seen = BTreeSet::new();
    conflicts.retain(|conflict| seen.insert(conflict.path.clone()));
    Ok(Comparison::Conflicting(conflicts))
}

impl<'i> Observed<'i> {
    fn look(disk: &dyn Disk, intent: &'i Intent) -> Result<Self, DiskError> {
        let operation = intent.operation;
        let spelling = Spelling::new(disk, &intent.work);
        let see = |path: Utf8PathBuf| {
            let found = spelling.take(&path)?;
            Ok::<_, DiskError>(Seen { path, found })
        };
        let displaced = intent
            .work
            .displaced
            .iter()
            .enumerate()
            .map(|(n, item)| Ok((see(item.path.clone())?, see(layout::displaced(operation, n as u32))?)));
        let placed = intent.work.placed.iter().map(|item| {
            let origin = match item.origin {
                Origin::Staged(n) => layout::staged(operation, n),
                Origin::Displaced(n) => layout::displaced(operation, n),
            };
            Ok((see(item.path.clone())?, see(origin)?))
        });
        Ok(Self {
            intent,
            displaced: displaced.collect::<Result<_, DiskError>>()?,
            placed: placed.collect::<Result<_, DiskError>>()?,
            registry: registry_state(disk, intent)?,
            has_folder: disk.stat(&layout::displaced_folder(operation))?.is_some(),
        })
    }

    /// The state as one of displacing, or what speaks against that.
    fn displacing(&self) -> Result<Progress, Vec<Conflict>> {
        let mut conflicts = Vec::new();
        let mut progress = Progress::none(&self.intent.work);
        let leaving: BTreeSet<&Utf8Path> =
            self.displaced.iter().map(|(place, _)| place.path.as_path()).collect();
        for (n, (place, kept)) in self.displaced.iter().enumerate() {
            let before = self.intent.work.displaced[n].before;
            match (place.found, kept.found) {
                (place, Fingerprint::Absent) if place.is(before) => {}
                (Fingerprint::Absent, kept) if kept.is(before) => progress.displaced[n] = true,
                _ => conflicts.push(conflict(place, kept)),
            }
        }
        for (place, origin) in &self.placed {
            if !leaving.contains(place.path.as_path()) && place.found != Fingerprint::Absent {
                conflicts.push(conflict(place, origin));
            }
        }
        match &self.registry {
            RegistryState::Before { .. } => {}
            RegistryState::Swapped => conflicts.push(Conflict {
                path: layout::REGISTRY.into(),
                found: Fingerprint::File(registry_after(self.intent)),
                kept_at: None,
            }),
            RegistryState::Conflict(found) => conflicts.push(found.clone()),
        }
        if conflicts.is_empty() { Ok(progress) } else { Err(conflicts) }
    }

    /// The state as one of placing; or what speaks against that, and whether anything at all is placed.
    fn placing(&self) -> Result<Progress, (Vec<Conflict>, bool)> {
        let mut conflicts = Vec::new();
        let mut progress = Progress::none(&self.intent.work);
        progress.displaced.fill(true);
        let coming: BTreeSet<&Utf8Path> = self.placed.iter().map(|(place, _)| place.path.as_path()).collect();
        let moving: BTreeSet<Origin> = self.intent.work.placed.iter().map(|item| item.origin).collect();
        for (n, (place, origin)) in self.placed.iter().enumerate() {
            let after = self.intent.work.placed[n].after;
            match (place.found, origin.found) {
                (Fingerprint::Absent, origin) if origin.is(after) => {}
                (place, Fingerprint::Absent) if place.is(after) => progress.placed[n] = true,
                _ => conflicts.push(conflict(place, origin)),
            }
        }
        for (n, (place, kept)) in self.displaced.iter().enumerate() {
            if !coming.contains(place.path.as_path()) && place.found != Fingerprint::Absent {
                conflicts.push(conflict(place, kept));
            }
            // One that moves on was judged by where it goes.
            let moves_on = moving.contains(&Origin::Displaced(n as u32));
            if !moves_on && !kept.found.is(self.intent.work.displaced[n].before) {
                conflicts.push(conflict(place, kept));
            }
        }
        match &self.registry {
            RegistryState::Before { staged: true } => {}
            RegistryState::Swapped => progress.registry_swapped = true,
            RegistryState::Before { staged: false } => conflicts.push(self.unstaged_registry()),
            RegistryState::Conflict(found) => conflicts.push(found.clone()),
        }
        let any_placed = progress.placed.contains(&true) || progress.registry_swapped;
        if progress.registry_swapped && progress.placed.contains(&false) {
            conflicts.extend(
                self.placed
                    .iter()
                    .zip(&progress.placed)
                    .filter(|(_, done)| !**done)
                    .map(|((place, origin), _)| conflict(place, origin)),
            );
        }
        if conflicts.is_empty() { Ok(progress) } else { Err((conflicts, any_placed)) }
    }

    /// Whether everything is there that was made before the intent became durable.
    fn all_staged(&self) -> bool {
        self.has_folder && self.missing_staged().is_empty()
    }

    /// The places whose staged contents are not there, or are not what they were.
    fn missing_staged(&self) -> Vec<Conflict> {
        let missing = self.placed.iter().zip(&self.intent.work.placed).filter(|((_, origin), item)| {
            matches!(item.origin, Origin::Staged(_)) && !origin.found.is(item.after)
        });
        let mut conflicts: Vec<_> = missing.map(|((place, origin), _)| conflict(place, origin)).collect();
        if matches!(self.registry, RegistryState::Before { staged: false }) {
            conflicts.push(self.unstaged_registry());
        }
        conflicts
    }

    fn unstaged_registry(&self) -> Conflict {
        let found = match self.intent.registry {
            RegistryWork::Replaced { before: Some(before), .. } => Fingerprint::File(before),
            RegistryWork::Replaced { before: None, .. } | RegistryWork::Unchanged { .. } => {
                Fingerprint::Absent
            }
        };
        Conflict { path: layout::REGISTRY.into(), found, kept_at: None }
    }
}

fn conflict(place: &Seen, kept: &Seen) -> Conflict {
    let kept_at = (kept.found != Fingerprint::Absent).then(|| kept.path.clone());
    Conflict { path: place.path.clone(), found: place.found, kept_at }
}

fn registry_after(intent: &Intent) -> FileFingerprint {
    match intent.registry {
        RegistryWork::Replaced { after, .. } => after,
        RegistryWork::Unchanged { digest } => FileFingerprint { digest, size: 0 },
    }
}

fn registry_state(disk: &dyn Disk, intent: &Intent) -> Result<RegistryState, DiskError> {
    let RegistryWork::Replaced { before, after, staged } = intent.registry else {
        // People may go on working on a registry that the commit does not touch.
        return Ok(RegistryState::Before { staged: true });
    };
    let before = before.map_or(Fingerprint::Absent, Fingerprint::File);
    let kept_path = layout::staged(intent.operation, staged);
    let found = Fingerprint::take(disk, Utf8Path::new(layout::REGISTRY))?;
    let kept = Fingerprint::take(disk, &kept_path)?;
    Ok(if found == before && kept.is(after) {
        RegistryState::Before { staged: true }
    } else if found.is(after) && kept == before {
        RegistryState::Swapped
    } else if found == before {
        RegistryState::Before { staged: false }
    } else {
        let kept_at = (kept != Fingerprint::Absent).then_some(kept_path);
        RegistryState::Conflict(Conflict { path: layout::REGISTRY.into(), found, kept_at })
    })
}
