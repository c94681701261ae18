//! Where the anchors of each registered asset are: the registry's lines and the anchors on disk, walked together by uuid.
//!
//! Nearly every asset has one line, and one valid anchor where it was accepted. Such an asset is told in passing; what is
//! different about the others is kept, for `divergences` to say.

use std::sync::Arc;

use crate::identity::AssetUuid;
use crate::path::AssetPath;
use crate::registry::{EntryState, RegistryEntry};

use super::WorkspaceInputs;
use super::claims::Claims;
use super::effective::Effective;
use super::record::{AssetRecord, Inputs, Records};

/// The managed assets and where they are.
pub(super) struct Placed {
    pub records: Records,
    /// The assets that are not simply where they were accepted, by uuid, each with its index among the records.
    pub unusual: Vec<(usize, Placement)>,
    /// By number of the anchor: the first record whose anchor it is.
    pub record_of: Vec<Option<u32>>,
    /// By number of the anchor: whether it is a managed asset's.
    pub managed: Vec<bool>,
    /// The anchors with a uuid that are not the one anchor of an asset, where it was accepted; in order.
    pub loose: Vec<(AssetUuid, AssetPath)>,
    /// The accepted places of the unusual assets; in order.
    pub displaced: Vec<(AssetPath, AssetUuid)>,
    /// The registry's lines with the paths of the observation's anchors, where that holds a path twice.
    pub shared_lines: Option<Vec<RegistryEntry>>,
}

/// Where the anchors of one asset are.
pub(super) struct Placement {
    /// The lines of the registry, the first live one first.
    lines: Vec<RegistryEntry>,
    /// Every path with its uuid, by bytes.
    pub paths: Vec<AssetPath>,
    /// The anchor at the accepted path, where its uuid cannot be read.
    pub illegible: Option<AssetPath>,
}

impl Placement {
    fn entry(&self) -> &RegistryEntry {
        &self.lines[0]
    }

    /// Where the asset's anchor is: at the accepted path if it is there, else at the first other.
    pub(super) fn anchor(&self) -> Option<&AssetPath> {
        let accepted = self.entry().anchor();
        let at_home = self.paths.iter().find(|path| Some(*path) == accepted);
        at_home.or(self.illegible.as_ref()).or(self.paths.first())
    }
}

pub(super) fn place<'a>(inputs: &'a WorkspaceInputs, claims: &Claims<'a>) -> Placed {
    let anchors = &claims.anchors;
    let mut by_uuid: Vec<(AssetUuid, u32)> = Vec::with_capacity(anchors.len());
    by_uuid
        .extend((0_u32..).zip(anchors).filter_map(|(number, anchor)| Some((anchor.parsed.uuid()?, number))));
    by_uuid.sort_unstable();
    let mut effective = Effective::new(&inputs.config, &inputs.kinds);
    let count = inputs.registry.len();
    let mut placed = Placed {
        records: Records::with_capacity(count),
        unusual: Vec::new(),
        record_of: vec![None; anchors.len()],
        managed: vec![false; anchors.len()],
        loose: Vec::new(),
        displaced: Vec::new(),
        shared_lines: None,
    };
    let path_of = |(uuid, number): &(AssetUuid, u32)| (*uuid, anchors[*number as usize].path.clone());
    let mut lines_shared: Vec<RegistryEntry> = Vec::with_capacity(count);
    let mut is_any_shared = false;
    let mut found = by_uuid.as_slice();
    let mut lines = inputs.registry.entries().peekable();
    while let Some(line) = lines.next() {
        let before = found.iter().take_while(|(uuid, _)| *uuid < line.uuid).count();
        placed.loose.extend(found[..before].iter().map(path_of));
        found = &found[before..];
        let here = found.iter().take_while(|(uuid, _)| *uuid == line.uuid).count();
        let (here, after) = found.split_at(here);
        found = after;
        let is_alone = lines.peek().is_none_or(|next| next.uuid != line.uuid);
        if let (EntryState::Live { anchor: accepted, .. }, [(_, number)], true) =
            (&line.state, here, is_alone)
        {
            let anchor = &anchors[*number as usize];
            if anchor.path == accepted && anchor.parsed.declaration().is_some() {
                let mut entry = line.clone();
                if !accepted.is_same_text(anchor.path) {
                    is_any_shared = true;
                    if let EntryState::Live { anchor: accepted, .. } = &mut entry.state {
                        *accepted = anchor.path.clone();
                    }
                }
                let (settings, preload) = effective.of(anchor.path, anchor.parsed);
                let at = Some((anchor.path, Arc::clone(anchor.parsed)));
                lines_shared.push(entry.clone());
                let record = AssetRecord::new(entry, at, anchor.inputs.clone(), settings, preload);
                placed.note(*number as usize, record);
                continue;
            }
        }
        let mut of_uuid = vec![line.clone()];
        while let Some(next) = lines.next_if(|next| next.uuid == line.uuid) {
            of_uuid.push(next.clone());
        }
        lines_shared.extend(of_uuid.iter().cloned());
        placed.loose.extend(here.iter().map(path_of));
        let accepted = of_uuid.iter().filter_map(|line| Some((line.anchor()?.clone(), line.uuid)));
        placed.displaced.extend(accepted);
        placed.unusual(claims, of_uuid, here, &mut effective);
    }
    placed.loose.extend(found.iter().map(path_of));
    placed.displaced.sort();
    placed.displaced.dedup();
    placed.shared_lines = is_any_shared.then_some(lines_shared);
    placed
}

impl Placed {
    fn note(&mut self, number: usize, record: AssetRecord) {
        let index = self.records.push(record);
        self.record_of[number].get_or_insert(index as u32);
        self.managed[number] = true;
    }

    fn unusual<'a>(
        &mut self,
        claims: &Claims<'a>,
        mut lines: Vec<RegistryEntry>,
        here: &[(AssetUuid, u32)],
        effective: &mut Effective<'a>,
    ) {
        // Live lines first; of those, and of the retired ones, the order stays.
        lines.sort_by_key(|line| line.anchor().is_none());
        let Some(accepted) = lines[0].anchor() else { return };
        let anchors = &claims.anchors;
        for (_, number) in here {
            self.managed[*number as usize] = true;
        }
        let mut illegible = None;
        if let Some(number) = claims.position(accepted)
            && anchors[number].parsed.uuid().is_none()
        {
            self.managed[number] = true;
            illegible = Some(accepted.clone());
        }
        let paths = here.iter().map(|(_, number)| anchors[*number as usize].path.clone()).collect();
        let placement = Placement { lines, paths, illegible };
        let entry = placement.entry().clone();
        let number = placement.anchor().and_then(|path| claims.position(path));
        let index = match number {
            Some(number) => {
                let anchor = &anchors[number];
                let (settings, preload) = effective.of(anchor.path, anchor.parsed);
                let at = Some((anchor.path, Arc::clone(anchor.parsed)));
                let record = AssetRecord::new(entry, at, anchor.inputs.clone(), settings, preload);
                let index = self.records.push(record);
                self.record_of[number].get_or_insert(index as u32);
                index
            }
            None => self.records.push(AssetRecord::new(entry, None, Inputs::NONE, Arc::default(), false)),
        };
        self.unusual.push((index, placement));
    }
}
