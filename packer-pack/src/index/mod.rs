//! Laying out a pack: everything before the payloads, whose size is known before anything is baked.
//!
//! A writer that streams asks in three steps: an [`IndexLayout`] from what the pack will hold says where the first
//! payload goes and in which order they come; a [`Placer`] says of each payload, as it is baked, where to write it or
//! that an equal one stands already; at the end it gives the bytes that go before the payloads, and the pack's digest.
//!
//! It writes nothing and holds no payload; the writer streams, syncs and renames.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::format::{
    ENTRY_SIZE, HEADER_SIZE, Header, KindsSection, MAX_ALIGNMENT, MAX_ENTRIES, MAX_KINDS, MAX_STRING_BYTES,
    MIN_ALIGNMENT, NamesSection, has_equal,
};

mod place;

pub use place::{Payload, Place, PlaceError, Placer, Prefix};

/// An asset that the pack will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared<'a> {
    /// Its id, not zero.
    pub id: u32,
    /// Its name.
    pub name: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Whether its payload comes among the first.
    pub preload: bool,
}

/// Why a pack cannot hold these assets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// The alignment is not one.
    #[error(
        "payloads cannot be aligned to {alignment}: expected a power of two from {MIN_ALIGNMENT} to {MAX_ALIGNMENT}"
    )]
    Alignment {
        /// The alignment.
        alignment: u32,
    },
    /// An id is zero.
    #[error("{name:?} has the id 0, which no asset can have")]
    ZeroId {
        /// The asset's name.
        name: String,
    },
    /// Two assets have one id.
    #[error("{first:?} and {second:?} have the same id {id}")]
    DuplicateId {
        /// The id.
        id: u32,
        /// The name of the one.
        first: String,
        /// The name of the other.
        second: String,
    },
    /// Two assets have one name.
    #[error("the assets {first} and {second} have the same name {name:?}")]
    DuplicateName {
        /// The name.
        name: String,
        /// The id of the one.
        first: u32,
        /// The id of the other.
        second: u32,
    },
    /// A name or a kind is empty or too long.
    #[error("asset {id} has a name or a kind of {size} bytes: expected 1 to {MAX_STRING_BYTES}")]
    StringSize {
        /// The asset's id.
        id: u32,
        /// How many bytes it has.
        size: usize,
    },
    /// There are too many assets, kinds or bytes of names.
    #[error("a pack can hold {limit} {what}, and there are {count}")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How much there can be.
        limit: u64,
        /// How much there is.
        count: u64,
    },
}

/// What is known of a pack before its payloads are: its size up to the first of them, and their order.
#[derive(Clone, Debug)]
pub struct IndexLayout {
    assets: Vec<LaidAsset>,
    order: Vec<u32>,
    names: Vec<u8>,
    kinds: Vec<u8>,
    header: Header,
}

#[derive(Clone, Copy, Debug)]
struct LaidAsset {
    id: u32,
    kind: u8,
    preload: bool,
}

