//! At which stage an operation is at each call that its process makes, as its log and the journal tell it; and killing it at one
//! of the calls of a stage, for certain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use packer_domain::identity::OperationId;
use packer_events::body::{EventBody, OperationKind};
use packer_events::event::Event;
use packer_fs::layout;
use packer_tests::logs;
use packer_tests::project::TestProject;
use packer_tests::trace::{Call, End, Verdict, trace};

use super::ready::{Ready, edit};

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It was accepted, and has not committed; nor will it, if it has no commit point.
    Before,
    /// It is past its commit point, and has no end.
    Amid,
    /// Its end is in the log, and what it leaves is still to be cleaned up.
    Ended,
}

pub(super) const STAGES: [Stage; 3] = [Stage::Before, Stage::Amid, Stage::Ended];

/// Whom to look for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whom {
    /// The newest operation of a kind.
    Kind(OperationKind),
    /// The first new recovery of an operation.
    RecoveryOf(OperationId),
}

/// Looks at the stage of a new operation.
pub(super) struct Sight {
    root: PathBuf,
    whom: Whom,
    before: BTreeSet<OperationId>,
    /// How long the logs were together when they were read, and what they said.
    read: (u64, Vec<Event>),
}

impl Sight {
    /// Looks at what is new in a project since it was as `before` still is.
    pub(super) fn new(project: &TestProject, whom: Whom, before: &TestProject) -> Self {
        let before = logs::recorded(&before.root()).into_iter().map(|event| event.operation_id).collect();
        Self { root: project.root(), whom, before, read: (0, Vec::new()) }
    }

    /// Everything that the logs say.
    fn events(&mut self) -> &[Event] {
        let length = logs::bytes(&self.root);
        if length != self.read.0 {
            self.read = (length, logs::recorded(&self.root));
        }
        &self.read.1
    }

    /// What the operation that is looked for has said.
    pub(super) fn said(&mut self) -> Vec<Event> {
        let (whom, before) = (self.whom, self.before.clone());
        let events = self.events();
        let is_it = |event: &&Event| match (whom, &event.body) {
            (Whom::Kind(kind), EventBody::Accepted { kind: found, .. }) => *found == kind,
            (Whom::RecoveryOf(dead), EventBody::Accepted { kind, .. }) => {
                *kind == OperationKind::Recover && event.causation_id == Some(dead)
            }
            (_, _) => false,
        };
        let mut new = events.iter().filter(|event| !before.contains(&event.operation_id));
        let Some(id) = new.find(is_it).map(|event| event.operation_id) else { return Vec::new() };
        events.iter().filter(|event| event.operation_id == id).cloned().collect()
    }

    /// Whether something that another operation brought about has ended.
    fn has_acted(&mut self) -> bool {
        let before = self.before.clone();
        let is_new = |event: &&Event| !before.contains(&event.operation_id);
        self.events().iter().filter(is_new).any(|event| event.terminal && event.causation_id.is_some())
    }

    /// Whether an operation has its end.
    fn has_ended(&mut self, id: OperationId) -> bool {
        self.events().iter().any(|event| event.terminal && event.operation_id == id)
    }

    /// Where it is; `None` before it is accepted.
    pub(super) fn stage(&mut self) -> Option<Stage> {
        let root = self.root.clone();
        let said = self.said();
        let (first, last) = (said.first()?, said.last()?);
        let intents = [layout::intent, layout::outputs_intent].map(|intent| intent(first.operation_id));
        if last.terminal {
            return Some(Stage::Ended);
        }
        let is_committed = intents.iter().any(|intent| root.join(intent).exists());
        Some(if is_committed { Stage::Amid } else { Stage::Before })
    }
}

/// How many calls it makes at each stage, undisturbed.
pub(super) fn calls(ready: &Ready, whom: Whom) -> BTreeMap<Stage, usize> {
    let copy = ready.project.copy();
    let (end, calls) = run(&copy, ready, whom, None);
    let expected = if ready.is_endless { End::Killed } else { End::Exited(0) };
    assert_eq!(end, expected, "{whom:?} ends badly by itself");
    calls
}

/// A copy of the project whose process was killed at the `n`th call of a stage, or, where this run came to fewer, at the last
/// one that could be had.
pub(super) fn killed(ready: &Ready, whom: Whom, stage: Stage, n: usize) -> TestProject {
    let mut n = n;
    // Runs differ by the progress that they tell and by the order of threads.
    for _ in 0..5 {
        assert!(n > 0, "{whom:?} came to no call at {stage:?}");
        let copy = ready.project.copy();
        let (_, calls) = run(&copy, ready, whom, Some((stage, n)));
        let made = calls.get(&stage).copied().unwrap_or(0);
        if made == n {
            return copy;
        }
        n = made;
    }
    panic!("{whom:?} was never killed at {stage:?}");
}

/// Runs it, and counts its calls by stage; if asked to, kills it at one of them.
fn run(
    copy: &TestProject,
    ready: &Ready,
    whom: Whom,
    at: Option<(Stage, usize)>,
) -> (End, BTreeMap<Stage, usize>) {
    let mut sight = Sight::new(copy, whom, copy);
    let mut calls: BTreeMap<Stage, usize> = BTreeMap::new();
    let mut is_edited = false;
    let traced = trace(&ready.command(copy), |call: &Call| {
        if ready.is_endless && !is_edited && is_printed(call) {
            // It watches, and says so.
            edit(copy);
            is_edited = true;
        }
        if let Some(stage) = sight.stage() {
            let made = calls.entry(stage).or_default();
            *made += 1;
            if at == Some((stage, *made)) {
                return Verdict::Kill;
            }
        }
        if ready.is_endless && sight.has_acted() { Verdict::Kill } else { Verdict::Go }
    });
    if let Some((stage, n)) = at
        && calls.get(&stage) == Some(&n)
    {
        assert_eq!(traced.end, End::Killed, "the call that it was to be killed at was made");
    }
    (traced.end, calls)
}

fn is_printed(call: &Call) -> bool {
    call.name.starts_with("write") && call.path.as_deref() == Some(Path::new("/dev/null"))
}

/// Where the recovery of an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Recovering {
    /// What it recovers has no end yet.
    Owed,
    /// That has its end, and the recovery has none.
    Given,
    /// Both have theirs.
    Ended,
}

pub(super) const RECOVERING: [Recovering; 3] = [Recovering::Owed, Recovering::Given, Recovering::Ended];

/// How many calls a command makes at each stage of recovering `dead`, from when it says that it does; killed at one of them,
/// if asked to.
pub(super) fn recover(
    copy: &TestProject,
    command: &Command,
    dead: OperationId,
    at: Option<(Recovering, usize)>,
) -> (End, BTreeMap<Recovering, usize>) {
    let mut sight = Sight::new(copy, Whom::RecoveryOf(dead), copy);
    let mut calls: BTreeMap<Recovering, usize> = BTreeMap::new();
    let traced = trace(command, |_| {
        let Some(stage) = sight.stage() else { return Verdict::Go };
        let stage = match (stage, sight.has_ended(dead)) {
            (Stage::Ended, _) => Recovering::Ended,
            (_, true) => Recovering::Given,
            (_, false) => Recovering::Owed,
        };
        let made = calls.entry(stage).or_default();
        *made += 1;
        if at == Some((stage, *made)) { Verdict::Kill } else { Verdict::Go }
    });
    (traced.end, calls)
}
