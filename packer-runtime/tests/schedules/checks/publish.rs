//! The published status, with one who publishes, one who loses the lane, and those who read.

use std::sync::{Arc, OnceLock};

use packer_domain::identity::Revision;
use packer_events::body::{EventBody, OperationKind};
use packer_fs::disk::Disk;
use shuttle::rand::Rng;
use shuttle::thread;

use crate::feed::From;
use crate::freshness::Freshness;
use crate::numbered::Numbered;
use crate::operation::Operation;
use crate::project::Project;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::world::{World, next};

/// How many revisions are published.
const REVISIONS: u64 = 3;

/// Made once, and published in every schedule.
fn numbered() -> &'static Numbered {
    static NUMBERED: OnceLock<Numbered> = OnceLock::new();
    NUMBERED.get_or_init(|| {
        let world = World::new();
        world.disk.remove_file("assets/a.txt".into()).unwrap();
        let project = world.open();
        Numbered::make(&project, &|path, bytes| world.disk.put(path.into(), bytes))
    })
}

/// Every part of every answer belongs to one revision, and revisions only grow. Once the lane has got stuck, no status says
/// otherwise. Whoever is told of a revision can read it.
pub(super) fn run() {
    let world = World::new();
    let project = Arc::new(world.open());
    // As when the project was opened: what was there is none of the numbered ones.
    let opened = project.status().snapshot.revision();
    let numbered = numbered();
    let operation =
        Operation::accept(&project.shared().bus, OperationKind::Refresh, String::new(), None, None);
    let stuck = operation.id;
    let is_stuck = Arc::new(AtomicBool::new(false));
    let gets_stuck = shuttle::rand::thread_rng().gen_bool(0.5);
    let listener = {
        let (project, mut feed) = (Arc::clone(&project), project.subscribe(From::Now));
        thread::spawn(move || {
            let mut told = opened;
            while told.0 < opened.0 + REVISIONS {
                let item = next(&mut feed).expect("the project is open");
                if let EventBody::Published { from, to, .. } = item.event.body {
                    assert_eq!((from, to), (told, told.next()), "revisions follow each other");
                    assert!(
                        project.status().snapshot.revision() >= to,
                        "it was told of before it could be read"
                    );
                    told = to;
                }
            }
        })
    };
    let reader = {
        let (project, is_stuck) = (Arc::clone(&project), Arc::clone(&is_stuck));
        thread::spawn(move || read(&project, opened, &is_stuck))
    };
    let frozen = gets_stuck.then(|| {
        let (project, is_stuck) = (Arc::clone(&project), Arc::clone(&is_stuck));
        thread::spawn(move || {
            project.shared().get_stuck(stuck);
            is_stuck.store(true, Ordering::SeqCst);
        })
    });
    for _ in 0..REVISIONS {
        numbered.publish(project.shared(), &operation);
    }
    reader.join().unwrap();
    listener.join().unwrap();
    if let Some(frozen) = frozen {
        frozen.join().unwrap();
        let freshness = project.status().freshness.clone();
        assert_eq!(freshness, Freshness::RecoveryRequired { operation_id: stuck });
    }
    let last = project.status().snapshot.revision();
    assert_eq!(last, Revision(opened.0 + REVISIONS));
}

fn read(project: &Project, opened: Revision, is_stuck: &AtomicBool) {
    let mut last = opened;
    for _ in 0..3 {
        let was_stuck = is_stuck.load(Ordering::SeqCst);
        let status = project.status();
        let revision = status.snapshot.revision();
        assert!(revision >= last, "{revision:?} after {last:?}");
        last = revision;
        if revision > opened {
            numbered().assert_whole(&status);
        }
        let is_frozen = matches!(status.freshness, Freshness::RecoveryRequired { .. });
        assert!(!was_stuck || is_frozen, "a status says nothing of the commit that has to be recovered");
    }
}
