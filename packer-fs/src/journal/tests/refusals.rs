//! What is refused, with the workspace untouched; what freezes; and intents that are not what they should be.

use super::*;
use crate::disk::EntryKind;
use crate::head::Head;

fn expect_refusal(disk: &SimDisk, request: CommitRequest) -> StageError {
    let before = user_files(disk);
    let error = stage(disk, request).map(|_| ()).unwrap_err();
    assert_eq!(user_files(disk), before);
    let staged = list(disk).unwrap().into_iter().filter(|name| !name.part.is_intent());
    assert_eq!(staged.collect::<Vec<_>>(), [], "staging is dropped");
    error
}

fn steps(disk: &SimDisk, steps: Vec<Step>) -> StageError {
    expect_refusal(disk, request(TESTED, steps, REGISTRY_BEFORE, None))
}

fn create(path: &str) -> Step {
    Step::Create { path: path.into(), contents: b"new".into() }
}

#[test]
fn a_path_that_is_not_as_the_request_says_is_refused() {
    let disk = BATCH.project();
    disk.put_link("assets/link".into());
    let edit = |path: &str, before: &str| Step::Edit {
        path: path.into(),
        before: fingerprint(before),
        contents: b"new".into(),
    };
    let copy = Step::Copy { from: "assets/a".into(), to: "assets/n".into(), before: fingerprint("other") };
    for (step, path, found) in [
        (edit("assets/a", "other"), "assets/a", Fingerprint::File(fingerprint("a"))),
        (edit("assets/n", "a"), "assets/n", Fingerprint::Absent),
        (edit("assets/x", "a"), "assets/x", Fingerprint::Dir),
        (create("assets/a"), "assets/a", Fingerprint::File(fingerprint("a"))),
        (create("assets/link"), "assets/link", Fingerprint::Other),
        (copy, "assets/a", Fingerprint::File(fingerprint("a"))),
        (Step::MakeDir { path: "assets/a".into() }, "assets/a", Fingerprint::File(fingerprint("a"))),
    ] {
        match steps(&disk, vec![step.clone()]) {
            StageError::Stale { path: at, found: is, .. } => assert_eq!((at.as_str(), is), (path, found)),
            error => panic!("{step:?}: {error:?}"),
        }
    }
}

#[test]
fn a_file_to_copy_that_is_gone_or_is_none_is_refused() {
    let disk = BATCH.project();
    disk.put_link("assets/link".into());
    let cases = [
        ("assets/n", Fingerprint::Absent),
        ("assets/x", Fingerprint::Dir),
        ("assets/link", Fingerprint::Other),
        ("assets/x/b", Fingerprint::File(fingerprint("b"))),
    ];
    for (from, found) in cases {
        let step = Step::Copy { from: from.into(), to: "assets/new".into(), before: fingerprint("longer") };
        match steps(&disk, vec![step]) {
            StageError::Stale { path, found: is, .. } => assert_eq!((path.as_str(), is), (from, found)),
            error => panic!("{from}: {error:?}"),
        }
    }
}

#[test]
fn a_registry_that_is_not_as_the_request_says_is_refused() {
    let disk = REGISTRY_ONLY.project();
    for after in [None, Some("new")] {
        let error = expect_refusal(&disk, request(TESTED, Vec::new(), "other", after));
        assert!(matches!(&error, StageError::Stale { path, .. } if path == layout::REGISTRY), "{error:?}");
    }
}

#[test]
fn folders_are_there_or_made_and_links_are_none() {
    let disk = BATCH.project();
    disk.put_link("assets/link".into());
    for path in ["assets/none/n", "assets/a/n", "assets/link/n"] {
        let error = steps(&disk, vec![create(path)]);
        assert!(matches!(error, StageError::NoFolder { .. }), "{path}: {error:?}");
    }
}

