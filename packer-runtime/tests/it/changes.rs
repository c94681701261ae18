//! One request of every kind, on one project: what the tests of undoing and of staleness go through.

use std::sync::Arc;

use packer_runtime::api::{
    Adopt, AssetName, AssetPath, AssetUuid, Batch, BuildParticipation, Command, Configure, Duplicate,
    FirstObservation, Mutation, OperationId, Project, Reconcile, Register, Relocate, Remove, RemovedInputs,
    Rename, Selector, SetBuild, SettingValue, Target, Undo, draw,
};
use packer_runtime::codec::Codec;

use super::recording::{anchor, kinds, many, one, open, workspace};
use super::support::{Workspace, mutated, run};

/// A request, and what of the project it is about.
pub(crate) struct Change {
    /// What it is called here.
    pub name: &'static str,
    pub mutation: Mutation,
    /// A file of the project that it depends on, or changes.
    pub touched: &'static str,
    /// How that is edited so that the change would be another one: what in it, and by what it is replaced.
    pub edit: (&'static str, &'static str),
}

pub(crate) fn codecs() -> Vec<Arc<dyn Codec>> {
    kinds(one(), many())
}

/// A project with thirteen assets, a file that can be adopted, an anchor that can be registered, an asset that was moved by
/// hand, and one operation that can be undone.
pub(crate) fn game() -> (Workspace, Project, OperationId) {
    let workspace = workspace();
    workspace.write("assets/gift.rec", b"a gift");
    workspace.write("assets/gift.rec.asset.toml", anchor(77, "gift", "rec", "").as_bytes());
    workspace.write("assets/picture", b"\x89PNG\r\n\x1a\n, and no more of it");
    workspace.write("assets/hero/notes.txt", b"a file that the hero does not claim");
    let project = reopen(&workspace);
    let renamed = run(&project, Command::Mutate(rename(&project, "texts/readme", "texts/read-me")));
    mutated(&renamed);
    std::fs::create_dir_all(workspace.root.join("assets/seas")).unwrap();
    workspace.rename("assets/data/tides.bin", "assets/seas/tides.bin");
    workspace.rename("assets/data/tides.bin.asset.toml", "assets/seas/tides.bin.asset.toml");
    assert!(run(&project, Command::Refresh).success().is_some());
    (workspace, project, renamed.operation_id())
}

pub(crate) fn reopen(workspace: &Workspace) -> Project {
    open(workspace, codecs(), FirstObservation::AtOpening)
}

#[track_caller]
pub(crate) fn uuid(project: &Project, name: &str) -> AssetUuid {
    let status = project.status();
    let all = status.snapshot.assets(&packer_runtime::api::AssetQuery::default());
    let named = |row: &&packer_runtime::api::AssetRow| row.name.as_ref().is_some_and(|n| n.as_str() == name);
    all.rows.iter().find(named).and_then(|row| row.uuid).unwrap_or_else(|| panic!("no asset {name}"))
}

pub(crate) fn name(text: &str) -> AssetName {
    AssetName::parse(text).unwrap()
}

pub(crate) fn path(text: &str) -> AssetPath {
    AssetPath::parse(text).unwrap()
}

pub(crate) fn rename(project: &Project, from: &str, to: &str) -> Mutation {
    Mutation::Rename(Rename { asset: uuid(project, from), name: name(to) })
}

pub(crate) fn relocate(project: &Project, asset: &str, to: &str) -> Mutation {
    Mutation::Relocate(Relocate { asset: uuid(project, asset), to: to.to_owned() })
}

pub(crate) fn remove(project: &Project, asset: &str, inputs: RemovedInputs) -> Mutation {
    Mutation::Remove(Remove { assets: vec![uuid(project, asset)], inputs })
}

/// Every kind of change, each ready to be applied to [`game`].
pub(crate) fn changes(project: &Project, undone: OperationId) -> Vec<Change> {
    // Where what it does goes by the contents, any edit will do.
    let change = |name, touched, mutation| Change { name, mutation, touched, edit: ("", "# edited\n") };
    let change_by = |name, touched, edit, mutation| Change { name, mutation, touched, edit };
    let other_uuid = ("0de8-7ca4", "0de8-7ca5");
    let size = [("size".to_owned(), SettingValue::Int(7))];
    let configure = |asset: &str| {
        Mutation::Configure(Configure {
            asset: uuid(project, asset),
            set: size.clone().into(),
            clear: std::collections::BTreeSet::new(),
        })
    };
    let duplicate = |asset: &str, to: &str| {
        let (asset, to) = (uuid(project, asset), to.to_owned());
        Mutation::Duplicate(Duplicate { asset, to, name: None, draw: draw() })
    };
    let adopt = Adopt { targets: vec![Target::Path(path("picture"))], kind: None, draw: draw() };
    let reconcile = Reconcile {
        select: vec![Selector::Name(name("data/tides"))],
        resolution: None,
        path: None,
        name: None,
        draw: draw(),
    };
    let exclude =
        SetBuild { assets: vec![uuid(project, "world/other")], build: BuildParticipation::Excluded };
    let batch = Batch {
        mutations: vec![
            relocate(project, "ui/a", "swap.rec"),
            relocate(project, "ui/b", "ui/a.rec"),
            relocate(project, "ui/a", "ui/b.rec"),
            rename(project, "world/base", "world/ground"),
            relocate(project, "hero", "people/hero"),
            remove(project, "data/levels", RemovedInputs::ToHistory),
            duplicate("ui/c", "ui/d.rec"),
            Mutation::SetBuild(exclude.clone()),
        ],
    };
    vec![
        // What it is is told by its first bytes.
        change("adopt", "picture", Mutation::Adopt(adopt)),
        change_by(
            "register",
            "gift.rec.asset.toml",
            other_uuid,
            Mutation::Register(Register { targets: vec![Target::Path(path("gift.rec.asset.toml"))] }),
        ),
        change_by("reconcile", "seas/tides.bin.asset.toml", other_uuid, Mutation::Reconcile(reconcile)),
        change("rename", "world/mid.rec.asset.toml", rename(project, "world/base", "world/ground")),
        change("configure", "ui/c.rec.asset.toml", configure("ui/c")),
        change("relocate", "ui/a.rec", relocate(project, "ui/a", "moved/here/")),
        change("relocate a folder", "hero/frames/2.frm", relocate(project, "hero", "people/hero")),
        change("duplicate", "ui/b.rec", duplicate("ui/b", "copies/b.rec")),
        change("duplicate a folder", "foe/asset.toml", duplicate("foe", "fiend")),
        change("remove", "world/other.rec", remove(project, "world/other", RemovedInputs::ToHistory)),
        change("remove an anchor", "ui/b.rec.asset.toml", remove(project, "ui/b", RemovedInputs::Kept)),
        change("exclude", "../registry.jsonl", Mutation::SetBuild(exclude)),
        change("undo", "texts/readme.txt.asset.toml", Mutation::Undo(Undo { operation: undone })),
        change("batch", "hero/asset.toml", Mutation::Batch(batch)),
    ]
}
