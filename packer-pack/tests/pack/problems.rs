//! The full check names what is wrong: each rule broken on its own, under digests that match.

use packer_pack::Verify;
use packer_pack::format::NamesSection;

use crate::support::{asset, open, reseal, sample, write};

/// A change that breaks one rule, and what the full check says of it.
pub(crate) struct Broken {
    pub(crate) name: &'static str,
    change: fn(&mut Vec<u8>),
    expected: &'static [&'static str],
}

/// Where the entry at `position` of the table is.
fn entry(position: usize) -> usize {
    128 + 64 * position
}

fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Three payloads of 20 bytes each, in 32 bytes each but the last; the second is of another kind and preloaded last.
pub(crate) fn pack() -> Vec<u8> {
    let assets = [
        asset(1, "a", "raw", "the first, 20 bytes."),
        asset(2, "b", "text", "the second: 20 bytes"),
        asset(3, "c", "raw", "the third, 20 bytes."),
    ];
    write(16, &assets).0
}

/// Every rule that can be broken by itself.
pub(crate) const BROKEN: &[Broken] = &[
    Broken {
        name: "ids out of order",
        change: |b| b[entry(1)] = 1,
        expected: &["the table is not in the order of ids at asset 1"],
    },
    Broken {
        name: "id zero",
        change: |b| b[entry(0)] = 0,
        expected: &[
            "the table is not in the order of ids at asset 0",
            "32 bytes at 448 belong to no payload",
            "the entry of asset 0 is damaged",
        ],
    },
    Broken {
        name: "kind unknown",
        change: |b| b[entry(0) + 4] = 2,
        expected: &["the kind of asset 1 is damaged"],
    },
    Broken {
        name: "kind unused",
        change: |b| b[entry(1) + 4] = 0,
        expected: &["no asset is of the kind with number 1"],
    },
    Broken {
        name: "compression unknown",
        change: |b| b[entry(2) + 6] = 3,
        expected: &["32 bytes at 500 belong to no payload", "the entry of asset 3 is damaged"],
    },
    Broken {
        name: "flag unknown",
        change: |b| b[entry(2) + 7] = 4,
        expected: &["32 bytes at 500 belong to no payload", "the entry of asset 3 is damaged"],
    },
    Broken {
        name: "absent with a payload",
        change: |b| b[entry(2) + 7] = 2,
        expected: &[
            "the header does not say rightly whether assets are absent",
            "32 bytes at 500 belong to no payload",
            "the entry of asset 3 is damaged",
        ],
    },
    Broken {
        name: "incomplete without an absent asset",
        change: |b| b[12] = 1,
        expected: &["the header does not say rightly whether assets are absent"],
    },
    Broken {
        name: "preload out of order",
        change: |b| b[entry(2) + 7] = 1,
        expected: &["the payload of asset 2 stands before that of asset 3, which it should follow"],
    },
    Broken {
        name: "payloads swapped",
        change: |b| {
            let (first, second) = (entry(0) + 8, entry(1) + 8);
            let (one, other) = (word(b, first), word(b, second));
            put(b, first, other);
            put(b, second, one);
        },
        expected: &[
            "the payload of asset 2 stands before that of asset 1, which it should follow",
            "the payload of asset 1 is damaged: it does not match its digest",
            "the payload of asset 2 is damaged: it does not match its digest",
        ],
    },
    Broken {
        name: "unaligned",
        change: |b| b[entry(0) + 8] += 1,
        expected: &["32 bytes at 448 belong to no payload", "the payload of asset 1 is not aligned"],
    },
    Broken {
        name: "before the payloads",
        change: |b| put(b, entry(0) + 8, 128),
        expected: &[
            "32 bytes at 448 belong to no payload",
            "the payload of asset 1 lies outside of the pack's payloads",
        ],
    },
    Broken {
        name: "past the end",
        change: |b| put(b, entry(2) + 8, 528),
        expected: &[
            "32 bytes at 500 belong to no payload",
            "the payload of asset 3 lies outside of the pack's payloads",
        ],
    },
    Broken {
        name: "past every end",
        change: |b| put(b, entry(2) + 8, u64::MAX - 15),
        expected: &[
            "32 bytes at 500 belong to no payload",
            "the payload of asset 3 lies outside of the pack's payloads",
        ],
    },
    Broken {
        name: "overlapping",
        change: |b| put(b, entry(1) + 8, 464),
        expected: &[
            "the payloads of the assets 1 and 2 overlap",
            "16 bytes at 496 belong to no payload",
            "the payload of asset 2 is damaged: it does not match its digest",
        ],
    },
    Broken {
        name: "sharing what is not equal",
        change: |b| put(b, entry(1) + 8, 448),
        expected: &[
            "the payloads of the assets 1 and 2 overlap",
            "32 bytes at 480 belong to no payload",
            "the payload of asset 2 is damaged: it does not match its digest",
        ],
    },
    Broken {
        name: "trailing bytes",
        change: |b| {
            b.extend([0; 4]);
            put(b, 80, 88);
        },
        expected: &["4 bytes at 532 belong to no payload"],
    },
    Broken {
        name: "padding after a payload",
        change: |b| b[448 + 31] = 1,
        expected: &["the padding after the payload of asset 1 is damaged"],
    },
    Broken {
        name: "name unfindable",
        change: |b| b[320 + 8..320 + 8 + 32].rotate_right(4),
        expected: &["the section of names is damaged: the index of names cannot find one of them"],
    },
    Broken {
        name: "name twice",
        change: |b| {
            let at = b.windows(3).position(|window| window == b"abc").unwrap();
            b[at + 1] = b'a';
        },
        expected: &["the section of names is damaged: two entries have the same name"],
    },
    Broken {
        name: "kinds out of order",
        change: |b| {
            let at = b.windows(7).position(|window| window == b"rawtext").unwrap();
            b[at] = b'z';
        },
        expected: &["the section of kinds is damaged: the kinds are not in order"],
    },
];

