//! Build outputs that crash at every operation: the former ones or the new ones, never a mixture.

use super::*;
use crate::disk::OsDisk;

const FOLDER: &str = "build";
const OLD: [(&str, &str); 3] = [
    ("build/assets.manifest.json", "old manifest"),
    ("build/assets.pack", "old pack"),
    (layout::BUILD_RECORD, "old record"),
];
const NEW: [(&str, &str); 3] = [
    ("build/assets.manifest.json", "new manifest"),
    ("build/assets.pack", "new pack"),
    (layout::BUILD_RECORD, "new record"),
];

fn project() -> SimDisk {
    let disk = SimDisk::new();
    disk.set_rename_durability(RenameDurability::EitherFolder);
    for (path, text) in OLD {
        disk.put(path.into(), text.as_bytes());
    }
    disk.put_dir(layout::JOURNAL.into());
    disk.put("build/notes.txt".into(), b"of somebody");
    disk
}

fn file(name: &str, text: &str) -> OutputFile {
    let digest = (name != "assets.pack").then(|| Digest::of(text.as_bytes()));
    OutputFile { name: name.to_owned(), size: text.len() as u64, digest }
}

fn outputs_request(folder: &Utf8Path, durable: bool) -> OutputsRequest {
    OutputsRequest {
        operation: operation(TESTED),
        source: SourceId::drawn(draw(0)),
        folder: folder.to_owned(),
        files: vec![file("assets.manifest.json", "new manifest")],
        pack: file("assets.pack", "new pack"),
        record: b"new record".into(),
        durable,
        boot: BOOT.to_owned(),
        prepared: json!({ "sequence": 7 }),
    }
}

