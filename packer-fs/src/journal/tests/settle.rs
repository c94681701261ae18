//! Commits that settle frozen operations: whatever froze can be decided either way, by what its facts say, and nothing is
//! lost by that. Power cuts in between are tried by `crash`, on the workloads that settle.

use super::meddling::{meddled, paths};
use super::*;

/// The commit that settles.
const SETTLING: u8 = 9;
const STATES: usize = 24;

/// What a planner makes of the facts, in its simplest form: every path as it was to be, or as it was or as somebody saved it.
/// `None` if some of the bytes are nowhere.
fn decide(disk: &SimDisk, facts: &FrozenFacts, finish: bool) -> Option<CommitRequest> {
    let is_theirs = |found: Fingerprint, before: &Option<FileFacts>, after: &Option<FileFacts>| {
        let ours = [before, after].map(|file| file.as_ref().map(|file| Fingerprint::File(file.file)));
        found != Fingerprint::Absent && !ours.contains(&Some(found))
    };
    let wanted = |path: &PathFacts| -> Option<FileFacts> {
        match path.found {
            _ if finish => path.after.clone(),
            Fingerprint::File(file) if is_theirs(path.found, &path.before, &path.after) => {
                Some(FileFacts { file, at: BytesAt::Place(path.path.clone()) })
            }
            _ => path.saved.clone().or_else(|| path.before.clone()),
        }
    };
    let is_right = |path: &PathFacts| {
        path.found == wanted(path).map_or(Fingerprint::Absent, |file| Fingerprint::File(file.file))
    };
    let mut steps = Vec::new();
    let mut moved = Vec::new();
    for path in facts.paths.iter().filter(|path| !is_right(path)) {
        let Some(FileFacts { file, at }) = wanted(path) else { continue };
        let to = path.path.clone();
        for folder in steps::ancestors(&to) {
            steps.push(Step::MakeDir { path: folder.to_owned() });
        }
        steps.push(match at {
            BytesAt::Place(from) => {
                let stays = facts.paths.iter().any(|path| path.path == from && is_right(path));
                if stays {
                    Step::Copy { from, to, before: file }
                } else {
                    moved.push(from.clone());
                    Step::Move { from, to, before: file }
                }
            }
            BytesAt::Kept(from) => Step::Restore { from, to, file },
            BytesAt::Gone => return None,
        });
    }
    for path in facts.paths.iter().filter(|path| !is_right(path) && !moved.contains(&path.path)) {
        if let Fingerprint::File(before) = path.found {
            steps.push(Step::ToHistory { path: path.path.clone(), before });
        }
    }
    let RegistryFacts { found, before, after, saved } = &facts.registry;
    let wanted = match (finish, after) {
        (_, None) => None,
        (true, Some(after)) => Some(after.clone()),
        (false, Some(_)) if is_theirs(*found, before, after) => None,
        (false, Some(_)) => saved.clone().or_else(|| before.clone()),
    };
    let found = match found {
        Fingerprint::File(file) => file.digest,
        other => panic!("{other}"),
    };
    let registry = match wanted {
        Some(FileFacts { file, at }) if file.digest != found => {
            let BytesAt::Kept(kept) = at else { return None };
            RegistryChange::Replace { before: Some(found), after: disk.read(&kept_path(kept), 999).unwrap() }
        }
        _ => RegistryChange::Unchanged { digest: found },
    };
    let commit = read_head(disk).unwrap().map_or(1, |head| head.commit + 1);
    let resolves = Some(facts.intent.operation);
    Some(CommitRequest { commit, registry, resolves, ..request(SETTLING, steps, "", None) })
}

/// Settles what is frozen, and checks that all of it went to history.
fn settle(disk: &SimDisk, request: CommitRequest, context: &str) {
    let frozen = request.resolves.unwrap();
    let kept: Vec<SimNode> = remains(disk, frozen).into_values().collect();
    assert_eq!(commit(disk, request), (Reached::Finished, None), "{context}");
    assert_eq!(pending(disk).unwrap(), [], "{context}");
    assert_eq!(list(disk).unwrap(), [], "{context}");
    assert_eq!(recover_all(disk).unwrap(), [], "{context}");
    let history: Vec<SimNode> = disk.tree().into_values().collect();
    for node in kept.iter().filter(|node| matches!(node, SimNode::File(_))) {
        assert!(history.contains(node), "{context}: {node:?} is lost");
    }
    assert!(
        matches!(read_history(disk, frozen), Err(HistoryError::Absent { .. })),
        "it is no commit that happened"
    );
    let entry = list_history(disk).unwrap().into_iter().find(|entry| entry.operation == frozen);
    assert!(entry.is_some_and(|entry| entry.was_frozen), "{context}: {entry:?}");
}