#[test]
fn batches_that_make_no_sense_are_refused() {
    let disk = BATCH.project();
    let before = fingerprint("a");
    let to_history = || Step::ToHistory { path: "assets/a".into(), before };
    let mut cases = vec![
        (vec![to_history(), to_history()], StepProblem::TakenTwice),
        (vec![create("assets/n"), create("assets/n")], StepProblem::PlacedTwice),
        (vec![create("assets/n"), Step::MakeDir { path: "assets/n".into() }], StepProblem::PlacedTwice),
        (vec![create("registry.jsonl")], StepProblem::Reserved),
        (vec![create(".packer/n")], StepProblem::Reserved),
        (vec![create(".Packer/n")], StepProblem::Reserved),
        (vec![Step::RemoveDir { path: ".packer".into() }], StepProblem::Reserved),
    ];
    for path in ["", "/etc/n", "../n", "assets/../n", "assets//n", "./n", "assets/n/", "a\0b"] {
        cases.push((vec![create(path)], StepProblem::NotInside));
        let from = Step::Copy { from: path.into(), to: "assets/n".into(), before };
        cases.push((vec![from], StepProblem::NotInside));
    }
    for (batch, expected) in cases {
        match steps(&disk, batch.clone()) {
            StageError::Inconsistent { problem, .. } => assert_eq!(problem, expected, "{batch:?}"),
            error => panic!("{batch:?}: {error:?}"),
        }
    }
}

#[test]
fn a_commit_follows_the_head_and_waits_for_recovery() {
    let disk = REGISTRY_ONLY.project();
    let error = expect_refusal(&disk, request(EARLIER, Vec::new(), REGISTRY_BEFORE, None));
    assert!(matches!(error, StageError::OutOfOrder { asked: 1, head: 1 }), "{error:?}");
    let recorded = stage(&disk, request(TESTED, Vec::new(), REGISTRY_BEFORE, None)).unwrap().record_intent();
    drop(recorded.unwrap());
    let state = PendingState::Workspace;
    assert_eq!(pending(&disk).unwrap(), [Pending { operation: operation(TESTED), state }]);
    let error = stage(&disk, request(3, Vec::new(), REGISTRY_BEFORE, None)).map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::Pending { operation: of } if of == operation(TESTED)), "{error:?}");
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::Finished)]);
    assert_eq!(pending(&disk).unwrap(), []);
}

#[test]
fn what_only_has_the_name_of_something_of_the_journal_is_left_alone() {
    let disk = BATCH.project();
    disk.put(&layout::displaced_folder(operation(TESTED)), b"no folder");
    for folder in [layout::intent(operation(TESTED)), layout::staged(operation(TESTED), 0)] {
        disk.put_dir(&folder);
    }
    let before = disk.tree();
    assert_eq!(pending(&disk).unwrap(), []);
    assert!(recover_all(&disk).unwrap().is_empty());
    assert_eq!(disk.tree(), before);
}

#[test]
fn dropping_a_staged_commit_leaves_no_trace() {
    let disk = BATCH.project();
    let before = disk.tree_hash();
    drop(stage(&disk, BATCH.request()).unwrap());
    assert_eq!(disk.tree_hash(), before);
}

