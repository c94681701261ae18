//! Event logs: lines, whole logs, the order in them, and what is told from them.
//!
//! An input is the bytes of a log.

use std::sync::Arc;

use packer_domain::identity::Revision;
use packer_events::body::EventBody;
use packer_events::coalesce::merge;
use packer_events::event::Event;
use packer_events::replay::Replay;
use packer_events::sequence::{Draft, SourceSequencer, StreamCheck};
use packer_events::time::Timestamp;
use packer_events::wire::{DecodeError, decode_line, encode_line, read_log};
use packer_fs::disk::{Disk, sim::SimDisk};
use packer_fs::event_log::{EventLogReader, MAX_LINE_BYTES, trim_torn_tail};
use packer_fs::layout;

use super::input::{check_message, operation, seed, source};
use super::{Seed, Verdict};
use crate::repo;

pub(super) fn run(data: &[u8]) -> Verdict {
    let read = read_log(data);
    let lines = data.split_inclusive(|byte| *byte == b'\n').count() as u64;
    assert!(read.events.len() as u64 + read.damaged_lines <= lines);
    assert!(read.damaged.len() as u64 <= read.damaged_lines);
    assert_eq!(read.torn.map_or(data.len(), |torn| torn.offset), read.end, "{:?}", read.torn);
    for damaged in &read.damaged {
        assert!(damaged.line >= 1 && damaged.line <= lines && damaged.offset < data.len(), "{damaged:?}");
        check_refusal(&damaged.error);
    }
    // Whoever trims the torn tail reads the same.
    let whole = read_log(&data[..read.end]);
    assert!(whole.torn.is_none() && whole.events == read.events && whole.damaged == read.damaged);
    let written: String = read.events.iter().map(check_line).collect();
    let again = read_log(written.as_bytes());
    assert!(again.events == read.events && again.damaged_lines == 0 && again.torn.is_none());
    check_file(data);
    check_order(&read.events);
    let clean = !read.events.is_empty() && read.damaged_lines == 0 && read.torn.is_none();
    if clean { Verdict::Taken } else { Verdict::Refused }
}

fn check_refusal(error: &DecodeError) {
    assert!(!error.to_string().is_empty() && error.to_string().len() < 2000, "{error:?}");
    if let DecodeError::UnknownBody { found } = error {
        assert!(!EventBody::TYPE_NAMES.contains(&found.as_str()), "{found:?} is known");
    }
}

/// The line of an event, which reads as the event.
fn check_line(event: &Event) -> String {
    let line = encode_line(event);
    assert!(line.find('\n') == Some(line.len() - 1), "{line:?} is not one line");
    assert_eq!(decode_line(&line).as_ref(), Ok(event));
    if let EventBody::Accepted { title, .. } = &event.body {
        // A title is free text; what the packer itself says of it is quoted.
        check_message(&format!("{title:?}"));
    }
    line
}

/// The log as a file: its lines, and what is left of it once it is trimmed.
fn check_file(data: &[u8]) {
    let disk = SimDisk::new();
    let path = layout::event_log(source(1));
    disk.put(&path, data);
    let opened = EventLogReader::open(Arc::new(disk.clone()), source(1), 1).expect("the disk does not fail");
    let mut reader = opened.expect("the file is there");
    let mut joined = Vec::new();
    while let Some(line) = reader.next_line().expect("no line is too long") {
        joined.extend_from_slice(&line);
        joined.push(b'\n');
    }
    assert!(data.len() < MAX_LINE_BYTES && reader.offset() as usize == joined.len());
    assert!(data.starts_with(&joined) && !data[joined.len()..].contains(&b'\n'));
    let gone = trim_torn_tail(&disk, source(1)).expect("the disk does not fail") as usize;
    let left = disk.read(&path, 1 << 20).expect("the file is there");
    assert_eq!(left, &data[..data.len() - gone]);
    assert!(left.is_empty() || left.ends_with(b"\n"));
    assert_eq!(trim_torn_tail(&disk, source(1)).expect("the disk does not fail"), 0, "trimmed twice");
}

