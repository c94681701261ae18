//! Steps that a power cut interrupts: on which side they come out, and how what is frozen is settled, with and without
//! somebody who saves a file in between.

use std::collections::BTreeSet;

use camino::Utf8Path;
use packer_domain::identity::OperationId;
use packer_domain::mutation::{Mutation, MutationPlan, Recover, RecoveryChoice, Undo, Verdict};
use packer_events::report::{Ending, Rejection};
use packer_fs::layout;

use super::play::{Cut, Player, assert_scene, without_empty};
use super::rules::differing;
use super::scene::Scene;
use super::steps::What;
use super::world::{Told, bytes_of};
use crate::freshness::Freshness;
use crate::outcome::Outcome;
use crate::project::Command;

impl Player<'_> {
    pub(super) fn crash(&mut self, cut: Cut, command: Command, plan: &MutationPlan, expected: &Scene) {
        self.world.disk.fail_after(self.world.disk.operations() + cut.after);
        let handle = self.world.submit(command);
        let (operation, told) = (handle.id(), handle.wait());
        self.operations.push(operation);
        drop(handle);
        self.world.cut_power(cut.draw);
        let edited = cut.meddle.then(|| self.meddle(expected)).flatten();
        if cut.again {
            let after = self.world.disk.operations() + cut.draw % 40;
            self.world.disk.fail_after(after);
            // Whether it could be opened by then is no matter: it has to be the next time.
            let _ = self.world.open();
            self.world.cut_power(cut.draw / 3);
        }
        self.world.open().unwrap();
        self.is_dirty = false;
        if let Some(edited) = edited {
            return self.settle(operation, &edited, expected);
        }
        self.world.assert_logs_are_whole();
        let freshness = self.world.project().status().freshness.clone();
        assert!(matches!(freshness, Freshness::Verified { .. }), "{freshness:?}");
        let found = Scene::of(&self.world.disk);
        let is_after = self.land(&told, plan.verdict, &found, expected);
        if is_after {
            self.count(What::Crash, "after");
            self.follow(operation, found);
        } else {
            self.count(What::Crash, "before");
            // A folder that was made, and is empty, may be left.
            self.scene = found;
        }
        self.assert_rows();
        self.world.assert_told_as_if_opened_anew();
    }

    /// On which side of the step a crash came out.
    fn land(&self, told: &Told, verdict: Verdict, found: &Scene, expected: &Scene) -> bool {
        let ending = told.as_ref().ok().map(Outcome::ending);
        let must = match ending {
            Some(Ending::Succeeded(_)) => Some(verdict == Verdict::Ready),
            Some(Ending::OutcomeUnknown(_)) | None => None,
            Some(_) => Some(false),
        };
        let is_after = expected != &self.scene && without_empty(found) == without_empty(expected);
        if !is_after {
            assert_scene(
                &without_empty(found),
                &without_empty(&self.scene),
                "neither before nor after the step",
            );
        }
        if let Some(must) = must {
            assert_eq!(is_after, must, "somebody was told {ending:#?}");
        }
        is_after
    }

    /// Somebody saves a file that the interrupted operation was about.
    fn meddle(&self, expected: &Scene) -> Option<(String, Vec<u8>)> {
        let paths: Vec<String> = differing(&self.scene, expected).into_iter().collect();
        let path = paths.get(self.number as usize % paths.len().max(1))?.clone();
        let at = Utf8Path::new("assets").join(&path);
        let under_file = at.ancestors().skip(1).any(|above| {
            matches!(self.world.disk.tree().get(above), Some(packer_fs::disk::sim::SimNode::File(_)))
        });
        if under_file {
            return None;
        }
        let bytes = format!("saved by somebody {}", self.number).into_bytes();
        self.world.disk.put(&at, &bytes);
        Some((path, bytes))
    }

    /// What an interrupted operation cannot be settled without, and is nowhere any more; then it must be blocked, and must
    /// not be otherwise.
    fn missing_for(
        &self,
        choice: RecoveryChoice,
        operation: OperationId,
        (edited, _): &(String, Vec<u8>),
        expected: &Scene,
    ) -> Option<Vec<(String, Vec<u8>)>> {
        let plan = self.preview(&Mutation::Recover(Recover { operation, choice }));
        if plan.verdict == Verdict::Ready {
            return None;
        }
        let wanted = if choice == RecoveryChoice::KeepTheirs { &self.scene } else { expected };
        let touched = differing(&self.scene, expected);
        // What it keeps, also where its clean-up had begun, and the places that it was to change. A file beside those may hold
        // equal bytes and is not its own to take: as the source of an asset whose copy was placed, and then saved over
        // (`what_was_copied_is_no_part_of_the_copying`).
        let history = layout::history_folder(operation);
        let is_its_own = |path: &Utf8Path| {
            let in_assets = path.strip_prefix("assets").is_ok_and(|path| touched.contains(path.as_str()));
            in_assets || path.starts_with(layout::JOURNAL) || path.starts_with(&history)
        };
        let tree = self.world.disk.tree().into_iter().filter(|(path, _)| is_its_own(path));
        let kept: BTreeSet<_> = tree.filter_map(|(_, node)| bytes_of(node)).collect();
        let missing = touched.iter().filter_map(|path| {
            let bytes = wanted.files.get(path)?.clone();
            let is_theirs = choice == RecoveryChoice::KeepTheirs && path == edited;
            (!is_theirs && !kept.contains(&bytes)).then_some((path.clone(), bytes))
        });
        let missing: Vec<_> = missing.collect();
        assert!(!missing.is_empty(), "{choice:?} is {:?}: {:#?}", plan.verdict, plan.blockers);
        Some(missing)
    }

    /// After a crash and an edit: either the operation could be settled by itself, or it waits for a decision, and nothing
    /// else is done until it has that.
    fn settle(&mut self, operation: OperationId, edited: &(String, Vec<u8>), expected: &Scene) {
        let (path, bytes) = edited;
        let before = self.scene.clone();
        let Freshness::RecoveryRequired { operation_id } = self.world.project().status().freshness else {
            let found = Scene::of(&self.world.disk);
            let is_of = |scene: &Scene| {
                let mut scene = scene.clone();
                scene.files.insert(path.clone(), bytes.clone());
                scene.files == found.files && scene.lines == found.lines
            };
            if !is_of(&before) && !is_of(expected) {
                let mut saved = before.clone();
                saved.files.insert(path.clone(), bytes.clone());
                assert_scene(
                    &without_empty(&found),
                    &without_empty(&saved),
                    "neither side, with what was saved",
                );
            }
            self.count(What::Crash, "edited meanwhile");
            self.scene = found;
            return self.assert_rows();
        };
        assert_eq!(operation_id, operation);
        let frozen = Scene::of(&self.world.disk);
        let other = Mutation::Undo(Undo { operation });
        assert_eq!(self.preview(&other).verdict, Verdict::Blocked);
        let refused = self.world.run(Command::Mutate(other));
        let Ending::Rejected(report) = refused.ending() else { panic!("{refused:#?}") };
        assert_eq!(report.reason, Rejection::LaneFrozen { operation_id });
        assert_scene(&Scene::of(&self.world.disk), &frozen, "while it is frozen");

        let choices = [RecoveryChoice::KeepTheirs, RecoveryChoice::FinishOurs];
        let first = choices[self.number as usize / 10 % 2];
        let open = |choice: &RecoveryChoice| self.missing_for(*choice, operation, edited, expected).is_none();
        let other = choices.into_iter().find(|other| *other != first);
        // Where neither is, only what does not stand in the place of what was saved is put back.
        let choice = [Some(first), other].into_iter().flatten().find(open);
        let choice = choice.unwrap_or(RecoveryChoice::KeepTheirs);
        if let Some(missing) = self.missing_for(choice, operation, edited, expected) {
            // Whoever saved something has destroyed what both need: it comes back from version control.
            for (path, bytes) in missing {
                self.world.disk.put(&Utf8Path::new("assets").join(path), &bytes);
            }
            let _ = self.world.run(Command::Refresh);
            assert!(self.missing_for(choice, operation, edited, expected).is_none());
        }
        let frozen = Scene::of(&self.world.disk);
        let recover = Mutation::Recover(Recover { operation, choice });
        let plan = self.preview(&recover);
        let planned = frozen.with(&plan, &self.world.disk);
        let outcome = self.world.run(Command::Mutate(recover));
        assert!(outcome.success().is_some(), "{outcome:#?}");
        let found = Scene::of(&self.world.disk);
        assert_scene(&found, &planned, "recovered otherwise than planned");
        let mut wanted = match choice {
            RecoveryChoice::KeepTheirs => before,
            RecoveryChoice::FinishOurs => expected.clone(),
        };
        if choice == RecoveryChoice::KeepTheirs {
            wanted.files.insert(path.clone(), bytes.clone());
        }
        let wanted = Scene { folders: found.folders.clone(), ..wanted };
        assert_scene(&found, &wanted, "after the recovery");
        let all = self.world.all_bytes();
        assert!(all.contains(bytes), "what somebody saved is lost");
        // Whoever saved it may have overwritten what stood there.
        for (_, contents) in self.scene.files.iter().filter(|(other, _)| *other != path) {
            assert!(all.contains(contents), "something that was there before is lost");
        }
        let freshness = self.world.project().status().freshness.clone();
        assert!(matches!(freshness, Freshness::Verified { .. }), "{freshness:?}");
        self.count(What::Crash, "recovered");
        self.scene = found;
        // Both have an undoing of their own, which the model does not follow.
        self.operations.retain(|other| *other != operation);
        self.assert_rows();
        assert!(self.world.disk.tree().keys().all(|path| path.parent() != Some(layout::JOURNAL.into())));
    }
}
