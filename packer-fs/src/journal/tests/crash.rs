//! Commits that crash at every operation, with every subset of the effects that were not synced by then, and again
//! during recovery.

use super::*;
use crate::disk::sim::{Coverage, PendingEffect, SyncRecord};

/// The most disks that are tried of one power cut.
const STATES: usize = 96;
/// Enough for what a missing sync lets happen.
const STATES_WITHOUT_A_SYNC: usize = 48;
const STATES_OF_A_SECOND_CUT: usize = 3;
/// One of so many operations of a commit is a second cut.
const OPERATIONS_A_STEP: u64 = 5;

/// How many recoveries the ordinary run tries at least, and of which sort.
const RECOVERIES: usize = 50_000;
const FIRST: usize = 15_000;
const OF_AN_ADOPTION: usize = 4_000;
const SECOND: usize = 20_000;
const _: () = assert!(FIRST + OF_AN_ADOPTION + SECOND + meddling::RECOVERIES >= RECOVERIES);

/// Enough for every subset of the effects that are ever pending in an adoption of four files.
const SUBSETS: usize = 4096;

/// Recovers `disk` and judges it; says on which side it came out.
fn judge(workload: &Workload, disk: &SimDisk, reached: Reached) -> Result<bool, String> {
    if workload.settles.is_some() {
        // Whether a commit has ended cannot always be told.
        let other = disk.fork();
        let _ = other.remove_file(LOG.into());
        recover_all(&other).map_err(|error| format!("without a log, recovery failed: {error}"))?;
        if let Some(text) = workload.texts().into_iter().find(|text| !is_anywhere(&other, text)) {
            return Err(format!("without a log, {text:?} is lost"));
        }
    }
    let reports = recover_all(disk).map_err(|error| format!("recovery failed: {error}"))?;
    let of_frozen = |of: &OperationId| workload.settles.is_some() && *of == operation(FROZEN);
    let is_frozen = |report: &Report| matches!(report, Report::Frozen(_));
    if let Some((_, frozen)) = reports.iter().find(|(of, report)| is_frozen(report) && !of_frozen(of)) {
        return Err(format!("frozen, though nobody interfered: {frozen:?}"));
    }
    let Some(after) = workload.side(disk) else {
        return Err(format!("a mixture: {:?}, {:?}", user_files(disk), read_head(disk)));
    };
    if reached >= Reached::Recorded && !after {
        return Err("before, though it had committed".to_owned());
    }
    if after != is_logged(disk, operation(TESTED)) {
        return Err(format!("after: {after}, and the log says otherwise"));
    }
    let of_tested = reports.iter().filter(|(operation, _)| *operation == super::operation(TESTED));
    for (_, report) in of_tested {
        if after == (*report == Report::Dropped) {
            return Err(format!("after: {after}, and recovery reported {report:?}"));
        }
    }
    // What the commit settles is settled with it, and not before.
    let still_frozen = reports.iter().any(|(of, _)| of_frozen(of));
    if workload.settles.is_some() && still_frozen == after {
        return Err(format!("after: {after}, and recovery reported {reports:?}"));
    }
    let mut left = list(disk).map_err(|error| error.to_string())?;
    left.retain(|name| after || !of_frozen(&name.operation));
    if !left.is_empty() {
        return Err(format!("left in the journal: {left:?}"));
    }
    if after {
        let history = read_history(disk, operation(TESTED)).map_err(|error| format!("history: {error:?}"))?;
        if history.inverse != json!({ "undo": TESTED }) {
            return Err("another inverse".to_owned());
        }
        let settled = disk.stat(&layout::history_frozen(operation(FROZEN))).unwrap();
        if settled.is_some() != workload.settles.is_some() {
            return Err("what is settled is not in history".to_owned());
        }
    }
    if let Some(text) = workload.texts().into_iter().find(|text| !is_anywhere(disk, text)) {
        return Err(format!("{text:?} is lost"));
    }
    let mut again = recover_all(disk).map_err(|error| error.to_string())?;
    again.retain(|(of, _)| after || !of_frozen(of));
    if again.is_empty() { Ok(after) } else { Err(format!("recovered a second time: {again:?}")) }
}

