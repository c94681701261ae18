//! The full check: every rule of the format, and every problem rather than the first.
//!
//! Takes time in proportion to the file (names and places are sorted once), and memory in proportion to the table and
//! the largest payload. It works on a pack that was opened without any other check.

use super::{Entry, Pack, Problem, ReadError};
use crate::format::{Compression, RawEntry, align_up};

/// Where a payload is, and which entry was the first in payload order to say so.
struct Place {
    offset: u64,
    end: u64,
    position: u32,
    id: u32,
}

impl Pack {
    /// What is wrong with everything but the payloads' contents: digests of the index, order, names, kinds, places.
    pub fn verify_index(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_pages(&mut problems);
        if !self.prefix_padding_is_zero() {
            problems.push(Problem::Padding);
        }
        // Opening refused sections that cannot be viewed.
        if let Some(Err(fault)) = self.names().map(|names| names.check()) {
            problems.push(Problem::Names { fault });
        }
        if let Some(Err(fault)) = self.kinds().map(|kinds| kinds.check()) {
            problems.push(Problem::Kinds { fault });
        }
        self.check_table(&mut problems);
        self.check_places(&mut problems);
        problems
    }

    /// What is wrong with the payload of `entry`: its fields, range, decompression, digest, or the padding after it.
    pub fn verify_payload(&self, entry: &Entry<'_>) -> Option<Problem> {
        if entry.is_absent() {
            let damaged = ReadError::Incoherent { id: entry.id() };
            return (!entry.raw().is_coherent()).then_some(Problem::Entry(damaged));
        }
        entry.read_checked().err().map(Problem::Entry)
    }

    /// One entry for each payload that needs a look, by position in the table: entries that say the same of their payload
    /// in everything need one. Who checks payloads on several threads divides these.
    pub fn distinct_payloads(&self) -> Vec<Entry<'_>> {
        let mut by_place: Vec<u32> = (0..self.header.entry_count).collect();
        let key = |position: u32| {
            let raw = &self.table()[position as usize];
            let sizes = (raw.offset.get(), raw.stored_size.get(), raw.raw_size.get());
            (sizes, raw.encoding, raw.compression, raw.flags, raw.digest)
        };
        by_place.sort_unstable_by_key(|position| (key(*position), *position));
        by_place.dedup_by_key(|position| key(*position));
        by_place.sort_unstable();
        let entry = |position: u32| Entry::new(self, position, &self.table()[position as usize]);
        by_place.into_iter().map(entry).collect()
    }

    fn check_table(&self, problems: &mut Vec<Problem>) {
        let mut last = 0;
        let mut absent = false;
        let mut used = [false; 256];
        for entry in self.all() {
            let id = entry.id();
            if id <= last {
                problems.push(Problem::IdOrder { id });
            }
            last = id;
            absent |= entry.is_absent();
            used[usize::from(entry.raw().kind)] = true;
            if let Err(error) = entry.kind() {
                problems.push(Problem::Entry(error));
            }
        }
        if absent != self.header.incomplete {
            problems.push(Problem::IncompleteFlag);
        }
        let unused = (0..self.header.kind_count).filter(|kind| !used[*kind as usize]);
        problems.extend(unused.map(|kind| Problem::UnusedKind { kind }));
    }

    fn check_places(&self, problems: &mut Vec<Problem>) {
        let mut places: Vec<Place> = self
            .all()
            .filter(|entry| entry.stored_size() != 0 && entry.raw().is_coherent())
            .filter_map(|entry| {
                let (position, id, offset) = (entry.position(), entry.id(), entry.offset());
                Some(Place { offset, end: entry.place().ok()?, position, id })
            })
            .collect();
        let raw = |place: &Place| &self.table()[place.position as usize];
        let order = |place: &Place| (!raw(place).has(crate::format::PRELOAD), place.position);
        places.sort_unstable_by_key(|place| (place.offset, order(place)));

        // Equal payloads that share a place count once, as the first of them in payload order.
        let mut distinct: Vec<Place> = Vec::with_capacity(places.len());
        for place in places {
            match distinct.last() {
                Some(last) if last.offset == place.offset && same_payload(raw(last), raw(&place)) => {}
                _ => distinct.push(place),
            }
        }

        let mut end = self.header.payloads().offset;
        let mut owner = None;
        for place in &distinct {
            let due = align_up(end, self.header.alignment).unwrap_or(u64::MAX);
            if let Some(first) = owner.filter(|_| place.offset < end) {
                problems.push(Problem::Overlap { first, second: place.id });
            } else if place.offset > due {
                problems.push(Problem::Unclaimed { offset: due, size: place.offset - due });
            }
            if place.end > end {
                (end, owner) = (place.end, Some(place.id));
            }
        }
        let file_end = self.header.file_size();
        if file_end > end {
            problems.push(Problem::Unclaimed { offset: end, size: file_end - end });
        }

        for pair in distinct.windows(2) {
            let (before, place) = (&pair[0], &pair[1]);
            if order(place) < order(before) {
                problems.push(Problem::Order { id: before.id, after: place.id });
            }
        }
    }
}

/// Whether two entries describe the same stored payload, which they may then share.
fn same_payload(a: &RawEntry, b: &RawEntry) -> bool {
    let key = |raw: &RawEntry| {
        let compression = Compression::from_code(raw.compression);
        (raw.stored_size, raw.raw_size, raw.digest, raw.encoding, compression)
    };
    key(a) == key(b)
}