/// Nothing is told of events that is not in them, in whatever order they come; and where they keep the contract, those
/// who miss progress are told the same.
fn check_order(events: &[Event]) {
    let checks = [StreamCheck::log(), StreamCheck::log().joined_late(), StreamCheck::feed()];
    for (mut check, is_log) in checks.into_iter().zip([true, true, false]) {
        let mut kept = true;
        for event in events {
            let before = (check.position(), check.source(), check.running().count());
            if check.push(event).is_err() {
                kept = false;
                let after = (check.position(), check.source(), check.running().count());
                assert_eq!(before, after, "a refused event changed the check");
            }
        }
        if kept && is_log {
            check_merged(events);
        }
    }
    let replay = Replay::fold(events);
    let told = replay.operations().count() as u64;
    assert!(told + replay.ignored() <= events.len() as u64);
    assert!(replay.running().count() as u64 <= told);
}

fn check_merged(events: &[Event]) {
    let merged = merge(events.to_vec());
    assert!(merged.len() <= events.len());
    let (full, seen) = (Replay::fold(events), Replay::fold(&merged));
    let records = |replay: &Replay| replay.operations().cloned().map(Arc::new).collect::<Vec<_>>();
    assert_eq!(records(&full), records(&seen), "who missed progress is told otherwise");
}

/// The bodies in the snapshot `name` of the wire forms.
fn bodies(name: &str) -> Vec<EventBody> {
    let text = snapshot(name);
    text.lines().map(|line| serde_json::from_str(line).expect("the snapshots are current")).collect()
}

fn snapshot(name: &str) -> String {
    let text =
        repo::read(&format!("packer-events/src/wire/snapshots/packer_events__wire__tests__{name}.snap"));
    let body = text.splitn(3, "---\n").nth(2).expect("a snapshot has a head");
    body.split_inclusive('\n').filter(|line| line.starts_with('{')).collect()
}

/// The log of one operation: accepted, then `bodies`.
fn story(sequencer: &mut SourceSequencer, n: u8, bodies: &[EventBody]) -> String {
    let accepted: EventBody =
        serde_json::from_str(r#"{"type":"accepted","kind":"build","title":"build harbour"}"#)
            .expect("it is a body");
    let bodies = std::iter::once(&accepted).chain(bodies);
    let drafts = bodies.enumerate().map(|(index, body)| Draft {
        operation_id: operation(n),
        causation_id: (n > 1).then(|| operation(n - 1)),
        time: Timestamp::from_unix_ms(1_795_338_000_123 + index as u64),
        base_revision: (index > 0).then_some(Revision(3)),
        result_revision: (index > 1).then_some(Revision(4)),
        body: body.clone(),
    });
    drafts.filter_map(|draft| sequencer.number(draft).ok()).map(|event| encode_line(&event)).collect()
}

pub(super) fn seeds() -> Vec<Seed> {
    let said: Vec<EventBody> =
        bodies("bodies").into_iter().filter(|body| !matches!(body, EventBody::Accepted { .. })).collect();
    let endings = bodies("endings");
    let mut sequencer = SourceSequencer::new(source(1));
    let everything = story(&mut sequencer, 1, &said);
    let mut seeds = vec![seed("everything", everything.as_str()), seed("envelopes", snapshot("envelopes"))];
    for (n, ending) in (2..).zip(&endings) {
        let mut sequencer = SourceSequencer::new(source(1));
        seeds.push(seed(&format!("ending-{n:02}"), story(&mut sequencer, n, std::slice::from_ref(ending))));
    }
    let progress: Vec<EventBody> = ["scan", "bake", "bake", "bake"]
        .iter()
        .enumerate()
        .map(|(n, phase)| {
            let text = format!(
                r#"{{"type":"progress","phase":"{phase}","done":{n},"unit":"files","elapsed_ms":{n}}}"#
            );
            serde_json::from_str(&text).expect("it is a body")
        })
        .collect();
    let mut sequencer = SourceSequencer::new(source(1));
    let first = story(&mut sequencer, 1, &progress);
    let second = story(&mut sequencer, 2, &[progress.as_slice(), &endings[..1]].concat());
    let two = format!("{first}{second}");
    seeds.push(seed("torn", &two[..two.len() - 30]));
    seeds.push(seed("zeros", [two.as_bytes(), &[0; 64]].concat()));
    seeds.push(seed("damaged", two.replacen("\"type\"", "\"tpye\"", 1).replacen(":3,", ":3,\"x\":1,", 1)));
    seeds.push(seed("newer", two.replacen("\"schema\":1", "\"schema\":2", 2)));
    seeds.push(seed("unknown-body", two.replacen("progress", "progression", 1)));
    seeds.push(seed("not-utf-8", [b"\xff\n".as_slice(), two.as_bytes()].concat()));
    seeds.push(seed("out-of-order", format!("{second}{first}")));
    seeds.push(seed("two-operations", two));
    seeds
}