/// Everything of an operation in the journal.
fn remains(disk: &SimDisk, operation: OperationId) -> BTreeMap<Utf8PathBuf, SimNode> {
    let prefix = format!("{}/{operation}.", layout::JOURNAL);
    disk.tree().into_iter().filter(|(path, _)| path.as_str().starts_with(&prefix)).collect()
}

/// The people's files, and those that are in `expected`, as they should be.
fn expected(files: &[(&str, &str)], registry: &str) -> BTreeMap<Utf8PathBuf, String> {
    let registry = [(layout::REGISTRY, registry)];
    let all = files.iter().chain(&registry);
    all.map(|(path, text)| (Utf8PathBuf::from(*path), (*text).to_owned())).collect()
}

fn ordinary() -> impl Iterator<Item = &'static Workload> {
    WORKLOADS.iter().filter(|workload| workload.settles.is_none() && workload.has_earlier)
}

#[test]
fn what_a_failed_disk_froze_is_decided_either_way() {
    let (mut finished, mut taken_back, mut gone) = (0, 0, 0);
    for workload in ordinary() {
        let project = workload.project();
        for n in 0.. {
            let disk = project.fork();
            disk.fail_sync(n);
            let (_, error) = commit(&disk, workload.request());
            if error.is_none() {
                break;
            }
            // What a disk does after a failed sync is anybody's guess; after a restart it can be trusted again.
            for state in disk.crash_states_seeded(STATES, n) {
                let _ = recover_all(&state).unwrap();
                if to_settle(&state).unwrap() != Some(operation(TESTED)) {
                    continue;
                }
                for finish in [true, false] {
                    let state = state.fork();
                    let context =
                        format!("{}, sync {n}, {:?}, finish: {finish}", workload.name, state.losses());
                    let facts = frozen_facts(&state, operation(TESTED)).unwrap();
                    let Some(request) = decide(&state, &facts, finish) else {
                        // The names of what was staged were never durable.
                        assert!(
                            finish && error.as_ref().unwrap().contains("journal\""),
                            "{context}: {facts:#?}"
                        );
                        gone += 1;
                        continue;
                    };
                    settle(&state, request, &context);
                    let files = if finish {
                        finished += 1;
                        expected(workload.after, workload.registry_after())
                    } else {
                        taken_back += 1;
                        expected(workload.before, REGISTRY_BEFORE)
                    };
                    assert_eq!(user_files(&state), files, "{context}");
                }
            }
        }
    }
    println!("{finished} finished, {taken_back} taken back, {gone} with nothing left to finish");
    assert!(finished > 100 && taken_back > 100 && gone > 0);
}

#[test]
fn what_a_save_froze_is_decided_either_way() {
    let (mut finished, mut taken_back, mut saved_over) = (0, 0, 0);
    for workload in ordinary() {
        let project = workload.project();
        for path in paths(workload) {
            for at in 0.. {
                let disk = meddled(project.fork(), path, at);
                let (_, error) = commit(&disk, workload.request());
                if !disk.has_meddled() {
                    break;
                }
                let disk = disk.into_disk();
                let Some(error) = error.filter(|error| error.starts_with("Frozen")) else { continue };
                for finish in [true, false] {
                    let disk = disk.fork();
                    let context =
                        format!("{}: {path} saved at {at}, finish: {finish}: {error}", workload.name);
                    let facts = frozen_facts(&disk, operation(TESTED)).unwrap();
                    let Some(request) = decide(&disk, &facts, finish) else {
                        // What was to move was saved over, at the one place or at the other.
                        let mut stood_here = workload.before.iter().chain(workload.after);
                        let is_lost = stood_here.any(|(at, text)| *at == path && !is_anywhere(&disk, text));
                        assert!(is_lost, "{context}: {facts:#?}");
                        saved_over += 1;
                        continue;
                    };
                    settle(&disk, request, &context);
                    assert!(is_anywhere(&disk, SAVED), "{context}");
                    let files = if finish {
                        finished += 1;
                        expected(workload.after, workload.registry_after())
                    } else {
                        taken_back += 1;
                        let mut files = expected(workload.before, REGISTRY_BEFORE);
                        files.insert(path.into(), SAVED.to_owned());
                        files
                    };
                    assert_eq!(user_files(&disk), files, "{context}");
                }
            }
        }
    }
    println!("{finished} finished, {taken_back} taken back, {saved_over} saved over");
    assert!(finished > 100 && taken_back > 100 && saved_over > 0);
}

