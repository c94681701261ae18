//! `registry.jsonl`: read, written, and merged with itself.
//!
//! An input is the file's bytes.

use packer_domain::diagnostic::DiagnosticCode;
use packer_domain::identity::{AssetId, LineageId, UuidDraw};
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use packer_fs::registry_file::{encode, encode_entry, parse};

use super::input::{asset, check_message, path, seed};
use super::{Seed, Verdict};

const FILE: &str = "registry.jsonl";

pub(super) fn run(data: &[u8]) -> Verdict {
    let registry = match parse(data, FILE) {
        Ok(registry) => registry,
        Err(refused) => {
            assert!(!refused.is_empty(), "refused, and no reason");
            for diagnostic in &refused {
                check_message(&diagnostic.message);
                assert_eq!(diagnostic.code, DiagnosticCode::RegistryInvalid);
                let Some(span) = &diagnostic.span else { continue };
                let (start, end) = (span.start as usize, span.end as usize);
                assert!(start <= end && end <= data.len(), "{span:?} in {} bytes", data.len());
                let lines = data[..start].split(|byte| *byte == b'\n').count();
                assert_eq!(span.line as usize, lines, "{span:?}");
                assert!(!data[start..end].contains(&b'\n'), "{span:?} goes beyond its line");
            }
            return Verdict::Refused;
        }
    };
    let written = encode(&registry);
    assert_eq!(parse(&written, FILE).as_ref(), Ok(&registry), "what was written reads otherwise");
    for entry in registry.entries() {
        let line = encode_entry(entry) + "\n";
        assert!(
            written.split_inclusive(|byte| *byte == b'\n').any(|found| found == line.as_bytes()),
            "{line}"
        );
        assert!(registry.lines_of(entry.uuid).any(|found| found == entry));
        assert!(registry.holders(entry.id).any(|holder| holder == entry.uuid));
    }
    // What a union merge makes of it: lines in any order, and twice.
    let mut lines: Vec<&[u8]> = data.split_inclusive(|byte| *byte == b'\n').collect();
    lines.reverse();
    let merged = [lines.concat(), data.to_vec()].concat();
    assert_eq!(parse(&merged, FILE).as_ref(), Ok(&registry), "merged with itself, it is another");
    let empty = Registry::new(registry.lineage());
    let (gone, new) = registry.difference(&empty);
    assert_eq!((gone.len(), new.len()), (registry.len(), 0));
    Verdict::Taken
}

/// A registry with every sort of line.
pub(super) fn sample() -> Registry {
    let lineage = LineageId::drawn(UuidDraw { unix_ms: 1_795_338_000_000, entropy: [7; 16] });
    let mut registry = Registry::new(lineage);
    let states = [
        EntryState::Live { anchor: path("ui/a.png.asset.toml"), build: BuildParticipation::Included },
        EntryState::Live {
            anchor: path("Grüße/\u{1f41f}.asset.toml"), build: BuildParticipation::Excluded
        },
        EntryState::Retired,
    ];
    for (n, state) in (1_u8..).zip(states) {
        let id = AssetId::new(u32::from(n) * 1000).expect("it is not zero");
        registry.insert(RegistryEntry { uuid: asset(n), id, state });
    }
    registry
}

pub(super) fn seeds() -> Vec<Seed> {
    let whole = String::from_utf8(encode(&sample())).expect("a registry is text");
    let header = whole.lines().next().unwrap_or_default();
    let retired = whole.lines().last().unwrap_or_default();
    vec![
        seed("sample", whole.as_str()),
        seed("header", format!("{header}\n")),
        seed("crlf", whole.replace('\n', "\r\n")),
        seed("merged", format!("{whole}{whole}")),
        seed("same-id", format!("{header}\n{}\n{retired}\n", retired.replace(":3000", ":1"))),
        seed("empty", ""),
        seed("torn", &whole[..whole.len() - 1]),
        seed("conflict", format!("{header}\n<<<<<<< ours\n{retired}\n=======\n{retired}\n>>>>>>> theirs\n")),
        seed("newer", "{\"schema\":2,\"lineage\":7,\"more\":[]}\n"),
        seed("lists", format!("{header}\n[1,\"a\"]\n{retired}\n \n")),
        seed("fields", format!("{header}\n{}\n{{}}\n", retired.replace("true", "false"))),
        seed("null", format!("{header}\n{}\n", retired.replace("\"retired\":true", "\"anchor\":null"))),
        seed("spaces", format!(" {}\n\n\t{retired}\n", header.replace(',', " , "))),
        seed("not-utf-8", [whole.as_bytes(), b"{\"id\":\xff}\n"].concat()),
    ]
}
