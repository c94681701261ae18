//! The sections of strings: names, with the hash index that finds them, and kinds.
//!
//! Both are views over stored bytes. Parsing checks the sizes in constant time; every access checks the rest, so a
//! view over hostile bytes finds nothing, or the wrong thing, and never fails. A reader that checks digests page by page
//! is told which bytes a search is about to believe. Whether a section is as the format says
//! in every detail is what [`NamesSection::check`] and [`KindsSection::check`] answer, in time proportional to it.

use std::convert::Infallible;
use std::ops::Range;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::{MAX_ENTRIES, MAX_STRING_BYTES};

/// FNV-1a, 64 bits, with its upper half folded into the lower: where looking for a name starts.
pub fn hash_name(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

/// Whether two of these names are equal. Texts are sorted only where two of them may be: hashes are sooner.
pub(crate) fn has_equal<'n>(names: impl Iterator<Item = &'n str> + Clone) -> bool {
    let mut hashes: Vec<u64> = names.clone().map(hash_name).collect();
    hashes.sort_unstable();
    if hashes.windows(2).all(|pair| pair[0] != pair[1]) {
        return false;
    }
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// How many slots the hash index has for so many names: the least power of two that is at least twice as many.
pub fn names_slots(count: u32) -> u32 {
    (count.min(MAX_ENTRIES) * 2).max(1).next_power_of_two()
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct NamesHead {
    slot_count: U32,
    string_bytes: U32,
}

/// The names of all entries, in table order, and the index that finds an entry by name.
#[derive(Clone, Copy)]
pub struct NamesSection<'a> {
    slots: &'a [U32],
    strings: Strings<'a>,
}

impl<'a> NamesSection<'a> {
    /// Views the section of a table with `count` entries; none if the sizes are not those of the format.
    pub fn parse(section: &'a [u8], count: u32) -> Option<Self> {
        if count > MAX_ENTRIES {
            return None;
        }
        let (head, rest) = NamesHead::ref_from_prefix(section).ok()?;
        let slot_count = head.slot_count.get();
        if slot_count != names_slots(count) {
            return None;
        }
        let (slots, rest) = <[U32]>::ref_from_prefix_with_elems(rest, slot_count as usize).ok()?;
        let strings = Strings::parse(rest, count, head.string_bytes.get())?;
        Some(Self { slots, strings })
    }

    /// The name of the entry at `position` of the table.
    pub fn get(&self, position: u32) -> Option<&'a str> {
        self.strings.get(position)
    }

    /// The same, telling `believe` the range of each part of the section before what it says is taken.
    pub fn get_with<E>(
        &self,
        position: u32,
        mut believe: impl FnMut(Range<usize>) -> Result<(), E>,
    ) -> Result<Option<&'a str>, E> {
        let text = self.bytes_with(position, None, &mut believe)?;
        Ok(text.and_then(|bytes| str::from_utf8(bytes).ok()))
    }

    /// The position in the table of the entry with this name. Reads at most every slot, of an honest pack a few.
    pub fn find(&self, name: &str) -> Option<u32> {
        let Ok(found) = self.find_with(name, |_| Ok::<(), Infallible>(()));
        found
    }

    /// The same, telling `believe` the range of each part of the section before what it says is taken.
    pub fn find_with<E>(
        &self,
        name: &str,
        mut believe: impl FnMut(Range<usize>) -> Result<(), E>,
    ) -> Result<Option<u32>, E> {
        let mask = self.slots.len() - 1;
        let start = hash_name(name) as usize;
        for step in 0..self.slots.len() {
            let at = start.wrapping_add(step) & mask;
            let slot = size_of::<NamesHead>() + 4 * at;
            believe(slot..slot + 4)?;
            let Some(position) = self.slots[at].get().checked_sub(1) else { return Ok(None) };
            if self.bytes_with(position, Some(name.len()), &mut believe)? == Some(name.as_bytes()) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The bytes of a name; none if they are not of the length that is looked for, which are then not looked at.
    fn bytes_with<E>(
        &self,
        position: u32,
        len: Option<usize>,
        believe: &mut impl FnMut(Range<usize>) -> Result<(), E>,
    ) -> Result<Option<&'a [u8]>, E> {
        if position >= self.strings.count() {
            return Ok(None);
        }
        let offsets = size_of::<NamesHead>() + 4 * self.slots.len();
        let at = offsets + 4 * position as usize;
        believe(at..at + 8)?;
        let Some(range) =
            self.strings.range(position).filter(|range| len.is_none_or(|len| range.len() == len))
        else {
            return Ok(None);
        };
        let text = offsets + 4 * self.strings.offsets.len();
        believe(text + range.start..text + range.end)?;
        Ok(Some(&self.strings.text[range]))
    }

    /// Whether every string is a name, no two are equal, and the index finds each.
    pub fn check(&self) -> Result<(), &'static str> {
        self.strings.check()?;
        let count = self.strings.count();
        if has_equal((0..count).filter_map(|position| self.get(position))) {
            return Err("two entries have the same name");
        }
        // A name is found if every slot from where its search starts to where it is holds something. The slots are a
        // ring, so the first round only learns how long the run is that ends at the last slot.
        let (mut run, mut seen) = (0_usize, vec![false; count as usize]);
        for (round, at) in [(0, 0..self.slots.len()), (1, 0..self.slots.len())] {
            for at in at {
                let Some(position) = self.slots[at].get().checked_sub(1) else {
                    run = 0;
                    continue;
                };
                if round == 1 {
                    let name =
                        self.get(position).ok_or("the index of names names an entry that is not there")?;
                    let home = hash_name(name) as usize & (self.slots.len() - 1);
                    if at.wrapping_sub(home) & (self.slots.len() - 1) > run {
                        return Err("the index of names cannot find one of them");
                    }
                    if std::mem::replace(&mut seen[position as usize], true) {
                        return Err("the index of names holds one of them twice");
                    }
                }
                run += 1;
            }
        }
        if seen.contains(&false) { Err("the index of names lacks one of them") } else { Ok(()) }
    }

    /// The bytes of the section for these names, which are those of the table's entries in order. None if the names
    /// take 4 GiB or more.
    pub(crate) fn encode(names: &[&str]) -> Option<Vec<u8>> {
        let mut slots = vec![0_u32; names_slots(names.len() as u32) as usize];
        let mask = slots.len() - 1;
        for (position, name) in (1_u32..).zip(names) {
            let mut at = hash_name(name) as usize & mask;
            while slots[at] != 0 {
                at = (at + 1) & mask;
            }
            slots[at] = position;
        }
        let string_bytes = u32::try_from(names.iter().map(|name| name.len() as u64).sum::<u64>()).ok()?;
        let mut bytes = Vec::new();
        bytes.extend((slots.len() as u32).to_le_bytes());
        bytes.extend(string_bytes.to_le_bytes());
        bytes.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
        encode_strings(&mut bytes, names);
        Some(bytes)
    }
}

