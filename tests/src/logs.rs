//! The event logs of a project, judged: every line an event, every stream whole, every operation ended exactly once.
//!
//! Read from the files, not through the packer: a packer that lost events must not be the one who says that none are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use packer_events::event::Event;
use packer_events::replay::{RecordFault, RecordRule, Replay, record_faults, telling_faults};
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

/// What [`told`] has judged so far, in all projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Logs.
    pub logs: u64,
    /// Printed events, each of which stands in the log.
    pub events: u64,
    /// Operations of which all was printed, and of which the log tells the same.
    pub operations: u64,
    /// Operations of which an end was printed and not the beginning, likewise.
    pub joined: u64,
}

static JUDGED: Mutex<Judged> = Mutex::new(Judged { logs: 0, events: 0, operations: 0, joined: 0 });

/// What [`told`] has judged so far.
pub fn judged() -> Judged {
    *JUDGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Judges the logs of a project as its processes left them: those that died may owe ends, and their logs may be torn; all else
/// is in order. Each of `runs` is what one process printed: each event stands in the log of its source just so, and of each
/// operation is told by it what is told by the log.
///
/// Returns whether a log is gone, or begins late, because somebody has deleted it: what was printed by its source is all that is
/// not judged.
#[track_caller]
pub fn told(root: &Path, runs: &[Vec<Event>]) -> bool {
    let mut judged = Judged::default();
    let (mut all, mut late) = (Vec::new(), BTreeSet::new());
    for (at, Log { bytes, .. }) in logs(root) {
        let read = read_log(&bytes);
        assert_eq!(read.damaged_lines, 0, "{at}: {:?}", read.damaged);
        let first = read.events.first();
        let mut check = StreamCheck::log();
        if let Some(first) = first.filter(|first| first.position > 1) {
            late.insert(first.source);
            check = check.joined_late();
        }
        for event in &read.events {
            check.push(event).unwrap_or_else(|fault| panic!("{at}: {fault}"));
        }
        let is_left = root.join(format!(".packer/events/{at}.lock")).exists();
        let running: Vec<_> = check.running().collect();
        assert!(is_left || running.is_empty(), "{at}: closed, and without an end: {running:?}");
        judged.logs += 1;
        all.extend(read.events);
    }
    let replay = Replay::fold(&all);
    let is_fault = |fault: &RecordFault| fault.rule != RecordRule::Unended;
    let faults: Vec<_> = record_faults(&replay).into_iter().filter(is_fault).collect();
    assert_eq!(faults, []);
    let recorded: BTreeMap<_, &Event> =
        all.iter().map(|event| ((event.source, event.position), event)).collect();
    let sources: BTreeSet<_> = all.iter().map(|event| event.source).collect();
    let mut is_deleted = !late.is_empty();
    for run in runs {
        let is_there = |event: &&Event| !late.contains(&event.source) && sources.contains(&event.source);
        let there: Vec<&Event> = run.iter().filter(is_there).collect();
        is_deleted |= there.len() < run.len();
        for event in &there {
            let in_log = Event { coalesced: None, ..(**event).clone() };
            let found = recorded.get(&(event.source, event.position));
            assert_eq!(found, Some(&&in_log), "it is recorded otherwise than it was printed");
        }
        let told = Replay::fold(there.iter().copied());
        assert_eq!(telling_faults(&told, &replay), []);
        judged.events += there.len() as u64;
        let ended = || told.operations().filter(|record| record.ending.is_some());
        judged.operations += ended().filter(|record| record.accepted_at.is_some()).count() as u64;
        judged.joined += ended().filter(|record| record.accepted_at.is_none()).count() as u64;
    }
    let mut sum = JUDGED.lock().unwrap_or_else(PoisonError::into_inner);
    sum.logs += judged.logs;
    sum.events += judged.events;
    sum.operations += judged.operations;
    sum.joined += judged.joined;
    is_deleted
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
