//! The events of several sources in one order: that of time, with each source's own order kept and causes before effects.
//!
//! Times have milliseconds, and clocks are set back, so time alone would tell of the end that a recovery gave to an
//! operation before the recovery itself. What is known of such causes counts over time: the recovery begins before the
//! end that it writes, and ends after it.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::identity::OperationId;

use crate::body::EventBody;
use crate::event::Event;
use crate::report::{OutcomeReport, RecoveryResult};
use crate::time::Timestamp;

/// A place among what is ordered: which source, and the how-manieth of it.
type Place = (usize, usize);

/// The recovery that wrote this event, which is the end of an operation of a process that died.
pub fn ended_by(event: &Event) -> Option<OperationId> {
    match &event.body {
        EventBody::Aborted { outcome } => Some(outcome.by),
        EventBody::Recovered { by, .. } => Some(*by),
        _ => None,
    }
}

/// Of what recoveries ended, what is told by half: an operation, and the recovery that ended it, where there is the end that it
/// wrote and not the recovery, or the recovery's own end and not the one that it wrote before.
pub fn told_by_half<'a>(
    events: impl Iterator<Item = &'a Event> + Clone,
) -> BTreeSet<(OperationId, OperationId)> {
    let known: BTreeSet<OperationId> = events.clone().map(|event| event.operation_id).collect();
    let mut ended = BTreeSet::new();
    let mut says = BTreeSet::new();
    for event in events {
        if let Some(by) = ended_by(event) {
            ended.insert((event.operation_id, by));
        }
        if let EventBody::Succeeded { outcome: OutcomeReport::Recover(report) } = &event.body
            && matches!(report.result, RecoveryResult::Dropped | RecoveryResult::Finished)
        {
            says.insert((report.operation_id, event.operation_id));
        }
    }
    let is_unknown = |(_, by): &&(OperationId, OperationId)| !known.contains(by);
    let mut half: BTreeSet<_> = ended.iter().filter(is_unknown).copied().collect();
    half.extend(says.difference(&ended));
    half
}

/// Puts what `sources` hold into one order. What is no event stays with what comes before it in its source.
pub fn interleaved<T>(sources: Vec<Vec<T>>, event: impl Fn(&T) -> Option<&Event>) -> Vec<T> {
    let causes = causes(&sources, &event);
    let times: Vec<Vec<Option<Timestamp>>> = sources.iter().map(|items| times(items, &event)).collect();
    let mut rest: Vec<_> = sources.into_iter().map(Vec::into_iter).collect();
    let mut next = vec![0; rest.len()];
    // Of each source that has more, what comes next: in order of time, or under what it waits for.
    let mut ready: BTreeSet<(Option<Timestamp>, usize)> = BTreeSet::new();
    let mut waiting: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    let mut ordered = Vec::with_capacity(times.iter().map(Vec::len).sum());
    let mut put: Vec<usize> = (0..rest.len()).collect();
    loop {
        for source in put.drain(..) {
            let Some(time) = times[source].get(next[source]) else { continue };
            match causes.get(&(source, next[source])).filter(|(of, index)| next[*of] <= *index) {
                Some(cause) => waiting.entry(*cause).or_default().push(source),
                None => drop(ready.insert((*time, source))),
            }
        }
        let Some((_, source)) = ready.pop_first() else {
            // What waits for itself, as only forged events do, waits no longer.
            let Some((_, sources)) = waiting.pop_first() else { return ordered };
            ready.extend(sources.into_iter().map(|source| (times[source][next[source]], source)));
            continue;
        };
        ordered.extend(rest[source].next());
        put.push(source);
        put.extend(waiting.remove(&(source, next[source])).unwrap_or_default());
        next[source] += 1;
    }
}

/// When each counts as said: at its own time, or at the latest before it in its source.
fn times<T>(items: &[T], event: impl Fn(&T) -> Option<&Event>) -> Vec<Option<Timestamp>> {
    let mut latest = None;
    let mut time = |item| {
        latest = latest.max(event(item).map(|event: &Event| event.time));
        latest
    };
    items.iter().map(&mut time).collect()
}