#[test]
fn a_sync_that_fails_is_a_failure_before_the_intent_and_an_unknown_outcome_from_there() {
    for workload in WORKLOADS {
        let project = workload.project();
        let disk = project.fork();
        let recorded = stage(&disk, workload.request()).unwrap().record_intent().unwrap();
        // The last of these syncs makes the intent's name durable.
        let before_the_intent = disk.syncs().len() - 1;
        let committed = recorded.apply().unwrap();
        let all = disk.syncs().len();
        committed.finish().unwrap();
        assert!(before_the_intent > 0 && all > before_the_intent + 1);
        for n in 0..all {
            let disk = project.fork();
            disk.fail_sync(n as u64);
            let (reached, error) = commit(&disk, workload.request());
            let error = error.unwrap();
            if n < before_the_intent {
                assert!(error.starts_with("Failed"), "{}, sync {n}: {error}", workload.name);
                assert_eq!(workload.side(&disk), Some(false), "{}, sync {n}", workload.name);
                let mut left = list(&disk).unwrap();
                left.retain(|name| name.operation != operation(FROZEN));
                assert_eq!(left, [], "{}, sync {n}: staging is dropped", workload.name);
                let reports = without_settled(recover_all(&disk).unwrap());
                assert_eq!(reports, [], "{}, sync {n}", workload.name);
                continue;
            }
            assert!(error.starts_with("OutcomeUnknown"), "{}, sync {n}: {error}", workload.name);
            assert!(reached <= Reached::Recorded);
            let state = PendingState::Frozen;
            assert_eq!(newly_pending(&disk), [Pending { operation: operation(TESTED), state }]);
            assert_eq!(to_settle(&disk).unwrap(), Some(operation(TESTED)));
            let tree = disk.tree_hash();
            for _ in 0..2 {
                let reports = recover_all(&disk).unwrap();
                assert!(matches!(reports[..], [(_, Report::Frozen(_))]), "{reports:?}");
                assert_eq!(disk.tree_hash(), tree, "a frozen project is left as it is");
            }
            let refused = stage(&disk, request(9, Vec::new(), REGISTRY_BEFORE, None)).map(|_| ());
            assert!(matches!(refused, Err(StageError::Pending { .. })), "{refused:?}");
        }
    }
}

#[test]
fn any_failing_operation_leaves_a_named_outcome() {
    let mut frozen = 0;
    for workload in WORKLOADS {
        let project = workload.project();
        let operations = {
            let disk = project.fork();
            assert_eq!(commit(&disk, workload.request()), (Reached::Finished, None));
            disk.operations()
        };
        for n in 0..operations {
            let disk = project.fork();
            disk.fail_operation(n);
            let (reached, error) = commit(&disk, workload.request());
            let reports = without_settled(recover_all(&disk).unwrap());
            let context = format!("{}, operation {n}: {reached:?}, {error:?}, {reports:?}", workload.name);
            if let [(_, Report::Frozen(_))] = reports[..] {
                let error = error.as_deref().unwrap_or_default();
                assert!(error.starts_with("OutcomeUnknown"), "{context}");
                frozen += 1;
                continue;
            }
            let after = workload.side(&disk).unwrap_or_else(|| panic!("{context}: a mixture"));
            assert!(after || reached == Reached::Nothing, "{context}: before, though it had committed");
            assert_eq!(newly_pending(&disk), [], "{context}");
        }
    }
    assert!(frozen > 0);
}

/// A project whose commit is recorded and not applied.
fn recorded(workload: &Workload) -> SimDisk {
    let disk = workload.project();
    drop(stage(&disk, workload.request()).unwrap().record_intent().unwrap());
    disk
}

fn overwrite(disk: &SimDisk, path: &Utf8Path, bytes: &[u8]) {
    disk.put(path, bytes);
    assert_eq!(disk.stat(path).unwrap().map(|stat| stat.kind), Some(EntryKind::File));
}

#[test]
fn a_damaged_intent_is_frozen_and_never_guessed() {
    let disk = recorded(&BATCH);
    let path = layout::intent(operation(TESTED));
    let good = disk.read(&path, MAX_INTENT_BYTES).unwrap();
    let files = user_files(&disk);
    for n in 0..good.len() {
        let disk = disk.fork();
        let mut bad = good.clone();
        bad[n] ^= 1;
        if n % 7 == 0 {
            bad.truncate(n);
        }
        overwrite(&disk, &path, &bad);
        let options = RecoverOptions { boot: BOOT, success_is_logged: &|_, _| true };
        let found = recover(&disk, &options).unwrap();
        assert!(
            matches!(found[..], [Recovered::Frozen { cause: FrozenCause::Damaged(_), intent: None, .. }]),
            "byte {n}: {found:?}"
        );
        assert_eq!(user_files(&disk), files);
        assert_eq!(pending(&disk).unwrap()[0].state, PendingState::Frozen);
    }
}

