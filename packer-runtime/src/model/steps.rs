//! The steps, as small numbers that mean something only beside the state that they meet: whichever of them are left out, the
//! others still mean something. That is why a failing sequence shrinks well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use camino::Utf8Path;
use packer_domain::divergence::{Divergence, Resolution};
use packer_domain::identity::{AssetUuid, OperationId, UuidDraw};
use packer_domain::kind::SettingValue;
use packer_domain::mutation::{
    Adopt, Batch, Configure, Duplicate, Mutation, Reconcile, Register, Relocate, Remove, RemovedInputs,
    Rename, Selector, SetBuild, Target, Undo,
};
use packer_domain::name::AssetName;
use packer_domain::path::AssetPath;
use packer_domain::registry::BuildParticipation;
use packer_fs::disk::Disk;
use packer_fs::disk::sim::SimDisk;
use proptest::prelude::*;

use super::scene::{Scene, is_anchor, subject};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Adopt,
    Register,
    Rename,
    SetBuild,
    Configure,
    Relocate,
    Duplicate,
    Remove,
    Reconcile,
    Batch,
    Undo,
    Preview,
    Refresh,
    Build,
    Edit,
    /// The power is cut amid the next mutation.
    Crash,
    Restart,
}

/// How often each is drawn.
const WEIGHTS: [(u32, What); 17] = [
    (3, What::Adopt),
    (4, What::Register),
    (4, What::Rename),
    (3, What::SetBuild),
    (4, What::Configure),
    (6, What::Relocate),
    (4, What::Duplicate),
    (4, What::Remove),
    (7, What::Reconcile),
    (3, What::Batch),
    (8, What::Undo),
    (2, What::Preview),
    (2, What::Refresh),
    (2, What::Build),
    (7, What::Edit),
    (7, What::Crash),
    (1, What::Restart),
];

/// One step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub what: What,
    pub a: u8,
    pub b: u8,
    pub c: u8,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step({:?}, {}, {}, {})", self.what, self.a, self.b, self.c)
    }
}

/// A step, as one that failed is written down.
pub(super) fn step(what: What, a: u8, b: u8, c: u8) -> Step {
    Step { what, a, b, c }
}

/// Any sequence of steps.
pub(super) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let weighted = WEIGHTS.map(|(weight, what)| (weight, Just(what)));
    let what = prop::strategy::Union::new_weighted(weighted.to_vec());
    let any = (what, any::<u8>(), any::<u8>(), any::<u8>());
    prop::collection::vec(any.prop_map(|(what, a, b, c)| step(what, a, b, c)), 5..=40)
}

const NAMES: [&str; 9] = ["ui/a", "ui/b", "world/c", "hero", "ui/loose", "n/one", "n/two", "gift", "foe"];

const PLACES: [&str; 14] = [
    "ui/a.rec",
    "ui/b.rec",
    "ui/",
    "world/c.rec",
    "hero",
    "hero/",
    "foe",
    "people/hero",
    "new/deep/x.rec",
    ".",
    "ui/z.rec",
    "a.rec",
    "world",
    "hero/in/side",
];

const SOURCES: [&str; 8] = [
    "ui/a.rec",
    "ui/loose.rec",
    "world/c.rec",
    "new.rec",
    "ui/z.rec",
    "hero/3.frm",
    "hero/1.frm",
    "people/y.rec",
];

/// What the steps are made concrete by.
pub(super) struct Around<'a> {
    pub scene: &'a Scene,
    pub divergences: &'a [Divergence],
    /// What can be undone, and what not, the oldest first.
    pub operations: &'a [OperationId],
    /// A number that no other step has.
    pub number: u64,
}

fn pick<T: Clone>(from: &[T], at: u8) -> Option<T> {
    (!from.is_empty()).then(|| from[usize::from(at) % from.len()].clone())
}