impl IndexLayout {
    /// Lays out a pack of `assets`, in any order, whose payloads are aligned to `alignment`.
    pub fn new(alignment: u32, assets: &[Declared<'_>]) -> Result<Self, LayoutError> {
        if !alignment.is_power_of_two() || !(MIN_ALIGNMENT..=MAX_ALIGNMENT).contains(&alignment) {
            return Err(LayoutError::Alignment { alignment });
        }
        limit("assets", u64::from(MAX_ENTRIES), assets.len() as u64)?;
        let mut sorted = assets.to_vec();
        sorted.sort_by_key(|asset| asset.id);
        check(&sorted)?;

        let kinds: BTreeSet<&str> = sorted.iter().map(|asset| asset.kind).collect();
        let kinds: Vec<&str> = kinds.into_iter().collect();
        limit("kinds", u64::from(MAX_KINDS), kinds.len() as u64)?;

        let names: Vec<&str> = sorted.iter().map(|asset| asset.name).collect();
        let names = NamesSection::encode(&names).ok_or_else(|| LayoutError::TooMany {
            what: "bytes of names",
            limit: u64::from(u32::MAX),
            count: sorted.iter().map(|asset| asset.name.len() as u64).sum(),
        })?;
        let assets: Vec<LaidAsset> = sorted
            .iter()
            .map(|asset| LaidAsset {
                id: asset.id,
                kind: kinds.partition_point(|kind| *kind < asset.kind) as u8,
                preload: asset.preload,
            })
            .collect();
        let mut order: Vec<u32> = (0..assets.len() as u32).collect();
        order.sort_by_key(|position| !assets[*position as usize].preload);
        let section = KindsSection::encode(&kinds);
        let header = Header {
            incomplete: false,
            entry_count: assets.len() as u32,
            kind_count: kinds.len() as u32,
            alignment,
            names_size: names.len() as u64,
            kinds_size: section.len() as u64,
            payloads_size: 0,
            index_digest: [0; 32],
        };
        Ok(Self { assets, order, names, kinds: section, header })
    }

    /// Where the first payload goes: the size of everything before it, which is written last.
    pub fn first_payload_offset(&self) -> u64 {
        self.header.payloads().offset
    }

    /// The ids in the order in which their payloads come: preload first, then the rest, each by id.
    pub fn payload_order(&self) -> impl ExactSizeIterator<Item = u32> {
        self.order.iter().map(|position| self.assets[*position as usize].id)
    }

    /// Starts to place payloads.
    pub fn into_placer(self) -> Placer {
        Placer::new(self)
    }

    /// How many bytes header, table, names and kinds have.
    fn index_size(&self) -> usize {
        HEADER_SIZE + self.assets.len() * ENTRY_SIZE + self.names.len() + self.kinds.len()
    }
}

fn limit(what: &'static str, limit: u64, count: u64) -> Result<(), LayoutError> {
    if count > limit { Err(LayoutError::TooMany { what, limit, count }) } else { Ok(()) }
}

/// Checks each asset, and that no two have the same id or name.
fn check(sorted: &[Declared<'_>]) -> Result<(), LayoutError> {
    for asset in sorted {
        if asset.id == 0 {
            return Err(LayoutError::ZeroId { name: asset.name.to_owned() });
        }
        for size in [asset.name.len(), asset.kind.len()] {
            if size == 0 || size > MAX_STRING_BYTES {
                return Err(LayoutError::StringSize { id: asset.id, size });
            }
        }
    }
    if let Some([first, second]) = sorted.array_windows().find(|[first, second]| first.id == second.id) {
        let (first_name, second_name) = (first.name.to_owned(), second.name.to_owned());
        return Err(LayoutError::DuplicateId { id: first.id, first: first_name, second: second_name });
    }
    if !has_equal(sorted.iter().map(|asset| asset.name)) {
        return Ok(());
    }
    let mut by_name: Vec<&Declared<'_>> = sorted.iter().collect();
    by_name.sort_by_key(|asset| (asset.name, asset.id));
    match by_name.array_windows().find(|[first, second]| first.name == second.name) {
        Some([first, second]) => Err(LayoutError::DuplicateName {
            name: first.name.to_owned(),
            first: first.id,
            second: second.id,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(id: u32, name: &'static str) -> Declared<'static> {
        Declared { id, name, kind: "raw", preload: false }
    }

    #[test]
    fn preload_comes_first_and_each_half_is_by_id() {
        let all = [(9, true), (4, false), (7, true), (2, false)].map(|(id, preload)| Declared {
            preload,
            ..asset(id, ["", "", "b", "", "d", "", "", "g", "", "i"][id as usize])
        });
        let layout = IndexLayout::new(16, &all).unwrap();
        assert_eq!(layout.payload_order().collect::<Vec<_>>(), [7, 9, 2, 4]);
    }

    #[test]
    fn an_empty_pack_has_a_layout() {
        let layout = IndexLayout::new(4096, &[]).unwrap();
        assert_eq!((layout.first_payload_offset(), layout.payload_order().len()), (4096, 0));
    }

    #[test]
    fn what_a_pack_cannot_hold_is_refused() {
        let refused = |assets: &[Declared<'_>]| IndexLayout::new(16, assets).unwrap_err().to_string();
        assert_eq!(refused(&[asset(0, "a")]), "\"a\" has the id 0, which no asset can have");
        assert_eq!(refused(&[asset(1, "a"), asset(1, "b")]), "\"a\" and \"b\" have the same id 1");
        assert_eq!(
            refused(&[asset(2, "a"), asset(3, "b"), asset(1, "a")]),
            "the assets 1 and 2 have the same name \"a\""
        );
        assert_eq!(refused(&[asset(1, "")]), "asset 1 has a name or a kind of 0 bytes: expected 1 to 255");
        let kinds: Vec<String> = (0..257).map(|i| format!("k{i}")).collect();
        let many: Vec<Declared<'_>> =
            (1..).zip(&kinds).map(|(id, kind)| Declared { id, name: kind, kind, preload: false }).collect();
        assert_eq!(refused(&many), "a pack can hold 256 kinds, and there are 257");
        assert!(IndexLayout::new(16, &many[1..]).is_ok());
        for alignment in [0, 8, 17, 8192] {
            let error = IndexLayout::new(alignment, &[]).unwrap_err();
            assert_eq!(error, LayoutError::Alignment { alignment });
        }
    }
}
