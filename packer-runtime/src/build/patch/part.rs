//! The assets that a change is about, as a workspace of their own: their lines of the registry, their anchors, their
//! sources, and nothing else.
//!
//! They are evaluated and planned as every workspace is. That this gives what the whole workspace would is checked as far
//! as it shows: nothing is in error, and each asset has the id, the name, the kind and the sources that it had.

use std::sync::Arc;

use packer_domain::anchor::parse_anchor;
use packer_domain::build::{BuildEntry, BuildPlan, plan_build};
use packer_domain::config::BuildOptions;
use packer_domain::observation::{FileFact, Observation};
use packer_domain::path::AssetPath;
use packer_domain::registry::{Registry, RegistryEntry};
use packer_domain::workspace::{WorkspaceInputs, WorkspaceState};
use packer_fs::index::FileRole;
use packer_fs::layout;
use packer_fs::registry_file;

use super::{Change, Last};
use crate::observe::Sighting;
use crate::reading::path_of;
use crate::shared::Shared;

/// A workspace of a few assets.
pub(super) struct Part {
    pub state: WorkspaceState,
    pub plan: BuildPlan,
    /// Of each entry of the plan, its number in the record.
    numbers: Vec<u32>,
}

impl Part {
    /// The assets, each with its number in the record.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u32, &BuildEntry)> {
        self.numbers.iter().copied().zip(&self.plan.entries)
    }
}

/// The assets of `change`, planned; `None` if they are not what they were but for their sources.
pub(super) fn evaluate(
    shared: &Shared,
    sighting: &Sighting,
    change: &Change,
    last: &Last,
    options: BuildOptions,
) -> Option<Part> {
    let (registry, lines) = lines(&sighting.registry, change, last)?;
    let index = &*sighting.index;
    let mut files: Vec<(AssetPath, FileFact)> = Vec::new();
    let mut anchors = Vec::new();
    for line in &lines {
        let path = line.anchor()?;
        let entry = index.find(path.as_str()).filter(|entry| entry.role == FileRole::Anchor)?;
        let file = format!("{}/{path}", sighting.config.assets);
        let parsed = parse_anchor(entry.content?, path, &file, &shared.observer.kinds);
        files.push((path.clone(), FileFact { size: entry.stat.size, digest: entry.digest }));
        anchors.push((path.clone(), Arc::new(parsed)));
    }
    let mut wanted: Vec<usize> = change.assets.values().flatten().copied().collect();
    wanted.sort_unstable();
    let mut wanted = wanted.into_iter().peekable();
    for folder in index.folders() {
        while let Some(at) = wanted.next_if(|at| folder.files.contains(at)) {
            let entry = index.entry(at);
            let fact = FileFact { size: entry.stat.size, digest: entry.digest };
            files.push((AssetPath::parse(&path_of(folder.path, entry.name)).ok()?, fact));
        }
    }
    if wanted.next().is_some() {
        return None;
    }
    let inputs = WorkspaceInputs {
        config: Arc::clone(&sighting.config),
        config_diagnostics: sighting.config_diagnostics.clone(),
        kinds: Arc::clone(&shared.observer.kinds),
        registry,
        observation: Observation::new(files, Vec::new(), anchors, Vec::new(), 0),
    };
    let state = WorkspaceState::evaluate(inputs);
    let plan = plan_build(&state, options);
    let is_clean = plan.errors.is_empty() && plan.absent.is_empty() && plan.left_out == 0;
    if !is_clean || plan.entries.len() != change.assets.len() {
        return None;
    }
    let numbers = plan.entries.iter().map(|entry| number_of(entry, change, last)).collect::<Option<_>>()?;
    Some(Part { state, plan, numbers })
}

/// The lines of the assets of `change`, and a registry of just these.
fn lines(registry: &[u8], change: &Change, last: &Last) -> Option<(Registry, Vec<RegistryEntry>)> {
    let first = registry.split_inclusive(|byte| *byte == b'\n').next()?;
    let mut text = first.to_vec();
    for number in change.assets.keys() {
        let (uuid, _) = last.former.record().at(*number as usize)?;
        let position = change.sources.place(*number as usize);
        let id = last.pack.entries().ok()?.nth(position as usize)?.id();
        let line = line_of(registry, id)?;
        let is_its = std::str::from_utf8(line).is_ok_and(|line| line.contains(&uuid.to_string()));
        if !is_its {
            return None;
        }
        text.extend_from_slice(line);
    }
    let registry = registry_file::parse(&text, layout::REGISTRY).ok()?;
    let lines: Vec<RegistryEntry> = registry.entries().cloned().collect();
    (lines.len() == change.assets.len()).then_some((registry, lines))
}

/// The line of the asset with this id, in a registry whose lines are in order, as the packer writes them.
fn line_of(registry: &[u8], id: u32) -> Option<&[u8]> {
    let end_of_line = |from: usize| {
        registry[from..].iter().position(|byte| *byte == b'\n').map_or(registry.len(), |end| from + end + 1)
    };
    let id_at = |from: usize| -> Option<u32> {
        let digits = registry[from..].strip_prefix(b"{\"id\":")?;
        let end = digits.iter().take(11).position(|byte| !byte.is_ascii_digit())?;
        std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
    };
    // The line is, or begins, in this range, whose ends are those of lines.
    let (mut low, mut high) = (end_of_line(0), registry.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start =
            registry[low..middle].iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let end = end_of_line(start);
        match id_at(start)?.cmp(&id) {
            std::cmp::Ordering::Equal => return Some(&registry[start..end]),
            std::cmp::Ordering::Less => low = end,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

/// The number of a planned asset, if it is what the last pack has under that number but for its payload.
fn number_of(entry: &BuildEntry, change: &Change, last: &Last) -> Option<u32> {
    let of_uuid = |number: &&u32| {
        last.former.record().at(**number as usize).is_some_and(|(uuid, _)| uuid == entry.uuid())
    };
    let number = *change.assets.keys().find(of_uuid)?;
    let packed = last.pack.find_id(entry.id().get()).ok()??;
    let is_same = packed.position() == change.sources.place(number as usize)
        && packed.name().is_ok_and(|name| name == entry.name().as_str())
        && packed.kind().is_ok_and(|kind| kind == entry.kind().as_str())
        && packed.is_preload() == entry.preload()
        && entry.references().is_empty()
        && entry.inputs().len() == change.assets[&number].len();
    is_same.then_some(number)
}
