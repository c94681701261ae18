//! Which identifier each asset has: the tree of folders that names make, with one scope a folder.
//!
//! Folders come first. Their identifiers depend on their segments alone; folders that would have the same one are one scope.
//! An asset has the identifier of its last segment, with a `_` after it where the language, or a folder in a language that keeps
//! them in one namespace, has that already. An identifier that two assets would have belongs to neither: each has its id added,
//! which nothing else ever changes. So another asset renames constants only where there would be two of a name, and then code
//! that means one of them does not silently mean the other.

use std::collections::{BTreeMap, BTreeSet};

use super::ConstantRow;

/// How a language names things.
pub(super) struct Naming {
    /// The identifier of a folder; `None` where the language has no scopes, and names are taken as a whole.
    pub folder: Option<fn(&str) -> String>,
    /// The identifier of an asset in its folder.
    pub asset: fn(&str) -> String,
    /// Whether an identifier is taken in a scope by something else.
    pub is_taken: fn(&Place<'_>, &str) -> bool,
    /// Whether folders and assets are in one namespace.
    pub is_shared: bool,
}

/// Where an identifier is to stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// Whether it is the outermost scope.
    pub is_root: bool,
    /// The identifier of the folder around it.
    pub around: &'a str,
}

/// A folder of assets.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// The folder's path as the first name in it has it.
    pub path: &'a str,
    /// Its assets with their identifiers, by name.
    pub assets: Vec<(String, ConstantRow<'a>)>,
    /// The folders in it, by identifier.
    pub folders: BTreeMap<String, Scope<'a>>,
}

impl<'a> Scope<'a> {
    /// The outermost scope, which is called `root`, of `rows` by name.
    pub(super) fn new(rows: &[ConstantRow<'a>], naming: &Naming, root: &str) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.insert(row, naming, root);
        }
        all.settle(naming, Place { is_root: true, around: root });
        all
    }

    fn insert(&mut self, row: &ConstantRow<'a>, naming: &Naming, root: &str) {
        let name = row.name.as_str();
        let Some(folder) = naming.folder else {
            self.assets.push(((naming.asset)(name), *row));
            return;
        };
        let (mut scope, mut around, mut start) = (self, root.to_owned(), 0);
        while let Some(length) = name[start..].find('/') {
            let end = start + length;
            let mut ident = folder(&name[start..end]);
            while (naming.is_taken)(&Place { is_root: start == 0, around: &around }, &ident) {
                ident.push('_');
            }
            around.clone_from(&ident);
            scope =
                scope.folders.entry(ident).or_insert_with(|| Self { path: &name[..end], ..Self::default() });
            start = end + 1;
        }
        scope.assets.push(((naming.asset)(&name[start..]), *row));
    }

    /// Gives the assets of this scope and all below their identifiers for good.
    fn settle(&mut self, naming: &Naming, place: Place<'_>) {
        let folders = &self.folders;
        let free = |mut ident: String| {
            while (naming.is_taken)(&place, &ident) || naming.is_shared && folders.contains_key(&ident) {
                ident.push('_');
            }
            ident
        };
        let plain: Vec<String> = self.assets.iter_mut().map(|(ident, _)| std::mem::take(ident)).collect();
        for ((ident, _), plain) in self.assets.iter_mut().zip(&plain) {
            *ident = free(plain.clone());
        }
        // With an id added, an identifier may be what a third asset is called. Each time round, names are longer.
        let mut has_id = vec![false; self.assets.len()];
        loop {
            let (mut once, mut twice) = (BTreeSet::new(), BTreeSet::new());
            for (ident, _) in &self.assets {
                if !once.insert(ident.as_str()) {
                    twice.insert(ident.clone());
                }
            }
            let mut renamed = false;
            for (at, (ident, row)) in self.assets.iter_mut().enumerate() {
                if !has_id[at] && twice.contains(ident) {
                    *ident = free(format!("{}_{}", plain[at], row.id));
                    (has_id[at], renamed) = (true, true);
                }
            }
            if !renamed {
                break;
            }
        }
        for (ident, scope) in &mut self.folders {
            scope.settle(naming, Place { is_root: false, around: ident });
        }
    }
}
