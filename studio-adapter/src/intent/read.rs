//! Reading intents: from words to the packer's request, with its own parsers and selections.

use std::collections::{BTreeMap, BTreeSet};

use packer_runtime::api::{
    Adopt, AssetName, AssetPath, AssetSelector, AssetUuid, Batch, BuildParticipation, Configure,
    DivergenceCode, Duplicate, Freshness, Mutation, OperationId, Project, Reconcile, Recover, RecoveryChoice,
    Register, Relocate, Remove, RemovedInputs, Rename, SelectError, Selector, SetBuild, SettingValue,
    Snapshot, Target, Undo, draw, named_operation, next_redo, next_undo,
};

use super::{Assignment, Intent, RecoveryChoiceView};
use crate::error::{ErrorReason, ErrorView, read, read_some};

/// Batches that stand deeper in each other are not read.
const DEEPEST: usize = 32;

/// What a mutation is called: the verb for it.
pub(crate) fn word(mutation: &Mutation) -> &'static str {
    match mutation {
        Mutation::Adopt(_) => "adopt",
        Mutation::Register(_) => "register",
        Mutation::Reconcile(_) => "reconcile",
        Mutation::Rename(_) => "rename",
        Mutation::SetBuild(set) => match set.build {
            BuildParticipation::Included => "include",
            BuildParticipation::Excluded => "exclude",
        },
        Mutation::Configure(_) => "configure",
        Mutation::Relocate(_) => "move",
        Mutation::Duplicate(_) => "duplicate",
        Mutation::Remove(_) => "remove",
        Mutation::Undo(_) => "undo",
        Mutation::Recover(_) => "recover",
        Mutation::Batch(_) => "carry out",
    }
}

impl Intent {
    /// What is asked for: the verb for it. `mutation` is what it was read as; doing again is an undoing of an undoing.
    pub(crate) fn word(&self, mutation: &Mutation) -> &'static str {
        match self {
            Self::Redo {} => "redo",
            Self::Adopt { .. }
            | Self::Register { .. }
            | Self::Rename { .. }
            | Self::Move { .. }
            | Self::Duplicate { .. }
            | Self::Remove { .. }
            | Self::Configure { .. }
            | Self::Include { .. }
            | Self::Exclude { .. }
            | Self::Reconcile { .. }
            | Self::Undo { .. }
            | Self::Recover { .. }
            | Self::Batch { .. } => word(mutation),
        }
    }

    /// The packer's request for this intent, read against what `project` has published.
    pub(crate) fn read(&self, project: &Project) -> Result<Mutation, ErrorView> {
        Reader { snapshot: &project.status().snapshot, project }.mutation(self, 0)
    }
}

struct Reader<'p> {
    project: &'p Project,
    snapshot: &'p Snapshot,
}

