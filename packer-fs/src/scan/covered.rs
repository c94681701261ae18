//! Why a scan passes something over: asked for one path at a time, by whoever wonders where it is.
//!
//! It reads the `.packerignore` files on the way and nothing else, and decides as a scan does (`ignores`).

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
    let mut ignores = Ignores::default();
    let mut folder = String::new();
    for name in path.as_str().split('/') {
        let file = root.join(&folder).join(IGNORE_FILE);
        match disk.read(&file, MAX_TEXT_BYTES) {
            Ok(bytes) => ignores = ignores.within(&folder, &bytes, path, &file).0,
            // One that a scan cannot read either, and says so.
            Err(error) => tracing::debug!(%error, "no ignore rules from here"),
        }
        let here = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let Some(stat) = disk.stat(&root.join(&here))? else { return Ok(None) };
        if let Some(covering) = ignores.covering(&here, name, stat.kind == EntryKind::Dir) {
            let Ok(covered) = AssetPath::parse(&here) else { return Ok(None) };
            let pattern = match covering {
                Covering::Default => None,
                Covering::Pattern { pattern, base } => {
                    Some((root.join(&here[..base]).join(IGNORE_FILE), pattern))
                }
            };
            return Ok(Some(Covered { covered, pattern }));
        }
        folder = here;
    }
    Ok(None)
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
        for taken in ["a.png", "ui/keep.psd", "ui", "nowhere.psd", "a.png/b.psd"] {
            assert_eq!(why(taken), None, "{taken}");
        }
    }
}