#[test]
fn an_intent_that_reaches_out_of_the_project_is_not_acted_on() {
    let disk = recorded(&CHAIN);
    let path = layout::intent(operation(TESTED));
    let good = intent::read(&disk, &path, operation(TESTED)).unwrap().unwrap();
    let mut bad = Vec::new();
    let mut change = |change: &dyn Fn(&mut Intent)| {
        let mut intent = good.clone();
        change(&mut intent);
        bad.push(intent);
    };
    change(&|intent| intent.work.placed[0].path = "../outside".into());
    change(&|intent| intent.work.displaced[0].path = "/etc/passwd".into());
    change(&|intent| intent.work.make_dirs.push(".packer/x".into()));
    change(&|intent| intent.work.remove_dirs.push("..".into()));
    change(&|intent| intent.work.placed[0].origin = Origin::Displaced(7));
    change(&|intent| intent.work.placed[0].origin = Origin::Staged(7));
    change(&|intent| intent.work.placed[0].after = fingerprint("other"));
    change(&|intent| intent.work.placed[1].origin = intent.work.placed[0].origin);
    change(&|intent| intent.operation = operation(9));
    change(&|intent| intent.resolves = vec![intent.operation]);
    change(&|intent| {
        if let RegistryWork::Replaced { staged, .. } = &mut intent.registry {
            *staged += 1;
        }
    });
    for intent in bad {
        let disk = disk.fork();
        let files = user_files(&disk);
        overwrite(&disk, &path, &intent::encode(intent::WORKSPACE_MAGIC, &intent));
        let reports = recover_all(&disk).unwrap();
        assert_eq!(reports, [(operation(TESTED), Report::Frozen(Vec::new()))], "{intent:?}");
        assert_eq!(user_files(&disk), files);
    }
}

#[test]
fn an_intent_whose_number_another_commit_took_is_frozen() {
    let disk = recorded(&BATCH);
    let head = Head {
        commit: u64::from(TESTED),
        registry: Digest::of(REGISTRY_BEFORE.as_bytes()),
        operation: operation(7),
    };
    crate::head::write_head(&disk, &head).unwrap();
    for _ in 0..2 {
        let options = RecoverOptions { boot: BOOT, success_is_logged: &|_, _| false };
        let found = recover(&disk, &options).unwrap();
        assert!(
            matches!(found[..], [Recovered::Frozen { cause: FrozenCause::Overtaken { head: by }, .. }] if by == head)
        );
    }
}

#[test]
fn once_the_end_is_logged_or_the_head_names_it_the_workspace_is_not_compared() {
    let disk = BATCH.project();
    let committed = stage(&disk, BATCH.request()).unwrap().record_intent().unwrap().apply().unwrap();
    drop(committed);
    overwrite(&disk, "assets/a".into(), b"worked on");
    let logged = disk.fork();
    log_success(&logged, operation(TESTED)).unwrap();
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::Finished)]);
    assert_eq!(recover_all(&logged).unwrap(), [(operation(TESTED), Report::CleanedUp)]);
    for disk in [disk, logged] {
        assert_eq!(disk.read("assets/a".into(), 99).unwrap(), b"worked on");
        assert_eq!(pending(&disk).unwrap(), []);
    }
}

#[test]
fn a_head_that_is_seen_but_not_durable_is_synced_before_the_end_is_logged() {
    let disk = REGISTRY_ONLY.project();
    let last_sync = 4;
    disk.ignore_sync(last_sync);
    drop(stage(&disk, REGISTRY_ONLY.request()).unwrap().record_intent().unwrap().apply().unwrap());
    let next = disk.fork();
    assert_eq!(recover_all(&next).unwrap(), [(operation(TESTED), Report::Finished)]);
    for state in next.crash_states(64) {
        assert_eq!(read_head(&state).unwrap().map(|head| head.commit), Some(u64::from(TESTED)));
    }
}

