//! The registry's text: what is written, what is taken back, what is refused, and with which line.

use packer_domain::diagnostic::Diagnostic;
use packer_domain::identity::{AssetId, LineageId, UuidDraw};
use packer_domain::path::AssetPath;
use packer_domain::registry::{BuildParticipation, EntryState, Registry, RegistryEntry};
use proptest::prelude::*;

use super::parse::{MAX_REPORTED, canonical_entry};
use super::{EntryLine, encode, encode_entry, parse};

const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [3; 16] };

fn entry(key: u8, id: u32, anchor: Option<&str>, included: bool) -> RegistryEntry {
    let build = if included { BuildParticipation::Included } else { BuildParticipation::Excluded };
    RegistryEntry {
        uuid: DRAW.asset_uuid(&key.to_string()),
        id: AssetId::new(id).unwrap(),
        state: anchor.map_or(EntryState::Retired, |anchor| EntryState::Live {
            anchor: AssetPath::parse(anchor).unwrap(),
            build,
        }),
    }
}

fn registry(entries: &[RegistryEntry]) -> Registry {
    let mut registry = Registry::new(LineageId::drawn(DRAW));
    for entry in entries {
        registry.insert(entry.clone());
    }
    registry
}

fn header() -> String {
    format!("{{\"schema\":1,\"lineage\":\"{}\"}}", LineageId::drawn(DRAW))
}

/// The refusals of a file that has the header and then `lines`: the line number of each, and its message.
fn refusals(lines: &str) -> Vec<(u32, String)> {
    let text = format!("{}\n{lines}", header());
    let place = |diagnostic: Diagnostic| (diagnostic.span.map_or(0, |span| span.line), diagnostic.message);
    parse(text.as_bytes(), "registry.jsonl").unwrap_err().into_iter().map(place).collect()
}

