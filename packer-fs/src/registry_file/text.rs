//! The registry's bytes as they were read at one moment, and an edit of single lines of them.
//!
//! For commits that change a few lines of a large registry: what was read to make sure of it is what is edited, so nothing
//! is read, parsed or written out a second time. An edit gives the bytes that the writer would give, or none at all: of
//! bytes that are not the writer's own, such as those of a merge, it does not know what else they say of an asset.
//!
//! That the file is still what was read is told here by its facts. Those can lie; a commit reads what it displaces all the
//! same.

use std::cmp::Ordering;
use std::io::Read;

use packer_domain::identity::Digest;
use packer_domain::registry::RegistryEntry;

use super::{MAX_REGISTRY_BYTES, encode_entry};
use crate::disk::{Disk, DiskError, DiskOperation, Stat};
use crate::journal::FileFingerprint;
use crate::layout;

/// How a uuid is written: in one way only.
const UUID_BYTES: usize = 36;

/// The bytes of a project's registry, with their digest and the facts of the file.
#[derive(Debug)]
pub struct RegistryText {
    bytes: Vec<u8>,
    read: ReadRegistry,
}

/// What was read, without the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadRegistry {
    pub(crate) fingerprint: FileFingerprint,
    /// Of the file that was read, before it was.
    pub(crate) stat: Stat,
}

/// A registry of which some lines were replaced.
#[derive(Debug)]
pub struct EditedRegistry {
    pub(crate) before: ReadRegistry,
    pub(crate) after: Vec<u8>,
    pub(crate) replaced_lines: Vec<String>,
}

/// An entry and what takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplacedEntry<'e> {
    /// The entry as it is.
    pub before: &'e RegistryEntry,
    /// The entry as it will be: of the same asset, with the same id.
    pub after: &'e RegistryEntry,
}

impl RegistryText {
    /// Reads the project's registry.
    pub fn read(disk: &dyn Disk) -> Result<Self, DiskError> {
        let fail =
            |source| DiskError { operation: DiskOperation::Read, path: layout::REGISTRY.into(), source };
        let mut file = disk.open(layout::REGISTRY.into())?;
        let stat = file.stat_at_open().map_err(fail)?;
        let mut bytes = Vec::with_capacity(stat.size.min(MAX_REGISTRY_BYTES) as usize);
        // One that is too large, or grows, is cut off, and so has another digest than any that was accepted.
        (&mut file).take(MAX_REGISTRY_BYTES).read_to_end(&mut bytes).map_err(fail)?;
        let fingerprint = FileFingerprint::of(&bytes);
        Ok(Self { bytes, read: ReadRegistry { fingerprint, stat } })
    }

    /// The digest of the bytes.
    pub fn digest(&self) -> Digest {
        self.read.fingerprint.digest
    }

    /// The same registry, which was accepted as valid, with some entries replaced, as the writer would write it. `None` if the bytes are not those that
    /// the writer gives, if they lack one of the entries, or if a line would not be as long as the one that it replaces.
    ///
    /// `written` is the digest of bytes that the writer is known to have given. If it is that of these, they are not looked
    /// through for whether they are such.
    pub fn replacing(
        self,
        replaced: &[ReplacedEntry<'_>],
        written: Option<Digest>,
    ) -> Option<EditedRegistry> {
        let Self { mut bytes, read } = self;
        let mut edits: Vec<LineEdit> = replaced.iter().map(LineEdit::of).collect::<Option<_>>()?;
        edits.sort_by_key(|edit| edit.id);
        if written == Some(read.fingerprint.digest) {
            search(&bytes, &mut edits)?;
        } else {
            find(&bytes, &mut edits)?;
        }
        for edit in &edits {
            bytes[edit.at..edit.at + edit.after.len()].copy_from_slice(edit.after.as_bytes());
        }
        let replaced_lines = edits.into_iter().map(|edit| edit.before).collect();
        Some(EditedRegistry { before: read, after: bytes, replaced_lines })
    }
}

impl EditedRegistry {
    /// The new bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.after
    }
}