fn stage_outputs(disk: &dyn Disk, folder: &Utf8Path) -> Result<(), String> {
    let staging =
        create_output_staging(disk, folder, operation(TESTED)).map_err(|error| format!("{error:?}"))?;
    for (name, text) in [("assets.manifest.json", "new manifest"), ("assets.pack", "new pack")] {
        write_new(disk, &staging.join(name), text.as_bytes(), false).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// A whole build's end, and how far it got.
fn commit_outputs(disk: &dyn Disk, durable: bool) -> (Reached, Option<String>) {
    if let Err(error) = stage_outputs(disk, FOLDER.into()) {
        return (Reached::Nothing, Some(error));
    }
    let prepared = match prepare_outputs(disk, outputs_request(FOLDER.into(), durable)) {
        Ok(prepared) => prepared,
        Err(error) => return (Reached::Nothing, Some(format!("{error:?}"))),
    };
    let committed = match prepared.apply() {
        Ok(committed) => committed,
        Err(error) => return (Reached::Recorded, Some(error.to_string())),
    };
    if let Err(error) = log_success(disk, operation(TESTED)) {
        return (Reached::Applied, Some(error.to_string()));
    }
    match committed.finish() {
        Ok(()) => (Reached::Finished, None),
        Err(error) => (Reached::Logged, Some(error.to_string())),
    }
}

/// Whether the outputs and their record are all new; `None` for a mixture.
fn are_new(disk: &dyn Disk) -> Option<bool> {
    let are = |expected: [(&str, &str); 3]| {
        expected
            .iter()
            .all(|(path, text)| disk.read((*path).into(), 99).is_ok_and(|bytes| bytes == text.as_bytes()))
    };
    if are(NEW) {
        Some(true)
    } else if are(OLD) {
        Some(false)
    } else {
        None
    }
}

fn judge(disk: &SimDisk, reached: Reached) -> Result<(), String> {
    let reports = recover_all(disk).map_err(|error| error.to_string())?;
    let Some(new) = are_new(disk) else {
        return Err(format!("a mixture after {reports:?}: {:?}", disk.tree()));
    };
    if reached >= Reached::Recorded && !new {
        return Err(format!("the former outputs, though the new were committed: {reports:?}"));
    }
    let left = list(disk).map_err(|error| error.to_string())?;
    if !left.is_empty() {
        return Err(format!("left in the journal: {left:?}"));
    }
    // The next build takes away what is left of this one's staging, and nothing else.
    let staging =
        create_output_staging(disk, FOLDER.into(), operation(9)).map_err(|error| error.to_string())?;
    let names: Vec<_> = disk.read_dir(FOLDER.into()).unwrap().into_iter().map(|entry| entry.name).collect();
    let expected = [staging.file_name().unwrap(), "assets.manifest.json", "assets.pack", "notes.txt"];
    if names == expected { Ok(()) } else { Err(format!("{names:?}")) }
}

#[test]
fn a_killed_build_leaves_the_former_outputs_or_the_new_ones() {
    for durable in [false, true] {
        let mut kills = 0;
        for cut in 0.. {
            let disk = project();
            disk.fail_after(cut);
            let (reached, error) = commit_outputs(&disk, durable);
            let killed = disk.fork();
            judge(&killed, reached).unwrap_or_else(|problem| panic!("killed at {cut}: {problem}"));
            kills += 1;
            // And killed again, while recovering.
            for cut in 0.. {
                let killed = disk.fork();
                killed.fail_after(cut);
                let is_done = recover_all(&killed).is_ok();
                let killed = killed.fork();
                judge(&killed, reached).unwrap_or_else(|problem| panic!("killed again at {cut}: {problem}"));
                if is_done {
                    break;
                }
            }
            if error.is_none() {
                break;
            }
        }
        assert!(kills > 15, "{kills}");
    }
}

fn cut_everywhere(prepare: impl Fn(&SimDisk)) -> Result<usize, String> {
    let mut recoveries = 0;
    for cut in 0.. {
        let disk = project();
        prepare(&disk);
        disk.fail_after(cut);
        let (reached, error) = commit_outputs(&disk, true);
        for state in disk.crash_states_seeded(128, cut) {
            recoveries += 1;
            judge(&state, reached)
                .map_err(|problem| format!("cut at {cut}, {:?}: {problem}", state.losses()))?;
        }
        if error.is_none() {
            return Ok(recoveries);
        }
    }
    unreachable!("a commit has finitely many operations")
}

#[test]
fn durable_outputs_survive_every_cut() {
    let recoveries = cut_everywhere(|_| ()).unwrap();
    println!("{recoveries} recoveries of outputs");
    assert!(recoveries > 100);
}

#[test]
fn whoever_sees_the_new_pack_sees_the_new_manifest() {
    let mut parted = 0;
    for cut in 0.. {
        let disk = project();
        disk.fail_after(cut);
        let (_, error) = commit_outputs(&disk, false);
        let killed = disk.fork();
        let holds =
            |path: &str, text: &str| killed.read(path.into(), 99).is_ok_and(|bytes| bytes == text.as_bytes());
        let (pack, manifest) = (holds(NEW[1].0, NEW[1].1), holds(NEW[0].0, NEW[0].1));
        assert!(manifest || !pack, "cut at {cut}");
        parted += usize::from(manifest && !pack);
        if error.is_none() {
            break;
        }
    }
    assert_eq!(parted, 1, "the manifest is placed in an operation of its own");
}

#[test]
fn the_folder_of_a_first_build_is_as_durable_as_what_is_in_it() {
    let disk = SimDisk::new();
    disk.set_rename_durability(RenameDurability::EitherFolder);
    let folder = Utf8Path::new("out/deep");
    stage_outputs(&disk, folder).unwrap();
    let committed = prepare_outputs(&disk, outputs_request(folder, true)).unwrap().apply().unwrap();
    for state in disk.crash_states(64) {
        assert_eq!(
            state.read("out/deep/assets.pack".into(), 99).unwrap(),
            b"new pack",
            "{:?}",
            state.losses()
        );
    }
    committed.finish().unwrap();
}

#[test]
fn outputs_are_synced_only_if_they_are_to_be_durable() {
    let disk = project();
    stage_outputs(&disk, FOLDER.into()).unwrap();
    let committed = prepare_outputs(&disk, outputs_request(FOLDER.into(), false)).unwrap().apply().unwrap();
    committed.finish().unwrap();
    assert_eq!(disk.syncs(), []);
    assert_eq!(are_new(&disk), Some(true));
}

#[test]
fn outputs_of_an_earlier_boot_are_dropped_unless_durable() {
    for (durable, boot, report, new) in [
        (false, "boot-2", Report::OutputsDropped, false),
        (false, "", Report::OutputsDropped, false),
        (false, BOOT, Report::OutputsFinished, true),
        (true, "boot-2", Report::OutputsFinished, true),
    ] {
        let disk = project();
        stage_outputs(&disk, FOLDER.into()).unwrap();
        drop(prepare_outputs(&disk, outputs_request(FOLDER.into(), durable)).unwrap());
        assert_eq!(recover_in(&disk, boot).unwrap(), [(operation(TESTED), report)], "{durable}, {boot:?}");
        assert_eq!(are_new(&disk), Some(new), "{durable}, {boot:?}");
        assert_eq!(list(&disk).unwrap(), []);
        assert!(!disk.tree().keys().any(|path| path.as_str().contains(layout::OUTPUT_STAGING_PREFIX)));
    }
}

#[test]
fn outputs_that_cannot_be_completed_take_the_record_with_them() {
    let disk = project();
    stage_outputs(&disk, FOLDER.into()).unwrap();
    drop(prepare_outputs(&disk, outputs_request(FOLDER.into(), true)).unwrap());
    let staging = layout::output_staging(FOLDER.into(), operation(TESTED));
    // As somebody who empties the folder by hand.
    disk.rename_over(&staging.join("assets.manifest.json"), "build/assets.manifest.json".into()).unwrap();
    disk.remove_file(&staging.join("assets.pack")).unwrap();
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::OutputsMixed)]);
    assert_eq!(disk.stat(layout::BUILD_RECORD.into()).unwrap(), None, "nothing may be called unchanged");
    assert_eq!(list(&disk).unwrap(), []);
}

