//! What must be true of each change, said without a look at how the planners do it: what can be asked for, and what the
//! workspace is afterwards.

use std::collections::{BTreeMap, BTreeSet};

use packer_domain::kind::SettingValue;
use packer_domain::mutation::{
    Adopt, Configure, Duplicate, Mutation, Register, Relocate, Remove, RemovedInputs, Rename, SetBuild,
    Target, Verdict,
};
use packer_domain::registry::BuildParticipation;

use super::scene::{Anchor, Line, Scene, is_anchor, subject};

/// What the plan of `mutation` must say; none where that is not simple to say.
pub(super) fn forecast(scene: &Scene, mutation: &Mutation) -> Option<Verdict> {
    let is_live = |uuid: &dyn ToString| scene.lines_of(&uuid.to_string()).any(|line| line.anchor.is_some());
    let asked: Vec<String> = match mutation {
        Mutation::Rename(rename) => vec![rename.asset.to_string()],
        Mutation::Configure(configure) => vec![configure.asset.to_string()],
        Mutation::Relocate(relocate) => vec![relocate.asset.to_string()],
        Mutation::Duplicate(duplicate) => vec![duplicate.asset.to_string()],
        Mutation::SetBuild(set) => set.assets.iter().map(ToString::to_string).collect(),
        Mutation::Remove(remove) => remove.assets.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    if asked.iter().any(|uuid| !is_live(uuid)) {
        return Some(Verdict::Blocked);
    }
    if !scene.is_sound() {
        return None;
    }
    // From here on each asset has one line, one anchor where it was accepted, and a name of its own.
    let anchors = scene.anchors();
    let anchor = |uuid: &dyn ToString| scene.anchor_of(&uuid.to_string()).unwrap();
    let ready_unless = |same: bool| if same { Verdict::Empty } else { Verdict::Ready };
    Some(match mutation {
        Mutation::Rename(rename) => {
            let wanted = rename.name.as_str();
            match anchor(&rename.asset).1.name == wanted {
                true => Verdict::Empty,
                false if anchors.values().any(|anchor| anchor.name == wanted) => Verdict::Blocked,
                false => Verdict::Ready,
            }
        }
        Mutation::SetBuild(set) => {
            let included = set.build == BuildParticipation::Included;
            ready_unless(asked.iter().all(|uuid| scene.live(uuid).unwrap().included == included))
        }
        Mutation::Configure(configure) => {
            let said = anchor(&configure.asset).1;
            let cleared = configure.clear.iter().any(|key| said.values.contains_key(key));
            match configure.set.iter().next() {
                None => ready_unless(!cleared),
                Some((key, _)) if key == "nonsense" => Verdict::Blocked,
                Some((_, SettingValue::Int(size))) if *size > 99 => Verdict::Blocked,
                Some((key, value)) => ready_unless(said.values.get(key) == Some(&text_of(value))),
            }
        }
        Mutation::Relocate(Relocate { asset, to }) => {
            let own = anchor(asset).0;
            let (own, is_folder) = subject(own);
            return destination(scene, own, is_folder, to).map(ready_unless_taken);
        }
        Mutation::Remove(_) => {
            let names: BTreeSet<String> = asked.iter().map(|uuid| anchor(uuid).1.name).collect();
            let stay = anchors.values().filter(|anchor| !asked.contains(&anchor.uuid));
            let referred = stay.filter_map(Anchor::to).any(|to| names.contains(to));
            ready_unless_taken(!referred)
        }
        Mutation::Adopt(Adopt { targets, .. }) if targets == &[Target::Root] => {
            ready_unless(unclaimed(scene).next().is_none())
        }
        Mutation::Register(Register { targets }) if targets == &[Target::Root] => Verdict::Empty,
        _ => return None,
    })
}

fn ready_unless_taken(free: bool) -> Verdict {
    if free { Verdict::Ready } else { Verdict::Blocked }
}

/// Whether an asset can go to a place; none where that is not simple to say.
fn destination(scene: &Scene, own: &str, is_folder: bool, to: &str) -> Option<bool> {
    let is_plain = !to.ends_with('/') && to != "." && !scene.folders.contains(to);
    if !is_plain || to == own || to.starts_with(&format!("{own}/")) {
        return None;
    }
    if scene.files.contains_key(to) {
        return Some(false);
    }
    let above = |path: &str| -> Vec<String> {
        path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
    };
    let under_file = above(to).iter().any(|folder| scene.files.contains_key(folder));
    let anchor_taken = !is_folder && scene.files.contains_key(&format!("{to}.asset.toml"));
    Some(!under_file && !anchor_taken)
}

/// The files that can be adopted.
fn unclaimed(scene: &Scene) -> impl Iterator<Item = &String> {
    let claimed: BTreeSet<&String> =
        scene.files.keys().filter(|path| is_anchor(path)).flat_map(|path| scene.inputs(path)).collect();
    scene.files.keys().filter(move |path| {
        path.rsplit_once('.').is_some_and(|(_, end)| end == "rec") && !claimed.contains(path)
    })
}

fn text_of(value: &SettingValue) -> String {
    match value {
        SettingValue::Int(number) => number.to_string(),
        SettingValue::Text(text) => format!("\"{text}\""),
        other => panic!("{other:?} is set by no step"),
    }
}

/// Whether `mutation` may make of `before` what it makes of it.
pub(super) fn check(before: &Scene, after: &Scene, mutation: &Mutation) {
    check_identities(before, after, mutation);
    match mutation {
        Mutation::Adopt(_) => check_adopt(before, after),
        Mutation::Register(_) => check_register(before, after),
        Mutation::Rename(rename) => check_rename(before, after, rename),
        Mutation::SetBuild(set) => check_set_build(before, after, set),
        Mutation::Configure(configure) => check_configure(before, after, configure),
        Mutation::Relocate(relocate) => check_relocate(before, after, relocate),
        Mutation::Duplicate(duplicate) => check_duplicate(before, after, duplicate),
        Mutation::Remove(remove) => check_remove(before, after, remove),
        Mutation::Reconcile(_) => assert_eq!(sources(before), sources(after), "a source was touched"),
        Mutation::Undo(_) | Mutation::Recover(_) | Mutation::Batch(_) => {}
    }
}

/// Ids stay, are nobody else's, and no asset is forgotten.
fn check_identities(before: &Scene, after: &Scene, mutation: &Mutation) {
    if matches!(mutation, Mutation::Undo(_) | Mutation::Recover(_)) {
        return;
    }
    let ids: BTreeSet<u64> = before.lines.iter().map(|line| line.id).collect();
    let may_settle = matches!(mutation, Mutation::Reconcile(_));
    for line in &before.lines {
        let mut now = after.lines_of(&line.uuid).peekable();
        assert!(now.peek().is_some(), "the line of {} is gone", line.uuid);
        let kept = now.any(|now| now.id == line.id);
        assert!(kept || may_settle, "{} has another id", line.uuid);
    }
    for line in after.lines.iter().filter(|line| before.lines_of(&line.uuid).next().is_none()) {
        assert!(!ids.contains(&line.id), "{line:?} has the id of another");
    }
}

/// Everything that is no anchor.
fn sources(scene: &Scene) -> BTreeMap<&String, &Vec<u8>> {
    scene.files.iter().filter(|(path, _)| !is_anchor(path)).collect()
}

/// The paths at which the files differ.
pub(super) fn differing(before: &Scene, after: &Scene) -> BTreeSet<String> {
    let all = before.files.keys().chain(after.files.keys());
    all.filter(|path| before.files.get(*path) != after.files.get(*path)).cloned().collect()
}

fn said(scene: &Scene, path: &str) -> Anchor {
    let bytes = scene.files.get(path).unwrap_or_else(|| panic!("there is no {path}"));
    Anchor::parse(bytes).unwrap_or_else(|| panic!("{path} is not valid"))
}

/// The lines that are new or other.
fn new_lines<'s>(before: &'s Scene, after: &'s Scene) -> Vec<&'s Line> {
    after.lines.difference(&before.lines).collect()
}

fn check_adopt(before: &Scene, after: &Scene) {
    let changed = differing(before, after);
    let lines = new_lines(before, after);
    assert_eq!(lines.len(), changed.len());
    assert!(before.lines.is_subset(&after.lines));
    let mut names: BTreeSet<String> =
        before.lines.iter().filter_map(|line| Some(before.anchor_of(&line.uuid)?.1.name)).collect();
    for line in lines {
        let anchor = line.anchor.as_deref().expect("what is adopted is live");
        assert!(line.included && !before.files.contains_key(anchor) && changed.contains(anchor));
        let said = said(after, anchor);
        assert_eq!((said.uuid.as_str(), said.kind.as_str()), (line.uuid.as_str(), "rec"));
        assert!(before.files.contains_key(subject(anchor).0), "{anchor} has no source");
        assert!(names.insert(said.name.clone()), "the name {} was taken", said.name);
    }
}

fn check_register(before: &Scene, after: &Scene) {
    assert_eq!(before.files, after.files, "registering touches no file");
    let lines = new_lines(before, after);
    assert!(!lines.is_empty());
    for line in lines {
        let anchor = line.anchor.as_deref().expect("what is registered is live");
        assert_eq!(said(before, anchor).uuid, line.uuid);
        let was: Vec<&Line> = before.lines_of(&line.uuid).collect();
        assert!(was.iter().all(|was| was.anchor.is_none() && was.id == line.id), "{was:?}");
    }
    for gone in before.lines.difference(&after.lines) {
        assert!(gone.anchor.is_none(), "{gone:?} was live");
    }
}

fn check_rename(before: &Scene, after: &Scene, rename: &Rename) {
    assert_eq!(before.lines, after.lines);
    let uuid = rename.asset.to_string();
    let (path, was) = before.anchor_of(&uuid).expect("only an asset at its place is renamed");
    let mut expected = before.anchors();
    for (other, anchor) in &mut expected {
        if *other == path {
            rename.name.as_str().clone_into(&mut anchor.name);
        }
        if anchor.to() == Some(&was.name) {
            anchor.values.insert("to".to_owned(), format!("\"{}\"", rename.name));
        }
    }
    assert_eq!(after.anchors(), expected);
    let others: BTreeSet<String> =
        differing(before, after).into_iter().filter(|path| !expected.contains_key(path.as_str())).collect();
    assert!(others.is_empty(), "{others:?}");
}

fn check_set_build(before: &Scene, after: &Scene, set: &SetBuild) {
    assert_eq!(before.files, after.files);
    let included = set.build == BuildParticipation::Included;
    let asked: BTreeSet<String> = set.assets.iter().map(ToString::to_string).collect();
    let wanted = |line: &Line| {
        if line.anchor.is_some() && asked.contains(&line.uuid) {
            Line { included, ..line.clone() }
        } else {
            line.clone()
        }
    };
    assert_eq!(after.lines, before.lines.iter().map(wanted).collect());
}

fn check_configure(before: &Scene, after: &Scene, configure: &Configure) {
    assert_eq!(before.lines, after.lines);
    let uuid = configure.asset.to_string();
    let (path, mut expected) = before.anchor_of(&uuid).expect("only an asset at its place is configured");
    for key in &configure.clear {
        expected.values.remove(key);
    }
    for (key, value) in &configure.set {
        expected.values.insert(key.clone(), text_of(value));
    }
    assert_eq!(said(after, path), expected);
    assert_eq!(differing(before, after), BTreeSet::from([path.to_owned()]));
}

fn check_relocate(before: &Scene, after: &Scene, relocate: &Relocate) {
    let bytes = |scene: &Scene| {
        let mut all: Vec<Vec<u8>> = scene.files.values().cloned().collect();
        all.sort();
        all
    };
    assert_eq!(bytes(before), bytes(after), "moving changes no contents");
    let uuid = relocate.asset.to_string();
    // One whose anchor is not valid can be moved as well; what it claims is not said here.
    let Some((from, _)) = before.anchor_of(&uuid) else { return };
    let (to, _) = after.anchor_of(&uuid).expect("it is accepted where it went");
    let (of, is_folder) = subject(from);
    let (now, _) = subject(to);
    assert_ne!(of, now);
    for input in before.inputs(from) {
        let rest = &input[of.len()..];
        assert_eq!(after.files.get(&format!("{now}{rest}")), before.files.get(input), "{input} went along");
        assert!(!after.files.contains_key(input) || now.starts_with(of), "{input} did not leave");
    }
    for line in new_lines(before, after) {
        let was = before.live(&line.uuid).expect("it was there");
        assert_eq!((was.id, was.included), (line.id, line.included));
        // What moves along with a folder is a sidecar beside one of its sources.
        let at = was.anchor.as_deref().unwrap();
        assert!(
            line.uuid == uuid || (is_folder && at.starts_with(&format!("{of}/"))),
            "{line:?} moved along"
        );
    }
}

fn check_duplicate(before: &Scene, after: &Scene, duplicate: &Duplicate) {
    let uuid = duplicate.asset.to_string();
    let (from, was) = before.anchor_of(&uuid).expect("only an asset at its place is copied");
    assert!(before.files.iter().all(|(path, bytes)| after.files.get(path) == Some(bytes)));
    let lines = new_lines(before, after);
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert!(before.lines.is_subset(&after.lines) && before.lines_of(&line.uuid).next().is_none());
    let (to, copy) = after.anchor_of(&line.uuid).expect("the copy stands where it was accepted");
    assert_eq!((&copy.kind, &copy.values), (&was.kind, &was.values));
    assert!(
        before
            .anchors()
            .values()
            .filter(|anchor| before.live(&anchor.uuid).is_some())
            .all(|anchor| anchor.name != copy.name)
    );
    if let Some(name) = &duplicate.name {
        assert_eq!(copy.name, name.as_str());
    }
    let (of, now) = (subject(from).0, subject(to).0);
    let mut made: BTreeSet<String> =
        before.inputs(from).map(|input| format!("{now}{}", &input[of.len()..])).collect();
    for input in before.inputs(from) {
        assert_eq!(after.files.get(&format!("{now}{}", &input[of.len()..])), before.files.get(input));
    }
    made.insert(to.to_owned());
    assert_eq!(differing(before, after), made);
}

fn check_remove(before: &Scene, after: &Scene, remove: &Remove) {
    let asked: BTreeSet<String> = remove.assets.iter().map(ToString::to_string).collect();
    let wanted = |line: &Line| {
        if asked.contains(&line.uuid) {
            Line { anchor: None, included: false, ..line.clone() }
        } else {
            line.clone()
        }
    };
    assert_eq!(after.lines, before.lines.iter().map(wanted).collect());
    let claimed: BTreeSet<&String> =
        after.anchors().into_keys().flat_map(|anchor| before.inputs(anchor)).collect();
    let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
    for uuid in &asked {
        let anchor = before.live(uuid).and_then(|line| line.anchor.as_deref()).expect("it was live");
        must.insert(anchor.to_owned());
        let inputs = before.inputs(anchor).filter(|input| !claimed.contains(input)).cloned();
        match (remove.inputs, before.anchor_of(uuid).is_some()) {
            (RemovedInputs::ToHistory, true) => must.extend(inputs),
            // What an anchor that is not valid claims is not said here.
            (RemovedInputs::ToHistory, false) => may.extend(inputs),
            (RemovedInputs::Kept, _) => {}
        }
    }
    let gone = differing(before, after);
    may.extend(must.iter().cloned());
    assert!(gone.is_superset(&must) && gone.is_subset(&may), "{gone:?} instead of {must:?}");
    assert!(gone.iter().all(|path| !after.files.contains_key(path)));
}