impl Broken {
    /// The broken pack.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = pack();
        (self.change)(&mut bytes);
        reseal(&mut bytes);
        bytes
    }
}

#[test]
fn the_whole_pack_has_the_places_that_these_tests_count_on() {
    let bytes = pack();
    let pack = open(&bytes, Verify::Eager).unwrap();
    let offsets: Vec<u64> = pack.entries().unwrap().map(|entry| entry.offset()).collect();
    assert_eq!(offsets, [448, 480, 512]);
    assert_eq!((bytes.len(), pack.header().names().offset), (532, 320));
    assert!(NamesSection::parse(&bytes[320..320 + pack.header().names().size as usize], 3).is_some());
}

#[test]
fn each_broken_rule_is_named() {
    for broken in BROKEN {
        let bytes = broken.bytes();
        let pack = open(&bytes, Verify::Never).unwrap_or_else(|error| panic!("{}: {error}", broken.name));
        let problems: Vec<String> = pack.verify().iter().map(ToString::to_string).collect();
        assert_eq!(problems, broken.expected, "{}", broken.name);
        assert!(open(&bytes, Verify::Eager).is_err(), "{}", broken.name);
    }
}

#[test]
fn every_problem_is_listed_not_only_the_first() {
    let (mut bytes, prefix) = write(16, &sample());
    bytes[prefix.bytes.len()] ^= 1;
    bytes[128 + 32] ^= 1;
    let problems: Vec<String> =
        open(&bytes, Verify::Never).unwrap().verify().iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        [
            "the index does not match its digest in the page at 128",
            "the payload of asset 7 is damaged: it does not match its digest",
            "the payload of asset 900 is damaged: it does not match its digest",
        ]
    );
    let error = open(&bytes, Verify::Eager).unwrap_err().to_string();
    assert_eq!(
        error,
        "the pack is damaged: the index does not match its digest in the page at 128, and 2 more problems"
    );
}

#[test]
fn a_damaged_entry_is_found_even_where_its_payload_is_shared() {
    let (mut bytes, _) = write(16, &sample());
    // The entry of asset 10, whose payload is that of asset 9.
    bytes[entry(3) + 7] = 0x9c;
    reseal(&mut bytes);
    let problems: Vec<String> =
        open(&bytes, Verify::Never).unwrap().verify().iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["the entry of asset 10 is damaged"]);
}

#[test]
fn padding_before_the_payloads_is_checked_at_opening() {
    let (mut bytes, prefix) = write(4096, &sample());
    *bytes[..prefix.bytes.len()].last_mut().unwrap() = 1;
    for verify in [Verify::Eager, Verify::OnRead] {
        let error = open(&bytes, verify).unwrap_err().to_string();
        assert_eq!(error, "the pack is damaged: the padding before the payloads is not zero");
    }
}

#[test]
fn equal_payloads_stored_twice_are_no_problem() {
    let mut bytes = pack();
    // The second payload gets the content and the digest of the first, where it is.
    bytes.copy_within(448..468, 480);
    bytes.copy_within(entry(0) + 32..entry(0) + 64, entry(1) + 32);
    reseal(&mut bytes);
    assert!(open(&bytes, Verify::Eager).is_ok());
}
