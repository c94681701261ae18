//! The commits that the journal's tests try, each with the project that it is tried on, and the judge that says whether a
//! disk is entirely before or entirely after one.

use super::meddling::meddled;
use super::*;
use packer_domain::mutation::KeptFile;

/// A commit and the project that it is tried on.
#[derive(Clone)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// Whether the project has a commit behind it.
    pub(super) has_earlier: bool,
    pub(super) before: &'static [(&'static str, &'static str)],
    pub(super) steps: fn() -> Vec<Step>,
    pub(super) after: &'static [(&'static str, &'static str)],
    pub(super) registry_changes: bool,
    /// The frozen operation that it settles, if it does.
    pub(super) settles: Option<Frozen>,
}

/// How a project came to a frozen operation, [`FROZEN`].
#[derive(Clone)]
pub(super) struct Frozen {
    /// Freezes it, in a project that stands as `before` says. What it did is not durable.
    pub(super) freeze: fn(&SimDisk),
    /// The number of the commit that settles it: the same again, or if the head has it already, the next.
    pub(super) commit: u64,
    /// What somebody or the operation itself wrote, and nobody may lose.
    pub(super) kept: &'static [&'static str],
}

pub(super) const REGISTRY_BEFORE: &str = "header\nkept\nold line\n";
pub(super) const REGISTRY_AFTER: &str = "header\nkept\nnew line\n";
/// What a frozen commit was to make of it.
pub(super) const REGISTRY_FROZEN: &str = "header\nkept\nold line\nline of the frozen\n";
/// What the earlier commit took away.
pub(super) const UNDONE: &str = "undone";

pub(super) const REGISTRY_ONLY: Workload = Workload {
    name: "registry only",
    has_earlier: true,
    before: &[("assets/a", "a")],
    steps: Vec::new,
    after: &[("assets/a", "a")],
    registry_changes: true,
    settles: None,
};

pub(super) const ADOPTION: Workload = Workload {
    name: "adoption of four files, with new folders, as the first commit",
    has_earlier: false,
    before: &[("assets/raw/1.png", "1"), ("assets/2.png", "2")],
    steps: || {
        let create =
            |path: &str| Step::Create { path: path.into(), contents: format!("anchor of {path}").into() };
        vec![
            create("assets/2.toml"),
            create("assets/raw/1.toml"),
            create("assets/new/3.toml"),
            create("assets/new/deep/4.toml"),
            Step::MakeDir { path: "assets/new".into() },
            Step::MakeDir { path: "assets/new/deep".into() },
        ]
    },
    after: &[
        ("assets/raw/1.png", "1"),
        ("assets/2.png", "2"),
        ("assets/2.toml", "anchor of assets/2.toml"),
        ("assets/raw/1.toml", "anchor of assets/raw/1.toml"),
        ("assets/new/3.toml", "anchor of assets/new/3.toml"),
        ("assets/new/deep/4.toml", "anchor of assets/new/deep/4.toml"),
    ],
    registry_changes: true,
    settles: None,
};

pub(super) const BATCH: Workload = Workload {
    name: "an edit and a creation, without the registry",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/x/b", "b")],
    steps: || {
        vec![
            Step::Edit { path: "assets/a".into(), before: fingerprint("a"), contents: b"a2".into() },
            Step::Edit { path: "assets/x/b".into(), before: fingerprint("b"), contents: b"b2".into() },
            Step::Create { path: "assets/c".into(), contents: b"c".into() },
        ]
    },
    after: &[("assets/a", "a2"), ("assets/x/b", "b2"), ("assets/c", "c")],
    registry_changes: false,
    settles: None,
};

pub(super) const CHAIN: Workload = Workload {
    name: "a chain of moves",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/c/c", "c")],
    steps: || {
        vec![
            Step::Move { from: "assets/a".into(), to: "assets/b".into(), before: fingerprint("a") },
            Step::Move { from: "assets/c/c".into(), to: "assets/a".into(), before: fingerprint("c") },
            Step::RemoveDir { path: "assets/c".into() },
        ]
    },
    after: &[("assets/b", "a"), ("assets/a", "c")],
    registry_changes: true,
    settles: None,
};

pub(super) const CYCLE_OF_EQUALS: Workload = Workload {
    name: "a cycle of moves of equal files, and of others",
    has_earlier: true,
    before: &[("assets/a", "same"), ("assets/b", "same"), ("assets/c", "c"), ("assets/d", "d")],
    steps: || {
        let step = |from: &str, to: &str, text| Step::Move {
            from: format!("assets/{from}").into(),
            to: format!("assets/{to}").into(),
            before: fingerprint(text),
        };
        vec![step("a", "b", "same"), step("b", "a", "same"), step("c", "d", "c"), step("d", "c", "d")]
    },
    after: &[("assets/a", "same"), ("assets/b", "same"), ("assets/c", "d"), ("assets/d", "c")],
    registry_changes: false,
    settles: None,
};

