//! How the answers of two states of one project differ: the rows that lists of assets have, the files that no anchor
//! claims, and the findings.
//!
//! What two states share costs nothing, so the difference of a state and one that was made from it costs by that
//! difference; that of two unrelated ones costs by both. A difference says nothing of why it came about.

use std::collections::BTreeSet;

use imbl::ordmap::DiffItem;
use serde::Serialize;

use crate::diagnostic::Diagnostic;
use crate::divergence::Divergence;
use crate::identity::AssetUuid;
use crate::path::AssetPath;
use crate::report::{AssetRow, asset_row};
use crate::workspace::{Listed, WorkspaceState};

/// How the answers of a state differ from those of an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReportChanges {
    /// The rows that are new: managed assets by uuid, then unregistered anchors by path.
    pub added: Vec<AssetRow>,
    /// The rows of what is there as before and is not the same any more, as they are now, in the same order. Also where the
    /// row itself says what it said, and the contents of a source are others.
    pub changed: Vec<AssetRow>,
    /// The rows that are no more, as they were, in the same order. An anchor that becomes managed leaves one row and gets
    /// another.
    pub removed: Vec<AssetRow>,
    /// The files that no anchor claims any more, or that are there since, by path.
    pub unclaimed_added: Vec<AssetPath>,
    /// The files that no anchor claimed, and that are claimed or gone, by path.
    pub unclaimed_removed: Vec<AssetPath>,
    /// The diagnostics that are new, in order.
    pub diagnostics_added: Vec<Diagnostic>,
    /// The diagnostics that are no more, in order.
    pub diagnostics_removed: Vec<Diagnostic>,
    /// The divergences that are new, in order.
    pub divergences_added: Vec<Divergence>,
    /// The divergences that are no more, in order.
    pub divergences_removed: Vec<Divergence>,
    /// Whether the configuration differs.
    pub configuration: bool,
}

impl ReportChanges {
    /// How the answers of `after` differ from those of `before`.
    pub fn between(before: &WorkspaceState, after: &WorkspaceState) -> Self {
        let mut changes = Self { configuration: before.config() != after.config(), ..Self::default() };
        changes.managed(before, after);
        changes.unregistered(before, after);
        let (gone, new) = before.unclaimed().difference(after.unclaimed());
        (changes.unclaimed_removed, changes.unclaimed_added) = (gone, new);
        let (gone, new) = before.diagnostics().difference(after.diagnostics());
        (changes.diagnostics_removed, changes.diagnostics_added) = (gone, new);
        let (gone, new) = before.divergences().difference(after.divergences());
        (changes.divergences_removed, changes.divergences_added) = (gone, new);
        changes
    }

    fn managed(&mut self, before: &WorkspaceState, after: &WorkspaceState) {
        let mut changed: BTreeSet<AssetUuid> = BTreeSet::new();
        for item in before.assets_by_uuid().diff(after.assets_by_uuid()) {
            match item {
                DiffItem::Add(_, record) => self.added.extend(asset_row(Listed::Managed(record))),
                DiffItem::Remove(_, record) => self.removed.extend(asset_row(Listed::Managed(record))),
                DiffItem::Update { new: (uuid, _), .. } => {
                    changed.insert(*uuid);
                }
            }
        }
        // What was written into a source is in no record.
        for item in before.observation().files.diff(&after.observation().files) {
            let DiffItem::Update { new: (path, _), .. } = item else { continue };
            let claiming = after.assets_at(path).into_iter().filter(|uuid| {
                let claims = |state: &WorkspaceState| {
                    state.asset(*uuid).is_some_and(|record| record.inputs().contains(path))
                };
                claims(before) && claims(after)
            });
            changed.extend(claiming);
        }
        let records = changed.into_iter().filter_map(|uuid| after.asset(uuid));
        self.changed.extend(records.filter_map(|record| asset_row(Listed::Managed(record))));
    }

    fn unregistered(&mut self, before: &WorkspaceState, after: &WorkspaceState) {
        for item in before.unregistered_by_path().diff(after.unregistered_by_path()) {
            let (rows, path, parsed) = match item {
                DiffItem::Add(path, parsed) => (&mut self.added, path, parsed),
                DiffItem::Remove(path, parsed) => (&mut self.removed, path, parsed),
                DiffItem::Update { new: (path, parsed), .. } => (&mut self.changed, path, parsed),
            };
            rows.extend(asset_row(Listed::Unregistered(path, parsed)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, uuid};

    const BEFORE: &str = "\
//- registry
a 1 ui/a.png.asset.toml
b 2 ui/b.png.asset.toml
c 3 ui/c.png.asset.toml
//- assets/ui/a.png
a
//- assets/ui/a.png.asset.toml
uuid = \"$a\"
name = \"a\"
kind = \"image\"
//- assets/ui/b.png
b
//- assets/ui/b.png.asset.toml
uuid = \"$b\"
name = \"b\"
kind = \"image\"
//- assets/ui/c.png
c
//- assets/ui/c.png.asset.toml
uuid = \"$c\"
name = \"c\"
kind = \"image\"
//- assets/ui/d.png
d
//- assets/ui/d.png.asset.toml
uuid = \"$d\"
name = \"d\"
kind = \"image\"
//- assets/ui/e.png
e
";

    fn names(rows: &[AssetRow]) -> Vec<&str> {
        rows.iter().filter_map(|row| Some(row.name.as_ref()?.as_str())).collect()
    }

    #[test]
    fn what_differs_is_told_row_by_row() {
        let before = World::new(BEFORE);
        let mut after = before.clone();
        after.write("ui/a.png", "other contents");
        after.write("ui/b.png.asset.toml", "uuid = \"$b\"\nname = \"bee\"\nkind = \"image\"\n");
        after.write("ui/f.png", "f");
        after.files.remove("ui/e.png");
        let (old, new) = (before.state(), after.state());
        let changes = ReportChanges::between(&old, &new);
        assert_eq!(names(&changes.changed), ["a", "bee"]);
        assert_eq!((names(&changes.added), names(&changes.removed)), (Vec::new(), Vec::new()));
        assert_eq!(changes.unclaimed_added, [crate::testing::path("ui/f.png")]);
        assert_eq!(changes.unclaimed_removed, [crate::testing::path("ui/e.png")]);
        assert!(!changes.configuration);
        assert_eq!(changes.changed[0].uuid, Some(uuid("a")));
        assert_eq!(ReportChanges::between(&old, &old), ReportChanges::default());
    }
}
