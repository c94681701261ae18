//! More at once than anybody can follow, with the real watcher: nothing is claimed before a scan has seen it.

use super::*;
use crate::snapshot::{AssetQuery, Snapshot};

/// Files that come while nobody follows.
const FILES: u32 = 20_000;

/// Every part of what two snapshots say, revisions aside.
#[track_caller]
fn assert_same(a: &Snapshot, b: &Snapshot) {
    let (x, y) = (a.state(), b.state());
    assert_eq!(x.registry(), y.registry());
    assert_eq!(x.config(), y.config());
    assert_eq!(x.observation().files, y.observation().files);
    assert_eq!(x.observation().folders, y.observation().folders);
    assert_eq!(x.observation().anchors, y.observation().anchors);
    assert_eq!(x.observation(), y.observation());
    assert_eq!(x.diagnostics(), y.diagnostics());
    assert_eq!(x.divergences(), y.divergences());
    assert_eq!(x.unclaimed(), y.unclaimed());
    assert!(x.assets().eq(y.assets()));
    let rows = |snapshot: &Snapshot| snapshot.assets(&AssetQuery::default()).rows;
    assert_eq!(rows(a), rows(b));
    assert_eq!(a.basis(), b.basis());
    let (mut one, mut other) = (a.summary().clone(), b.summary().clone());
    (one.revision, other.revision) = Default::default();
    assert_eq!(one, other);
    for uuid in rows(a).iter().filter_map(|row| row.uuid) {
        assert_eq!(format!("{:?}", a.asset(uuid)), format!("{:?}", b.asset(uuid)));
    }
}

#[test]
fn twenty_thousand_files_against_a_stalled_watcher_are_unknown_until_a_scan_completes() {
    let mut bench = Bench::stalled(Automatic::Nothing);
    let adopt = packer_domain::mutation::Adopt {
        targets: vec![packer_domain::mutation::Target::Root],
        kind: None,
        draw: crate::clock::draw(),
    };
    bench.write("assets/b.txt", "b");
    assert!(bench.run(Command::Mutate(packer_domain::mutation::Mutation::Adopt(adopt))).success().is_some());
    bench.gate.shut();
    bench.write("assets/a.txt", "other");
    bench.gate.holds();
    for n in 0..FILES {
        let folder = bench.root.join(format!("assets/{}", n % 100));
        if n < 100 {
            std::fs::create_dir(&folder).unwrap();
        }
        std::fs::write(folder.join(format!("{n}.bin")), n.to_le_bytes()).unwrap();
    }
    // A scan that completes now saw them all; but nobody knows what else is under way.
    assert!(bench.run(Command::Refresh).success().is_some());
    assert!(!is_watched(&bench.freshness()), "{:?}", bench.freshness());
    bench.gate.open();
    bench.until(|event| {
        matches!(&event.body, EventBody::Freshness { to, .. } if *to == unknown(UnknownCause::Overflow))
    });
    // From here on nothing but a completed scan verifies.
    let deadline = Instant::now() + PATIENCE;
    while !is_watched(&bench.freshness()) {
        assert!(Instant::now() < deadline, "{:?}", bench.freshness());
        assert!(bench.run(Command::Refresh).success().is_some());
    }
    let status = bench.project().status();
    assert_eq!(status.snapshot.summary().files.unclaimed, u64::from(FILES));
    let fresh = Project::open(&bench.root, OpenOptions::default()).unwrap();
    assert_same(&status.snapshot, &fresh.status().snapshot);
    // New folders are watched, all of them.
    bench.write("assets/57/57.bin", "other");
    let (to, _, paths) = loop {
        let transition = bench.transition();
        if !transition.2.is_empty() {
            break transition;
        }
    };
    assert_eq!((to, paths), (dirty(1), vec!["57/57.bin".to_owned()]));
    drop(fresh);
    let events: Vec<Event> = bench
        .closed()
        .into_iter()
        .filter(|event| matches!(event.body, EventBody::Freshness { .. }))
        .collect();
    let mut may_verify = true;
    for event in &events {
        let EventBody::Freshness { to, cause, .. } = &event.body else { unreachable!() };
        match to {
            FreshnessRecord::Unknown { .. } => may_verify = false,
            FreshnessRecord::Verified { .. } => {
                assert!(may_verify || *cause == FreshnessCause::Observed, "{event:#?}");
                may_verify = true;
            }
            FreshnessRecord::Dirty { .. } | FreshnessRecord::RecoveryRequired { .. } => {}
        }
    }
    assert!(events.len() >= 2);
}