impl Reader<'_> {
    fn mutation(&self, intent: &Intent, depth: usize) -> Result<Mutation, ErrorView> {
        Ok(match intent {
            Intent::Adopt { paths, kind } => Mutation::Adopt(Adopt {
                targets: targets(paths)?,
                kind: read_some("kind", kind.as_deref())?,
                draw: draw(),
            }),
            Intent::Register { paths } => Mutation::Register(Register { targets: targets(paths)? }),
            Intent::Rename { asset, name } => {
                Mutation::Rename(Rename { asset: self.one("asset", asset)?, name: read("name", name)? })
            }
            Intent::Move { assets, to } => self.relocation(assets, to)?,
            Intent::Duplicate { asset, to, name } => Mutation::Duplicate(Duplicate {
                asset: self.one("asset", asset)?,
                to: to.clone(),
                name: read_some("name", name.as_deref())?,
                draw: draw(),
            }),
            Intent::Remove { assets, keep_inputs } => Mutation::Remove(Remove {
                assets: self.all(assets)?,
                inputs: if *keep_inputs { RemovedInputs::Kept } else { RemovedInputs::ToHistory },
            }),
            Intent::Configure { asset, set, clear } => Mutation::Configure(Configure {
                asset: self.one("asset", asset)?,
                set: assignments(set)?,
                clear: clear.iter().cloned().collect::<BTreeSet<String>>(),
            }),
            Intent::Include { assets } => self.set_build(assets, BuildParticipation::Included)?,
            Intent::Exclude { assets } => self.set_build(assets, BuildParticipation::Excluded)?,
            Intent::Reconcile { select, resolution, path, name } => Mutation::Reconcile(Reconcile {
                select: self.selectors(select)?,
                resolution: read_some("resolution", resolution.as_deref())?,
                path: read_some("path", path.as_deref())?,
                name: read_some("name", name.as_deref())?,
                draw: draw(),
            }),
            Intent::Undo { operation } => {
                Mutation::Undo(Undo { operation: self.to_undo(operation.as_deref())? })
            }
            Intent::Redo {} => Mutation::Undo(Undo { operation: self.to_redo()? }),
            Intent::Recover { choice } => Mutation::Recover(Recover {
                operation: self.to_recover()?,
                choice: match choice {
                    RecoveryChoiceView::KeepTheirs => RecoveryChoice::KeepTheirs,
                    RecoveryChoiceView::FinishOurs => RecoveryChoice::FinishOurs,
                },
            }),
            Intent::Batch { intents } if depth < DEEPEST => {
                let members: Result<Vec<Mutation>, ErrorView> =
                    intents.iter().map(|member| self.mutation(member, depth + 1)).collect();
                Mutation::Batch(Batch { mutations: members? })
            }
            Intent::Batch { .. } => {
                let message = format!("batches stand over {DEEPEST} deep in each other");
                return Err(ErrorView::new(ErrorReason::Invalid, message).about("intents"));
            }
        })
    }

    /// The asset that a word means.
    fn one(&self, field: &str, text: &str) -> Result<AssetUuid, ErrorView> {
        let selected = self.snapshot.select(&AssetSelector(text.to_owned()));
        selected.map_err(|error| ErrorView::of_selection(&error).about(field))
    }

    fn all(&self, texts: &[String]) -> Result<Vec<AssetUuid>, ErrorView> {
        texts.iter().map(|text| self.one("assets", text)).collect()
    }

    fn relocation(&self, assets: &[String], to: &str) -> Result<Mutation, ErrorView> {
        if assets.is_empty() {
            return Err(ErrorView::new(ErrorReason::Invalid, "no asset is named").about("assets"));
        }
        let assets = self.all(assets)?;
        // Several have no room at one path: a folder is meant.
        let slash = if assets.len() > 1 && !to.ends_with('/') { "/" } else { "" };
        let relocate = |asset| Mutation::Relocate(Relocate { asset, to: format!("{to}{slash}") });
        let mutations: Vec<Mutation> = assets.into_iter().map(relocate).collect();
        Ok(match <[Mutation; 1]>::try_from(mutations) {
            Ok([only]) => only,
            Err(mutations) => Mutation::Batch(Batch { mutations }),
        })
    }

    fn set_build(&self, assets: &[String], build: BuildParticipation) -> Result<Mutation, ErrorView> {
        Ok(Mutation::SetBuild(SetBuild { assets: self.all(assets)?, build }))
    }

    /// What words select; nothing, which means everything, where one of them is the assets root.
    fn selectors(&self, texts: &[String]) -> Result<Vec<Selector>, ErrorView> {
        if texts.iter().any(|text| is_root(text)) {
            return Ok(Vec::new());
        }
        texts.iter().map(|text| self.selector(text)).collect()
    }

    /// What a word selects: a code, an asset, or a path.
    fn selector(&self, text: &str) -> Result<Selector, ErrorView> {
        if let Ok(code) = text.parse::<DivergenceCode>() {
            return Ok(Selector::Code(code));
        }
        match self.snapshot.select(&AssetSelector(text.to_owned())) {
            Ok(uuid) => return Ok(Selector::Asset(uuid)),
            // Several assets of one name are a divergence, and it is meant.
            Err(SelectError::Ambiguous { .. }) => {
                if let Ok(name) = AssetName::parse(text) {
                    return Ok(Selector::Name(name));
                }
            }
            Err(SelectError::Unknown { .. }) => {}
        }
        // An anchor that nobody registered has a uuid too, and no asset is called so.
        if let Ok(uuid) = text.parse::<AssetUuid>() {
            return Ok(Selector::Asset(uuid));
        }
        read("select", text).map(Selector::Path)
    }

    fn to_undo(&self, operation: Option<&str>) -> Result<OperationId, ErrorView> {
        // A whole id is none of a list, so nothing has to be read for it.
        if let Some(Ok(whole)) = operation.map(str::parse) {
            return Ok(whole);
        }
        let logged = self.project.log().map_err(|error| ErrorView::of_disk(&error))?;
        match operation {
            None => next_undo(&logged).ok_or_else(|| nothing("nothing that can be undone is left")),
            Some(text) => named_operation(text, &logged)
                .map_err(|error| ErrorView::of_operation_name(&error).about("operation")),
        }
    }

    fn to_redo(&self) -> Result<OperationId, ErrorView> {
        let logged = self.project.log().map_err(|error| ErrorView::of_disk(&error))?;
        next_redo(&logged).ok_or_else(|| nothing("nothing was undone that can be done again"))
    }

    fn to_recover(&self) -> Result<OperationId, ErrorView> {
        match self.project.status().freshness {
            Freshness::RecoveryRequired { operation_id } => Ok(operation_id),
            Freshness::Verified { .. } | Freshness::Dirty { .. } | Freshness::Unknown { .. } => {
                Err(nothing("there is nothing to recover"))
            }
        }
    }
}

fn nothing(message: &str) -> ErrorView {
    ErrorView::new(ErrorReason::Nothing, message)
}

fn is_root(text: &str) -> bool {
    text == "." || text == "./"
}

fn targets(texts: &[String]) -> Result<Vec<Target>, ErrorView> {
    let target = |text: &String| {
        if is_root(text) {
            return Ok(Target::Root);
        }
        // A folder may be written as one.
        read::<AssetPath>("paths", text.strip_suffix('/').unwrap_or(text)).map(Target::Path)
    };
    texts.iter().map(target).collect()
}

fn assignments(set: &[Assignment]) -> Result<BTreeMap<String, SettingValue>, ErrorView> {
    let mut values = BTreeMap::new();
    for Assignment { key, value } in set {
        if values.insert(key.clone(), SettingValue::of_typed(value)).is_some() {
            return Err(ErrorView::new(ErrorReason::Invalid, format!("{key} is set twice")).about("set"));
        }
    }
    Ok(values)
}
