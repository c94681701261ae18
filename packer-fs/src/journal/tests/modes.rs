//! Who may use a file: on a real disk, a commit keeps the modes of what it edits, copies, removes and puts back.

use packer_domain::mutation::KeptFile;
use std::fs::{Permissions, metadata, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::disk::OsDisk;

const REGISTRY: [&str; 3] = ["registry 0", "registry 1", "registry 2"];

#[test]
fn what_is_edited_copied_and_put_back_is_for_whom_it_was() {
    let project = tempfile::tempdir().unwrap();
    let disk = OsDisk::new(Utf8PathBuf::from_path_buf(project.path().to_owned()).unwrap());
    let mode = |path: &str| metadata(project.path().join(path)).unwrap().permissions().mode() & 0o777;
    disk.create_dir("assets".into()).unwrap();
    let files = [
        ("edited", 0o600),
        ("copied", 0o751),
        ("removed", 0o755),
        ("moved", 0o400),
        ("../registry.jsonl", 0o640),
    ];
    for (name, mode) in files {
        let path = format!("assets/{name}");
        let text = if name.starts_with("..") { REGISTRY[0] } else { name };
        std::fs::write(project.path().join(&path), text).unwrap();
        set_permissions(project.path().join(&path), Permissions::from_mode(mode)).unwrap();
    }
    let before = |name: &str| (Utf8PathBuf::from(format!("assets/{name}")), fingerprint(name));
    let ((edited, of_edited), (copied, of_copied)) = (before("edited"), before("copied"));
    let ((removed, of_removed), (moved, of_moved)) = (before("removed"), before("moved"));
    let steps = vec![
        Step::Edit { path: edited.clone(), before: of_edited, contents: b"new".to_vec() },
        Step::Copy { from: copied, to: "assets/copy".into(), before: of_copied },
        Step::Move { from: moved, to: "assets/there".into(), before: of_moved },
        Step::ToHistory { path: removed.clone(), before: of_removed },
    ];
    let done = commit(&disk, request(1, steps, REGISTRY[0], Some(REGISTRY[1])));
    assert_eq!(done, (Reached::Finished, None));
    let found = ["assets/edited", "assets/copy", "assets/there", layout::REGISTRY].map(mode);
    assert_eq!(found, [0o600, 0o751, 0o400, 0o640], "{found:?}");

    let kept = |number| KeptFile::History { operation: operation(1), number };
    // Displaced in the order of the steps: the edited file, the one that moved, the removed one.
    let steps = vec![
        Step::Restore { from: kept(0), to: edited.clone(), file: of_edited },
        Step::ToHistory { path: edited, before: fingerprint("new") },
        Step::Restore { from: kept(2), to: removed, file: of_removed },
    ];
    let done = commit(&disk, request(2, steps, REGISTRY[1], Some(REGISTRY[2])));
    assert_eq!(done, (Reached::Finished, None));
    let found = ["assets/edited", "assets/removed", layout::REGISTRY].map(mode);
    assert_eq!(found, [0o600, 0o755, 0o640], "{found:?}");
}
