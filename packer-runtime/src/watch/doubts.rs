//! `Doubts`: what stands against the published snapshot, and so what its freshness is.
//!
//! Pure: hints, scans, looks and commits go in, freshness comes out. Everything is ordered by one count, so that what came
//! while a scan ran is told apart from what the scan certainly saw:
//!
//! - A doubt lives until a scan that began after it completes. `Unknown` ends in no other way; a path may also be looked
//!   at, and found to be as the snapshot has it.
//! - A scan sees what was heard before it began, and that only. What was heard since outlives its completion.
//! - What was looked at and found equal is not forgotten at once, but when the next scan begins: a scan that ran meanwhile
//!   may have seen the file otherwise, and publish that.
//! - What a commit of this process writes is not told before the snapshot that holds it is published, and is looked at then.
//! - Places are bounded; one too many makes all of them an overflow.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::identity::OperationId;
use packer_domain::path::AssetPath;
use packer_events::record::UnknownCause;
use packer_events::time::Timestamp;
use packer_fs::head::Head;
use packer_fs::watch::Heard;

use crate::freshness::Freshness;

/// More places than these may differ by now: nobody would go through them, and a scan is the faster way to know.
pub(crate) const MAX_PLACES: usize = 1024;

/// Where something may differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Path(AssetPath),
    Registry,
    Configuration,
}

/// A moment in the order of what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// A place to look at, and since when.
pub(crate) type Asked = (Place, Moment);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Not since it was last named.
    NotYet,
    Differs,
    Same,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: Moment,
    look: Look,
    /// Whether the freshness says so.
    told: bool,
}

/// The head, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left(Option<Head>);

#[derive(Clone, Copy, Debug)]
struct Unknown {
    cause: UnknownCause,
    since: Moment,
    /// Of a commit of another process: what it left.
    left: Option<Left>,
}

/// A commit of this process that is under way.
#[derive(Debug)]
struct Own {
    operation: OperationId,
    places: BTreeSet<Place>,
}

/// What stands against the published snapshot.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    now: Moment,
    /// When the last scan began.
    began: Moment,
    /// When the scan ended that gave the snapshot, and when it had begun.
    verified: Option<(Timestamp, Moment)>,
    /// Since when everything that happens is heard of.
    armed: Option<Moment>,
    /// The operation whose outcome this process does not know or could not store.
    stuck: Option<OperationId>,
    /// The one that the last scan found interrupted.
    frozen: Option<OperationId>,
    /// The head that the last scan found.
    head: Option<Head>,
    unknown: Vec<Unknown>,
    places: BTreeMap<Place, Doubt>,
    /// When something that had been found equal had to be forgotten before its time.
    forgot: Option<Moment>,
    own: Option<Own>,
    /// When something last happened that asks for a scan.
    news: Moment,
}

impl Doubts {
    fn tick(&mut self) -> Moment {
        self.now.0 += 1;
        self.now
    }

    /// What is known of the snapshot.
    pub(crate) fn freshness(&self) -> Freshness {
        if let Some(operation_id) = self.stuck.or(self.frozen) {
            return Freshness::RecoveryRequired { operation_id };
        }
        if let Some(unknown) = self.unknown.first() {
            return Freshness::Unknown { cause: unknown.cause };
        }
        let mut paths = Vec::new();
        let (mut registry, mut configuration) = (false, false);
        for (place, _) in self.places.iter().filter(|(_, doubt)| doubt.told) {
            match place {
                Place::Path(path) => paths.push(path.clone()),
                Place::Registry => registry = true,
                Place::Configuration => configuration = true,
            }
        }
        if !paths.is_empty() || registry || configuration {
            return Freshness::Dirty { paths, registry, configuration };
        }
        match self.verified {
            Some((at, began)) => {
                Freshness::Verified { at, watched: self.armed.is_some_and(|armed| armed <= began) }
            }
            None => Freshness::Unknown { cause: UnknownCause::NotObserved },
        }
    }