/// The kinds that the table's entries are of.
#[derive(Clone, Copy)]
pub struct KindsSection<'a> {
    strings: Strings<'a>,
}

impl<'a> KindsSection<'a> {
    /// Views the section of a pack with `count` kinds; none if the sizes are not those of the format.
    pub fn parse(section: &'a [u8], count: u32) -> Option<Self> {
        let (string_bytes, rest) = U32::ref_from_prefix(section).ok()?;
        Some(Self { strings: Strings::parse(rest, count, string_bytes.get())? })
    }

    /// The kind with this number.
    pub fn get(&self, kind: u8) -> Option<&'a str> {
        self.strings.get(u32::from(kind))
    }

    /// Whether every string is a kind and they are in increasing order of their bytes.
    pub fn check(&self) -> Result<(), &'static str> {
        self.strings.check()?;
        let all: Vec<&str> = (0..self.strings.count()).filter_map(|kind| self.strings.get(kind)).collect();
        if all.windows(2).all(|pair| pair[0] < pair[1]) { Ok(()) } else { Err("the kinds are not in order") }
    }

    /// The bytes of the section for these kinds.
    pub(crate) fn encode(kinds: &[&str]) -> Vec<u8> {
        let string_bytes: usize = kinds.iter().map(|kind| kind.len()).sum();
        let mut bytes = (string_bytes as u32).to_le_bytes().to_vec();
        encode_strings(&mut bytes, kinds);
        bytes
    }
}

