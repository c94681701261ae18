//! The commits of a project, judged: one after the other, each made from exactly what the one before it had left.
//!
//! Read from the history that the journal keeps, from the head, the registry and the logs, and not through the packer.

use std::collections::BTreeMap;
use std::path::Path;

use camino::Utf8PathBuf;
use packer_domain::identity::OperationId;
use packer_events::event::Event;
use packer_events::report::{Ending, OutcomeReport};
use packer_fs::disk::{Disk, OsDisk};
use packer_fs::head::read_head;
use packer_fs::journal::{RegistryWork, read_history};
use packer_fs::{layout, registry_file};

/// How many assets the commits of the project at `root` have added, once they are in order and `events`, all that its
/// logs hold, tell of exactly these.
#[track_caller]
pub fn assert_serial(root: &Path, events: &[Event]) -> u64 {
    let root = Utf8PathBuf::from_path_buf(root.to_owned()).expect("the path is UTF-8");
    let disk = OsDisk::new(root);
    let mut commits = BTreeMap::new();
    // Before the first commit there is none.
    for entry in disk.read_dir(layout::HISTORY.into()).unwrap_or_default() {
        let name = entry.name.to_str().expect("an operation's name is text").to_owned();
        let operation: OperationId = name.parse().expect("each folder is an operation's");
        let intent = read_history(&disk, operation).expect("what was committed is remembered");
        let twin = commits.insert(intent.commit, intent);
        assert_eq!(twin.map(|twin| twin.operation), None, "two commits with the same number as {operation}");
    }
    assert!(commits.keys().copied().eq(1..=commits.len() as u64), "{:?}", commits.keys());

    let head = read_head(&disk).expect("the head can be read");
    let registry = registry_file::load(&disk, layout::REGISTRY.into()).expect("the registry can be read");
    let last = commits.values().next_back().map(|last| (last.commit, last.operation));
    assert_eq!(head.map(|head| (head.commit, head.operation)), last, "the head is not the last commit");
    let mut left = None;
    for (commit, intent) in &commits {
        if let RegistryWork::Replaced { before, after, .. } = &intent.registry {
            let before = before.as_ref().map(|before| before.digest);
            assert!(
                left.is_none() || left == before,
                "commit {commit} was made from something else than was left"
            );
            left = Some(after.digest);
        }
    }
    let made = head.map(|_| registry.digest);
    assert_eq!((left, head.map(|head| head.registry)), (made, made), "the commits made another registry");

    let mut added = 0;
    let mut told = BTreeMap::new();
    for event in events {
        let Some(Ending::Succeeded(report) | Ending::Recovered { outcome: report, .. }) = event.body.ending()
        else {
            continue;
        };
        if let OutcomeReport::Mutation(report) = report
            && let Some(commit) = report.commit
        {
            added += report.assets_added;
            told.insert(commit, event.operation_id);
        }
    }
    let made: BTreeMap<u64, OperationId> =
        commits.iter().map(|(commit, intent)| (*commit, intent.operation)).collect();
    assert_eq!(told, made, "what was told of commits is not what was committed");
    assert_eq!(added, registry.registry.len() as u64, "what was told of assets is not what was registered");
    added
}
