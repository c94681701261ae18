//! Outputs that are not what the last build wrote: noticed, said, and built anew.

use camino::Utf8Path;
use packer_fs::build_record::BuildRecord;
use packer_fs::build_stamp::BuildStamp;
use packer_fs::disk::OsDisk;
use packer_fs::layout;
use packer_runtime::api::{MANIFEST_FILE, PACK_FILE, Project};
use packer_runtime::packs;

use super::support::{Workspace, build, built};

fn game() -> (Workspace, Project) {
    let files = [("assets/a.txt", &[b'a'; 300][..]), ("assets/b.txt", &[b'b'; 300]), ("assets/c.txt", b"c")];
    let (workspace, project) = Workspace::adopted(&files, Vec::new());
    built(&build(&project));
    (workspace, project)
}

/// Builds, and says how much was baked and which findings were said.
fn rebuilt(workspace: &Workspace, project: &Project) -> (u64, bool, Vec<String>) {
    let outcome = build(project);
    let report = built(&outcome);
    let said = workspace.diagnostics_of(&outcome).into_iter().map(|diagnostic| diagnostic.code).collect();
    assert!(packs::verify(&workspace.root.join("build").join(PACK_FILE)).unwrap().ok);
    (report.baked, report.unchanged, said)
}

fn damaged() -> Vec<String> {
    vec!["build/pack-damaged".to_owned()]
}

/// Changes bytes of a file without changing anything that a stat shows of its contents.
fn change_unseen(path: &Utf8Path, change: impl FnOnce(&mut Vec<u8>)) {
    let modified = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
    std::fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

#[test]
fn a_pack_that_was_changed_is_noticed_and_built_anew() {
    let (workspace, project) = game();
    let good = workspace.pack();
    let last = good.len() - 1;
    let mut flipped = good.clone();
    flipped[last] ^= 1;
    for bad in [&good[..good.len() / 2], &good[..0], &flipped, b"no pack at all"] {
        workspace.write("build/assets.pack", bad);
        assert_eq!(rebuilt(&workspace, &project), (3, false, damaged()));
        assert_eq!(workspace.pack(), good);
    }
    // Written again as it was, it is only looked at more closely.
    workspace.write("build/assets.pack", &good);
    assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
    // One that is gone is no damage.
    workspace.remove("build/assets.pack");
    assert_eq!(rebuilt(&workspace, &project), (3, false, Vec::new()));
}

#[test]
fn damage_behind_a_time_that_was_set_back_is_noticed() {
    let (workspace, project) = game();
    let disk = OsDisk::new(workspace.root.clone());
    let record = BuildRecord::load(&disk, layout::BUILD_RECORD.into()).unwrap().unwrap();
    change_unseen(&workspace.root.join("build/assets.pack"), |bytes| {
        record.iter().for_each(|(_, payload)| bytes[payload.offset as usize] ^= 1);
    });
    assert_eq!(rebuilt(&workspace, &project), (3, false, damaged()));
    assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
    assert_eq!(workspace.left_behind(), [""; 0]);
}

#[test]
fn after_another_boot_the_bytes_decide() {
    let (workspace, project) = game();
    let path = workspace.root.join(layout::BUILD_RECORD);
    let reboot = || {
        let disk = OsDisk::new(workspace.root.clone());
        let record = BuildRecord::load(&disk, layout::BUILD_RECORD.into()).unwrap().unwrap();
        let mut head = record.head().clone();
        assert!(head.unsynced_boot.is_some());
        head.unsynced_boot = Some("another boot".to_owned());
        std::fs::write(&path, BuildRecord::encode(&head, &record.iter().collect::<Vec<_>>())).unwrap();
        let stamp = BuildStamp::load(&disk, layout::BUILD_STAMP.into()).unwrap();
        let stamp = BuildStamp { unsynced_boot: Some("another boot".to_owned()), ..stamp };
        stamp.store(&disk, layout::BUILD_STAMP.into()).unwrap();
    };
    reboot();
    assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
    // What a power cut leaves of a file that was not synced.
    change_unseen(&workspace.root.join("build/assets.pack"), |bytes| bytes.fill(0));
    assert_eq!(rebuilt(&workspace, &project), (3, false, damaged()));
    reboot();
    change_unseen(&workspace.root.join("build").join(MANIFEST_FILE), |bytes| bytes.fill(0));
    assert_eq!(rebuilt(&workspace, &project), (0, false, Vec::new()));
    assert!(workspace.text(&format!("build/{MANIFEST_FILE}")).contains("\"a\""));
}

#[test]
fn a_manifest_that_is_gone_or_changed_is_written_again() {
    let (workspace, project) = game();
    let path = format!("build/{MANIFEST_FILE}");
    let (manifest, pack) = (workspace.read(&path), workspace.pack());
    workspace.remove(&path);
    assert_eq!(rebuilt(&workspace, &project), (0, false, Vec::new()));
    assert_eq!((workspace.read(&path), workspace.pack()), (manifest.clone(), pack));
    workspace.write(&path, b"{}");
    assert_eq!(rebuilt(&workspace, &project), (0, false, Vec::new()));
    assert_eq!(workspace.read(&path), manifest);
}

#[test]
fn a_build_record_that_is_damaged_counts_as_none() {
    let (workspace, project) = game();
    workspace.write(layout::BUILD_RECORD, b"no record");
    // Nothing is taken over, so nobody has to know where it is.
    assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
    workspace.write("assets/a.txt", b"changed");
    assert_eq!(rebuilt(&workspace, &project), (3, false, Vec::new()));
    assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
}

#[test]
fn without_its_stamp_a_build_plans_and_compares_by_digests() {
    let (workspace, project) = game();
    for stamp in [&b"no stamp"[..], b""] {
        workspace.write(layout::BUILD_STAMP, stamp);
        assert_eq!(rebuilt(&workspace, &project), (0, true, Vec::new()));
    }
    workspace.remove(layout::BUILD_STAMP);
    change_unseen(&workspace.root.join("build/assets.pack"), |bytes| *bytes.last_mut().unwrap() ^= 1);
    assert_eq!(rebuilt(&workspace, &project), (3, false, damaged()));
}

#[test]
fn a_folder_in_the_place_of_an_output_is_in_the_way() {
    let (workspace, project) = game();
    workspace.remove("build/assets.pack");
    std::fs::create_dir(workspace.root.join("build/assets.pack")).unwrap();
    let before = workspace.tree();
    let outcome = build(&project);
    assert!(outcome.success().is_none(), "{outcome:?}");
    assert_eq!(workspace.tree(), before);
    std::fs::remove_dir(workspace.root.join("build/assets.pack")).unwrap();
    assert_eq!(rebuilt(&workspace, &project).0, 3);
}

#[test]
fn a_pack_that_is_not_there_is_said_not_to_be_there() {
    let workspace = Workspace::new();
    let path = workspace.root.join("no.pack");
    let (error, why) = (packs::verify(&path).unwrap_err().to_string(), std::fs::read(&path).unwrap_err());
    assert!(error.contains("no.pack") && error.contains(&why.to_string()), "{error}");
}
