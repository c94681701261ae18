//! The event logs of a project, judged: every line an event, every stream whole, every operation ended exactly once.
//!
//! Read from the files, not through the packer: a packer that lost events must not be the one who says that none are lost.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use packer_events::event::Event;
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
    all
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
