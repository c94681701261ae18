//! Opening what is no project, or one that cannot be used: refused with everything that is wrong, and nothing touched.

use packer_runtime::api::{CreateError, Diagnostic, OpenError, OpenOptions, Project, create_project};

use super::support::{Workspace, some_operation};

#[track_caller]
fn refused(workspace: &Workspace) -> OpenError {
    let before = workspace.tree();
    let error = Project::open(&workspace.root, OpenOptions::default()).unwrap_err();
    assert_eq!(workspace.tree(), before, "nothing was touched");
    error
}

#[track_caller]
fn unusable(error: OpenError, expected: &str) -> Vec<Diagnostic> {
    let OpenError::Unusable { file, diagnostics } = error else { panic!("{error:?}") };
    assert_eq!(file, expected);
    assert!(
        diagnostics.iter().all(|diagnostic| diagnostic.file.as_deref() == Some(expected)),
        "{diagnostics:?}"
    );
    diagnostics
}

/// Codes and lines.
fn places(diagnostics: &[Diagnostic]) -> Vec<(&str, u32)> {
    let line = |diagnostic: &Diagnostic| diagnostic.span.as_ref().map_or(0, |span| span.line);
    diagnostics.iter().map(|diagnostic| (diagnostic.code.as_str(), line(diagnostic))).collect()
}

#[test]
fn a_folder_without_a_configuration_is_no_project() {
    let workspace = Workspace::new();
    workspace.remove("packer.toml");
    assert!(matches!(refused(&workspace), OpenError::NotAProject { path } if path == workspace.root));
    std::fs::create_dir(workspace.root.join("packer.toml")).unwrap();
    assert!(matches!(refused(&workspace), OpenError::NotAProject { .. }));
    let nowhere = workspace.root.join("nowhere");
    let error = Project::open(&nowhere, OpenOptions::default()).unwrap_err();
    assert!(matches!(error, OpenError::NotAProject { .. }));
    assert!(!nowhere.exists());
    assert!(!workspace.root.join(".packer").exists(), "what is no project gets no folder");
}

#[test]
fn every_error_of_the_configuration_is_listed() {
    let workspace = Workspace::new();
    workspace.write(
        "packer.toml",
        b"[project]\nname = \"game\"\nassest = \"a\"\n[build]\ncompression = \"zip\"\nalignment = 17\n[[rules]]\nkind = 1\n",
    );
    let diagnostics = unusable(refused(&workspace), "packer.toml");
    let found = places(&diagnostics);
    for place in [
        ("config/unknown-key", 3),
        ("config/invalid-value", 5),
        ("config/invalid-value", 6),
        ("config/invalid-value", 8),
    ] {
        assert!(found.contains(&place), "{place:?} is not among {found:?}");
    }
    workspace.write("packer.toml", b"\xff\xfe");
    assert_eq!(places(&unusable(refused(&workspace), "packer.toml")), [("config/syntax", 0)]);
}

#[test]
fn a_registry_that_cannot_be_read_is_refused_with_its_lines_and_left_alone() {
    let (workspace, project) =
        Workspace::adopted(&[("assets/a.txt", b"a"), ("assets/b.txt", b"b")], Vec::new());
    drop(project);
    let registry = workspace.text("registry.jsonl");
    let lines: Vec<&str> = registry.lines().collect();
    let conflict =
        format!("{}\n<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n", lines[0], lines[1], lines[2]);
    workspace.write("registry.jsonl", conflict.as_bytes());
    let found = unusable(refused(&workspace), "registry.jsonl");
    let lines_of =
        |diagnostics: &[Diagnostic]| places(diagnostics).iter().map(|(_, line)| *line).collect::<Vec<_>>();
    assert!(lines_of(&found).contains(&2), "{found:?}");

    workspace.write("registry.jsonl", &registry.as_bytes()[..registry.len() - 10]);
    let found = unusable(refused(&workspace), "registry.jsonl");
    assert_eq!(lines_of(&found), [3], "{found:?}");

    workspace.remove("registry.jsonl");
    let found = unusable(refused(&workspace), "registry.jsonl");
    assert_eq!(places(&found), [("registry/missing", 0)]);
    assert!(found[0].help.is_some());

    workspace.write("registry.jsonl", registry.as_bytes());
    assert_eq!(workspace.open().status().snapshot.summary().assets.managed, 2);
}