impl Around<'_> {
    pub(super) fn draw(&self) -> UuidDraw {
        let mut entropy = [7; 16];
        entropy[..8].copy_from_slice(&self.number.to_le_bytes());
        UuidDraw { unix_ms: 1_700_000_000_000 + self.number, entropy }
    }

    /// An asset of the registry, live or not.
    fn asset(&self, at: u8) -> Option<AssetUuid> {
        let uuids: BTreeSet<&str> = self.scene.lines.iter().map(|line| line.uuid.as_str()).collect();
        let uuids: Vec<&str> = uuids.into_iter().collect();
        Some(pick(&uuids, at)?.parse().unwrap())
    }

    fn target(&self, at: u8) -> Target {
        let mut paths: Vec<&str> = self.scene.files.keys().map(String::as_str).collect();
        paths.extend(self.scene.folders.iter().map(String::as_str));
        paths.push("not/there.rec");
        match pick(&paths, at) {
            Some(path) if !at.is_multiple_of(3) => Target::Path(AssetPath::parse(path).unwrap()),
            _ => Target::Root,
        }
    }

    /// What a step asks for; none where there is nothing that it could be about.
    pub(super) fn mutation(&self, step: Step) -> Option<Mutation> {
        let Step { what, a, b, c } = step;
        let name = |at: u8| AssetName::parse(NAMES[usize::from(at) % NAMES.len()]).unwrap();
        let place = |at: u8| PLACES[usize::from(at) % PLACES.len()].to_owned();
        let draw = self.draw();
        Some(match what {
            What::Adopt => Mutation::Adopt(Adopt { targets: vec![self.target(a)], kind: None, draw }),
            What::Register => {
                let mut targets: Vec<Target> = self
                    .scene
                    .divergences()
                    .into_iter()
                    .collect::<Vec<_>>()
                    .iter()
                    .filter(|(code, _)| *code == "anchor/unregistered")
                    .map(|(_, path)| Target::Path(AssetPath::parse(path).unwrap()))
                    .collect();
                targets.push(self.target(b));
                Mutation::Register(Register { targets: vec![pick(&targets, a)?] })
            }
            What::Rename => Mutation::Rename(Rename { asset: self.asset(a)?, name: name(b) }),
            What::SetBuild => {
                let assets = [Some(self.asset(a)?), self.asset(b)].into_iter().flatten().collect();
                let build = match c % 2 {
                    0 => BuildParticipation::Included,
                    _ => BuildParticipation::Excluded,
                };
                Mutation::SetBuild(SetBuild { assets, build })
            }
            What::Configure => {
                let (mut set, mut clear) = (BTreeMap::new(), BTreeSet::new());
                match b % 6 {
                    0 => drop(clear.insert("size".to_owned())),
                    1 => drop(set.insert("to".to_owned(), SettingValue::Text(name(c).to_string()))),
                    2 => drop(set.insert("nonsense".to_owned(), SettingValue::Int(1))),
                    _ => drop(set.insert("size".to_owned(), SettingValue::Int(i64::from(c % 110)))),
                }
                Mutation::Configure(Configure { asset: self.asset(a)?, set, clear })
            }
            What::Relocate => Mutation::Relocate(Relocate { asset: self.asset(a)?, to: place(b) }),
            What::Duplicate => {
                let name = (c % 3 == 0).then(|| name(c / 3));
                Mutation::Duplicate(Duplicate { asset: self.asset(a)?, to: place(b), name, draw })
            }
            What::Remove => {
                let also = if b.is_multiple_of(2) { self.asset(b / 2) } else { None };
                let inputs = if c.is_multiple_of(2) { RemovedInputs::Kept } else { RemovedInputs::ToHistory };
                let assets = [Some(self.asset(a)?), also].into_iter().flatten().collect();
                Mutation::Remove(Remove { assets, inputs })
            }
            What::Reconcile => Mutation::Reconcile(self.reconcile(step)),
            What::Undo => {
                // The latest ones more often than those of long ago.
                let back = usize::from(a) % (1 + usize::from(b % 8));
                let at = self.operations.len().checked_sub(1 + back).or(self.operations.len().checked_sub(1));
                Mutation::Undo(Undo { operation: self.operations[at?] })
            }
            What::Batch => {
                let kinds = [
                    What::Rename,
                    What::Relocate,
                    What::SetBuild,
                    What::Configure,
                    What::Remove,
                    What::Adopt,
                    What::Duplicate,
                ];
                let mixed = |n: u8| a.wrapping_mul(31).wrapping_add(n.wrapping_mul(97)).wrapping_add(b / 3);
                let member = |n: u8| {
                    let what = kinds[usize::from(mixed(n)) % kinds.len()];
                    let member = Around { number: self.number + u64::from(n), ..*self };
                    let c = c.rotate_left(u32::from(n)).wrapping_add(n);
                    member.mutation(Step { what, a: b.wrapping_add(n), b: mixed(n + 9), c })
                };
                Mutation::Batch(Batch { mutations: (1..=2 + c % 3).filter_map(member).collect() })
            }
            What::Preview | What::Refresh | What::Build | What::Edit | What::Crash | What::Restart => {
                return None;
            }
        })
    }

    fn reconcile(&self, Step { a, b, c, .. }: Step) -> Reconcile {
        let mut reconcile =
            Reconcile { select: Vec::new(), resolution: None, path: None, name: None, draw: self.draw() };
        let found = pick(self.divergences, a);
        let Some(found) = found.filter(|_| c % 8 != 7) else {
            return Reconcile { resolution: (b % 2 == 0).then_some(Resolution::Retire), ..reconcile };
        };
        reconcile.select = match (found.assets.first(), found.paths.first()) {
            (Some(uuid), _) => vec![Selector::Asset(*uuid)],
            (None, Some(path)) => vec![Selector::Path(path.clone())],
            (None, None) => vec![Selector::Code(found.code)],
        };
        let offers: Vec<Resolution> = found.resolutions.iter().map(|offer| offer.resolution).collect();
        reconcile.resolution = pick(&offers, b);
        if c % 4 != 3 {
            reconcile.path = pick(&found.paths, b.wrapping_add(1));
            reconcile.name = AssetName::parse(NAMES[usize::from(c) % NAMES.len()]).ok();
        }
        reconcile
    }
}