#[test]
fn a_staged_output_with_other_bytes_is_dropped() {
    let disk = project();
    stage_outputs(&disk, FOLDER.into()).unwrap();
    drop(prepare_outputs(&disk, outputs_request(FOLDER.into(), true)).unwrap());
    let staging = layout::output_staging(FOLDER.into(), operation(TESTED));
    disk.put(&staging.join("assets.manifest.json"), b"bad manifest");
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::OutputsDropped)]);
    assert_eq!(are_new(&disk), Some(false));
}

#[test]
fn a_damaged_intent_of_outputs_is_dropped_with_the_record() {
    let disk = project();
    stage_outputs(&disk, FOLDER.into()).unwrap();
    drop(prepare_outputs(&disk, outputs_request(FOLDER.into(), true)).unwrap());
    let path = layout::outputs_intent(operation(TESTED));
    let good = disk.read(&path, MAX_INTENT_BYTES).unwrap();
    for n in 0..good.len() {
        let disk = disk.fork();
        let mut bad = good.clone();
        bad[n] ^= 1;
        disk.put(&path, &bad);
        assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::OutputsMixed)], "byte {n}");
        assert_eq!(disk.stat(layout::BUILD_RECORD.into()).unwrap(), None);
        assert_eq!(list(&disk).unwrap(), []);
    }
}

#[test]
fn outputs_that_make_no_sense_are_refused() {
    let disk = project();
    disk.put_dir("build/assets.pack".into());
    for folder in ["", "../out", ".packer/out", "a/../b"] {
        let error = create_output_staging(&disk, folder.into(), operation(TESTED)).unwrap_err();
        assert!(matches!(error, OutputsError::Inconsistent { .. }), "{folder}: {error:?}");
    }
    stage_outputs(&disk, FOLDER.into()).unwrap();
    for name in ["", ".", "..", "a/b", "/etc/passwd", ".hidden", "a\0b", "assets.pack"] {
        let mut request = outputs_request(FOLDER.into(), false);
        request.files[0].name = name.to_owned();
        let error = prepare_outputs(&disk, request).unwrap_err();
        assert!(matches!(error, OutputsError::Inconsistent { .. }), "{name}: {error:?}");
    }
    let mut request = outputs_request(FOLDER.into(), false);
    request.pack.size += 1;
    let error = prepare_outputs(&disk, request).unwrap_err();
    assert!(matches!(error, OutputsError::NotStaged { .. }), "{error:?}");
    disk.remove_file("build/assets.pack".into()).unwrap();
    disk.put_dir("build/assets.pack".into());
    let error = prepare_outputs(&disk, outputs_request(FOLDER.into(), false)).unwrap_err();
    assert!(matches!(&error, OutputsError::InTheWay { path } if path == "build/assets.pack"), "{error:?}");
    assert_eq!(list(&disk).unwrap(), []);
}