    /// Takes in what was heard. `passes_over` tells what means nothing.
    pub(crate) fn hear(&mut self, heard: &Heard, passes_over: &dyn Fn(&AssetPath) -> bool) {
        if heard.is_empty() {
            return;
        }
        self.tick();
        self.insert_heard(heard, false, passes_over);
    }

    fn insert_heard(&mut self, heard: &Heard, told: bool, passes_over: &dyn Fn(&AssetPath) -> bool) {
        if heard.overflow {
            self.disarm(UnknownCause::Overflow);
        }
        if heard.lost.is_some() {
            self.disarm(UnknownCause::WatchLost);
        }
        for path in heard.paths.keys().filter(|path| !passes_over(path)) {
            self.insert(Place::Path(path.clone()), told);
        }
        if heard.registry {
            self.insert(Place::Registry, told);
        }
        if heard.configuration {
            self.insert(Place::Configuration, told);
        }
    }

    fn insert(&mut self, place: Place, told: bool) {
        let since = self.now;
        let told = told && !self.is_own(&place);
        if let Some(doubt) = self.places.get_mut(&place) {
            *doubt = Doubt { since, look: Look::NotYet, told: doubt.told || told };
            return;
        }
        if self.places.len() >= MAX_PLACES {
            let all = self.places.len();
            self.places.retain(|_, doubt| doubt.look != Look::Same);
            if self.places.len() < all {
                self.forgot = Some(since);
            }
        }
        if self.places.len() >= MAX_PLACES {
            self.places.clear();
            self.doubt_everything(UnknownCause::Overflow);
            return;
        }
        self.places.insert(place, Doubt { since, look: Look::NotYet, told });
    }

    fn is_own(&self, place: &Place) -> bool {
        self.own.as_ref().is_some_and(|own| own.places.contains(place))
    }

    /// Anything may differ.
    pub(crate) fn doubt_everything(&mut self, cause: UnknownCause) {
        self.doubt(cause, None);
    }

    fn doubt(&mut self, cause: UnknownCause, left: Option<Left>) {
        let since = self.tick();
        self.news = since;
        match self.unknown.iter_mut().find(|unknown| unknown.cause == cause) {
            Some(unknown) => *unknown = Unknown { cause, since, left },
            None => self.unknown.push(Unknown { cause, since, left }),
        }
    }

    /// Everything that happens from now on is heard of.
    pub(crate) fn arm(&mut self) {
        let now = self.tick();
        self.armed = Some(now);
        self.news = now;
    }

    /// What happens is not heard of any more, and something was missed.
    pub(crate) fn disarm(&mut self, cause: UnknownCause) {
        self.armed = None;
        self.doubt_everything(cause);
    }

    /// What happens from now on is not heard of any more.
    pub(crate) fn stand_down(&mut self) {
        self.armed = None;
    }

    /// The places that want looking at.
    pub(crate) fn to_look_at(&self) -> Vec<Asked> {
        let wanted = |(place, doubt): (&Place, &Doubt)| {
            (doubt.look == Look::NotYet && !self.is_own(place)).then(|| (place.clone(), doubt.since))
        };
        self.places.iter().filter_map(wanted).collect()
    }

    /// Takes in whether places are as the snapshot has them. One that was named again since has to be looked at again.
    pub(crate) fn looked_at(&mut self, found: impl IntoIterator<Item = (Asked, bool)>) {
        for ((place, since), same) in found {
            let Some(doubt) = self.places.get_mut(&place).filter(|doubt| doubt.since == since) else {
                continue;
            };
            (doubt.look, doubt.told) = if same { (Look::Same, false) } else { (Look::Differs, true) };
            if !same {
                self.news = self.news.max(since);
            }
        }
    }

    /// A path turned out to mean nothing.
    pub(crate) fn dismiss(&mut self, path: &AssetPath) {
        self.places.remove(&Place::Path(path.clone()));
    }

    /// Somebody may have committed: this is the head now.
    pub(crate) fn head_is(&mut self, head: Option<Head>) {
        let own =
            self.own.as_ref().is_some_and(|own| head.is_some_and(|head| head.operation == own.operation));
        if head != self.head && !own {
            self.doubt(UnknownCause::ChangedOutside, Some(Left(head)));
        }
    }