pub(super) const REMOVAL: Workload = Workload {
    name: "a removal into history, and a copy",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/b", "b")],
    steps: || {
        vec![
            Step::Copy { from: "assets/b".into(), to: "assets/b copy".into(), before: fingerprint("b") },
            Step::ToHistory { path: "assets/a".into(), before: fingerprint("a") },
        ]
    },
    after: &[("assets/b", "b"), ("assets/b copy", "b")],
    registry_changes: true,
    settles: None,
};

pub(super) const BATCH_OF_TWELVE: Workload = Workload {
    name: "a batch of twelve files, of every step there is",
    has_earlier: true,
    before: &[
        ("assets/e1", "e1"),
        ("assets/e2", "e2"),
        ("assets/m1", "m1"),
        ("assets/old/m2", "m2"),
        ("assets/old/m3", "m3"),
        ("assets/h1", "h1"),
        ("assets/h2", "h2"),
        ("assets/source", "source"),
    ],
    steps: || {
        let create =
            |path: &str| Step::Create { path: format!("assets/{path}").into(), contents: path.into() };
        let edit = |path: &str| Step::Edit {
            path: format!("assets/{path}").into(),
            before: fingerprint(path),
            contents: format!("{path} edited").into(),
        };
        let relocate = |from: &str, to: &str, text: &str| Step::Move {
            from: format!("assets/{from}").into(),
            to: format!("assets/{to}").into(),
            before: fingerprint(text),
        };
        let to_history =
            |path: &str| Step::ToHistory { path: format!("assets/{path}").into(), before: fingerprint(path) };
        vec![
            create("c1"),
            create("c2"),
            create("c3"),
            edit("e1"),
            edit("e2"),
            relocate("m1", "new/m1", "m1"),
            relocate("old/m2", "new/m2", "m2"),
            relocate("old/m3", "h2", "m3"),
            to_history("h1"),
            to_history("h2"),
            Step::Copy {
                from: "assets/source".into(),
                to: "assets/new/copy".into(),
                before: fingerprint("source"),
            },
            put_back_earlier("assets/undone"),
            Step::MakeDir { path: "assets/new".into() },
            Step::RemoveDir { path: "assets/old".into() },
        ]
    },
    after: &[
        ("assets/c1", "c1"),
        ("assets/c2", "c2"),
        ("assets/c3", "c3"),
        ("assets/e1", "e1 edited"),
        ("assets/e2", "e2 edited"),
        ("assets/new/m1", "m1"),
        ("assets/new/m2", "m2"),
        ("assets/h2", "m3"),
        ("assets/source", "source"),
        ("assets/new/copy", "source"),
        ("assets/undone", UNDONE),
    ],
    registry_changes: true,
    settles: None,
};

pub(super) const FOLDER_MOVE: Workload = Workload {
    name: "a folder that moves, with a folder in it",
    has_earlier: true,
    before: &[("assets/old/a", "a"), ("assets/old/deep/b", "b"), ("assets/old/deep/c", "c")],
    steps: || {
        let relocate = |name: &str, text: &str| Step::Move {
            from: format!("assets/old/{name}").into(),
            to: format!("assets/new/{name}").into(),
            before: fingerprint(text),
        };
        vec![
            relocate("a", "a"),
            relocate("deep/b", "b"),
            relocate("deep/c", "c"),
            Step::MakeDir { path: "assets/new".into() },
            Step::MakeDir { path: "assets/new/deep".into() },
            Step::RemoveDir { path: "assets/old".into() },
            Step::RemoveDir { path: "assets/old/deep".into() },
        ]
    },
    after: &[("assets/new/a", "a"), ("assets/new/deep/b", "b"), ("assets/new/deep/c", "c")],
    registry_changes: true,
    settles: None,
};

pub(super) const UNDO: Workload = Workload {
    name: "an undo of a removal and a creation",
    has_earlier: true,
    before: &[("assets/made", "made")],
    steps: || {
        vec![
            put_back_earlier("assets/undone"),
            Step::ToHistory { path: "assets/made".into(), before: fingerprint("made") },
        ]
    },
    after: &[("assets/undone", UNDONE)],
    registry_changes: true,
    settles: None,
};

