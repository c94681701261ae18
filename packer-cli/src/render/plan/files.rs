//! What a plan would do on disk: what moves, what is copied, created and edited, what goes and what comes back, then the
//! folders.

use packer_runtime::api::{AssetPath, FilesystemMutation};

use super::super::{Detail, bytes};
use super::{end, heading};
use crate::ui::{Paint, plain};

/// A group of changes of one kind, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    Moved,
    Copied,
    Created,
    Edited,
    Removed,
    Restored,
    FolderMade,
    FolderRemoved,
}

const FILES: [Group; 6] =
    [Group::Moved, Group::Copied, Group::Created, Group::Edited, Group::Removed, Group::Restored];
const FOLDERS: [Group; 2] = [Group::FolderMade, Group::FolderRemoved];

impl Group {
    fn of(mutation: &FilesystemMutation) -> Self {
        match mutation {
            FilesystemMutation::Move { .. } => Self::Moved,
            FilesystemMutation::Copy { .. } => Self::Copied,
            FilesystemMutation::Create { .. } => Self::Created,
            FilesystemMutation::Edit { .. } => Self::Edited,
            FilesystemMutation::ToHistory { .. } => Self::Removed,
            FilesystemMutation::Restore { .. } => Self::Restored,
            FilesystemMutation::MakeDir { .. } => Self::FolderMade,
            FilesystemMutation::RemoveDir { .. } => Self::FolderRemoved,
        }
    }

    /// The word for it, after a number.
    fn word(self) -> &'static str {
        match self {
            Self::Moved => "moved",
            Self::Copied => "copied",
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Removed => "removed to the history",
            Self::Restored => "restored",
            Self::FolderMade => "made",
            Self::FolderRemoved => "removed",
        }
    }
}

/// The changes of files, then those of folders; each under its counts.
pub(super) fn files(mutations: &[FilesystemMutation], detail: Detail, paint: Paint) -> String {
    section("files:", &FILES, mutations, detail, paint)
        + &section("folders:", &FOLDERS, mutations, detail, paint)
}

fn section(
    title: &str,
    groups: &[Group],
    mutations: &[FilesystemMutation],
    detail: Detail,
    paint: Paint,
) -> String {
    let members = |group: &Group| -> Vec<&FilesystemMutation> {
        mutations.iter().filter(|mutation| Group::of(mutation) == *group).collect()
    };
    let groups: Vec<(Group, Vec<&FilesystemMutation>)> = groups
        .iter()
        .map(|group| (*group, members(group)))
        .filter(|(_, members)| !members.is_empty())
        .collect();
    if groups.is_empty() {
        return String::new();
    }
    let mut text = heading(title, groups.iter().map(|(group, members)| (group.word(), members.len())), paint);
    for (_, members) in &groups {
        for mutation in &members[..detail.shown(members.len())] {
            text.push_str(&change(mutation, detail, paint));
        }
        text.push_str(&end(members.len(), detail));
    }
    text.push('\n');
    text
}

/// One change, with what is in the file as far as that changes.
fn change(mutation: &FilesystemMutation, detail: Detail, paint: Paint) -> String {
    let shown = |path: &AssetPath| plain(path.as_str());
    match mutation {
        FilesystemMutation::Move { from, to, digest: _, size: _ } => {
            format!("  {} {}\n", paint.strong("move"), between(from, to, detail))
        }
        FilesystemMutation::Copy { from, to, digest: _, size } => {
            format!("  {} {} ({})\n", paint.good("copy"), between(from, to, detail), bytes(*size))
        }
        FilesystemMutation::Create { path, contents, after: _ } => {
            let mut text = format!("  {} {}\n", paint.good("create"), shown(path));
            if detail == Detail::Full {
                for line in contents.lines() {
                    push!(text, "    {}\n", paint.good(&format!("+{}", plain(line))));
                }
            }
            text
        }
        FilesystemMutation::Edit { path, diff: changes, .. } => {
            format!("  {} {}\n", paint.strong("edit"), shown(path)) + &diff(changes, paint)
        }
        FilesystemMutation::ToHistory { path, digest: _, size } => {
            format!("  {} {} ({})\n", paint.bad("remove"), shown(path), bytes(*size))
        }
        FilesystemMutation::Restore { path, kept: _, digest: _, size } => {
            format!("  {} {} ({})\n", paint.good("restore"), shown(path), bytes(*size))
        }
        FilesystemMutation::MakeDir { path } => format!("  {} {}/\n", paint.good("make"), shown(path)),
        FilesystemMutation::RemoveDir { path } => format!("  {} {}/\n", paint.bad("remove"), shown(path)),
    }
}

