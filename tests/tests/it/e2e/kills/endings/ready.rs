//! For each kind of operation a project on which one is ready to run, and the process that runs it.

use std::process::Command;

use packer_events::body::OperationKind;
use packer_tests::packer::Packer;
use packer_tests::project::TestProject;

use super::super::{changes, commands, packer};

/// A project on which an operation of a kind is ready to run, and what runs it.
pub(super) struct Ready {
    pub project: TestProject,
    packer: Packer,
    arguments: &'static [&'static str],
    /// Whether it goes on until it is told to stop, and acts once somebody edits.
    pub is_endless: bool,
}

impl Ready {
    /// The process that runs it, on a copy of the project.
    pub(super) fn command(&self, copy: &TestProject) -> Command {
        self.packer.command(&copy.root(), self.arguments)
    }

    fn of(project: TestProject, arguments: &'static [&'static str]) -> Self {
        Self { project, packer: packer(), arguments, is_endless: false }
    }

    /// A watch that builds what it finds.
    pub(super) fn watch_and_build() -> Self {
        let project = TestProject::adopted(packer());
        Self { is_endless: true, ..Self::of(project, &["watch", "--build", "--jobs", "1"]) }
    }
}

/// What watches that somebody edits: the bytes are others than before, and so is the size.
pub(super) fn edit(copy: &TestProject) {
    copy.write("assets/texts/hello.txt", b"somebody has edited this\n");
}

/// How an operation of this kind is run.
pub(super) fn ready(kind: OperationKind) -> Ready {
    let game = |arguments| Ready::of(changes::game(), arguments);
    match kind {
        OperationKind::Adopt => Ready::of(TestProject::with_sources(packer()), &["adopt", "assets", "--yes"]),
        OperationKind::Register => {
            let project = changes::game();
            project.write("assets/gift.txt", b"this has an anchor");
            let anchor =
                "uuid = \"01a20386-0de8-7ca4-98aa-000000000002\"\nname = \"gift\"\nkind = \"text\"\n";
            project.write("assets/gift.txt.asset.toml", anchor.as_bytes());
            let packer = Packer::at(env!("CARGO_BIN_EXE_packer-registers"));
            Ready { packer, ..Ready::of(project, &["gift.txt.asset.toml"]) }
        }
        OperationKind::Remove => game(&["rm", "data/blob", "hero", "--yes"]),
        OperationKind::Relocate => game(&["mv", "hero", "people/heroes/", "--yes"]),
        OperationKind::Rename => game(&["rename", "ui/button", "ui/start", "--yes"]),
        OperationKind::Configure => game(&["set", "ui/button", "preload=true", "--yes"]),
        OperationKind::SetBuild => game(&["exclude", "ui/button", "--yes"]),
        OperationKind::Duplicate => game(&["dup", "ui/button", "ui/copy.png", "--yes"]),
        OperationKind::Reconcile => {
            let project = changes::game();
            project.rename("assets/texts/hello.txt", "assets/words/hello.txt");
            project.rename("assets/texts/hello.txt.asset.toml", "assets/words/hello.txt.asset.toml");
            Ready::of(project, &["reconcile", "--yes"])
        }
        OperationKind::Undo => {
            let project = changes::game();
            project.packer(&["mv", "hero", "people/heroes/", "--yes"]).exits(0);
            Ready::of(project, &["undo", "--yes"])
        }
        OperationKind::Apply => game(changes::CHANGES[3].arguments),
        OperationKind::Build => Ready::of(TestProject::adopted(packer()), &["build", "--jobs", "1"]),
        OperationKind::Refresh => game(&["refresh"]),
        OperationKind::Recover => Ready::of(commands::frozen(), &["recover", "--keep-theirs", "--yes"]),
        OperationKind::Watch => Ready { is_endless: true, ..game(&["watch"]) },
    }
}
