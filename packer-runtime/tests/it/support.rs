//! A project in a temporary folder, and the few things that tests do to it.

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use packer_events::event::Event;
use packer_runtime::api::{
    Adopt, BuildRequest, Command, FeedNext, KindId, Mutation, OpenOptions, Outcome, Project, Target,
    create_project, draw,
};

/// A project in a folder of its own.
pub(crate) struct Workspace {
    _folder: tempfile::TempDir,
    pub root: Utf8PathBuf,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(folder.path().canonicalize().unwrap()).unwrap().join("game");
        create_project(&root, "game").unwrap();
        Self { _folder: folder, root }
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    pub(crate) fn open(&self) -> Project {
        Project::open(&self.root, OpenOptions { jobs: Some(2), ..OpenOptions::default() }).unwrap()
    }

    /// Every file outside of `.packer/`, with its contents.
    pub(crate) fn tree(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        let mut tree = std::collections::BTreeMap::new();
        walk(&self.root, &self.root, &mut tree);
        tree
    }
}

fn walk(root: &Utf8Path, dir: &Utf8Path, tree: &mut std::collections::BTreeMap<String, Vec<u8>>) {
    for entry in dir.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        if path.file_name() == Some(".packer") {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, tree);
        } else {
            tree.insert(path.strip_prefix(root).unwrap().to_string(), std::fs::read(&path).unwrap());
        }
    }
}

pub(crate) fn adopt_all(kind: Option<&str>) -> Mutation {
    let kind = kind.map(|kind| KindId::parse(kind).unwrap());
    Mutation::Adopt(Adopt { targets: vec![Target::Root], kind, draw: draw() })
}

pub(crate) fn run(project: &Project, command: Command) -> Outcome {
    project.submit(command).wait().unwrap()
}

pub(crate) fn build(project: &Project) -> Outcome {
    run(project, Command::Build(BuildRequest::default()))
}

/// Every event that the feed has by the end of one operation.
pub(crate) fn until_end(feed: &mut packer_runtime::api::Feed) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        match feed.next(Duration::from_secs(30)) {
            FeedNext::Item(item) => {
                events.push((*item.event).clone());
                if item.event.terminal {
                    return events;
                }
            }
            FeedNext::Timeout => panic!("no terminal event came: {events:#?}"),
            FeedNext::Closed => panic!("the feed closed before the end: {events:#?}"),
        }
    }
}