    /// A commit of this process is about to write these places.
    pub(crate) fn commit_begins(&mut self, operation: OperationId, places: BTreeSet<Place>) {
        self.own = Some(Own { operation, places });
    }

    /// It is over, and nothing was published.
    pub(crate) fn commit_ends(&mut self) {
        self.own = None;
    }

    /// A scan begins, which sees everything that was heard before.
    pub(crate) fn scan_begins(&mut self) {
        self.began = self.tick();
        // No scan is left that could have seen them otherwise.
        self.places.retain(|_, doubt| doubt.look != Look::Same);
        self.forgot = None;
    }

    /// The scan that began last gave the snapshot, which is the `same` that was there before, or another. `waiting` was
    /// heard, and not taken in yet.
    pub(crate) fn scan_completed(
        &mut self,
        at: Timestamp,
        found: (Option<OperationId>, Option<Head>),
        same: bool,
        waiting: &Heard,
    ) {
        let began = self.began;
        self.verified = Some((at, began));
        (self.frozen, self.head) = found;
        self.unknown.retain(|unknown| unknown.since > began && unknown.left != Some(Left(found.1)));
        self.places.retain(|_, doubt| doubt.since > began);
        if !same {
            let own = self.own.as_ref().map(|own| &own.places);
            for (place, doubt) in &mut self.places {
                doubt.look = Look::NotYet;
                doubt.told |= !own.is_some_and(|own| own.contains(place));
            }
            if self.forgot.is_some_and(|forgot| forgot > began) {
                self.doubt_everything(UnknownCause::Overflow);
            }
        }
        if !waiting.is_empty() {
            self.tick();
            self.insert_heard(waiting, true, &|_| false);
        }
        self.own = None;
    }

    /// Registry, configuration and head are about to be looked at, and nothing else: since when, and the head that the
    /// snapshot goes with. `None` where more may differ than can be named.
    pub(crate) fn look_begins(&mut self) -> Option<(Moment, Option<Head>)> {
        match self.freshness() {
            Freshness::Verified { .. } | Freshness::Dirty { .. } => Some((self.tick(), self.head)),
            Freshness::Unknown { .. } | Freshness::RecoveryRequired { .. } => None,
        }
    }

    /// A commit of this process left `head` and replaced the registry, which was as the snapshot had it, and so was the
    /// configuration, by a look that began at `looked`. The next snapshot follows from that, and from no scan: what is known
    /// of files stays what it was, and so does the time as of which they were verified.
    pub(crate) fn registry_followed(&mut self, looked: Moment, head: Head) {
        self.head = Some(head);
        self.places.retain(|place, doubt| matches!(place, Place::Path(_)) || doubt.since > looked);
        if let Some(doubt) = self.places.get_mut(&Place::Registry) {
            // By now it is to be compared with another snapshot.
            doubt.look = Look::NotYet;
        }
        self.own = None;
    }

    /// Nothing may commit before `operation` was recovered.
    pub(crate) fn get_stuck(&mut self, operation: OperationId) {
        self.stuck = Some(operation);
    }

    /// `operation` was recovered.
    pub(crate) fn get_unstuck(&mut self, operation: OperationId) {
        self.stuck = self.stuck.filter(|stuck| *stuck != operation);
        self.frozen = self.frozen.filter(|frozen| *frozen != operation);
    }

    pub(crate) fn stuck(&self) -> Option<OperationId> {
        self.stuck
    }

    /// Since when a scan would tell something, if it would.
    pub(crate) fn wants_scan(&self) -> Option<Moment> {
        let wants = match self.freshness() {
            Freshness::Verified { watched, .. } => !watched && self.armed.is_some(),
            Freshness::Dirty { .. } | Freshness::Unknown { .. } => true,
            Freshness::RecoveryRequired { .. } => false,
        };
        wants.then_some(self.news)
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }
}
