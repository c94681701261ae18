//! Where an asset is to go: what a destination means, and what keeps files from going there. Shared by everything that
//! puts files at places that somebody typed.

use std::collections::BTreeSet;

use crate::anchor::{SIDECAR_SUFFIX, anchor_form, has_anchor_name};
use crate::diagnostic::DiagnosticCode;
use crate::identity::AssetUuid;
use crate::path::{AssetPath, AssetPathRule, PortabilityIssue};
use crate::workspace::WorkspaceState;

use super::draft::Draft;
use super::look::{Need, Needs, PathState};

/// Longer destinations (in bytes) mean no place: no system has one, and every folder of a path is looked at.
const MAX_BYTES: usize = 1024;

/// The path that `to` means for what stands at `from`: itself, or, where it is a folder, `from`'s last segment in it.
/// `Err` says why it means none.
pub(super) fn meant(state: &WorkspaceState, from: &AssetPath, to: &str) -> Result<AssetPath, String> {
    let name = from.file_name();
    if to.is_empty() {
        return Err("a destination is not empty".to_owned());
    }
    if to.len() > MAX_BYTES {
        return Err(format!("a destination has up to {MAX_BYTES} bytes, and this one {}", to.len()));
    }
    let folder = to.trim_end_matches('/');
    if matches!(to, "." | "./") {
        return AssetPath::parse(name).map_err(|error| error.to_string());
    }
    let path = AssetPath::parse(folder).map_err(|error| match error.reason {
        AssetPathRule::Empty | AssetPathRule::Absolute => {
            format!("{to} is absolute, and not below the assets root")
        }
        AssetPathRule::Segment => format!("{to} has an empty, `.` or `..` segment"),
        AssetPathRule::Backslash => format!("{to:?} has a backslash; folders are separated by `/`"),
        AssetPathRule::Control => format!("{to:?} has a control character"),
    })?;
    let is_folder = folder.len() < to.len() || state.observation().folders.contains(&path);
    // What only differs from the folder itself by case is the folder itself under its new name.
    if is_folder && path != *from && !is_respelled(from, &path) {
        return path.join(name).map_err(|error| error.to_string());
    }
    match path.as_str().strip_suffix(SIDECAR_SUFFIX).map(AssetPath::parse) {
        // The name of a sidecar stands for its source.
        Some(Ok(input)) if !input.as_str().ends_with('/') => Ok(input),
        _ => Ok(path),
    }
}

fn is_respelled(from: &AssetPath, to: &AssetPath) -> bool {
    from.collision_key() == to.collision_key() && from.parent() == to.parent()
}

/// What has to be known for putting files at `targets` and taking them from `sources`.
pub(super) fn needs<'a>(
    targets: impl IntoIterator<Item = &'a AssetPath>,
    sources: impl IntoIterator<Item = &'a AssetPath>,
) -> Needs {
    let mut needs = Needs::default();
    for target in targets {
        needs.add(target.clone(), Need::State);
        folders_of(target).for_each(|folder| needs.add(folder, Need::State));
    }
    for source in sources {
        folders_of(source).for_each(|folder| needs.add(folder, Need::State));
    }
    needs
}

/// The folders that `path` is in.
pub(super) fn folders_of(path: &AssetPath) -> impl Iterator<Item = AssetPath> {
    path.ancestors().filter_map(|folder| AssetPath::parse(folder).ok())
}

/// Whether files may go from where to where `pairs` says, where nothing stands; blocks the plan if not, and makes the
/// folders if so.
pub(super) fn prepare(draft: &mut Draft<'_>, pairs: &[(AssetPath, AssetPath)]) -> bool {
    let mut ready = true;
    for (from, target) in pairs {
        ready &= is_portable(draft, from, target);
    }
    let mut folders: BTreeSet<AssetPath> = BTreeSet::new();
    for (_, target) in pairs {
        folders.extend(folders_of(target));
    }
    let mut missing = Vec::new();
    for folder in &folders {
        match check_folder(draft, folder) {
            Folder::Ready => {}
            Folder::Missing => missing.push(folder.clone()),
            Folder::Blocked => ready = false,
        }
    }
    // What is in the way of a folder is said once, not again for everything in it.
    if ready {
        for (_, target) in pairs {
            ready &= draft.is_free(target, "would be written");
        }
    }
    if ready {
        for folder in &missing {
            draft.tree.need_folder(folder);
        }
    }
    ready
}

