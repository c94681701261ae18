//! Moments of an operation, as what it does on the disk: amid its work, at its commit, and from when on a disk is full.

use std::io;

use camino::Utf8Path;
use packer_events::body::OperationKind;
use packer_fs::layout;

use super::scene::is_effect;
use super::ways::Class;
use crate::build::PACK_FILE;

/// A disk that takes nothing more at some places, from the first operation on it that is meant.
pub(super) fn full_from(
    is_first: fn(&str, &Utf8Path) -> bool,
    is_where: impl Fn(&Utf8Path) -> bool + Send + 'static,
) -> impl FnMut(&str, &Utf8Path) -> io::Result<()> + Send + 'static {
    let mut is_full = false;
    move |name, path| {
        is_full |= is_first(name, path);
        if is_full && is_effect(name) && is_where(path) {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }
}

/// Whether an operation on the disk is amid an operation's work, and before its commit point.
pub(super) fn works(kind: OperationKind) -> fn(&str, &Utf8Path) -> bool {
    match Class::of(kind) {
        Class::Mutation | Class::Recovery => {
            |name, path| name == "create" && path.starts_with(layout::JOURNAL)
        }
        Class::Build => bakes,
        Class::Refresh | Class::Watch => observes,
    }
}

/// The same, and in any case before the commit is prepared.
pub(super) fn begins(kind: OperationKind) -> fn(&str, &Utf8Path) -> bool {
    match Class::of(kind) {
        Class::Build => bakes,
        Class::Mutation | Class::Recovery | Class::Refresh | Class::Watch => observes,
    }
}

pub(super) fn bakes(name: &str, path: &Utf8Path) -> bool {
    name == "create" && path.ends_with(PACK_FILE)
}

pub(super) fn observes(name: &str, path: &Utf8Path) -> bool {
    name == "open" && path == layout::REGISTRY
}

pub(super) fn commits(name: &str, path: &Utf8Path) -> bool {
    is_effect(name) && path == layout::HEAD
}

pub(super) fn places(name: &str, path: &Utf8Path) -> bool {
    name == "rename_over" && path.ends_with(PACK_FILE)
}