/// From where to where: the folders that both are in said once, as `ui/{a.png => b.png}`, and in full on request.
fn between(from: &AssetPath, to: &AssetPath, detail: Detail) -> String {
    let in_full = || format!("{} -> {}", plain(from.as_str()), plain(to.as_str()));
    if detail == Detail::Full {
        return in_full();
    }
    let (old, new): (Vec<&str>, Vec<&str>) =
        (from.as_str().split('/').collect(), to.as_str().split('/').collect());
    // Something is left of each between what they have in common.
    let room = old.len().min(new.len()) - 1;
    let before = old.iter().zip(&new).take(room).take_while(|(a, b)| a == b).count();
    let pairs = old.iter().rev().zip(new.iter().rev());
    let after = pairs.take(room - before).take_while(|(a, b)| a == b).count();
    if before + after == 0 {
        return in_full();
    }
    let middle = |segments: &[&str]| plain(&segments[before..segments.len() - after].join("/"));
    let mut text = String::new();
    for segment in &old[..before] {
        push!(text, "{}/", plain(segment));
    }
    push!(text, "{{{} => {}}}", middle(&old), middle(&new));
    for segment in &old[old.len() - after..] {
        push!(text, "/{}", plain(segment));
    }
    text
}

/// A unified diff with its lines coloured; without its heading, which is the path once more.
fn diff(diff: &str, paint: Paint) -> String {
    let mut text = String::new();
    for line in diff.lines().filter(|line| !line.starts_with("--- ") && !line.starts_with("+++ ")) {
        let line = plain(line);
        let line = match line.chars().next() {
            Some('+') => paint.good(&line),
            Some('-') => paint.bad(&line),
            Some('@') => paint.command(&line),
            Some(_) | None => line,
        };
        push!(text, "    {line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::asset_path;

    #[test]
    fn what_two_paths_have_in_common_is_said_once() {
        for (from, to, expected) in [
            ("a.png", "b.png", "a.png -> b.png"),
            ("ui/a.png", "ui/b.png", "ui/{a.png => b.png}"),
            ("ui/a.png", "menu/a.png", "{ui => menu}/a.png"),
            ("ui/a.png", "a.png", "ui/a.png -> a.png"),
            ("hero/a.png", "cast/hero/a.png", "{hero => cast/hero}/a.png"),
            ("a/b/c/d.png", "a/x/y/c/d.png", "a/{b => x/y}/c/d.png"),
            ("a/a/a", "a/a", "a/{a/a => a}"),
            ("a/a.png", "b/b.png", "a/a.png -> b/b.png"),
        ] {
            let shown = between(&asset_path(from), &asset_path(to), Detail::Short);
            assert_eq!(shown, expected, "{from} {to}");
            let full = between(&asset_path(from), &asset_path(to), Detail::Full);
            assert_eq!(full, format!("{from} -> {to}"));
        }
    }

    #[test]
    fn removed_lines_that_look_like_a_heading_are_shown() {
        let shown = diff("--- a\n+++ a\n@@ -1 +1 @@\n-a\n+b\n", Paint::PLAIN);
        assert_eq!(shown, "    @@ -1 +1 @@\n    -a\n    +b\n");
    }
}
