//! A project in a temporary folder, and what happens to it behind the adapter's back.

use std::fs;
use std::path::PathBuf;

use packer_runtime::api::{
    Adopt, Command, Mutation, OpenOptions, Outcome, Project, Target, create_project, draw,
};
use studio_adapter::StudioSession;

pub(crate) struct Workspace {
    _folder: tempfile::TempDir,
    root: PathBuf,
}

impl Workspace {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("game");
        let workspace = Self { _folder: folder, root };
        create_project(workspace.root().as_ref(), "game").unwrap();
        workspace
    }

    pub(crate) fn root(&self) -> &str {
        self.root.to_str().unwrap()
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.root.join(path)).unwrap();
    }

    /// Makes it look as if the process that closed the project had died before its last event: that event is not in the
    /// log, and the lock that a clean end removes is there.
    pub(crate) fn die_before_the_last_event(&self) {
        let mut logs =
            fs::read_dir(self.root.join(".packer/events")).unwrap().map(|entry| entry.unwrap().path());
        let log = logs.find(|path| path.extension().is_some_and(|found| found == "jsonl")).unwrap();
        assert_eq!(logs.next(), None, "there is one log");
        let text = fs::read_to_string(&log).unwrap();
        let (kept, _) = text.trim_end().rsplit_once('\n').unwrap();
        fs::write(&log, format!("{kept}\n")).unwrap();
        fs::write(log.with_extension("lock"), b"").unwrap();
    }

    pub(crate) fn session(&self) -> StudioSession {
        StudioSession::open(self.root()).unwrap()
    }

    pub(crate) fn project(&self) -> Project {
        let options = OpenOptions { jobs: Some(1), ..OpenOptions::default() };
        Project::open(self.root().as_ref(), options).unwrap()
    }
}

pub(crate) fn run(project: &Project, command: Command) -> Outcome {
    project.submit(command).wait().unwrap()
}

pub(crate) fn adopt_everything() -> Command {
    Command::Mutate(Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: draw() }))
}