#[test]
fn history_holds_former_contents_replaced_lines_and_the_inverse() {
    let disk = REMOVAL.project();
    assert_eq!(commit(&disk, REMOVAL.request()), (Reached::Finished, None));
    let history = read_history(&disk, operation(TESTED)).unwrap();
    assert_eq!(history.replaced_lines, ["old line"]);
    assert_eq!(history.inverse, json!({ "undo": TESTED }));
    assert_eq!(history.work.displaced[0].path, "assets/a");
    let kept = layout::history_file(operation(TESTED), 0);
    assert_eq!(disk.read(&kept, 99).unwrap(), b"a");
    let none = read_history(&disk, operation(99));
    assert!(matches!(none, Err(HistoryError::Absent { .. })), "{none:?}");
}

#[test]
fn what_a_commit_staged_before_its_intent_is_swept_and_other_names_are_left() {
    let disk = BATCH.project();
    disk.put(".packer/journal/notes.txt".into(), b"of somebody");
    let before = disk.tree_hash();
    std::mem::forget(stage(&disk, BATCH.request()).unwrap());
    assert_ne!(disk.tree_hash(), before);
    assert_eq!(recover_all(&disk).unwrap(), []);
    assert_eq!(disk.tree_hash(), before);
}

fn many() -> CommitRequest {
    let create = |n| Step::Create { path: format!("assets/{n}").into(), contents: format!("{n}").into() };
    request(TESTED, (0..200).map(create).collect(), REGISTRY_BEFORE, Some(REGISTRY_AFTER))
}

#[test]
fn a_large_commit_is_staged_by_several_threads_and_still_whole_or_not_at_all() {
    let project = REGISTRY_ONLY.project();
    let disk = project.fork();
    assert_eq!(commit(&disk, many()), (Reached::Finished, None));
    let files = user_files(&disk);
    assert!((0..200).all(|n| files[Utf8Path::new(&format!("assets/{n}"))] == n.to_string()));
    let staged_and_registry = 201;
    for n in [0, 100, staged_and_registry - 1] {
        let disk = project.fork();
        disk.fail_sync(n);
        let error = expect_refusal(&disk, many());
        assert!(matches!(error, StageError::Failed { .. }), "sync {n}: {error:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure_before_the_intent() {
    let project = BATCH.project();
    let used: usize = project
        .tree()
        .values()
        .map(|node| match node {
            SimNode::File(bytes) => bytes.len(),
            SimNode::Dir | SimNode::Link => 0,
        })
        .sum();
    for room in [0, 1, 3] {
        let disk = project.fork();
        disk.set_budget(Some((used + room) as u64));
        let error = expect_refusal(&disk, BATCH.request());
        assert!(matches!(error, StageError::Failed { .. }), "room for {room} bytes: {error:?}");
    }
    // Room for what is staged, not for the intent.
    let disk = project.fork();
    disk.set_budget(Some((used + 100) as u64));
    let error = stage(&disk, BATCH.request()).unwrap().record_intent().map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::Failed { .. }), "{error:?}");
    assert_eq!(list(&disk).unwrap(), []);
    assert_eq!(BATCH.side(&disk), Some(false));
}

#[test]
fn a_folder_that_something_is_put_into_is_not_removed() {
    for make in [false, true] {
        let disk = BATCH.project();
        let mut steps = vec![
            Step::ToHistory { path: "assets/x/b".into(), before: fingerprint("b") },
            Step::Create { path: "assets/x/deep/n".into(), contents: b"n".into() },
            Step::MakeDir { path: "assets/x/deep".into() },
            Step::RemoveDir { path: "assets/x".into() },
        ];
        if make {
            steps.push(Step::MakeDir { path: "assets/x".into() });
        }
        assert_eq!(commit(&disk, request(TESTED, steps, REGISTRY_BEFORE, None)), (Reached::Finished, None));
        assert_eq!(disk.read("assets/x/deep/n".into(), 9).unwrap(), b"n");
    }
}