/// Every disk that a power cut at any operation of the commit can leave, and each kill. Returns the number of
/// recoveries, or the first violation.
fn enumerate(
    workload: &Workload,
    states: usize,
    cuts: std::ops::RangeFrom<u64>,
    prepare: impl Fn(&SimDisk),
    mut also: impl FnMut(&SimDisk, Reached) -> Result<usize, String>,
) -> Result<usize, String> {
    let project = workload.project();
    let mut recoveries = 0;
    for cut in cuts {
        let disk = project.fork();
        prepare(&disk);
        disk.fail_after(cut);
        let (reached, error) = commit(&disk, workload.request());
        let is_cut =
            error.as_ref().is_none_or(|error| error.contains("power is cut") || error.contains("PowerCut"));
        assert!(is_cut, "{}: {error:?}", workload.name);
        let killed = disk.fork();
        let survivors = disk.crash_states_seeded(states, cut).chain([killed]);
        for survivor in survivors {
            let at = |problem| format!("{}, cut at {cut}, {:?}: {problem}", workload.name, survivor.losses());
            recoveries += 1 + also(&survivor, reached).map_err(at)?;
            judge(workload, &survivor, reached).map_err(at)?;
        }
        if error.is_none() {
            return Ok(recoveries);
        }
    }
    unreachable!("a commit has finitely many operations")
}

#[test]
fn a_clean_run_ends_as_declared_and_leaves_nothing_but_history() {
    for workload in WORKLOADS {
        let disk = workload.project();
        assert_eq!(workload.side(&disk), Some(false), "{}", workload.name);
        assert_eq!(commit(&disk, workload.request()), (Reached::Finished, None), "{}", workload.name);
        assert_eq!(workload.side(&disk), Some(true), "{}", workload.name);
        assert_eq!(pending(&disk).unwrap(), [], "{}", workload.name);
        assert_eq!(judge(workload, &disk, Reached::Finished), Ok(true), "{}", workload.name);
    }
}

#[test]
fn every_cut_leaves_entirely_before_or_entirely_after() {
    let mut total = 0;
    for workload in WORKLOADS {
        let recoveries = enumerate(workload, STATES, 0.., |_| (), |_, _| Ok(0)).unwrap();
        println!("{}: {recoveries} recoveries", workload.name);
        assert!(recoveries > 100, "{}: {recoveries}", workload.name);
        total += recoveries;
    }
    println!("{total} recoveries in all");
    assert!(total >= FIRST, "{total}");
}

/// Nothing is sampled here: of an adoption of four files, every cut with every subset of what was not synced by then.
#[test]
fn every_subset_of_what_an_adoption_of_four_files_has_not_synced() {
    let project = ADOPTION.project();
    let (mut recoveries, mut most) = (0, 0);
    for cut in 0.. {
        let disk = project.fork();
        disk.fail_after(cut);
        let (reached, error) = commit(&disk, ADOPTION.request());
        most = most.max(disk.pending().len());
        let survivors = disk.crash_states(SUBSETS);
        let coverage = survivors.coverage();
        assert!(coverage >= Coverage::EverySubset, "cut at {cut}: {coverage:?} of {:#?}", disk.pending());
        for survivor in survivors {
            recoveries += 1;
            let judged = judge(&ADOPTION, &survivor, reached);
            judged.map_err(|problem| format!("cut at {cut}, {:?}: {problem}", survivor.losses())).unwrap();
        }
        if error.is_none() {
            break;
        }
    }
    println!("{recoveries} recoveries, with at most {most} effects pending");
    assert!(recoveries >= OF_AN_ADOPTION, "{recoveries}");
}

#[test]
fn every_cut_of_a_recovery_does_too() {
    let (mut total, mut survivors) = (0, 0_u64);
    for workload in WORKLOADS {
        let mut second = 0;
        // Of long commits not every second cut is tried after each first one, but others after each.
        let stride = {
            let disk = workload.project();
            assert_eq!(commit(&disk, workload.request()), (Reached::Finished, None));
            (disk.operations() / OPERATIONS_A_STEP).max(1)
        };
        let twice = |survivor: &SimDisk, reached| {
            let mut recoveries = 0;
            survivors += 1;
            for cut in (survivors % stride..).step_by(stride as usize) {
                let disk = survivor.fork();
                disk.fail_after(cut);
                let is_done = recover_all(&disk).is_ok();
                // What recovery reported may have been told to somebody: no later cut may take it back.
                let side = if is_done { workload.side(&disk.fork()) } else { None };
                let killed = disk.fork();
                // A fifth of them, others after each operation.
                let states =
                    disk.crash_states_seeded(STATES_OF_A_SECOND_CUT, cut).skip(cut as usize % 5).step_by(5);
                for state in states.chain([killed]) {
                    recoveries += 1;
                    let at = |problem| format!("then at {cut}, {:?}: {problem}", state.losses());
                    let after = judge(workload, &state, reached).map_err(at)?;
                    if side.is_some_and(|side| side != after) {
                        return Err(at("another side than the first recovery came out on".to_owned()));
                    }
                }
                if is_done {
                    break;
                }
            }
            second += recoveries;
            Ok(recoveries)
        };
        enumerate(workload, STATES_OF_A_SECOND_CUT, 0.., |_| (), twice).unwrap();
        println!("{}: {second} recoveries of recoveries", workload.name);
        assert!(second > 100, "{}: {second}", workload.name);
        total += second;
    }
    println!("{total} recoveries of recoveries in all");
    assert!(total >= SECOND, "{total}");
}