/// What somebody else does to the workspace. Durable at once, since who does it has had time.
pub(super) fn edit(disk: &SimDisk, scene: &Scene, step: Step, number: u64) {
    let Step { a, b, c, .. } = step;
    let at = |path: &str| Utf8Path::new("assets").join(path);
    let texts = |wanted: fn(&str) -> bool| -> Vec<String> {
        scene.files.keys().filter(|path| wanted(path)).cloned().collect()
    };
    let (sources, anchors) = (texts(|path| !is_anchor(path)), texts(is_anchor));
    let fresh = format!("bytes {number}").into_bytes();
    match a % 12 {
        0 | 1 => disk.put(&at(SOURCES[usize::from(b) % SOURCES.len()]), &fresh),
        2 => {
            if let Some(path) = pick(&sources, b) {
                disk.put(&at(&path), &fresh);
            }
        }
        3 => {
            let gone = if c % 2 == 0 { pick(&sources, b) } else { pick(&anchors, b) };
            if let Some(path) = gone {
                disk.remove_file(&at(&path)).unwrap();
            }
        }
        4 | 5 => {
            // An asset moved by hand, or, if `c` says so, copied.
            let Some(anchor) = pick(&anchors, b) else { return };
            let (of, is_folder) = subject(&anchor);
            let to = format!("by-hand/{}{}", number % 3, if is_folder { "" } else { ".rec" });
            let files: Vec<String> = scene.inputs(&anchor).cloned().chain([anchor.clone()]).collect();
            for file in files {
                let target = format!("{to}{}", &file[of.len()..]);
                if let (Some(bytes), false) = (scene.files.get(&file), scene.files.contains_key(&target)) {
                    disk.put(&at(&target), bytes);
                    if c % 3 != 0 {
                        disk.remove_file(&at(&file)).unwrap();
                    }
                }
            }
        }
        6..=8 => edit_registry(disk, scene, step),
        9 => {
            // An anchor that nobody registered.
            let uuid = UuidDraw { unix_ms: 1_600_000_000_000 + number, entropy: [9; 16] }.asset_uuid("new");
            let name = NAMES[usize::from(c) % NAMES.len()];
            let text = format!("# by hand\nuuid = \"{uuid}\"\nname = \"{name}\"\nkind = \"rec\"\n");
            let path = format!("gift{}.rec", b % 2);
            disk.put(&at(&format!("{path}.asset.toml")), text.as_bytes());
            disk.put(&at(&path), &fresh);
        }
        _ => {
            let Some(path) = pick(&anchors, b) else { return };
            let text = String::from_utf8(scene.files[&path].clone()).unwrap();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            match c % 3 {
                0 => lines.insert(0, format!("# note {number}")),
                1 => lines.retain(|line| !line.starts_with("uuid")),
                _ => {
                    for line in lines.iter_mut().filter(|line| line.starts_with("name")) {
                        *line = format!("name = \"{}\"", NAMES[usize::from(c) % NAMES.len()]);
                    }
                }
            }
            disk.put(&at(&path), (lines.join("\n") + "\n").as_bytes());
        }
    }
    disk.settle();
}

/// Changes a line as a merge of two branches can.
fn edit_registry(disk: &SimDisk, scene: &Scene, Step { b, c, .. }: Step) {
    let mut lines: Vec<_> = scene.lines.iter().cloned().collect();
    let Some(line) = pick(&lines, b) else { return };
    let position = lines.iter().position(|other| *other == line).unwrap();
    match c % 5 {
        0 => lines[position].included = line.anchor.is_some() && !line.included,
        1 => drop(lines.remove(position)),
        2 => lines[position].id = lines[(position + 1) % lines.len()].id,
        // The other branch has done something else with it.
        3 if line.anchor.is_some() => {
            let mut other = line;
            other.included = !other.included;
            lines.push(other);
        }
        _ => {
            lines[position].anchor = None;
            lines[position].included = false;
        }
    }
    let text = disk.read(packer_fs::layout::REGISTRY.into(), 1 << 20).unwrap();
    let header = String::from_utf8(text).unwrap().lines().next().unwrap().to_owned();
    lines.sort_by(|a, b| (a.id, a).cmp(&(b.id, b)));
    let lines: Vec<String> =
        std::iter::once(header).chain(lines.iter().map(super::scene::Line::text)).collect();
    disk.put(packer_fs::layout::REGISTRY.into(), (lines.join("\n") + "\n").as_bytes());
}
