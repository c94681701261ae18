//! Previews of content: what is shown of assets, what it was made from, and why there is nothing to show.

use std::path::Path;

use packer_runtime::api::{
    AssetQuery, AssetSelector, AssetState, AssetUuid, BuildParticipation, BuildRequest, Command, ContentLack,
    ContentPlace, ContentPreview, Mutation, PACK_FILE, Preview, PreviewRequest, Project, SetBuild,
    StorePolicy,
};

use super::support::{Workspace, build_as, build_with_store, built, keep_going, run};

fn asset(project: &Project, name: &str) -> AssetUuid {
    project.status().snapshot.select(&AssetSelector(name.to_owned())).unwrap()
}

fn shown(project: &Project, name: &str) -> ContentPreview {
    project.content_preview(asset(project, name), &PreviewRequest::default()).unwrap()
}

/// The text that is shown, if one is.
fn text(preview: &ContentPreview) -> Option<String> {
    match &preview.shown.as_ref()?.preview {
        Preview::Text(head) => Some(head.text.clone()),
        other => panic!("{other:?}"),
    }
}

fn all() -> BuildRequest {
    BuildRequest { store: StorePolicy::All, ..BuildRequest::default() }
}

const FILES: &[(&str, &[u8])] = &[("assets/a.txt", b"first"), ("assets/items.json", b"[{\"n\":1}]")];

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == ".packer" || name == "build" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &to.join(name));
        } else {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

#[test]
fn every_asset_of_the_example_is_shown_from_its_artifact() {
    let workspace = Workspace::new();
    std::fs::remove_dir_all(&workspace.root).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples/harbour");
    copied(&example, workspace.root.as_std_path());
    let project = workspace.open();
    built(&build_with_store(&project, BuildRequest::default()));
    let status = project.status();
    let mut rows = status.snapshot.assets(&AssetQuery::default()).rows;
    rows.retain(|row| row.build == Some(BuildParticipation::Included));
    assert!(rows.len() > 40, "only {} assets", rows.len());
    // No source is needed.
    std::fs::rename(workspace.root.join("assets"), workspace.root.join("elsewhere")).unwrap();
    let previews = project.content_previews();
    let request = PreviewRequest { max_edge: 16, peaks: 8, head_bytes: 20, rows: 3, columns: 4 };
    let mut forms = std::collections::BTreeMap::<&str, u32>::new();
    for row in rows {
        let (uuid, kind) = (row.uuid.unwrap(), row.kind.unwrap());
        let preview = previews.preview(uuid, &request).unwrap();
        assert_eq!(
            (preview.asset, preview.revision, &preview.lack),
            (uuid, status.snapshot.revision(), &None)
        );
        let shown = preview.shown.unwrap();
        assert_eq!((shown.place, &shown.kind), (ContentPlace::Pack, &kind));
        let form = match &shown.preview {
            Preview::Image(picture) => {
                assert!(picture.width.max(picture.height) <= 16);
                assert_eq!(picture.rgba.len(), picture.width as usize * picture.height as usize * 4);
                "image"
            }
            Preview::Waveform(wave) => {
                assert!(wave.channels.iter().all(|channel| channel.0.len() == 8));
                "sound"
            }
            Preview::Text(head) => {
                assert!(head.text.len() <= 20);
                "text"
            }
            Preview::Table(head) => {
                assert!(head.rows.len() <= 3 && head.columns.len() <= 4);
                "data"
            }
            Preview::Bytes(head) => {
                assert!(head.bytes.len() <= 20);
                "raw"
            }
        };
        assert_eq!(form, kind.as_str());
        *forms.entry(form).or_default() += 1;
    }
    assert_eq!(forms.len(), 5, "{forms:?}");
    std::fs::rename(workspace.root.join("elsewhere"), workspace.root.join("assets")).unwrap();
}

#[test]
fn what_is_not_built_what_is_stale_and_what_is_current_are_told_apart() {
    let (workspace, project) = Workspace::adopted(FILES, Vec::new());
    let before = shown(&project, "a");
    assert_eq!((before.shown, before.lack), (None, Some(ContentLack::NotBuilt)));
    assert_eq!(project.content_preview(some_uuid(), &PreviewRequest::default()), None);

    built(&build_as(&project, BuildRequest::default()));
    let first = shown(&project, "a");
    assert_eq!((text(&first).as_deref(), &first.lack), (Some("first"), &None));

    workspace.write("assets/a.txt", b"second");
    // What the snapshot does not know yet changes nothing about what is current in it.
    assert_eq!(shown(&project, "a"), first);
    run(&project, Command::Refresh);
    let stale = shown(&project, "a");
    assert_eq!((&stale.shown, &stale.lack), (&first.shown, &Some(ContentLack::NotBuilt)));
    assert!(stale.revision > first.revision);

    built(&build_as(&project, BuildRequest::default()));
    let second = shown(&project, "a");
    assert_eq!((text(&second).as_deref(), &second.lack), (Some("second"), &None));
    let artifact =
        |preview: &ContentPreview| preview.shown.as_ref().map(|shown| (shown.artifact, shown.build_key));
    assert_ne!(artifact(&first), artifact(&second));
}

/// An asset that no project has.
fn some_uuid() -> AssetUuid {
    "0192f0c1-7e7c-7b7a-8a44-0d3d7c1f9a10".parse().unwrap()
}

#[test]
fn what_only_the_store_has_is_current_too() {
    let (workspace, project) = Workspace::adopted(FILES, Vec::new());
    built(&build_with_store(&project, all()));
    let first = shown(&project, "a");
    workspace.write("assets/a.txt", b"second");
    built(&build_with_store(&project, all()));
    workspace.write("assets/a.txt", b"first");
    run(&project, Command::Refresh);
    let again = shown(&project, "a");
    assert_eq!((text(&again).as_deref(), &again.lack), (Some("first"), &None));
    let (first, again) = (first.shown.unwrap(), again.shown.unwrap());
    assert_eq!((first.place, again.place), (ContentPlace::Pack, ContentPlace::Store));
    assert_eq!((first.artifact, first.build_key), (again.artifact, again.build_key));
}

#[test]
fn what_cannot_be_baked_says_why_and_shows_what_it_was() {
    let (workspace, project) = Workspace::adopted(FILES, Vec::new());
    built(&build_with_store(&project, all()));
    workspace.write("assets/items.json", b"[1,");
    build_with_store(&project, BuildRequest { store: StorePolicy::All, ..keep_going() });
    let failed = shown(&project, "items");
    let Some(ContentLack::Failed { diagnostics }) = &failed.lack else { panic!("{failed:?}") };
    assert_eq!(diagnostics[0].code.as_str(), "bake/decode");
    // The pack that was built since has no payload of it.
    assert_eq!(failed.shown, None);

    workspace.remove("assets/a.txt");
    run(&project, Command::Refresh);
    let missing = shown(&project, "a");
    assert_eq!(missing.lack, Some(ContentLack::HeldBack { state: AssetState::InputMissing }));
    assert_eq!(text(&missing).as_deref(), Some("first"));
}

#[test]
fn what_is_excluded_says_so() {
    let (_workspace, project) = Workspace::adopted(FILES, Vec::new());
    built(&build_as(&project, BuildRequest::default()));
    let uuid = asset(&project, "a");
    let exclude = SetBuild { assets: vec![uuid], build: BuildParticipation::Excluded };
    run(&project, Command::Mutate(Mutation::SetBuild(exclude)));
    let excluded = shown(&project, "a");
    assert_eq!((text(&excluded).as_deref(), excluded.lack), (Some("first"), Some(ContentLack::Excluded)));
    built(&build_as(&project, BuildRequest::default()));
    let gone = shown(&project, "a");
    assert_eq!((gone.shown, gone.lack), (None, Some(ContentLack::Excluded)));
}

#[test]
fn nothing_damaged_is_shown() {
    let (workspace, project) = Workspace::adopted(FILES, Vec::new());
    built(&build_as(&project, BuildRequest::default()));
    let pack = workspace.pack();
    let at = pack.windows(5).position(|bytes| bytes == b"first").unwrap();
    let mut damaged = pack.clone();
    damaged[at] ^= 1;
    let path = format!("build/{PACK_FILE}");
    workspace.write(&path, &damaged);
    let refused = shown(&project, "a");
    assert!(matches!(refused.lack, Some(ContentLack::Unreadable { .. })), "{refused:?}");
    assert_eq!(refused.shown, None);
    workspace.write(&path, &pack[..at]);
    let cut = shown(&project, "a");
    assert!(matches!(cut.lack, Some(ContentLack::Unreadable { .. })), "{cut:?}");
    workspace.remove(&path);
    assert_eq!(shown(&project, "a").lack, Some(ContentLack::NotBuilt));
    workspace.write(&path, &pack);
    assert_eq!(shown(&project, "a").lack, None);
}