/// The first cut before which so many syncs were made.
fn first_cut_with(workload: &Workload, syncs: usize) -> u64 {
    let project = workload.project();
    let has_so_many = |cut: &u64| {
        let disk = project.fork();
        disk.fail_after(*cut);
        let (_, error) = commit(&disk, workload.request());
        assert!(error.is_some() || disk.syncs().len() >= syncs);
        disk.syncs().len() >= syncs
    };
    (0..1000).find(has_so_many).expect("a commit makes all of its syncs")
}

/// The oracle is alive: whichever sync is left out, some power cut shows it.
#[test]
fn every_sync_is_needed() {
    for workload in WORKLOADS {
        let project = workload.project();
        // Where the frozen operation came to syncing what it displaced, there is nothing to sync once more.
        let displaced = layout::displaced_folder(operation(FROZEN));
        let is_pending = |effect: &PendingEffect| matches!(effect, PendingEffect::Rename { to, .. } if to.starts_with(&displaced));
        let is_idle = !project.pending().iter().any(is_pending);
        let recorded = stage(&project, workload.request()).unwrap().record_intent().unwrap();
        let committed = recorded.apply().unwrap();
        let before_the_log = project.syncs().len();
        log_success(&project, operation(TESTED)).unwrap();
        let after_the_log = project.syncs().len();
        committed.finish().unwrap();
        let syncs = project.syncs();
        assert!(before_the_log >= 5, "{}: {syncs:?}", workload.name);
        let settling = if workload.settles.is_some() { 2 } else { 0 };
        assert_eq!(syncs.len() - after_the_log, settling, "{}: {syncs:?}", workload.name);
        let ours = |n: &usize| *n < before_the_log || *n >= after_the_log;
        for (n, sync) in syncs.iter().enumerate().filter(|(n, _)| ours(n)) {
            if is_idle && *sync == (SyncRecord::Dir { path: displaced.clone() }) {
                continue;
            }
            // Before it nothing is different.
            let cuts = first_cut_with(workload, n + 1)..;
            let seen = enumerate(
                workload,
                STATES_WITHOUT_A_SYNC,
                cuts,
                |disk| disk.ignore_sync(n as u64),
                |_, _| Ok(0),
            );
            assert!(seen.is_err(), "{}: sync {n} ({sync:?}) could be left out", workload.name);
        }
        println!("{}: each of {} syncs is needed", workload.name, before_the_log + settling);
    }
}

#[test]
fn a_commit_of_the_registry_takes_five_syncs() {
    let disk = REGISTRY_ONLY.project();
    let committed = stage(&disk, REGISTRY_ONLY.request()).unwrap().record_intent().unwrap().apply().unwrap();
    assert_eq!(disk.syncs().len(), 5, "{:#?}", disk.syncs());
    committed.finish().unwrap();
    assert_eq!(disk.syncs().len(), 5, "the clean-up needs no sync");
}

#[test]
fn an_adoption_syncs_each_file_once_and_each_folder_once() {
    let disk = ADOPTION.project();
    let committed = stage(&disk, ADOPTION.request()).unwrap().record_intent().unwrap().apply().unwrap();
    // Two for the journal itself; four files, registry, intent, journal; four folders that files came to; the project's
    // folder and the head.
    assert_eq!(disk.syncs().len(), 2 + 7 + 4 + 2, "{:#?}", disk.syncs());
    committed.finish().unwrap();
}

/// A regression: while equal files went around, recovery took "placed" for "not begun", and displaced them again before
/// their first move was durable.
#[test]
fn equal_files_are_not_moved_a_second_time() {
    let mut recoveries = 0;
    for cut in 6..22 {
        for then in 0..6 {
            let disk = CYCLE_OF_EQUALS.project();
            disk.fail_after(cut);
            let (reached, _) = commit(&disk, CYCLE_OF_EQUALS.request());
            let killed = disk.fork();
            killed.fail_after(then);
            let _ = recover_all(&killed);
            for state in killed.crash_states(8) {
                let at = format!("cut at {cut}, then at {then}, {:?}", state.losses());
                recoveries += 1;
                judge(&CYCLE_OF_EQUALS, &state, reached)
                    .map_err(|problem| format!("{at}: {problem}"))
                    .unwrap();
            }
        }
    }
    assert!(recoveries > 500, "{recoveries}");
}