#[test]
fn is_written_in_the_form_that_is_documented() {
    let (live, retired) = (entry(1, 9, Some("ui/\u{e4}.png.asset.toml"), true), entry(2, 4, None, true));
    let text = String::from_utf8(encode(&registry(&[live.clone(), retired.clone()]))).unwrap();
    let (a, b) = (live.uuid, retired.uuid);
    let expected = [
        header(),
        format!(r#"{{"id":4,"uuid":"{b}","retired":true}}"#),
        format!(r#"{{"id":9,"uuid":"{a}","anchor":"ui/ä.png.asset.toml","build":"included"}}"#),
        String::new(),
    ];
    assert_eq!(text, expected.join("\n"));
    assert_eq!(encode_entry(&retired), expected[1]);
}

#[test]
fn what_a_union_merge_gives_is_taken() {
    let (a, b) = (entry(1, 9, Some("a"), true), entry(2, 4, None, true));
    let other_a = entry(1, 9, Some("b"), false);
    let lines = [&a, &b, &other_a, &a].map(encode_entry).join("\n");
    let text = format!("{lines}\n{}\n\n{}\n", header(), header());
    let expected = registry(&[a, b, other_a]);
    assert_eq!(parse(text.as_bytes(), "r").unwrap(), expected);
    assert_eq!(parse(text.replace('\n', "\r\n").as_bytes(), "r").unwrap(), expected);
}

#[test]
fn every_refused_line_is_reported_with_its_number() {
    let good = encode_entry(&entry(1, 9, Some("a"), true));
    let uuid = DRAW.asset_uuid("1");
    let lines = [
        "<<<<<<< ours".to_owned(),
        good.clone(),
        "||||||| base".to_owned(),
        "=======".to_owned(),
        good.replace("\"build\"", "\"biuld\""),
        ">>>>>>> theirs".to_owned(),
        good.replace("included", "sometimes"),
        good.replace("\"id\":9", "\"id\":0"),
        good.replace("\"id\":9", "\"id\":9,\"id\":9"),
        good.to_uppercase(),
        good[..good.len() - 5].to_owned(),
        format!(r#"{{"id":9,"uuid":"{uuid}"}}"#),
        format!(r#"{{"id":9,"uuid":"{uuid}","anchor":"a"}}"#),
        format!(r#"{{"id":9,"uuid":"{uuid}","anchor":null,"retired":true}}"#),
        format!(r#"{{"id":9,"uuid":"{uuid}","anchor":"a","build":"included","retired":true}}"#),
        format!(r#"{{"id":9,"uuid":"{uuid}","retired":false}}"#),
        good.replace(":\"a\"", ":\"../a\""),
        format!(r#"[9,"{uuid}","a","included"]"#),
        format!("{good}{good}"),
        "junk".to_owned(),
    ];
    let refused = refusals(&format!("{}\n", lines.join("\n")));
    let numbers: Vec<u32> = refused.iter().map(|(line, _)| *line).collect();
    let expected: Vec<u32> = (2..2 + lines.len() as u32).filter(|line| *line != 3).collect();
    assert_eq!(numbers, expected, "{refused:#?}");
    assert!(refused[3].1.contains("unknown field `biuld`"), "{}", refused[3].1);
    assert!(refused[7].1.contains("duplicate field `id`"), "{}", refused[7].1);
}

#[test]
fn a_torn_last_line_is_refused_also_when_it_is_whole() {
    let good = encode_entry(&entry(1, 9, Some("a"), true));
    for torn in [good.as_str(), &good[..20], "{"] {
        let refused = refusals(torn);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].0 == 2 && refused[0].1.contains("no end"), "{refused:?}");
    }
}

#[test]
fn the_header_is_needed_and_known_and_one() {
    let other = LineageId::drawn(UuidDraw { unix_ms: 1, ..DRAW });
    let refused = refusals(&format!("{{\"schema\":1,\"lineage\":\"{other}\"}}\n"));
    assert!(matches!(&refused[..], [(2, message)] if message.contains("another lineage")), "{refused:?}");

    let newer = refusals("{\"schema\":2,\"shape\":\"new\"}\nanything\n");
    assert!(matches!(&newer[..], [(2, message)] if message.contains("schema 2")), "{newer:?}");

    let unknown = refusals(&header().replace('}', ",\"next_id\":4}\n"));
    assert!(
        matches!(&unknown[..], [(2, message)] if message.contains("unknown field `next_id`")),
        "{unknown:?}"
    );

    for none in ["", "\n"] {
        let [missing] = &parse(none.as_bytes(), "r").unwrap_err()[..] else { panic!("not one finding") };
        assert!(missing.message.contains("header"), "{}", missing.message);
    }
}

#[test]
fn places_are_of_the_whole_file() {
    let good = encode_entry(&entry(1, 9, Some("a"), true));
    let text = format!("{}\r\n{good}\r\n\u{e4}\r\n", header());
    let [refused] = &parse(text.as_bytes(), "r").unwrap_err()[..] else { panic!("not one finding") };
    let span = refused.span.as_ref().unwrap();
    assert_eq!(&text[span.start as usize..span.end as usize], "\u{e4}");
    assert_eq!((span.line, span.column, span.excerpt.as_str()), (3, 1, "\u{e4}"));
    assert_eq!(refused.file.as_deref(), Some("r"));
}

#[test]
fn a_file_of_something_else_is_not_listed_without_end() {
    let diagnostics = parse("x\n".repeat(5000).as_bytes(), "r").unwrap_err();
    assert_eq!(diagnostics.len(), MAX_REPORTED + 1);
    assert!(diagnostics.last().unwrap().message.contains("4000 more"));
}

fn entries() -> impl Strategy<Value = Vec<RegistryEntry>> {
    let anchor = proptest::option::of("[a-zäß \"]{1,6}(/[a-z\u{1f600}.]{2,4}x)?");
    let one = (any::<u8>(), 1_u32..20, anchor, any::<bool>());
    let one = one.prop_map(|(key, id, anchor, included)| entry(key, id, anchor.as_deref(), included));
    proptest::collection::vec(one, 0..20)
}

proptest! {
    #[test]
    fn comes_back_and_is_canonical(entries in entries(), seed: u64) {
        let registry = registry(&entries);
        let bytes = encode(&registry);
        prop_assert_eq!(&parse(&bytes, "r").unwrap(), &registry);

        // The same lines in another order, some of them twice, give the same bytes.
        let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let repeated = lines[seed as usize % lines.len()];
        lines.push(repeated);
        lines.sort_by_key(|line| blake3::keyed_hash(&[seed as u8; 32], line).to_hex());
        let merged = parse(&lines.concat(), "r").unwrap();
        prop_assert_eq!(encode(&merged), bytes);
    }

    #[test]
    fn what_is_read_quickly_is_what_json_says(
        entries in entries(), at in any::<prop::sample::Index>(), damage in "[{}\",:0-9a-z\\\\\u{7f}é]{0,2}", cut in 0_usize..3,
    ) {
        for entry in &entries {
            let line = encode_entry(entry);
            let plain = entry.anchor().is_some_and(|anchor| !anchor.as_str().contains('"'));
            prop_assert_eq!(canonical_entry(&line), plain.then(|| entry.clone()));
            let characters: Vec<char> = line.chars().collect();
            let at = at.index(characters.len());
            let after = &characters[(at + cut).min(characters.len())..];
            let damaged: String = characters[..at].iter().copied().chain(damage.chars()).chain(after.iter().copied()).collect();
            if let Some(read) = canonical_entry(&damaged) {
                let json = serde_json::from_str::<EntryLine>(&damaged).ok().and_then(|line| line.into_entry().ok());
                prop_assert_eq!(json, Some(read), "{}", damaged);
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(parse(&bytes, "r"));
    }

    #[test]
    fn no_damage_makes_it_panic_and_no_cut_passes(at in 0_usize..1000, byte: u8, entries in entries()) {
        let registry = registry(&entries);
        let mut bytes = encode(&registry);
        let at = at % bytes.len();
        match parse(&bytes[..at], "r") {
            // A cut at the end of a line leaves fewer lines, each whole.
            Ok(cut) => prop_assert!(bytes[at - 1] == b'\n' && cut.len() <= registry.len()),
            Err(diagnostics) => prop_assert!(!diagnostics.is_empty()),
        }
        bytes[at] = byte;
        drop(parse(&bytes, "r"));
    }
}