/// What each waits for in another source.
fn causes<T>(sources: &[Vec<T>], event: impl Fn(&T) -> Option<&Event>) -> BTreeMap<Place, Place> {
    let mut events: Vec<(Place, &Event)> = Vec::new();
    for (source, items) in sources.iter().enumerate() {
        let placed =
            items.iter().enumerate().filter_map(|(index, item)| Some(((source, index), event(item)?)));
        events.extend(placed);
    }
    // An end is written between the beginning of the recovery that writes it and the end of that.
    let mut begun: BTreeMap<OperationId, Place> = BTreeMap::new();
    let mut ends: BTreeMap<(OperationId, OperationId), Place> = BTreeMap::new();
    for (place, event) in &events {
        begun.entry(event.operation_id).or_insert(*place);
        if let Some(by) = ended_by(event) {
            ends.insert((event.operation_id, by), *place);
        }
    }
    let cause = |event: &Event| match &event.body {
        EventBody::Succeeded { outcome: OutcomeReport::Recover(report) } => {
            ends.get(&(report.operation_id, event.operation_id)).copied()
        }
        _ => begun.get(&ended_by(event)?).copied(),
    };
    let waits = |(place, event): (Place, &Event)| {
        let cause = cause(event).filter(|cause| cause.0 != place.0)?;
        Some((place, cause))
    };
    events.into_iter().filter_map(waits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{AbortReport, RecoverReport};
    use crate::sequence::SourceSequencer;
    use crate::testing::{accepted, draft, operation, source, time};

    /// What is said by a source: at which millisecond, by which operation, and what.
    fn said(n: u8, told: &[(u64, u8, EventBody)]) -> Vec<Event> {
        let mut sequencer = SourceSequencer::new(source(n));
        let number = |(ms, of, body): &(u64, u8, EventBody)| {
            let mut draft = draft(operation(*of), body.clone());
            draft.time = time(*ms);
            sequencer.number(draft).unwrap()
        };
        told.iter().map(number).collect()
    }

    fn aborted(by: u8) -> EventBody {
        EventBody::Aborted { outcome: AbortReport { kind: None, by: operation(by) } }
    }

    fn recovered(of: u8) -> EventBody {
        let (operation_id, result) = (operation(of), RecoveryResult::Dropped);
        let report = RecoverReport { operation_id, result, took_ms: 0 };
        EventBody::Succeeded { outcome: OutcomeReport::Recover(report) }
    }

    /// The order, as `source.position`.
    fn order(sources: Vec<Vec<Event>>) -> Vec<String> {
        let all = [1, 2, 3].map(source);
        let which = |event: &Event| 1 + all.iter().position(|source| *source == event.source).unwrap();
        let ordered = interleaved(sources, |event| Some(event));
        ordered.iter().map(|event| format!("{}.{}", which(event), event.position)).collect()
    }

    #[test]
    fn sources_interleave_by_time_and_keep_their_own_order() {
        let started = || EventBody::Started {};
        // The clock of the first source was set back after its second event.
        let first = said(1, &[(10, 1, accepted()), (30, 1, started()), (5, 1, started())]);
        let second = said(2, &[(20, 2, accepted()), (40, 2, started())]);
        assert_eq!(order(vec![first, second]), ["1.1", "2.1", "1.2", "1.3", "2.2"]);
    }

    #[test]
    fn within_a_millisecond_a_recovery_begins_before_the_end_that_it_writes_and_ends_after_it() {
        let dead = |n, by| said(n, &[(0, n, accepted()), (9, n, aborted(by))]);
        let recovering = [(9, 5, accepted()), (9, 5, recovered(1)), (9, 6, accepted()), (9, 6, recovered(2))];
        let sources = vec![dead(1, 5), dead(2, 6), said(3, &recovering)];
        let told = ["1.1", "2.1", "3.1", "1.2", "3.2", "3.3", "2.2", "3.4"];
        assert_eq!(order(sources.clone()), told);
        assert_eq!(
            order(sources.into_iter().rev().collect()),
            ["2.1", "1.1"].iter().chain(&told[2..]).copied().collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_clock_that_was_set_back_puts_no_end_before_its_recovery() {
        let dead = said(1, &[(0, 1, accepted()), (2, 1, aborted(5))]);
        let recovering = said(2, &[(7, 5, accepted()), (8, 5, recovered(1))]);
        assert_eq!(order(vec![dead, recovering]), ["1.1", "2.1", "1.2", "2.2"]);
    }

    #[test]
    fn the_end_of_a_recovery_and_the_end_that_it_wrote_are_told_by_half_without_the_other() {
        let dead = said(1, &[(0, 1, accepted()), (2, 1, aborted(5))]);
        let recovering = said(2, &[(7, 5, accepted()), (8, 5, recovered(1))]);
        let half = |events: &[&[Event]]| told_by_half(events.iter().copied().flatten());
        let pair = BTreeSet::from([(operation(1), operation(5))]);
        assert_eq!(half(&[&dead, &recovering]), BTreeSet::new());
        assert_eq!(half(&[&dead[..1], &recovering[..1]]), BTreeSet::new());
        assert_eq!(half(&[&dead, &recovering[..1]]), BTreeSet::new(), "it runs");
        assert_eq!(half(&[&dead]), pair);
        assert_eq!(half(&[&dead[..1], &recovering]), pair);
        // One that found that there was nothing to end wrote no end.
        let mut closing = recovering;
        if let EventBody::Succeeded { outcome: OutcomeReport::Recover(report) } = &mut closing[1].body {
            report.result = RecoveryResult::Closed;
        }
        assert_eq!(half(&[&dead[..1], &closing]), BTreeSet::new());
    }

    #[test]
    fn forged_events_that_wait_for_each_other_are_all_given() {
        // Each begins after the other's end.
        let forged = |n, other| {
            let mut events = said(n, &[(0, n, accepted()), (1, n, aborted(other))]);
            events.reverse();
            events
        };
        let own = said(3, &[(0, 3, accepted()), (1, 3, aborted(3))]);
        let told = order(vec![forged(1, 2), forged(2, 1), own]);
        assert_eq!(told, ["3.1", "3.2", "2.2", "1.2", "1.1", "2.1"]);
    }

    #[test]
    fn what_is_no_event_stays_behind_what_it_came_after() {
        let mut events = said(1, &[(1, 1, accepted()), (9, 1, EventBody::Started {})]).into_iter();
        let first = vec![None, events.next(), None, events.next(), None];
        let second = said(2, &[(5, 2, accepted())]).into_iter().map(Some).collect();
        let ordered = interleaved(vec![first, second], Option::as_ref);
        let times: Vec<_> = ordered.iter().map(|event| event.as_ref().map(|event| event.time)).collect();
        assert_eq!(times, [None, Some(time(1)), None, Some(time(5)), Some(time(9)), None]);
    }
}