#[test]
fn an_assets_root_that_is_no_folder_is_refused() {
    let workspace = Workspace::new();
    std::fs::remove_dir(workspace.root.join("assets")).unwrap();
    let OpenError::AssetsRoot { message } = refused(&workspace) else { panic!() };
    assert!(message.contains("assets") && message.contains("does not exist"), "{message}");
    workspace.write("assets", b"a file");
    let OpenError::AssetsRoot { message } = refused(&workspace) else { panic!() };
    assert!(message.contains("is not a folder"), "{message}");
}

#[test]
fn a_lane_that_is_held_is_no_reason_not_to_open() {
    let (workspace, project) = Workspace::adopted(&[("assets/a.txt", b"a")], Vec::new());
    let lock = workspace.hold_lane(some_operation(1));
    let other = workspace.open();
    assert_eq!(other.status().snapshot.summary().assets.managed, 1);
    drop((lock, project));
}

#[test]
fn a_project_is_created_once_and_only_where_there_is_none() {
    let workspace = Workspace::new();
    let before = workspace.tree();
    assert!(matches!(create_project(&workspace.root, "again"), Err(CreateError::Exists { .. })));
    assert_eq!(workspace.tree(), before);
    workspace.remove("packer.toml");
    assert!(
        matches!(create_project(&workspace.root, "again"), Err(CreateError::Exists { path }) if path.ends_with("registry.jsonl"))
    );
    let other = workspace.root.join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join(".gitignore"), b"mine\n /build/ \n").unwrap();
    let created = create_project(&other, "with \"quotes\" and \\").unwrap();
    assert!(!created.made.contains(&other.join(".gitignore")));
    assert!(created.made.contains(&other.join(".gitattributes")));
    let missing: Vec<(&str, &str)> =
        created.missing.iter().map(|m| (m.file.file_name().unwrap(), m.line.as_str())).collect();
    assert_eq!(missing, [(".gitignore", "/.packer/")], "what is there already is not asked for");
    assert_eq!(std::fs::read(other.join(".gitignore")).unwrap(), b"mine\n /build/ \n");
    let project = Project::open(&other, OpenOptions::default()).unwrap();
    assert_eq!(project.status().snapshot.project_name(), "with \"quotes\" and \\");
}

#[test]
fn a_project_that_could_not_be_opened_is_not_created() {
    let workspace = Workspace::new();
    let other = workspace.root.join("other");
    for name in ["", " ", "two\nlines", &"n".repeat(129)] {
        assert!(matches!(create_project(&other, name), Err(CreateError::Name { .. })), "{name:?}");
    }
    assert!(!other.exists());
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("assets"), b"a file").unwrap();
    assert!(matches!(create_project(&other, "other"), Err(CreateError::NotAFolder { .. })));
    assert!(!other.join("packer.toml").exists() && !other.join("registry.jsonl").exists());
}

#[cfg(unix)]
#[test]
fn a_configuration_behind_a_link_is_said_to_be_one() {
    let workspace = Workspace::new();
    let there = workspace.root.join("packer.toml");
    std::fs::rename(&there, workspace.root.join("elsewhere.toml")).unwrap();
    std::os::unix::fs::symlink("elsewhere.toml", &there).unwrap();
    let error = refused(&workspace);
    assert!(error.to_string().contains("symbolic link"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_project_that_cannot_be_written_to_can_be_read() {
    use std::os::unix::fs::PermissionsExt;

    let workspace = Workspace::new();
    workspace.write("assets/a.txt", b"a");
    let permit =
        |mode| std::fs::set_permissions(&workspace.root, std::fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    // Whoever may write everywhere cannot be kept from it, and then there is nothing to see here.
    let binds = std::fs::write(workspace.root.join("probe"), b"").is_err();
    let opened = Project::open(&workspace.root, OpenOptions::default());
    permit(0o755);
    assert_eq!(opened.unwrap().status().snapshot.unclaimed().len(), 1);
    assert_eq!(workspace.root.join(".packer").exists(), !binds);
    drop(std::fs::remove_file(workspace.root.join("probe")));
}
