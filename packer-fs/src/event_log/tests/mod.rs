//! Appending and reading logs; writes and syncs that fail; what a power cut leaves.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use camino::Utf8PathBuf;
use packer_domain::identity::{OperationId, UuidDraw};
use proptest::prelude::*;

mod cut;
mod segments;

use super::*;
use crate::disk::Disk;
use crate::disk::sim::SimDisk;
use crate::layout;

fn source(n: u8) -> SourceId {
    SourceId::drawn(UuidDraw { unix_ms: 1_790_000_000_000 + u64::from(n), entropy: [n; 16] })
}

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.put_dir(layout::OPERATIONAL.into());
    disk
}

fn writer(disk: &SimDisk, n: u8) -> EventLogWriter {
    EventLogWriter::new(Arc::new(disk.clone()), source(n))
}

fn reader(disk: &SimDisk, n: u8, position: u64) -> EventLogReader {
    EventLogReader::open(Arc::new(disk.clone()), source(n), position).unwrap().unwrap()
}

fn lines(disk: &SimDisk, n: u8) -> Vec<String> {
    let mut reader = reader(disk, n, 1);
    std::iter::from_fn(|| reader.next_line().unwrap()).map(|line| String::from_utf8(line).unwrap()).collect()
}

fn bytes(disk: &SimDisk, n: u8) -> Vec<u8> {
    disk.read(&layout::event_log(source(n)), 1 << 20).unwrap()
}

#[test]
fn nothing_is_made_before_the_first_line() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    assert_eq!(list(&disk).unwrap(), []);
    assert!(disk.stat(layout::EVENTS.into()).unwrap().is_none());
    log.append(b"{}").unwrap();
    assert_eq!(list(&disk).unwrap(), [source(1)]);
}

#[test]
fn lines_come_back_in_order_and_a_found_log_is_continued() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    log.append(b"one").unwrap();
    log.append_lines(&[b"two", "dr\u{ef}".as_bytes()], true).unwrap();
    writer(&disk, 1).append(b"four").unwrap();
    assert_eq!(lines(&disk, 1), ["one", "two", "dr\u{ef}", "four"]);
}

#[test]
fn a_reader_follows_and_sees_no_half_line() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    log.append(b"one").unwrap();
    let mut reader = reader(&disk, 1, 1);
    assert_eq!(reader.next_line().unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(reader.next_line().unwrap(), None);
    // A line that is not ended yet is not seen, and not lost.
    let mut file = disk.open_write(&layout::event_log(source(1))).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"tw").unwrap();
    assert_eq!(reader.next_line().unwrap(), None);
    file.write_all(b"o\nthree\n").unwrap();
    assert_eq!(reader.next_line().unwrap().as_deref(), Some(&b"two"[..]));
    assert_eq!((reader.offset(), reader.position()), (8, 3));
}

#[test]
fn what_is_no_line_is_refused_and_nothing_is_written() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    let oversized = vec![b'x'; MAX_LINE_BYTES + 1];
    for bad in [&b""[..], b"a\nb", b"a\0", &oversized] {
        assert!(matches!(log.append(bad), Err(EventLogError::NotALine { .. })));
    }
    assert!(matches!(
        log.append_lines(&[b"good", b"a\nb"], false),
        Err(EventLogError::NotALine { bytes: 3 })
    ));
    assert_eq!(list(&disk).unwrap(), []);
}

#[test]
fn a_line_that_is_too_long_is_said_once_it_is_ended_and_passed() {
    let disk = disk();
    let long = vec![b'x'; MAX_LINE_BYTES + 10];
    disk.put(&layout::event_log(source(1)), &[b"one\n", &long[..]].concat());
    let mut reader = reader(&disk, 1, 1);
    assert_eq!(reader.next_line().unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(reader.next_line().unwrap(), None, "it may not be there to stay");
    assert_eq!(trim_torn_tail(&disk.fork(), source(1)).unwrap(), MAX_LINE_BYTES as u64 + 10);
    disk.put(&layout::event_log(source(1)), &[b"one\n", &long[..], b"\nthree\n"].concat());
    assert!(matches!(reader.next_line(), Err(EventLogError::LineTooLong { offset: 4, .. })));
    assert_eq!((reader.offset(), reader.position()), (MAX_LINE_BYTES as u64 + 15, 3));
    assert_eq!(reader.next_line().unwrap().as_deref(), Some(&b"three"[..]));
    assert_eq!(trim_torn_tail(&disk, source(1)).unwrap(), MAX_LINE_BYTES as u64 + 17);
    // One of as many bytes as are allowed is a line.
    disk.put(&layout::event_log(source(2)), &[&long[..MAX_LINE_BYTES], b"\n"].concat());
    let mut reader = self::reader(&disk, 2, 1);
    assert_eq!(reader.next_line().unwrap().map(|line| line.len()), Some(MAX_LINE_BYTES));
}

#[test]
fn a_write_cut_short_leaves_no_half_line() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    log.append(b"one").unwrap();
    disk.set_budget(Some(6));
    assert!(log.append(b"does not fit").is_err());
    disk.set_budget(None);
    assert_eq!(bytes(&disk, 1), b"one\n", "cut off at once");
    log.append(b"two").unwrap();
    assert_eq!(lines(&disk, 1), ["one", "two"]);
}