/// `count + 1` offsets into the strings, the strings, zeros up to a multiple of 8 bytes.
#[derive(Clone, Copy)]
struct Strings<'a> {
    offsets: &'a [U32],
    text: &'a [u8],
    padding: &'a [u8],
}

impl<'a> Strings<'a> {
    fn parse(bytes: &'a [u8], count: u32, string_bytes: u32) -> Option<Self> {
        let (offsets, rest) = <[U32]>::ref_from_prefix_with_elems(bytes, count as usize + 1).ok()?;
        let (text, padding) = rest.split_at_checked(string_bytes as usize)?;
        (padding.len() < 8).then_some(Self { offsets, text, padding })
    }

    fn count(&self) -> u32 {
        (self.offsets.len() - 1) as u32
    }

    /// Where a string is in the text, if it is in it.
    fn range(&self, at: u32) -> Option<Range<usize>> {
        let start = self.offsets.get(at as usize)?.get() as usize;
        let end = self.offsets.get(at as usize + 1)?.get() as usize;
        (start <= end && end <= self.text.len()).then_some(start..end)
    }

    fn bytes(&self, at: u32) -> Option<&'a [u8]> {
        self.text.get(self.range(at)?)
    }

    fn get(&self, at: u32) -> Option<&'a str> {
        str::from_utf8(self.bytes(at)?).ok()
    }

    fn check(&self) -> Result<(), &'static str> {
        let ends = (self.offsets.first(), self.offsets.last());
        let (Some(first), Some(last)) = ends else { return Err("there are no string offsets") };
        if first.get() != 0 || last.get() as usize != self.text.len() {
            return Err("the strings are not all of some entry");
        }
        for at in 0..self.count() {
            let size = self.bytes(at).ok_or("a string offset is out of range")?.len();
            if size == 0 || size > MAX_STRING_BYTES {
                return Err("a string is empty or too long");
            }
            self.get(at).ok_or("a string is not UTF-8")?;
        }
        if self.padding.iter().any(|byte| *byte != 0) { Err("the padding is not zero") } else { Ok(()) }
    }
}