/// Two files are displaced, of which somebody saved the second; the third is not placed any more.
const SAVED_MEANWHILE: Frozen = Frozen {
    freeze: |disk| {
        let recorded = stage(disk, frozen_request(disk)).unwrap().record_intent().unwrap();
        disk.put("assets/x/b".into(), SAVED.as_bytes());
        assert!(matches!(recorded.apply(), Err(ApplyError::Frozen { .. })));
    },
    commit: 2,
    kept: &["a", SAVED, "a2", "b2", "new/c", REGISTRY_FROZEN],
};

/// All is displaced and the first is placed; then there is a file that somebody saved. The folder that was made is not
/// durable.
const PLACE_TAKEN_MEANWHILE: Frozen = Frozen {
    freeze: |disk| {
        let path = Utf8Path::new("assets/x/b");
        let commit_saved_at = |disk: &SimDisk, at: u64| {
            let request = frozen_request(disk);
            commit(&meddled(disk.clone(), path.as_str(), disk.operations() + disk.reads() + at), request)
        };
        let is_as_said = |at: &u64| {
            let disk = disk.fork();
            let (_, error) = commit_saved_at(&disk, *at);
            let has_b = disk.read(&layout::displaced(operation(FROZEN), 1), 9).is_ok_and(|text| text == b"b");
            has_b && error.is_some_and(|error| error.starts_with("Frozen"))
        };
        // The last moment: the removal of what stood there is durable by then.
        let at = (0..80).rev().find(is_as_said).unwrap();
        assert_eq!(commit_saved_at(disk, at).0, Reached::Recorded);
    },
    commit: 2,
    kept: &["a", "b", SAVED, "a2", "b2", "new/c", REGISTRY_FROZEN],
};

/// All is done but the registry, which somebody saved, and which was swapped before that was noticed.
const REGISTRY_SAVED_MEANWHILE: Frozen = Frozen {
    freeze: |disk| {
        let recorded = stage(disk, frozen_request(disk)).unwrap().record_intent().unwrap();
        disk.put(layout::REGISTRY.into(), SAVED.as_bytes());
        assert!(matches!(recorded.apply(), Err(ApplyError::Frozen { .. })));
    },
    commit: 2,
    kept: &["a", "b", SAVED, "a2", "b2", "new/c"],
};

fn frozen_request(disk: &SimDisk) -> CommitRequest {
    let edit = |path: &str, before: &str, after: &str| Step::Edit {
        path: path.into(),
        before: fingerprint(before),
        contents: after.into(),
    };
    let steps = vec![
        edit("assets/a", "a", "a2"),
        edit("assets/x/b", "b", "b2"),
        Step::Create { path: "assets/new/c".into(), contents: b"new/c".into() },
        Step::MakeDir { path: "assets/new".into() },
    ];
    let commit = read_head(disk).unwrap().map_or(1, |head| head.commit + 1);
    CommitRequest { commit, ..request(FROZEN, steps, REGISTRY_BEFORE, Some(REGISTRY_FROZEN)) }
}

fn put_back(from: KeptFile, to: &str, text: &str) -> Step {
    Step::Restore { from, to: to.into(), file: fingerprint(text) }
}

fn staged(number: u32) -> KeptFile {
    KeptFile::Staged { operation: operation(FROZEN), number }
}

fn displaced(number: u32) -> KeptFile {
    KeptFile::Displaced { operation: operation(FROZEN), number }
}

pub(super) const FINISH_OURS: Workload = Workload {
    name: "a frozen commit, finished by another",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/x/b", "b")],
    steps: || {
        vec![
            Step::ToHistory { path: "assets/x/b".into(), before: fingerprint(SAVED) },
            put_back(staged(1), "assets/x/b", "b2"),
            put_back(staged(2), "assets/new/c", "new/c"),
        ]
    },
    after: &[("assets/a", "a2"), ("assets/x/b", "b2"), ("assets/new/c", "new/c")],
    registry_changes: true,
    settles: Some(PLACE_TAKEN_MEANWHILE),
};

pub(super) const KEEP_THEIRS: Workload = Workload {
    name: "a frozen commit, taken back by another",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/x/b", "b")],
    steps: || {
        vec![
            put_back(displaced(0), "assets/a", "a"),
            put_back(displaced(1), "assets/x/b", SAVED),
            Step::RemoveDir { path: "assets/new".into() },
        ]
    },
    after: &[("assets/a", "a"), ("assets/x/b", SAVED)],
    registry_changes: false,
    settles: Some(SAVED_MEANWHILE),
};