#[test]
fn outputs_outside_of_the_project_and_a_commit_on_a_real_disk() {
    let (project, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = OsDisk::new(Utf8PathBuf::from_path_buf(project.path().to_owned()).unwrap());
    let folder = Utf8PathBuf::from_path_buf(outside.path().join("deep/out")).unwrap();
    stage_outputs(&disk, &folder).unwrap();
    let committed = prepare_outputs(&disk, outputs_request(&folder, true)).unwrap().apply().unwrap();
    committed.finish().unwrap();
    assert_eq!(disk.read(&folder.join("assets.pack"), 99).unwrap(), b"new pack");
    assert_eq!(disk.read(layout::BUILD_RECORD.into(), 99).unwrap(), b"new record");
    assert_eq!(disk.read_dir(&folder).unwrap().len(), 2);

    let write = |path: &str, text: &str| {
        disk.create_dir_all(Utf8Path::new(path).parent().unwrap()).unwrap();
        write_new(&disk, path.into(), text.as_bytes(), false).unwrap();
    };
    for (path, text) in CHAIN.before {
        write(path, text);
    }
    write(layout::REGISTRY, REGISTRY_BEFORE);
    assert_eq!(commit(&disk, CHAIN.request()), (Reached::Finished, None));
    for (path, text) in CHAIN.after {
        assert_eq!(disk.read((*path).into(), 99).unwrap(), text.as_bytes());
    }
    assert_eq!(disk.stat("assets/c".into()).unwrap(), None);
    assert_eq!(disk.read(layout::REGISTRY.into(), 99).unwrap(), REGISTRY_AFTER.as_bytes());
    assert_eq!(read_head(&disk).unwrap().map(|head| head.operation), Some(operation(TESTED)));
    assert_eq!(recover_all(&disk).unwrap(), []);
}

#[test]
fn outputs_whose_end_is_not_logged_are_kept_in_mind_out_of_the_way_of_builds() {
    for durable in [false, true] {
        for complete in [true, false] {
            let disk = project();
            stage_outputs(&disk, FOLDER.into()).unwrap();
            drop(prepare_outputs(&disk, outputs_request(FOLDER.into(), durable)).unwrap());
            if !complete {
                let staging = layout::output_staging(FOLDER.into(), operation(TESTED));
                disk.remove_file(&staging.join("assets.pack")).unwrap();
            }
            let options = RecoverOptions { boot: BOOT, success_is_logged: &|_, _| false };
            match recover(&disk, &options).unwrap().pop() {
                Some(Recovered::OutputsFinished(committed)) if complete => committed.put_aside().unwrap(),
                Some(Recovered::OutputsOwed(owed)) if !complete => owed.put_aside().unwrap(),
                other => panic!("{other:?}"),
            }
            assert_eq!(pending(&disk).unwrap(), []);
            // The same is told until somebody has stored it, also after a power cut, and whatever became of the outputs.
            let _ = disk.remove_file("build/assets.pack".into());
            let survivors = if durable { disk.crash_states(16).collect() } else { vec![disk.fork()] };
            for disk in survivors {
                for _ in 0..2 {
                    let Some(Recovered::OutputsOwed(owed)) = recover(&disk, &options).unwrap().pop() else {
                        panic!("nothing is owed any more")
                    };
                    assert_eq!((owed.is_mixed(), owed.was_put_aside()), (!complete, true));
                    assert_eq!(owed.intent().unwrap().prepared, json!({ "sequence": 7 }));
                    owed.put_aside().unwrap();
                }
                let logged = RecoverOptions { boot: BOOT, success_is_logged: &|_, _| true };
                assert!(recover(&disk, &logged).unwrap().is_empty());
                assert_eq!(list(&disk).unwrap(), []);
            }
        }
    }
}
