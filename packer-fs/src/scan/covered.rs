//! Why a scan passes something over: asked for one path at a time, by whoever wonders where it is.
//!
//! It reads the `.packerignore` files on the way and nothing else, and decides as a scan does (`ignores`).

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use packer_domain::path::AssetPath;

use super::MAX_TEXT_BYTES;
use super::ignores::{Covering, IGNORE_FILE, Ignores};
use crate::disk::{Disk, DiskError, EntryKind};

/// Why a path is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    /// What is passed over: the path, or a folder above it; relative to the assets root.
    pub covered: AssetPath,
    /// The pattern that says so, and its file, relative to the project; none for what is passed over everywhere.
    pub pattern: Option<(Utf8PathBuf, String)>,
}

/// Why a scan of `root` passes `path` over; `None` if it does not, or if nothing is there.
pub fn covered_by(disk: &dyn Disk, root: &Utf8Path, path: &AssetPath) -> Result<Option<Covered>, DiskError> {
    let mut coverage = Coverage::new(disk, root);
    for here in outwards_in(path) {
        let Some(stat) = disk.stat(&root.join(&here))? else { return Ok(None) };
        if let Some(covered) = coverage.name(&here, stat.kind == EntryKind::Dir) {
            return Ok(Some(covered));
        }
    }
    Ok(None)
}

/// Tells what a scan of an assets root would pass over, also where nothing is yet. It remembers the ignore files that it
/// read, so it is for one look and not for keeping.
#[derive(Debug)]
pub struct Coverage<'d> {
    disk: &'d dyn Disk,
    root: &'d Utf8Path,
    /// By folder: the rules inside of it.
    rules: BTreeMap<String, Ignores>,
}

impl<'d> Coverage<'d> {
    /// For the assets root `root`.
    pub fn new(disk: &'d dyn Disk, root: &'d Utf8Path) -> Self {
        Self { disk, root, rules: BTreeMap::new() }
    }

    /// Why a scan would pass over a file at `path`, or a folder above it; `None` if it would not.
    pub fn of_file(&mut self, path: &AssetPath) -> Option<Covered> {
        outwards_in(path).into_iter().find_map(|here| {
            let is_folder = here.len() < path.as_str().len();
            self.name(&here, is_folder)
        })
    }

    /// Why the name at `path` is passed over, if what it is in is not.
    fn name(&mut self, path: &str, is_folder: bool) -> Option<Covered> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let covering = self.rules_in(folder).covering(path, name, is_folder)?;
        let pattern = match covering {
            Covering::Default => None,
            Covering::Pattern { pattern, base } => {
                Some((self.root.join(&path[..base]).join(IGNORE_FILE), pattern))
            }
        };
        AssetPath::parse(path).ok().map(|covered| Covered { covered, pattern })
    }

    fn rules_in(&mut self, folder: &str) -> Ignores {
        if let Some(known) = self.rules.get(folder) {
            return known.clone();
        }
        let mut rules = match folder.rsplit_once('/') {
            _ if folder.is_empty() => Ignores::default(),
            Some((outer, _)) => self.rules_in(outer),
            None => self.rules_in(""),
        };
        let file = self.root.join(folder).join(IGNORE_FILE);
        match self.disk.read(&file, MAX_TEXT_BYTES) {
            Ok(bytes) => {
                let subject = AssetPath::parse(IGNORE_FILE).expect("the name of the file is a path");
                rules = rules.within(folder, &bytes, &subject, &file).0;
            }
            // One that a scan cannot read either, and says so.
            Err(error) => tracing::debug!(%error, "no ignore rules from here"),
        }
        self.rules.insert(folder.to_owned(), rules.clone());
        rules
    }
}

/// `path` and the folders that it is in, outermost first.
fn outwards_in(path: &AssetPath) -> Vec<String> {
    let mut all: Vec<String> =
        std::iter::once(path.as_str()).chain(path.ancestors()).map(str::to_owned).collect();
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;

    #[test]
    fn the_rule_that_decides_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().to_owned()).unwrap();
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("assets/.packerignore", "*.psd\n/drafts/\n");
        write("assets/ui/.packerignore", "!keep.psd\n*.tmp\n");
        for file in ["a.psd", "a.png", "drafts/x.png", "ui/keep.psd", "ui/b.psd", "ui/c.tmp", ".hidden"] {
            write(&format!("assets/{file}"), "");
        }
        let disk = OsDisk::new(root.clone());
        let why = |path: &str| {
            let covered = covered_by(&disk, "assets".into(), &AssetPath::parse(path).unwrap()).unwrap()?;
            let rule = covered.pattern.map_or("default".to_owned(), |(file, rule)| format!("{file} {rule}"));
            Some(format!("{}: {rule}", covered.covered))
        };
        assert_eq!(why("a.psd").as_deref(), Some("a.psd: assets/.packerignore *.psd"));
        assert_eq!(why("drafts/x.png").as_deref(), Some("drafts: assets/.packerignore /drafts/"));
        assert_eq!(why("ui/b.psd").as_deref(), Some("ui/b.psd: assets/.packerignore *.psd"));
        assert_eq!(why("ui/c.tmp").as_deref(), Some("ui/c.tmp: assets/ui/.packerignore *.tmp"));
        assert_eq!(why(".hidden").as_deref(), Some(".hidden: default"));
        let mut coverage = Coverage::new(&disk, "assets".into());
        let mut would = |path: &str| {
            let covered = coverage.of_file(&AssetPath::parse(path).unwrap())?;
            Some(covered.pattern.map_or("default".to_owned(), |(file, rule)| format!("{file} {rule}")))
        };
        assert_eq!(would("ui/new.tmp").as_deref(), Some("assets/ui/.packerignore *.tmp"));
        assert_eq!(would("drafts/new/x.png").as_deref(), Some("assets/.packerignore /drafts/"));
        assert_eq!(would("new/.git/x.png").as_deref(), Some("default"));
        assert_eq!(would("new/x.png"), None);
        assert_eq!(would("drafts"), None, "the pattern is for folders");
        for taken in ["a.png", "ui/keep.psd", "ui", "nowhere.psd", "a.png/b.psd"] {
            assert_eq!(why(taken), None, "{taken}");
        }
    }
}
