//! Readers of logs whose end is cut off under them, and readers that let go of their file in between.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::disk::DiskOperation;
use crate::disk::hooked::HookedDisk;

/// What a reader gives until there is nothing more: lines, and errors.
fn read(reader: &mut EventLogReader) -> Vec<String> {
    let mut read = Vec::new();
    loop {
        match reader.next_line() {
            Ok(Some(line)) => read.push(String::from_utf8_lossy(&line).into_owned()),
            Ok(None) => return read,
            Err(EventLogError::CutOff { position, .. }) => {
                assert_eq!(reader.position(), position);
                read.push(format!("from {position}"));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// A log with these lines, and whether each reader lets go of its file in between.
fn with(lines: &str, each: impl Fn(SimDisk, EventLogReader, &dyn Fn(&mut EventLogReader))) {
    let let_go: [&dyn Fn(&mut EventLogReader); 2] = [&|_| (), &EventLogReader::close];
    for between in let_go {
        let disk = disk();
        disk.put(&layout::event_log(source(1)), lines.as_bytes());
        let mut reader = reader(&disk, 1, 1);
        assert_eq!(
            read(&mut reader),
            lines.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).collect::<Vec<_>>()
        );
        between(&mut reader);
        each(disk, reader, between);
    }
}

fn put(disk: &SimDisk, lines: &str) {
    disk.put(&layout::event_log(source(1)), lines.as_bytes());
}

#[test]
fn what_takes_the_place_of_a_torn_tail_is_read() {
    with("one\n\0\0\nthree\nfo", |disk, mut reader, between| {
        assert_eq!(reader.position(), 4);
        trim_torn_tail(&disk, source(1)).unwrap();
        // Nothing is there in its stead yet.
        assert_eq!(read(&mut reader), [""; 0]);
        between(&mut reader);
        writer(&disk, 1).append(b"an end that is longer than all that was there").unwrap();
        assert_eq!(read(&mut reader), ["from 2", "an end that is longer than all that was there"]);
        between(&mut reader);
        writer(&disk, 1).append(b"three").unwrap();
        assert_eq!(read(&mut reader), ["three"]);
        assert_eq!((reader.position(), reader.offset()), (4, 56));
    });
}

#[test]
fn the_same_lines_again_are_not_said_again() {
    with("one\ntwo\nthree\n", |disk, mut reader, between| {
        for lines in ["one\n", "one\ntw", "one\ntwo\n", "one\ntwo\nthree\nfour\n"] {
            put(&disk, lines);
            let expected: &[&str] = if lines.contains("four") { &["four"] } else { &[] };
            assert_eq!(read(&mut reader), expected, "{lines:?}");
            between(&mut reader);
        }
        put(&disk, "one\ntwo\nTHREE\n");
        assert_eq!(read(&mut reader), ["from 3", "THREE"]);
        between(&mut reader);
        put(&disk, "uno\n");
        assert_eq!(read(&mut reader), ["from 1", "uno"]);
    });
}

#[test]
fn who_let_go_of_the_file_amid_it_looks_whether_what_was_read_still_stands() {
    let disk = disk();
    put(&disk, "one\ntwo\nthree\nfour\n");
    let mut reader = reader(&disk, 1, 1);
    for line in ["one", "two"] {
        assert_eq!(reader.next_line().unwrap().as_deref(), Some(line.as_bytes()));
    }
    reader.close();
    put(&disk, "one\nzwei\ndrei\nvier\n");
    assert_eq!(read(&mut reader), ["from 2", "zwei", "drei", "vier"]);
}

#[test]
fn lines_that_differ_late_are_told_apart_by_where_they_stand() {
    let long = "x".repeat(10_000);
    with(&format!("one\n{long}y\nthree\n"), |disk, mut reader, _| {
        put(&disk, &format!("one\n{long}\nthree\n"));
        assert_eq!(read(&mut reader), ["from 2", &long, "three"]);
    });
}

#[test]
fn where_more_was_cut_off_than_is_remembered_the_segment_is_read_again() {
    let lines = |last: u64, word: &str| -> String {
        let lines: Vec<String> = (1..=last).map(|n| format!("{word} {n}\n")).collect();
        lines.concat()
    };
    with(&lines(1000, "line"), |disk, mut reader, between| {
        // So many are remembered.
        let kept = 1000 - trail::KEPT as u64;
        put(&disk, &format!("{}other\n", lines(kept + 1, "line")));
        assert_eq!(read(&mut reader), [format!("from {}", kept + 2), "other".to_owned()]);
        put(&disk, &lines(1000, "line"));
        assert_eq!(read(&mut reader).len(), 1 + 1000 - kept as usize - 1);
        between(&mut reader);
        put(&disk, &lines(3, "other"));
        assert_eq!(read(&mut reader), ["from 1", "other 1", "other 2", "other 3"]);
    });
}

#[test]
fn lines_that_come_again_in_the_next_segment_are_said_to_be_cut_off() {
    with("one\ntwo\nthree\n", |disk, mut reader, _| {
        put(&disk, "one\n");
        let mut writer = EventLogWriter::continuing(Arc::new(disk.clone()), source(1)).unwrap();
        writer.begin_segment(2, &[]).unwrap();
        writer.append(b"zwei").unwrap();
        assert_eq!(read(&mut reader), ["from 2", "zwei"]);
        assert_eq!((reader.segment(), reader.position()), (2, 3));
    });
}

#[test]
fn one_who_is_told_what_there_is_lists_nothing_and_opens_nothing_that_is_not_read() {
    let disk = disk();
    let mut writer = writer(&disk, 1);
    let names = |disk: &SimDisk| listing(disk).unwrap().remove(&source(1)).unwrap();
    for position in 1..=4 {
        if position > 1 {
            writer.begin_segment(position, &[]).unwrap();
        }
        writer.append(format!("line {position}").as_bytes()).unwrap();
    }
    let told = names(&disk);
    let before = disk.reads();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut reader = EventLogReader::open_told(shared, source(1), &told, 2).unwrap();
    assert_eq!((reader.position(), disk.reads()), (2, before));
    assert_eq!(read(&mut reader), ["line 2", "line 3", "line 4"]);
    // A later one is there once it is told, also where the one before it is not in the listing.
    for position in [5, 6] {
        writer.begin_segment(position, &[]).unwrap();
        writer.append(format!("line {position}").as_bytes()).unwrap();
    }
    assert_eq!(read(&mut reader), [""; 0]);
    let mut told = names(&disk);
    told.segments.remove(&5);
    reader.close();
    reader.tell(&told);
    assert_eq!(read(&mut reader), ["line 5", "line 6"]);
    // One that is gone again is passed over, and what was in it is missing.
    for position in [7, 8] {
        writer.begin_segment(position, &[]).unwrap();
        writer.append(format!("line {position}").as_bytes()).unwrap();
    }
    reader.tell(&names(&disk));
    reader.close();
    drop_ended(&disk, source(1), 0, u64::MAX).unwrap();
    assert!(matches!(
        reader.next_line(),
        Err(EventLogError::Hole { hole: LogHole { after: 6, next: 8 }, .. })
    ));
    assert_eq!(read(&mut reader), ["line 8"]);
}

#[test]
fn what_was_cut_off_between_two_reads_of_the_file_is_noticed_by_the_second() {
    let disk = disk();
    put(&disk, "1\n2\n\0\0\n");
    let mut reader = reader(&disk, 1, 1);
    for line in ["1", "2", "\0\0"] {
        assert_eq!(reader.next_line().unwrap().unwrap(), line.as_bytes());
    }
    // Nothing told the reader yet that it is at the end, and where it is, a line is half over now.
    put(&disk, "1\n2\nthree\n4\n");
    assert_eq!(read(&mut reader), ["from 3", "three", "4"]);
}

/// A reader of a log that `meet` happens to before each read of a file, counted from 1.
fn met(disk: &SimDisk, meet: impl Fn(usize) -> Option<ErrorKind> + Send + Sync + 'static) -> EventLogReader {
    let reads = AtomicUsize::new(0);
    let hooked = HookedDisk::new(disk.clone()).on(move |operation, _| {
        let is_read = operation == DiskOperation::Read;
        is_read.then(|| reads.fetch_add(1, Ordering::Relaxed) + 1).and_then(&meet)
    });
    EventLogReader::open(Arc::new(hooked), source(1), 1).unwrap().unwrap()
}

#[test]
fn what_was_cut_off_amid_a_line_that_takes_several_reads_is_noticed() {
    let long = |text: &str| text.repeat(100 << 10);
    let (first, other) = (format!("1\n{}", long("x")), format!("1\n{}\n3\n", long("y")));
    for at in 1..12 {
        let disk = disk();
        put(&disk, &first);
        let (meddled, new) = (disk.clone(), other.clone());
        let mut reader = met(&disk, move |read| {
            if read == at {
                put(&meddled, &new);
            }
            None
        });
        let mut told = read(&mut reader);
        // It may have come to the end before.
        put(&disk, &other);
        told.extend(read(&mut reader));
        assert_eq!(told, ["1", &long("y"), "3"], "at read {at}");
    }
}

#[test]
fn a_read_that_fails_amid_a_line_is_tried_again_from_its_beginning() {
    let disk = disk();
    let long = "x".repeat(100 << 10);
    put(&disk, &format!("{long}\n2\n"));
    let mut reader = met(&disk, |read| (read == 2).then_some(ErrorKind::Other));
    assert!(matches!(reader.next_line(), Err(EventLogError::Disk(_))));
    assert_eq!(read(&mut reader), [&long, "2"]);
}