struct LineEdit {
    id: u32,
    before: String,
    after: String,
    at: usize,
}

impl LineEdit {
    fn of(replaced: &ReplacedEntry<'_>) -> Option<Self> {
        let ReplacedEntry { before, after } = replaced;
        if (before.uuid, before.id) != (after.uuid, after.id) {
            return None;
        }
        let edit =
            Self { id: before.id.get(), before: encode_entry(before), after: encode_entry(after), at: 0 };
        (edit.before.len() == edit.after.len()).then_some(edit)
    }
}

/// Finds the lines of `edits`, which are ordered by id, if all of `bytes` is as the writer writes it.
fn find(bytes: &[u8], edits: &mut [LineEdit]) -> Option<()> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let (header, lines) = text.split_once('\n')?;
    if !is_header(header) {
        return None;
    }
    let mut wanted = edits.iter_mut().peekable();
    let (mut at, mut last) = (header.len() + 1, 0);
    for line in lines.split('\n') {
        let id = canonical_id(line).filter(|id| *id > last)?;
        if let Some(edit) = wanted.next_if(|edit| edit.id == id) {
            if line != edit.before {
                return None;
            }
            edit.at = at;
        }
        (at, last) = (at + line.len() + 1, id);
    }
    if wanted.next().is_some() { None } else { Some(()) }
}

/// Finds the lines of `edits` in bytes that are the writer's own.
fn search(bytes: &[u8], edits: &mut [LineEdit]) -> Option<()> {
    let is_end = |byte: &u8| *byte == b'\n';
    let first = bytes.iter().position(is_end)? + 1;
    for edit in edits {
        let (mut low, mut high) = (first, bytes.len());
        // The line is between the two, each of which is where a line begins.
        edit.at = loop {
            let middle = low + (high - low) / 2;
            let start = bytes[low..middle].iter().rposition(is_end).map_or(low, |at| low + at + 1);
            let line = &bytes[start..high];
            let line = &line[..=line.iter().position(is_end)?];
            match id_of(line)?.cmp(&edit.id) {
                Ordering::Less => low = start + line.len(),
                Ordering::Greater => high = start,
                Ordering::Equal if line.strip_suffix(b"\n") == Some(edit.before.as_bytes()) => break start,
                Ordering::Equal => return None,
            }
        };
    }
    Some(())
}