pub(super) const TAKE_ALL_BACK: Workload = Workload {
    name: "a commit that froze at its registry, taken back by another",
    has_earlier: true,
    before: &[("assets/a", "a"), ("assets/x/b", "b")],
    steps: || {
        let to_history = |path: &str, text| Step::ToHistory { path: path.into(), before: fingerprint(text) };
        vec![
            to_history("assets/a", "a2"),
            to_history("assets/x/b", "b2"),
            to_history("assets/new/c", "new/c"),
            put_back(displaced(0), "assets/a", "a"),
            put_back(displaced(1), "assets/x/b", "b"),
            Step::RemoveDir { path: "assets/new".into() },
        ]
    },
    after: &[("assets/a", "a"), ("assets/x/b", "b")],
    registry_changes: true,
    settles: Some(REGISTRY_SAVED_MEANWHILE),
};

pub(super) const WORKLOADS: &[Workload] = &[
    REGISTRY_ONLY,
    ADOPTION,
    BATCH,
    CHAIN,
    CYCLE_OF_EQUALS,
    REMOVAL,
    BATCH_OF_TWELVE,
    FOLDER_MOVE,
    UNDO,
    FINISH_OURS,
    KEEP_THEIRS,
    TAKE_ALL_BACK,
];

/// Puts back what the earlier commit took away.
fn put_back_earlier(to: &str) -> Step {
    put_back(KeptFile::History { operation: operation(EARLIER), number: 0 }, to, UNDONE)
}

impl Workload {
    /// The project before the commit, with nothing counted.
    pub(super) fn project(&self) -> SimDisk {
        let disk = SimDisk::new();
        disk.set_rename_durability(RenameDurability::EitherFolder);
        for (path, text) in self.before {
            disk.put((*path).into(), text.as_bytes());
        }
        let first = if self.has_earlier { "header\n" } else { REGISTRY_BEFORE };
        disk.put(layout::REGISTRY.into(), first.as_bytes());
        if self.has_earlier {
            let undone = Utf8Path::new("assets/undone");
            disk.put(undone, UNDONE.as_bytes());
            let step = Step::ToHistory { path: undone.to_owned(), before: fingerprint(UNDONE) };
            let earlier = request(EARLIER, vec![step], "header\n", Some(REGISTRY_BEFORE));
            assert_eq!(commit(&disk, earlier), (Reached::Finished, None));
        }
        if let Some(frozen) = &self.settles {
            (frozen.freeze)(&disk);
        }
        disk.fork()
    }

    pub(super) fn request(&self) -> CommitRequest {
        let after = self.registry_changes.then_some(REGISTRY_AFTER);
        let request = request(TESTED, (self.steps)(), self.registry_found(), after);
        let resolves = self.settles.as_ref().map(|_| operation(FROZEN));
        CommitRequest { commit: self.commit(), resolves, ..request }
    }

    /// Its number.
    fn commit(&self) -> u64 {
        self.settles.as_ref().map_or(u64::from(TESTED), |frozen| frozen.commit)
    }

    /// The registry that it finds.
    fn registry_found(&self) -> &'static str {
        // The one that was swapped before anybody noticed.
        if self.name == TAKE_ALL_BACK.name { REGISTRY_FROZEN } else { REGISTRY_BEFORE }
    }

    pub(super) fn registry_after(&self) -> &'static str {
        if self.registry_changes { REGISTRY_AFTER } else { self.registry_found() }
    }

    /// Every text that must be somewhere, whatever happens.
    pub(super) fn texts(&self) -> Vec<&'static str> {
        match &self.settles {
            Some(frozen) => frozen.kept.to_vec(),
            None => self.before.iter().map(|(_, text)| *text).collect(),
        }
    }

    /// Which side the project is on: `Some(true)` for entirely after, `None` for a mixture.
    pub(super) fn side(&self, disk: &SimDisk) -> Option<bool> {
        let files = user_files(disk);
        let is = |files: &[(&str, &str)], registry: &str| {
            let registry = [(layout::REGISTRY, registry)];
            let expected = files.iter().chain(&registry);
            expected
                .map(|(path, text)| (Utf8PathBuf::from(*path), (*text).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (is(self.before, REGISTRY_BEFORE), is(self.after, self.registry_after()));
        let head = read_head(disk).unwrap();
        let committed = head.is_some_and(|head| head.operation == operation(TESTED));
        let is_frozen = pending(disk).unwrap().iter().any(|found| found.operation == operation(FROZEN));
        if files == after && committed {
            let digest = Digest::of(self.registry_after().as_bytes());
            (head.is_some_and(|head| head.registry == digest && head.commit == self.commit())).then_some(true)
        } else if committed || head.is_some() != self.has_earlier {
            None
        } else if self.settles.is_some() {
            // What a frozen commit did or did not do of its own may be taken back; then it is still frozen.
            is_frozen.then_some(false)
        } else {
            (files == before).then_some(false)
        }
    }
}