#[test]
fn a_half_line_that_could_not_be_cut_off_is_cut_off_by_the_next_append() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    log.append(b"one").unwrap();
    disk.set_budget(Some(6));
    // The write is cut short, the rest of it fails, and so does the cut.
    for n in 0..4 {
        disk.fail_operation(disk.operations() + 1 + n);
    }
    assert!(log.append(b"does not fit").is_err());
    assert_eq!(bytes(&disk, 1), b"one\ndo");
    disk.set_budget(None);
    let mut attempts = 0;
    while log.append(b"two").is_err() {
        attempts += 1;
        assert!(attempts < 5);
    }
    assert_eq!(bytes(&disk, 1), b"one\ntwo\n");
}

#[test]
fn a_line_whose_sync_failed_is_not_in_the_log() {
    for failing in [0, 1] {
        let disk = disk();
        disk.put_dir(layout::EVENTS.into());
        let mut log = writer(&disk, 1);
        log.append(b"one").unwrap();
        disk.fail_sync(failing);
        assert!(log.append_synced(b"two").is_err());
        assert_eq!(bytes(&disk, 1), b"one\n");
        log.append_synced(b"three").unwrap();
        assert_eq!(lines(&disk, 1), ["one", "three"]);
    }
}

#[test]
fn a_synced_line_survives_every_power_cut_with_all_before_it() {
    let disk = disk();
    let mut log = writer(&disk, 1);
    log.append(b"one").unwrap();
    log.append_synced(b"two").unwrap();
    log.append(b"three").unwrap();
    let mut seen = 0;
    for survivor in disk.crash_states(1000) {
        trim_torn_tail(&survivor, source(1)).unwrap();
        let lines = lines(&survivor, 1);
        assert!(lines == ["one", "two"] || lines == ["one", "two", "three"], "{lines:?}");
        seen += 1;
    }
    assert!(seen > 1, "a line that was not synced can be lost");
}

#[test]
fn a_log_that_was_found_is_made_durable_with_its_name() {
    let disk = disk();
    writer(&disk, 1).append(b"of a dead process").unwrap();
    writer(&disk, 1).append_synced(b"its end").unwrap();
    for survivor in disk.crash_states(1000) {
        assert_eq!(lines(&survivor, 1), ["of a dead process", "its end"]);
    }
}

#[test]
fn trimming_keeps_what_can_be_whole() {
    for (log, kept) in [
        (&b"one\ntwo\n"[..], 8),
        (b"one\ntw", 4),
        (b"one", 0),
        (b"", 0),
        (b"one\n\0\0\0\0", 4),
        (b"one\n\0\0two\nthree\n", 4),
        (b"one\n\nthree\n", 4),
    ] {
        let disk = disk();
        disk.put(&layout::event_log(source(1)), log);
        assert_eq!(trim_torn_tail(&disk, source(1)).unwrap(), log.len() as u64 - kept);
        assert_eq!(bytes(&disk, 1), &log[..kept as usize]);
    }
}

#[test]
fn only_logs_are_listed() {
    let disk = disk();
    for n in [3, 1, 2] {
        writer(&disk, n).append(b"x").unwrap();
        disk.put(&layout::event_lock(source(n)), b"");
    }
    disk.put(".packer/events/notes.jsonl".into(), b"");
    disk.put_dir(&Utf8PathBuf::from(format!("{}/{}.jsonl", layout::EVENTS, source(9))));
    assert_eq!(list(&disk).unwrap(), [source(1), source(2), source(3)]);
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(log in proptest::collection::vec(any::<u8>(), 0..200)) {
        let disk = disk();
        disk.put(&layout::event_log(source(1)), &log);
        trim_torn_tail(&disk, source(1)).unwrap();
        let kept = bytes(&disk, 1);
        prop_assert!(log.starts_with(&kept) && (kept.is_empty() || kept.ends_with(b"\n")));
        prop_assert_eq!(trim_torn_tail(&disk, source(1)).unwrap(), 0);
    }
}
