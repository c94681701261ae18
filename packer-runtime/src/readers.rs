//! For this crate's tests: those who read while somebody publishes get whole answers, and wait for nobody.
//!
//! In which order threads may meet there is tried by the test target `schedules`; here are many of them, for real.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread::ScopedJoinHandle;

use camino::Utf8PathBuf;
use packer_domain::identity::Revision;
use packer_events::body::OperationKind;
use packer_fs::disk::Disk;

use crate::create::create_project;
use crate::numbered::Numbered;
use crate::operation::Operation;
use crate::project::{OpenOptions, Project};
use crate::testing::HookedDisk;

const READERS: u64 = 4;
const QUERIES: u64 = 1_000_000;
const REVISIONS: u64 = 10_000;

struct Bench {
    _folder: tempfile::TempDir,
    root: Utf8PathBuf,
    disk: Arc<HookedDisk>,
    project: Project,
    numbered: Numbered,
    operation: Operation,
}

impl Bench {
    /// A project whose published revision is one of the numbered ones.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        let disk = Arc::new(HookedDisk::new(root.clone()));
        let on: Arc<dyn Disk> = disk.clone();
        let project = Project::open_on(&on, &root, OpenOptions::default()).unwrap();
        let numbered =
            Numbered::make(&project, &|path, bytes| std::fs::write(root.join(path), bytes).unwrap());
        let bus = &project.shared().bus;
        let operation = Operation::accept(bus, OperationKind::Refresh, "publish".to_owned(), None, None);
        numbered.publish(project.shared(), &operation);
        Self { _folder: folder, root, disk, project, numbered, operation }
    }

    fn publish(&self) -> Revision {
        self.numbered.publish(self.project.shared(), &self.operation)
    }

    /// Reads as often as a reader who would wait for somebody could not.
    fn read(&self) {
        for _ in 0..1000 {
            self.numbered.assert_whole(&self.project.status());
        }
    }
}

#[test]
fn a_million_queries_while_ten_thousand_revisions_are_published_are_each_of_one_revision() {
    let bench = Bench::new();
    let first = bench.project.status().snapshot.revision();
    let asked = AtomicU64::new(0);
    let begin = Barrier::new(READERS as usize + 1);
    let read = || {
        begin.wait();
        let mut seen = BTreeSet::new();
        let mut last = first;
        for _ in 0..QUERIES / READERS {
            let status = bench.project.status();
            bench.numbered.assert_whole(&status);
            let revision = status.snapshot.revision();
            assert!(revision >= last, "{revision:?} after {last:?}");
            last = revision;
            seen.insert(revision);
            asked.fetch_add(1, Ordering::Relaxed);
        }
        seen.len()
    };
    let seen = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(read)).collect();
        begin.wait();
        for published in 0..REVISIONS {
            // All the while: not before most has been asked, and not after.
            while asked.load(Ordering::Relaxed) < published * (QUERIES / REVISIONS)
                && !readers.iter().all(ScopedJoinHandle::is_finished)
            {
                std::thread::yield_now();
            }
            bench.publish();
        }
        readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(asked.into_inner(), QUERIES);
    assert_eq!(bench.project.status().snapshot.revision(), Revision(first.0 + REVISIONS));
    assert!(
        seen.iter().all(|revisions| *revisions > 100),
        "hardly anything was published meanwhile: {seen:?}"
    );
}

#[test]
fn reading_goes_on_while_who_publishes_holds_every_lock_of_the_status() {
    let bench = Bench::new();
    let before = bench.project.status().snapshot.revision();
    let held = bench.project.shared().hold();
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| bench.publish());
        bench.read();
        assert_eq!(
            bench.project.status().snapshot.revision(),
            before,
            "nothing is published without the lock"
        );
        drop(held);
        assert_eq!(publisher.join().unwrap(), before.next());
    });
}

#[test]
fn reading_goes_on_while_who_publishes_is_stuck_in_the_log() {
    let bench = Bench::new();
    let before = bench.project.status().snapshot.revision();
    // The log has to be opened again, which takes until it is let go.
    std::fs::remove_dir_all(bench.root.join(".packer")).unwrap();
    let ((stuck, is_stuck), (let_go, go)) = (channel(), channel::<()>());
    bench.disk.hook(move |name, path| {
        if name == "open_write" && path.extension() == Some("jsonl") {
            stuck.send(()).map_err(io::Error::other)?;
            // Once it is let go, it is for good.
            let _ = go.recv();
        }
        Ok(())
    });
    std::thread::scope(|scope| {
        let publisher = scope.spawn(|| bench.publish());
        is_stuck.recv().unwrap();
        bench.read();
        assert_eq!(
            bench.project.status().snapshot.revision(),
            before.next(),
            "it can be read before it is told of"
        );
        assert!(!publisher.is_finished());
        drop(let_go);
        assert_eq!(publisher.join().unwrap(), before.next());
    });
    bench.disk.unhook();
}