#[test]
fn only_what_is_frozen_is_settled_and_nothing_else_begins_meanwhile() {
    let disk = FINISH_OURS.project();
    let tree = disk.tree_hash();
    let refused = |resolves, of| {
        let request = CommitRequest { resolves, ..request(of, Vec::new(), REGISTRY_BEFORE, None) };
        let error = stage(&disk, request).map(|_| ()).unwrap_err();
        assert_eq!(disk.tree_hash(), tree, "{error:?}");
        error
    };
    let is_pending =
        |error| matches!(error, StageError::Pending { operation: of } if of == operation(FROZEN));
    assert!(is_pending(refused(None, SETTLING)));
    assert!(is_pending(refused(Some(operation(EARLIER)), SETTLING)));
    // Whose staging is dropped by then would be that of the frozen one.
    assert!(is_pending(refused(Some(operation(FROZEN)), FROZEN)));
    let calm = BATCH.project();
    let request = CommitRequest { resolves: Some(operation(FROZEN)), ..BATCH.request() };
    let error = stage(&calm, request).map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::NotFrozen { operation: of } if of == operation(FROZEN)), "{error:?}");
    // One that is not frozen but unfinished has to be recovered.
    drop(stage(&calm, BATCH.request()).unwrap().record_intent().unwrap());
    let request = CommitRequest { resolves: Some(operation(TESTED)), ..request_of_nothing(3) };
    let error = stage(&calm, request).map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::Pending { operation: of } if of == operation(TESTED)), "{error:?}");
}

fn request_of_nothing(commit: u64) -> CommitRequest {
    CommitRequest { commit, ..request(SETTLING, Vec::new(), REGISTRY_BEFORE, None) }
}

#[test]
fn an_intent_that_settles_what_is_not_frozen_takes_nothing_from_it() {
    let disk = BATCH.project();
    drop(stage(&disk, BATCH.request()).unwrap().record_intent().unwrap());
    let before = remains(&disk, operation(TESTED));
    crate::journal::settle::put_away(&disk, &[operation(TESTED)]).unwrap();
    assert_eq!(remains(&disk, operation(TESTED)), before);
    assert_eq!(recover_all(&disk).unwrap(), [(operation(TESTED), Report::Finished)]);
}

#[test]
fn one_whose_intent_is_damaged_is_settled_by_keeping_what_stands_there() {
    let disk = FINISH_OURS.project();
    disk.put(&layout::frozen(operation(FROZEN)), b"no intent");
    let error = frozen_facts(&disk, operation(FROZEN)).unwrap_err();
    assert!(matches!(error, FrozenFactsError::Damaged { .. }), "{error:?}");
    let request = CommitRequest { resolves: Some(operation(FROZEN)), ..request_of_nothing(2) };
    settle(&disk, request, "damaged");
    let kept = disk.read(&layout::history_frozen(operation(FROZEN)), 99).unwrap();
    assert_eq!(kept, b"no intent");
    let error = frozen_facts(&disk, operation(FROZEN)).unwrap_err();
    assert!(matches!(error, FrozenFactsError::NotFrozen { .. }), "{error:?}");
}

/// The project of `KEEP_THEIRS`, whose commit froze as well.
fn frozen_twice() -> SimDisk {
    let disk = KEEP_THEIRS.project();
    let recorded = stage(&disk, KEEP_THEIRS.request()).unwrap().record_intent().unwrap();
    disk.put("assets/a".into(), b"saved once more");
    assert!(matches!(recorded.apply(), Err(ApplyError::Frozen { .. })));
    disk
}

