//! Building persistent maps from what is sorted already, with full nodes.
//!
//! A B-tree that is filled in ascending order splits its last node again and again and leaves every node half empty; a
//! large project would pay for that twice over. Here every second entry goes in first, which leaves room between any two
//! for the entry that belongs there. The maps themselves are `imbl`'s, and what changes in them later is shared as ever.

use imbl::{OrdMap, OrdSet};

/// The map of `sorted`, which ascends by key; the later of two equal keys counts.
pub(crate) fn packed_map<K: Ord + Clone, V: Clone>(sorted: Vec<(K, V)>) -> OrdMap<K, V> {
    let mut map = OrdMap::new();
    let mut between = Vec::with_capacity(sorted.len() / 2);
    for (index, entry) in sorted.into_iter().enumerate() {
        if index % 2 == 0 {
            map.insert(entry.0, entry.1);
        } else {
            between.push(entry);
        }
    }
    for (key, value) in between {
        map.insert(key, value);
    }
    map
}

/// The set of `sorted`, which ascends.
pub(crate) fn packed_set<K: Ord + Clone>(sorted: Vec<K>) -> OrdSet<K> {
    let mut set = OrdSet::new();
    let mut between = Vec::with_capacity(sorted.len() / 2);
    for (index, key) in sorted.into_iter().enumerate() {
        if index % 2 == 0 {
            set.insert(key);
        } else {
            between.push(key);
        }
    }
    for key in between {
        set.insert(key);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn holds_what_any_other_way_of_building_holds(keys in prop::collection::btree_set(any::<u16>(), 0..300)) {
            let entries: Vec<(u16, u32)> = keys.iter().map(|key| (*key, u32::from(*key) * 3)).collect();
            prop_assert_eq!(packed_map(entries.clone()), entries.into_iter().collect::<OrdMap<_, _>>());
            prop_assert_eq!(packed_set(keys.iter().copied().collect()), keys.into_iter().collect::<OrdSet<_>>());
        }
    }
}