fn encode_strings(bytes: &mut Vec<u8>, strings: &[&str]) {
    let mut end = 0_u32;
    bytes.extend(end.to_le_bytes());
    for string in strings {
        end += string.len() as u32;
        bytes.extend(end.to_le_bytes());
    }
    for string in strings {
        bytes.extend_from_slice(string.as_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: u32) -> Vec<String> {
        (0..count).map(|i| format!("ui/button-{i}")).collect()
    }

    fn encode(names: &[String]) -> Vec<u8> {
        NamesSection::encode(&names.iter().map(String::as_str).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_hash_is_folded_fnv_1a() {
        // The offset basis itself, and the published value of FNV-1a of "a".
        assert_eq!(hash_name(""), 0xcbf2_9ce4_8422_2325 ^ 0xcbf2_9ce4);
        assert_eq!(hash_name("a"), 0xaf63_dc4c_8601_ec8c ^ 0xaf63_dc4c);
    }

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [0, 1, 2, 3, 100, 1_000] {
            let names = names(count);
            let bytes = encode(&names);
            assert_eq!(bytes.len() % 8, 0);
            let section = NamesSection::parse(&bytes, count).unwrap();
            assert_eq!(section.check(), Ok(()), "{count} names");
            for (position, name) in (0..).zip(&names) {
                assert_eq!(
                    (section.find(name), section.get(position)),
                    (Some(position), Some(name.as_str()))
                );
            }
            assert_eq!((section.find("ui/button"), section.find(""), section.get(count)), (None, None, None));
        }
    }

    #[test]
    fn nothing_is_believed_that_was_not_told_of() {
        let names = names(300);
        let good = encode(&names);
        let section = NamesSection::parse(&good, 300).unwrap();
        for (position, name) in (0..).zip(&names) {
            let mut told: Vec<Range<usize>> = Vec::new();
            let note = |range: Range<usize>| {
                told.push(range);
                Ok::<(), Infallible>(())
            };
            let Ok(found) = section.find_with(name, note);
            assert_eq!(found, Some(position));
            // Whatever stands elsewhere, the answer is the same.
            let mut other: Vec<u8> = good.iter().map(|byte| byte ^ 0x55).collect();
            other[..8].copy_from_slice(&good[..8]);
            for range in told {
                other[range.clone()].copy_from_slice(&good[range]);
            }
            assert_eq!(NamesSection::parse(&other, 300).unwrap().find(name), Some(position));
        }
        let refuse = |range: Range<usize>| if range.start < 8 + 4 * 1024 { Ok(()) } else { Err(range.start) };
        assert_eq!(section.get_with(7, refuse), Err(8 + 4 * 1024 + 28));
        assert_eq!(section.get_with(300, refuse), Ok(None));
    }

    #[test]
    fn a_section_of_another_size_is_refused() {
        let bytes = encode(&names(5));
        for size in 0..bytes.len() - 7 {
            assert!(NamesSection::parse(&bytes[..size], 5).is_none(), "{size} bytes");
        }
        let mut longer = bytes.clone();
        longer.extend([0; 8]);
        assert!(NamesSection::parse(&longer, 5).is_none());
        assert!(NamesSection::parse(&bytes, 4).is_none());
        assert!(KindsSection::parse(&[0; 4], 0).is_none());
    }

    #[test]
    fn an_index_full_of_wrong_slots_ends_its_search() {
        let names = names(4);
        let mut bytes = encode(&names);
        bytes[8..8 + 8 * 4].fill(0xff);
        let section = NamesSection::parse(&bytes, 4).unwrap();
        assert_eq!(section.find("ui/button-0"), None);
        assert!(section.check().is_err());
    }

    #[test]
    fn each_change_of_the_names_is_a_fault() {
        let names = vec!["a".to_owned(), "bb".to_owned(), "cc".to_owned()];
        let bytes = encode(&names);
        let fault = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            NamesSection::parse(&bytes, 3).unwrap().check().unwrap_err()
        };
        // 8 slots from byte 8, 4 offsets from byte 40, 5 bytes of strings from byte 56, 3 of padding.
        let used = |bytes: &[u8]| (0..8).find(|slot| bytes[8 + 4 * slot] != 0).unwrap() * 4 + 8;
        assert_eq!(fault(&|b| b[used(&bytes)] = 0), "the index of names lacks one of them");
        assert_eq!(fault(&|b| b[used(&bytes)] = 9), "the index of names names an entry that is not there");
        assert_eq!(fault(&|b| b[40] = 1), "the strings are not all of some entry");
        assert_eq!(fault(&|b| b[52] = 4), "the strings are not all of some entry");
        assert_eq!(fault(&|b| b[44] = 0), "a string is empty or too long");
        assert_eq!(fault(&|b| b[44] = 9), "a string offset is out of range");
        assert_eq!(fault(&|b| b[56] = 0xff), "a string is not UTF-8");
        assert_eq!(fault(&|b| b[61] = 1), "the padding is not zero");
        assert_eq!(fault(&|b| b[57..59].copy_from_slice(b"cc")), "two entries have the same name");
        let moved = |b: &mut Vec<u8>| {
            // Every slot one further: what was at its own place is found still, unless a gap opens before it.
            b[8..40].rotate_right(4);
        };
        assert_eq!(fault(&moved), "the index of names cannot find one of them");
        let doubled = |b: &mut Vec<u8>| {
            let at = used(b);
            let slot: [u8; 4] = b[at..at + 4].try_into().unwrap();
            for slot_at in (8..40).step_by(4) {
                b[slot_at..slot_at + 4].copy_from_slice(&slot);
            }
        };
        assert_eq!(fault(&doubled), "the index of names holds one of them twice");
    }

    #[test]
    fn kinds_are_in_order() {
        let good = KindsSection::encode(&["image", "text"]);
        let section = KindsSection::parse(&good, 2).unwrap();
        assert_eq!((section.get(0), section.get(1), section.get(2)), (Some("image"), Some("text"), None));
        assert_eq!(section.check(), Ok(()));
        for bad in [["text", "image"], ["text", "text"]] {
            let bytes = KindsSection::encode(&bad);
            assert_eq!(KindsSection::parse(&bytes, 2).unwrap().check(), Err("the kinds are not in order"));
        }
        let long = "x".repeat(256);
        let bytes = KindsSection::encode(&[&long]);
        let fault = KindsSection::parse(&bytes, 1).unwrap().check();
        assert_eq!(fault, Err("a string is empty or too long"));
    }
}