fn id_of(line: &[u8]) -> Option<u32> {
    let rest = line.strip_prefix(b"{\"id\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Whether a valid header is written as the writer writes it.
fn is_header(line: &str) -> bool {
    let lineage = line.strip_prefix("{\"schema\":1,\"lineage\":\"").and_then(|rest| rest.strip_suffix("\"}"));
    lineage.is_some_and(|lineage| lineage.len() == UUID_BYTES)
}

/// The id of a line that is a valid entry, if it is written as the writer writes it. Of what is in it, only that is looked at
/// which can be written in more than one way.
fn canonical_id(line: &str) -> Option<u32> {
    const AFTER_ID: &str = ",\"uuid\":\"";
    const AFTER_UUID: &str = "\",\"anchor\":\"";
    let rest = line.strip_prefix("{\"id\":")?;
    let digits = rest.as_bytes().iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (id, rest) = rest.split_at(digits);
    if id.starts_with('0') {
        return None;
    }
    let (_, rest) = rest.strip_prefix(AFTER_ID)?.split_at_checked(UUID_BYTES)?;
    let is_canonical = match rest.strip_prefix(AFTER_UUID) {
        None => rest == "\",\"retired\":true}",
        Some(rest) => {
            let included = rest.strip_suffix("\",\"build\":\"included\"}");
            let anchor = included.or_else(|| rest.strip_suffix("\",\"build\":\"excluded\"}"));
            // With either in it, it would be a text with escapes, or the end of one.
            anchor.is_some_and(|anchor| !anchor.contains('"') && !anchor.contains('\\'))
        }
    };
    if is_canonical { id.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use packer_domain::identity::{AssetId, LineageId, UuidDraw};
    use packer_domain::path::AssetPath;
    use packer_domain::registry::{BuildParticipation, EntryState, Registry};
    use proptest::prelude::*;

    use super::super::{encode, parse};
    use super::*;
    use crate::disk::sim::SimDisk;

    const DRAW: UuidDraw = UuidDraw { unix_ms: 1_790_000_000_000, entropy: [7; 16] };

    fn entry(n: u32, state: EntryState) -> RegistryEntry {
        let uuid = DRAW.asset_uuid(&n.to_string());
        RegistryEntry { uuid, id: AssetId::new(n.wrapping_mul(0x9E37_79B1).max(1)).unwrap(), state }
    }

    fn live(n: u32, name: &str, build: BuildParticipation) -> RegistryEntry {
        entry(n, EntryState::Live { anchor: AssetPath::parse(name).unwrap(), build })
    }

    fn toggled(entry: &RegistryEntry) -> RegistryEntry {
        let EntryState::Live { anchor, build } = &entry.state else { panic!("{entry} is retired") };
        let build = match build {
            BuildParticipation::Included => BuildParticipation::Excluded,
            BuildParticipation::Excluded => BuildParticipation::Included,
        };
        RegistryEntry { state: EntryState::Live { anchor: anchor.clone(), build }, ..entry.clone() }
    }

    fn read(bytes: &[u8]) -> RegistryText {
        let disk = SimDisk::new();
        disk.put(layout::REGISTRY.into(), bytes);
        RegistryText::read(&disk).unwrap()
    }

    /// The bytes with some entries toggled. Of those that the writer gave it is the same whether that is known.
    fn edited(bytes: &[u8], entries: &[RegistryEntry]) -> Option<EditedRegistry> {
        let after: Vec<RegistryEntry> = entries.iter().map(toggled).collect();
        let replaced: Vec<_> =
            entries.iter().zip(&after).map(|(before, after)| ReplacedEntry { before, after }).collect();
        let edited = read(bytes).replacing(&replaced, None);
        if let Some(edited) = &edited {
            let known = read(bytes).replacing(&replaced, Some(Digest::of(bytes))).unwrap();
            assert_eq!(
                (&known.after, &known.replaced_lines, known.before.fingerprint),
                (&edited.after, &edited.replaced_lines, edited.before.fingerprint)
            );
        }
        edited
    }

    fn some_registry() -> (Registry, Vec<RegistryEntry>) {
        let names = ["a.txt.asset.toml", "ui/ünïcode ' {}.png.asset.toml", "z/asset.toml"];
        let mut entries: Vec<RegistryEntry> =
            (0..9).map(|n| live(n, names[n as usize % 3], BuildParticipation::Included)).collect();
        entries.push(entry(99, EntryState::Retired));
        (Registry::from_lines(LineageId::drawn(DRAW), entries.clone()), entries)
    }

    proptest! {
        /// Whichever entries are toggled, the bytes are those that the writer gives for the registry that they make.
        #[test]
        fn an_edit_gives_what_the_writer_gives(
            entries in prop::collection::btree_map(
                0_u32..5000,
                (prop::option::of("[a-zé' {}:,]{1,12}"), any::<bool>(), any::<bool>()),
                1..40,
            ),
        ) {
            let mut toggle = Vec::new();
            let mut lines = Vec::new();
            for (n, (name, included, chosen)) in entries {
                let build = if included { BuildParticipation::Included } else { BuildParticipation::Excluded };
                let path = name.and_then(|name| AssetPath::parse(&format!("{name}.asset.toml")).ok());
                let line = match path {
                    Some(anchor) => entry(n, EntryState::Live { anchor, build }),
                    None => entry(n, EntryState::Retired),
                };
                if chosen && line.anchor().is_some() {
                    toggle.push(line.clone());
                }
                lines.push(line);
            }
            let before = Registry::from_lines(LineageId::drawn(DRAW), lines);
            let mut after = before.clone();
            for entry in &toggle {
                after.remove(entry);
                after.insert(toggled(entry));
            }
            let edit = edited(&encode(&before), &toggle).expect("the writer wrote it");
            prop_assert_eq!(edit.bytes(), encode(&after));
            let mut lines: Vec<String> = toggle.iter().map(encode_entry).collect();
            let mut replaced = edit.replaced_lines;
            lines.sort();
            replaced.sort();
            prop_assert_eq!(replaced, lines);
        }
    }

    /// Every one of these is a registry, and says the same; an edit of one line of it would not give what the writer gives.
    #[test]
    fn what_the_writer_would_write_otherwise_is_not_edited() {
        let (registry, entries) = some_registry();
        let text = String::from_utf8(encode(&registry)).unwrap();
        assert!(edited(text.as_bytes(), &entries[..1]).is_some());
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(3, 4);
        let swapped = format!("{}\n", lines.join("\n"));
        let third = text.lines().nth(4).unwrap();
        let retired = text.lines().find(|line| line.contains("retired")).unwrap();
        let variants = [
            swapped,
            format!("{text}{third}\n"),
            format!("{text}{}\n", text.lines().next().unwrap()),
            format!("{text}\n"),
            text.replace('\n', "\r\n"),
            text.replacen("{\"schema\":1,", "{ \"schema\":1,", 1),
            text.replace(third, &third.replacen(':', ": ", 1)),
            text.replace(third, &third.replacen("\"anchor\":", "\"anchor\": ", 1)),
            text.replace(third, &third.replacen(",\"build\"", " ,\"build\"", 1)),
            text.replace(third, &third.replacen("asset.toml", "asset\\u002etoml", 1)),
            text.replace(retired, &retired.replacen(":true", ": true", 1)),
        ];
        for variant in variants {
            assert_ne!(variant, text);
            let parsed =
                parse(variant.as_bytes(), "r").unwrap_or_else(|error| panic!("{variant}: {error:?}"));
            assert_eq!(parsed, registry, "{variant}");
            for entry in &entries[..3] {
                assert!(edited(variant.as_bytes(), std::slice::from_ref(entry)).is_none(), "{variant}");
            }
        }
    }

    #[test]
    fn an_entry_that_is_not_there_and_one_that_changes_its_length_are_not_replaced() {
        let (registry, entries) = some_registry();
        let bytes = encode(&registry);
        let absent = live(77, "a.txt.asset.toml", BuildParticipation::Included);
        assert!(edited(&bytes, &[absent]).is_none());
        assert!(edited(&bytes, &[toggled(&entries[0])]).is_none(), "it is another line");
        let (before, other) = (&entries[0], &entries[1]);
        let longer = live(0, "longer.txt.asset.toml", BuildParticipation::Included);
        for after in [other, &longer] {
            for written in [None, Some(Digest::of(&bytes))] {
                assert!(read(&bytes).replacing(&[ReplacedEntry { before, after }], written).is_none());
            }
        }
        // Also where it would be searched for: before all others, between them, and after them.
        for n in 0..200 {
            let (before, written) = (live(500 + n, "a", BuildParticipation::Included), Digest::of(&bytes));
            let after = toggled(&before);
            let replaced = [ReplacedEntry { before: &before, after: &after }];
            assert!(read(&bytes).replacing(&replaced, Some(written)).is_none());
        }
    }

    #[test]
    fn bytes_that_are_no_registry_are_not_edited() {
        let (registry, entries) = some_registry();
        let bytes = encode(&registry);
        for end in 0..bytes.len() {
            assert!(edited(&bytes[..end], &entries[..9]).is_none(), "{end} bytes");
        }
        assert!(edited(&[0xff; 100], &[]).is_none());
        // Who says so wrongly of other bytes gets an edit of them, or none.
        let replaced = [ReplacedEntry { before: &entries[0], after: &toggled(&entries[0]) }];
        for end in 0..bytes.len() {
            let _ = read(&bytes[..end]).replacing(&replaced, Some(Digest::of(&bytes[..end])));
        }
    }
}
