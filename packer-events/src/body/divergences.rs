//! Telling of divergences in events that a log takes, however many there are.
//!
//! A log refuses a line that is too long, and an event that is refused holds up all that come after it. Thousands of
//! divergences come at once when a branch is switched or a folder is deleted.

use super::EventBody;
use super::bounded::LIST_BYTES;
use crate::record::DivergenceRecord;

/// The events that tell which divergences are new and which are no more: none if there are none, one if they are not a great
/// many. In order, they tell each of them once.
pub fn divergences(
    added: impl IntoIterator<Item = DivergenceRecord>,
    cleared: impl IntoIterator<Item = DivergenceRecord>,
) -> Vec<EventBody> {
    let mut told = Vec::new();
    let (mut part, mut bytes) = ((Vec::new(), Vec::new()), 0);
    let added = added.into_iter().map(|record| (true, record));
    for (is_new, mut record) in added.chain(cleared.into_iter().map(|record| (false, record))) {
        record.bound();
        let more = record.json_bytes();
        if bytes > 0 && bytes + more > LIST_BYTES {
            let (added, cleared) = std::mem::take(&mut part);
            told.push(EventBody::Divergence { added, cleared });
            bytes = 0;
        }
        bytes += more;
        if is_new { part.0.push(record) } else { part.1.push(record) }
    }
    if bytes > 0 {
        let (added, cleared) = part;
        told.push(EventBody::Divergence { added, cleared });
    }
    told
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use packer_domain::path::AssetPath;

    fn record(n: usize, paths: usize, length: usize) -> DivergenceRecord {
        let path = |at: usize| AssetPath::parse(&format!("{at}/{}", "x".repeat(length))).unwrap();
        DivergenceRecord {
            code: "anchor/missing".to_owned(),
            paths: (0..paths).map(path).collect(),
            assets: Vec::new(),
            ids: Vec::new(),
            message: format!("the {n}th \"anchor\" is not where it was accepted"),
            resolutions: vec!["retire".to_owned()],
        }
    }

    fn told(bodies: &[EventBody]) -> (Vec<DivergenceRecord>, Vec<DivergenceRecord>) {
        let mut all = (Vec::new(), Vec::new());
        for body in bodies {
            let EventBody::Divergence { added, cleared } = body else { panic!("{body:?}") };
            assert!(!added.is_empty() || !cleared.is_empty(), "it tells nothing");
            all.0.extend_from_slice(added);
            all.1.extend_from_slice(cleared);
        }
        all
    }

    #[test]
    fn a_few_are_one_event_and_none_are_none() {
        assert_eq!(divergences([], []), []);
        let (one, other) = (record(1, 1, 8), record(2, 1, 8));
        let both = EventBody::Divergence { added: vec![one.clone()], cleared: vec![other.clone()] };
        assert_eq!(divergences([one], [other]), [both]);
    }

    #[test]
    fn sixty_thousand_are_many_events_each_of_which_a_log_takes() {
        let all = || (0..60_000).map(|n| record(n, 2, 100));
        let bodies = divergences(all(), all());
        assert!(bodies.len() > 10, "{}", bodies.len());
        for body in &bodies {
            let bytes = serde_json::to_string(body).unwrap().len();
            assert!(bytes < LIST_BYTES + LIST_BYTES / 4, "{bytes}");
        }
        assert_eq!(told(&bodies), (all().collect(), all().collect()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn each_is_told_once_and_in_order(
            added in prop::collection::vec((0..4_usize, 1..30_000_usize), 0..12),
            cleared in prop::collection::vec((0..4_usize, 1..30_000_usize), 0..12),
        ) {
            let records = |list: &[(usize, usize)]| -> Vec<DivergenceRecord> {
                list.iter().enumerate().map(|(n, (paths, length))| record(n, *paths, *length)).collect()
            };
            let (added, cleared) = (records(&added), records(&cleared));
            let bodies = divergences(added.clone(), cleared.clone());
            prop_assert_eq!(told(&bodies), (added, cleared));
        }
    }
}