#[test]
fn of_two_that_are_frozen_the_later_is_settled_and_the_other_with_it() {
    let texts = ["a", SAVED, "a2", "b2", "new/c", REGISTRY_FROZEN, "saved once more"];
    let disk = frozen_twice();
    assert_eq!(to_settle(&disk).unwrap(), Some(operation(TESTED)));
    let reports = recover_all(&disk).unwrap();
    assert!(matches!(reports[..], [(of, Report::Frozen(_))] if of == operation(TESTED)), "{reports:?}");
    let request = CommitRequest { resolves: Some(operation(FROZEN)), ..request_of_nothing(3) };
    let error = stage(&disk, request).map(|_| ()).unwrap_err();
    assert!(matches!(error, StageError::Pending { operation: of } if of == operation(TESTED)), "{error:?}");

    let (mut settled, mut frozen) = (0, 0);
    for cut in 0.. {
        let disk = disk.fork();
        let facts = frozen_facts(&disk, operation(TESTED)).unwrap();
        let request = decide(&disk, &facts, false).unwrap();
        disk.fail_after(cut);
        let (reached, error) = commit(&disk, request);
        let killed = disk.fork();
        for state in disk.crash_states_seeded(STATES, cut).chain([killed]) {
            let reports = recover_all(&state).unwrap();
            let context = format!("cut at {cut}, {:?}: {reports:?}", state.losses());
            assert_eq!(texts.into_iter().find(|text| !is_anywhere(&state, text)), None, "{context}");
            if to_settle(&state).unwrap().is_some() {
                frozen += 1;
                assert!(reached < Reached::Recorded, "{context}");
                assert_eq!(to_settle(&state).unwrap(), Some(operation(TESTED)), "{context}");
                let frozen = reports.iter().filter(|(_, report)| matches!(report, Report::Frozen(_)));
                let frozen: Vec<_> = frozen.map(|(of, _)| *of).collect();
                assert_eq!(frozen, [operation(TESTED)], "{context}");
            } else {
                settled += 1;
                assert_eq!(list(&state).unwrap(), [], "{context}");
                assert!(reports.iter().all(|(of, _)| *of == operation(SETTLING)), "{context}");
                for of in [FROZEN, TESTED] {
                    let kept = layout::history_frozen(operation(of));
                    assert!(state.stat(&kept).unwrap().is_some(), "{context}");
                }
                let files = user_files(&state);
                assert_eq!(files[Utf8Path::new("assets/a")], "saved once more", "{context}");
            }
        }
        if error.is_none() {
            break;
        }
    }
    assert!(settled > 50 && frozen > 50, "{settled} settled, {frozen} frozen");
}

#[test]
fn where_the_folder_of_what_was_displaced_is_gone_the_rest_goes_to_history_all_the_same() {
    let project = KEEP_THEIRS.project();
    project.settle();
    let folder = layout::displaced_folder(operation(FROZEN));
    for number in 0..2 {
        project.remove_file(&layout::displaced(operation(FROZEN), number)).unwrap();
    }
    project.remove_dir(&folder).unwrap();
    project.settle();
    let request = || CommitRequest { resolves: Some(operation(FROZEN)), ..request_of_nothing(2) };
    assert_eq!(commit(&project.fork(), request()), (Reached::Finished, None));
    for cut in 0.. {
        let disk = project.fork();
        disk.fail_after(cut);
        let (reached, error) = commit(&disk, request());
        for state in disk.crash_states_seeded(STATES, cut) {
            recover_all(&state).unwrap();
            let context = format!("cut at {cut}, {:?}", state.losses());
            for text in ["a2", "b2", "new/c", REGISTRY_FROZEN] {
                assert!(is_anywhere(&state, text), "{context}: {text} is lost");
            }
            let is_settled = to_settle(&state).unwrap().is_none();
            assert!(is_settled || reached < Reached::Recorded, "{context}");
            let kept = layout::history_staged(operation(FROZEN), 3);
            assert_eq!(is_settled, state.stat(&kept).unwrap().is_some(), "{context}");
        }
        if error.is_none() {
            break;
        }
    }
}

#[test]
fn a_name_that_is_taken_in_history_costs_nobody_a_byte() {
    let disk = KEEP_THEIRS.project();
    let taken = [layout::history_frozen(operation(FROZEN)), layout::history_staged(operation(FROZEN), 0)];
    for path in &taken {
        disk.put(path, b"of whoever");
    }
    assert_eq!(commit(&disk, KEEP_THEIRS.request()), (Reached::Finished, None));
    assert_eq!(recover_all(&disk).unwrap(), []);
    assert_eq!(to_settle(&disk).unwrap(), None);
    for path in taken {
        assert_eq!(disk.read(&path, 99).unwrap(), b"of whoever");
        assert!(disk.stat(&Utf8PathBuf::from(format!("{path}.1"))).unwrap().is_some(), "{path}");
    }
}
