//! Which logs there are, and of which segments: told by the names in their folder, and by nothing else.

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;
use packer_domain::identity::SourceId;

use crate::disk::{Disk, DiskError, EntryKind};
use crate::layout;

/// What stands in the events' folder of one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogNames {
    /// The positions at which its segments begin.
    pub segments: BTreeSet<u64>,
    /// Those of the segments, there or not, beside which carried lines stand.
    pub carried: BTreeSet<u64>,
    /// Whether its lock is there: then it lives, or its log wants looking at.
    pub has_lock: bool,
}

impl LogNames {
    /// The segment in which the line at `position` is, or the first one after it.
    pub fn segment_of(&self, position: u64) -> Option<u64> {
        let before = self.segments.range(..=position).next_back();
        before.or_else(|| self.segments.range(position..).next()).copied()
    }
}

enum Part {
    Segment(u64),
    Carried(u64),
    Lock,
}

/// Everything that the events' folder holds of each source, in the order in which the sources were drawn.
pub fn listing(disk: &dyn Disk) -> Result<BTreeMap<SourceId, LogNames>, DiskError> {
    let entries = match disk.read_dir(Utf8Path::new(layout::EVENTS)) {
        Err(error) if error.is_not_found() => return Ok(BTreeMap::new()),
        result => result?,
    };
    let mut found: BTreeMap<SourceId, LogNames> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::File) {
        let Some((source, part)) = entry.name.to_str().and_then(parse) else { continue };
        let names = found.entry(source).or_default();
        match part {
            Part::Segment(first) => drop(names.segments.insert(first)),
            Part::Carried(first) => drop(names.carried.insert(first)),
            Part::Lock => names.has_lock = true,
        }
    }
    Ok(found)
}

/// The sources that have a log, in the order in which they were drawn.
pub fn list(disk: &dyn Disk) -> Result<Vec<SourceId>, DiskError> {
    let with_log = |(source, names): (SourceId, LogNames)| (!names.segments.is_empty()).then_some(source);
    Ok(listing(disk)?.into_iter().filter_map(with_log).collect())
}

fn parse(name: &str) -> Option<(SourceId, Part)> {
    let (source, rest) = name.split_once('.')?;
    let source = source.parse().ok()?;
    let numbered = |text: &str| text.parse::<u64>().ok();
    let (part, path) = match rest {
        "jsonl" => (Part::Segment(1), layout::event_log(source)),
        "lock" => (Part::Lock, layout::event_lock(source)),
        rest => {
            let rest = rest.strip_suffix(".jsonl")?;
            if let Some(first) = rest.strip_suffix(".carried").and_then(numbered) {
                (Part::Carried(first), layout::event_log_carried(source, first))
            } else {
                let first = numbered(rest)?;
                (Part::Segment(first), layout::event_log_segment(source, first))
            }
        }
    };
    // Another spelling is a file of somebody else.
    (path.file_name() == Some(name)).then_some((source, part))
}
