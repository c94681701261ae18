//! What following costs: how many files are open, opened and looked at.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use camino::Utf8Path;
use packer_fs::disk::{DirEntry, ReadFile, WriteFile};

use super::*;

/// A disk that counts what is read on it.
#[derive(Debug)]
struct Counting {
    disk: SimDisk,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    open: AtomicUsize,
    most_open: AtomicUsize,
    listings: AtomicUsize,
    looks: AtomicUsize,
    opened: Mutex<Vec<String>>,
    bytes: AtomicUsize,
}

struct CountedFile {
    file: Box<dyn ReadFile>,
    counts: Arc<Counts>,
}

impl Drop for CountedFile {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Read for CountedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.counts.bytes.fetch_add(count, Ordering::Relaxed);
        Ok(count)
    }
}

impl Seek for CountedFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl ReadFile for CountedFile {
    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }

    fn os_file(&self) -> Option<&std::fs::File> {
        None
    }
}

impl Disk for Counting {
    fn read_dir(&self, dir: &Utf8Path) -> Result<Vec<DirEntry>, DiskError> {
        self.counts.listings.fetch_add(1, Ordering::Relaxed);
        self.disk.read_dir(dir)
    }

    fn stat(&self, path: &Utf8Path) -> Result<Option<Stat>, DiskError> {
        self.counts.looks.fetch_add(1, Ordering::Relaxed);
        self.disk.stat(path)
    }

    fn open(&self, path: &Utf8Path) -> Result<Box<dyn ReadFile>, DiskError> {
        let file = self.disk.open(path)?;
        let open = self.counts.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.counts.most_open.fetch_max(open, Ordering::Relaxed);
        self.counts.opened.lock().unwrap().push(path.to_string());
        Ok(Box::new(CountedFile { file, counts: Arc::clone(&self.counts) }))
    }

    fn create(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        panic!("{path} is created by one who only reads")
    }

    fn open_write(&self, path: &Utf8Path) -> Result<Box<dyn WriteFile>, DiskError> {
        panic!("{path} is opened to be written by one who only reads")
    }

    fn create_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        panic!("{path} is created by one who only reads")
    }

    fn remove_file(&self, path: &Utf8Path) -> Result<(), DiskError> {
        panic!("{path} is removed by one who only reads")
    }

    fn remove_dir(&self, path: &Utf8Path) -> Result<(), DiskError> {
        panic!("{path} is removed by one who only reads")
    }

    fn rename_new(&self, from: &Utf8Path, _: &Utf8Path) -> Result<(), DiskError> {
        panic!("{from} is renamed by one who only reads")
    }

    fn rename_over(&self, from: &Utf8Path, _: &Utf8Path) -> Result<(), DiskError> {
        panic!("{from} is renamed by one who only reads")
    }

    fn exchange(&self, a: &Utf8Path, _: &Utf8Path) -> Result<(), DiskError> {
        panic!("{a} is exchanged by one who only reads")
    }

    fn sync_dir(&self, dir: &Utf8Path) -> Result<(), DiskError> {
        panic!("{dir} is synced by one who only reads")
    }
}

impl Counts {
    /// How many folders were listed, names looked at, files opened and bytes read since the last time.
    fn take(&self) -> (usize, usize, usize, usize) {
        let opened = std::mem::take(&mut *self.opened.lock().unwrap());
        let take = |counter: &AtomicUsize| counter.swap(0, Ordering::Relaxed);
        (take(&self.listings), take(&self.looks), opened.len(), take(&self.bytes))
    }
}

#[test]
fn of_a_thousand_logs_few_are_open_and_each_costs_one_look_while_it_does_not_grow() {
    const LOGS: usize = 1000;
    let disk = disk();
    let mut others: Vec<Other> = (0..LOGS).map(|_| Other::new(&disk)).collect();
    for other in &mut others {
        other.go_on();
    }
    let size = |other: &Other| disk.stat(&layout::event_log(other.source())).unwrap().unwrap().size as usize;
    let bytes: usize = others.iter().map(size).sum();
    let counts = Arc::new(Counts::default());
    let counting = Counting { disk: disk.clone(), counts: Arc::clone(&counts) };
    let mut follower = LogFollower::on(Arc::new(counting), []);

    // To begin takes each file once, each byte once, and a listing a look.
    assert_eq!(told(&mut follower).len(), 2 * LOGS);
    let looks = LOGS * 2 / READ_AHEAD + 2;
    let (listings, looked, opened, read) = counts.take();
    assert_eq!((opened, read), (LOGS, bytes));
    assert!(listings <= looks && looked <= looks * LOGS, "{listings} listings, {looked} looks");
    assert!(counts.most_open.load(Ordering::Relaxed) <= MAX_OPEN);

    // What does not grow costs a look each.
    assert_eq!(told(&mut follower), []);
    assert_eq!(counts.take(), (1, LOGS, 0, 0));

    // One that grows is read on from its last line, wherever it stands.
    for index in [0, LOGS / 2, LOGS - 1] {
        let before = size(&others[index]);
        others[index].go_on();
        let line = size(&others[index]) - before;
        assert_eq!(told(&mut follower), [(others[index].source(), 3)]);
        let (_, _, opened, read) = counts.take();
        assert!(opened <= 1 && read < 3 * line, "{opened} opened, {read} bytes");
    }
    for other in &mut others {
        other.go_on();
    }
    assert_eq!(told(&mut follower).len(), LOGS);
    assert!(counts.most_open.load(Ordering::Relaxed) <= MAX_OPEN);
    assert_eq!(counts.open.load(Ordering::Relaxed), MAX_OPEN, "those that were read last");
}