/// Whether `sources` can be taken away in one step; blocks the plan if they stand on another device.
pub(super) fn can_leave(draft: &mut Draft<'_>, sources: &[AssetPath]) -> bool {
    let folders: BTreeSet<AssetPath> = sources.iter().flat_map(folders_of).collect();
    let mut ready = true;
    for folder in folders {
        if draft.found(&folder) == Some(PathState::Mount) {
            block_mount(draft, &folder);
            ready = false;
        }
    }
    ready
}

/// Blocks the plan if one of `targets` would collide with another path in the end, and says which other assets than `ours`
/// would get one as an input: they are changed in passing.
pub(super) fn check_arrivals(
    draft: &mut Draft<'_>,
    targets: &[AssetPath],
    ours: impl Fn(&AssetUuid) -> bool,
) {
    let after = draft.after();
    for target in targets.iter().filter(|target| anchor_form(target).is_none()) {
        let others = after.assets_at(target).into_iter().filter(|uuid| !ours(uuid));
        for other in others.filter_map(|uuid| after.asset(uuid)) {
            draft.warn_path(
                DiagnosticCode::InputShared,
                target,
                format!("{target} would be an input of {} too", other.label()),
                "choose another place if that is not meant, or narrow the `inputs` in its anchor",
            );
        }
    }
    for target in targets.iter().filter(|target| after.is_colliding(target)) {
        draft.block_path(
            DiagnosticCode::PathCollision,
            target,
            format!("{target} would differ from another path only by case or Unicode form"),
            "choose another name: some systems take the two for one file",
        );
    }
}

enum Folder {
    Ready,
    Missing,
    Blocked,
}

fn check_folder(draft: &mut Draft<'_>, folder: &AssetPath) -> Folder {
    if draft.tree.folder(folder) == Some(true) {
        return Folder::Ready;
    }
    let stands = match draft.found(folder) {
        Some(PathState::Folder) => return Folder::Ready,
        // Folders are made before anything leaves: one path cannot change from a file to a folder.
        Some(PathState::Absent) if draft.is_file_before(folder) => {
            (DiagnosticCode::PlanTargetExists, "a file")
        }
        Some(PathState::Absent) => return Folder::Missing,
        Some(PathState::Ignored { rule }) => {
            let message = format!("a scan would pass {folder} over: {rule}");
            let help = "choose another place, or change the rule in `.packerignore`";
            draft.block_path(DiagnosticCode::PlanTargetIgnored, folder, message, help);
            return Folder::Blocked;
        }
        Some(PathState::Mount) => {
            block_mount(draft, folder);
            return Folder::Blocked;
        }
        Some(PathState::Link) => (DiagnosticCode::PathSymlink, "a symbolic link, which is never followed"),
        Some(PathState::Other) => (DiagnosticCode::PathSpecialFile, "neither a file nor a folder"),
        Some(PathState::File { .. }) | None => (DiagnosticCode::PlanTargetExists, "a file"),
    };
    let (code, what) = stands;
    draft.block_path(code, folder, format!("{folder} is no folder but {what}"), "choose another place");
    Folder::Blocked
}

fn block_mount(draft: &mut Draft<'_>, folder: &AssetPath) {
    let message = format!("{folder} is on another device than the project");
    let help = "files cannot change places with it in one step; choose a place on the project's own device";
    draft.block_path(DiagnosticCode::PlanAnotherDevice, folder, message, help);
}

/// Whether every system takes the path, or at least as well as the one that it replaces.
fn is_portable(draft: &mut Draft<'_>, from: &AssetPath, target: &AssetPath) -> bool {
    let known = from.portability();
    let is_new = |issue: &PortabilityIssue| match issue {
        PortabilityIssue::TooLong { bytes } => *bytes > from.as_str().len(),
        _ => !known.contains(issue),
    };
    let issues: Vec<String> =
        target.portability().into_iter().filter(is_new).map(|issue| issue.to_string()).collect();
    if !issues.is_empty() {
        let message = format!("{target}: {}", issues.join("; "));
        draft.block_path(
            DiagnosticCode::PathNotPortable,
            target,
            message,
            "choose a name that every system takes",
        );
    }
    issues.is_empty()
}

/// Blocks the plan for a destination that means nothing.
pub(super) fn block_invalid(draft: &mut Draft<'_>, from: &AssetPath, message: String) {
    let help = "give a path below the assets root, such as `ui/confirm.png`, or a folder";
    draft.block_path(DiagnosticCode::PlanTargetInvalid, from, message, help);
}

/// Whether a source could stand at `path` at all: no anchor could, since it would be taken for one.
pub(super) fn check_source_name(draft: &mut Draft<'_>, path: &AssetPath) -> bool {
    let taken = has_anchor_name(path);
    if taken {
        block_invalid(draft, path, format!("{path} has the name of an anchor"));
    }
    !taken
}
