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
    for (at, Log { begins, bytes }) in logs(root) {
        let read = read_log(&bytes);
        assert_eq!((read.damaged_lines, read.torn), (0, None), "{at}: {:?}", read.damaged);
        forms::published().check_lines("event", &String::from_utf8(bytes).expect("a log is UTF-8"));
        let first = read.events.first().map_or(1, |event| event.position);
        assert!(begins.is_none_or(|named| named == first), "{at}: it begins with {first}");
        let mut check = StreamCheck::log();
        if begins.is_some() {
            check = check.joined_late();
        }
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
    for (at, Log { bytes, .. }) in logs(root) {
        let read = read_log(&bytes);
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
        let is_left = root.join(format!(".packer/events/{at}.lock")).exists();
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
    logs(root).into_values().flat_map(|log| read_log(&log.bytes).events).collect()
}

/// How many bytes the logs have together: as many as before, and nothing was said meanwhile.
pub fn bytes(root: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(root.join(".packer/events")) else { return 0 };
    let lengths = entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()));
    lengths.sum()
}

/// How many operations have begun and have no end, in logs that may be torn.
pub fn unfinished(root: &Path) -> usize {
    let mut unfinished = 0;
    for log in logs(root).into_values() {
        let mut running = BTreeMap::new();
        for event in read_log(&log.bytes).events {
            running.insert(event.operation_id, event.terminal);
        }
        unfinished += running.values().filter(|ended| !**ended).count();
    }
    unfinished
}

/// The segments of one log, one after the other.
#[derive(Default)]
struct Log {
    /// With which position the first one says that it begins, unless that is the first of all.
    begins: Option<u64>,
    bytes: Vec<u8>,
}

/// The logs, by the sources in their names.
fn logs(root: &Path) -> BTreeMap<String, Log> {
    let Ok(entries) = fs::read_dir(root.join(".packer/events")) else { return BTreeMap::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|found| found == "jsonl"))
        .filter(|name| !name.ends_with(".carried.jsonl"))
        .collect();
    // The first segment has no number; the others have theirs in digits of one length.
    names.sort_by_key(|name| name.replace(".jsonl", ""));
    let mut logs: BTreeMap<String, Log> = BTreeMap::new();
    for name in names {
        let parts: Vec<&str> = name.split('.').collect();
        let first = if let [_, first, _] = parts[..] { first.parse().ok() } else { None };
        // One that somebody deletes meanwhile.
        let Ok(segment) = fs::read(root.join(".packer/events").join(&name)) else { continue };
        let log = logs.entry(parts[0].to_owned()).or_insert_with(|| Log { begins: first, bytes: Vec::new() });
        log.bytes.extend(segment);
    }
    logs
}
