//! Ordered sets that share structure with the sets that they were made from: a set with a few members more or less costs
//! by those members, and not by its size.
//!
//! What is handed to readers is here without the map that it is kept in, so that this can be another one day.

use std::fmt;
use std::sync::Arc;

use imbl::OrdSet;
use imbl::ordset::DiffItem;

use crate::packed::packed_set;

/// An ordered set of small values.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedSet<T: Ord + Clone>(OrdSet<T>);

impl<T: Ord + Clone> SharedSet<T> {
    /// The set of `sorted`, which ascends.
    pub(crate) fn from_sorted(sorted: Vec<T>) -> Self {
        Self(packed_set(sorted))
    }

    /// All members, in order.
    pub fn iter(&self) -> imbl::ordset::Iter<'_, T, imbl::shared_ptr::DefaultSharedPtr> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `value` is a member.
    pub fn contains(&self, value: &T) -> bool {
        self.0.contains(value)
    }

    /// What `after` has not, and what it has besides, each in order. What both share costs nothing.
    pub(crate) fn difference(&self, after: &Self) -> (Vec<T>, Vec<T>) {
        let (mut gone, mut new) = (Vec::new(), Vec::new());
        for item in self.0.diff(&after.0) {
            match item {
                DiffItem::Add(member) => new.push(member.clone()),
                DiffItem::Remove(member) => gone.push(member.clone()),
            }
        }
        (gone, new)
    }

    /// The members from `first` on, in order.
    pub(crate) fn from(&self, first: T) -> impl Iterator<Item = &T> {
        self.0.range(first..)
    }

    /// The same set without what `before` has and with what `after` has.
    pub(crate) fn replaced(&self, before: &Self, after: &Self) -> Self {
        let mut set = self.0.clone();
        for gone in before.iter().filter(|member| !after.contains(member)) {
            set.remove(gone);
        }
        for new in after.iter().filter(|member| !before.contains(member)) {
            set.insert(new.clone());
        }
        Self(set)
    }
}

impl<T: Ord + Clone> Default for SharedSet<T> {
    fn default() -> Self {
        Self(OrdSet::new())
    }
}

impl<T: Ord + Clone + fmt::Debug> fmt::Debug for SharedSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<'a, T: Ord + Clone> IntoIterator for &'a SharedSet<T> {
    type Item = &'a T;
    type IntoIter = imbl::ordset::Iter<'a, T, imbl::shared_ptr::DefaultSharedPtr>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// An ordered set of findings, each of which is held once by all sets that have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Findings<T: Ord>(SharedSet<Arc<T>>);

/// The findings of a set, in order.
#[derive(Clone)]
pub struct FindingsIter<'a, T: Ord>(imbl::ordset::Iter<'a, Arc<T>, imbl::shared_ptr::DefaultSharedPtr>);

impl<T: Ord> Findings<T> {
    /// The set of these, in whatever order they are; equal ones count once.
    pub(crate) fn new(mut findings: Vec<T>) -> Self {
        findings.sort();
        findings.dedup();
        Self(SharedSet::from_sorted(findings.into_iter().map(Arc::new).collect()))
    }

    /// All of them, in order.
    pub fn iter(&self) -> FindingsIter<'_, T> {
        FindingsIter(self.0.iter())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `finding` is one of them.
    pub fn contains(&self, finding: &T) -> bool {
        self.0.0.contains(finding)
    }

    /// The first.
    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// Those of this set that `other` has not.
    pub fn without<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> {
        self.0.iter().filter(|finding| !other.0.contains(finding)).map(AsRef::as_ref)
    }

    /// What `after` has not, and what it has besides, each in order. What both share costs nothing.
    pub(crate) fn difference(&self, after: &Self) -> (Vec<T>, Vec<T>)
    where
        T: Clone,
    {
        let (gone, new) = self.0.difference(&after.0);
        let owned = |findings: Vec<Arc<T>>| findings.into_iter().map(Arc::unwrap_or_clone).collect();
        (owned(gone), owned(new))
    }

    /// The same set without what `before` has and with what `after` has.
    pub(crate) fn replaced(&self, before: &Self, after: &Self) -> Self {
        Self(self.0.replaced(&before.0, &after.0))
    }
}

impl<T: Ord> Default for Findings<T> {
    fn default() -> Self {
        Self(SharedSet::default())
    }
}

impl<T: Ord + fmt::Debug> fmt::Debug for Findings<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a, T: Ord> IntoIterator for &'a Findings<T> {
    type Item = &'a T;
    type IntoIter = FindingsIter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Ord, const N: usize> PartialEq<[T; N]> for Findings<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        self.len() == N && self.iter().zip(other).all(|(a, b)| a == b)
    }
}

impl<T: Ord, const N: usize> PartialEq<[T; N]> for &Findings<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

impl<'a, T: Ord> Iterator for FindingsIter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(AsRef::as_ref)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<T: Ord> DoubleEndedIterator for FindingsIter<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(AsRef::as_ref)
    }
}

impl<T: Ord> ExactSizeIterator for FindingsIter<'_, T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_in_order_and_equal_ones_count_once() {
        let findings = Findings::new(vec![3, 1, 2, 1]);
        assert_eq!(findings, [1, 2, 3]);
        assert_ne!(findings, [1, 2]);
        assert_ne!(findings, [1, 2, 4]);
        assert_eq!((findings.len(), findings.first(), findings.iter().next_back()), (3, Some(&1), Some(&3)));
        let others = Findings::new(vec![2, 4]);
        assert_eq!(findings.without(&others).collect::<Vec<_>>(), [&1, &3]);
    }

    #[test]
    fn replacing_takes_out_what_was_and_puts_in_what_is() {
        let set = SharedSet::from_sorted(vec![1, 2, 3, 4]);
        let replaced = set.replaced(&SharedSet::from_sorted(vec![2, 3]), &SharedSet::from_sorted(vec![3, 9]));
        assert_eq!(replaced, SharedSet::from_sorted(vec![1, 3, 4, 9]));
        assert_eq!(replaced.from(3).copied().collect::<Vec<_>>(), [3, 4, 9]);
    }
}
