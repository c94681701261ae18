//! The event logs of a project, judged: every line an event, every stream whole, every operation ended exactly once.
//!
//! Read from the files, not through the packer: a packer that lost events must not be the one who says that none are lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use packer_events::event::Event;
use packer_events::replay::{RecordFault, RecordRule, Replay, record_faults};
use packer_events::sequence::StreamCheck;
use packer_events::wire::read_log;

use crate::forms;

/// Every event of every log of the project at `root`, once the logs are in order.
#[track_caller]
pub fn settled(root: &Path) -> Vec<Event> {
    let mut all = Vec::new();
    let mut endings: BTreeMap<String, u32> = BTreeMap::new();
    for path in paths(root) {
        let bytes = fs::read(&path).expect("a log can be read");
        let read = read_log(&bytes);
        let at = path.display();
        assert_eq!((read.damaged_lines, read.torn), (0, None), "{at}: {:?}", read.damaged);
        forms::published().check_lines("event", &String::from_utf8(bytes).expect("a log is UTF-8"));
        let mut check = StreamCheck::log();
        for event in &read.events {
            check.push(event).unwrap_or_else(|fault| panic!("{at}: {fault}"));
            let ended = endings.entry(event.operation_id.to_string()).or_default();
            *ended += u32::from(event.terminal);
        }
        let running: Vec<_> = check.running().collect();
        assert!(running.is_empty(), "{at}: without an end: {running:?}");
        all.extend(read.events);
    }
    let wrong: Vec<_> = endings.iter().filter(|(_, count)| **count != 1).collect();
    assert!(wrong.is_empty(), "operations that did not end once: {wrong:?}");
    assert_eq!(record_faults(&Replay::fold(&all)), []);
    all
}

/// How many logs [`told`] has judged, and how many ends it found in them that were printed.
static JUDGED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];

/// How many logs [`told`] has judged, and how many ends it found in them that were printed.
pub fn judged() -> [u64; 2] {
    JUDGED.each_ref().map(|count| count.load(Ordering::Relaxed))
}

/// Judges the logs of a project as its processes left them: those that died may owe ends, and their logs may be torn; all else
/// is in order. Each of `ends`, which were printed, stands in the log of its source just so, as the end that replaying gives.
#[track_caller]
pub fn told(root: &Path, ends: &[Event]) {
    let mut all = Vec::new();
    for path in paths(root) {
        let Ok(bytes) = fs::read(&path) else { continue };
        let (at, read) = (path.display(), read_log(&bytes));
        if read.damaged_lines > 0 {
            // Somebody else wrote into it.
            continue;
        }
        let from_start = read.events.first().is_none_or(|event| event.position == 1);
        let check = StreamCheck::log();
        let mut check = if from_start { check } else { check.joined_late() };
        for event in &read.events {
            check.push(event).unwrap_or_else(|fault| panic!("{at}: {fault}"));
        }
        let is_left = path.with_extension("lock").exists();
        let running: Vec<_> = check.running().collect();
        assert!(is_left || running.is_empty(), "{at}: closed, and without an end: {running:?}");
        JUDGED[0].fetch_add(1, Ordering::Relaxed);
        all.extend(read.events);
    }
    let replay = Replay::fold(&all);
    let is_fault = |fault: &RecordFault| fault.rule != RecordRule::Unended;
    let faults: Vec<_> = record_faults(&replay).into_iter().filter(is_fault).collect();
    assert_eq!(faults, []);
    for end in ends.iter().filter(|end| all.iter().any(|event| event.source == end.source)) {
        let record = replay.operation(end.operation_id);
        let ending = record.and_then(|record| record.ending.clone());
        assert_eq!(ending, end.body.ending(), "{end:#?}");
        assert!(all.contains(end), "it is recorded otherwise than it was printed: {end:#?}");
        JUDGED[1].fetch_add(1, Ordering::Relaxed);
    }
}

/// Every event of every log, judged by nobody: for projects whose logs somebody deleted.
#[track_caller]
pub fn recorded(root: &Path) -> Vec<Event> {
    let read = |path| read_log(&fs::read(path).expect("a log can be read")).events;
    paths(root).into_iter().flat_map(read).collect()
}

/// How many operations have begun and have no end, in logs that may be torn.
pub fn unfinished(root: &Path) -> usize {
    let mut unfinished = 0;
    for path in paths(root) {
        let mut running = BTreeMap::new();
        for event in read_log(&fs::read(&path).expect("a log can be read")).events {
            running.insert(event.operation_id, event.terminal);
        }
        unfinished += running.values().filter(|ended| !**ended).count();
    }
    unfinished
}

fn paths(root: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(root.join(".packer/events")) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a folder can be read").path());
    let mut logs: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "jsonl")).collect();
    logs.sort();
    logs
}
