//! Previews: what forbids a plan, what should be known of it, and what it would change.

mod files;
#[cfg(test)]
mod tests;
mod warnings;

pub(crate) use warnings::warnings;

use std::collections::{BTreeMap, BTreeSet};

use packer_events::record::DiagnosticRecord;
use packer_runtime::api::{
    Affected, BuildParticipation, Change, Diagnostic, Mutation, MutationPlan, RegistryMutation, Verdict,
};

use super::diagnostic::diagnostic;
use super::{Detail, count, table, things};
use crate::ui::{Paint, plain};
use files::files;

/// A plan, blockers first.
pub(crate) fn plan(plan: &MutationPlan, detail: Detail, paint: Paint) -> String {
    let MutationPlan {
        schema: _,
        mutation,
        lineage: _,
        configuration: _,
        verdict,
        blockers,
        warnings: found,
        registry_mutations,
        filesystem_mutations,
        seen: _,
        affected,
        effects_digest: _,
        plan_digest: _,
    } = plan;
    let mut text = String::new();
    for blocker in &blockers[..detail.shown(blockers.len())] {
        text.push_str(&diagnostic(&DiagnosticRecord::from(blocker), &[], paint));
        text.push('\n');
    }
    if let Some(rest) = detail.rest(blockers.len()) {
        push!(text, "{rest}\n\n");
    }
    text.push_str(&warnings(&records(found), detail, paint));
    // Of what is forbidden, the reasons matter; what else there would be to do is only a part of it.
    if *verdict != Verdict::Blocked || detail == Detail::Full {
        text.push_str(&assets(affected, detail, paint));
        text.push_str(&files(filesystem_mutations, detail, paint));
        text.push_str(&registry(registry_mutations, detail, paint));
    }
    let Asked { verb, steps } = asked(mutation);
    match verdict {
        Verdict::Ready => push!(text, "{} to {verb}{steps}\n", paint.good("ready")),
        Verdict::Blocked => {
            let reasons = things(blockers.len() as u64, "reason", "reasons");
            push!(text, "{}: {reasons} not to {verb}{steps}; nothing was changed\n", paint.bad("blocked"));
        }
        Verdict::Empty => push!(text, "there is nothing to {verb}\n"),
    }
    text
}

fn records(diagnostics: &[Diagnostic]) -> Vec<DiagnosticRecord> {
    diagnostics.iter().map(DiagnosticRecord::from).collect()
}

/// What a plan is for, in words.
struct Asked {
    verb: &'static str,
    /// How many steps are one, where there are several.
    steps: String,
}

fn asked(mutation: &Mutation) -> Asked {
    let Mutation::Batch(batch) = mutation else {
        return Asked { verb: verb(mutation), steps: String::new() };
    };
    let (mut verbs, mut steps, mut waiting) = (BTreeSet::new(), 0, vec![batch]);
    while let Some(batch) = waiting.pop() {
        for member in &batch.mutations {
            match member {
                Mutation::Batch(inner) => waiting.push(inner),
                single => {
                    steps += 1;
                    verbs.insert(verb(single));
                }
            }
        }
    }
    let verb = if verbs.len() == 1 { verbs.pop_first().unwrap_or_default() } else { "carry out" };
    Asked { verb, steps: format!(" ({}, all or nothing)", things(steps, "step", "steps")) }
}

fn verb(mutation: &Mutation) -> &'static str {
    match mutation {
        Mutation::Adopt(_) => "adopt",
        Mutation::Register(_) => "register",
        Mutation::Reconcile(_) => "reconcile",
        Mutation::Rename(_) => "rename",
        Mutation::SetBuild(set) => match set.build {
            BuildParticipation::Included => "include",
            BuildParticipation::Excluded => "exclude",
        },
        Mutation::Configure(_) => "set",
        Mutation::Relocate(_) => "move",
        Mutation::Duplicate(_) => "copy",
        Mutation::Remove(_) => "remove",
        Mutation::Undo(_) => "undo",
        Mutation::Recover(_) => "recover",
        Mutation::Batch(_) => "carry out",
    }
}

/// What a section is about, and how many of each there are.
fn heading<'w>(title: &str, parts: impl IntoIterator<Item = (&'w str, usize)>, paint: Paint) -> String {
    let parts: Vec<String> =
        parts.into_iter().map(|(word, n)| format!("{} {word}", count(n as u64))).collect();
    format!("{} {}\n", paint.strong(title), parts.join(", "))
}

fn assets(affected: &[Affected], detail: Detail, paint: Paint) -> String {
    if affected.is_empty() {
        return String::new();
    }
    let mut parts = BTreeMap::new();
    for asset in affected {
        *parts.entry(change_word(asset.change)).or_default() += 1;
    }
    let mut text = heading("assets:", parts, paint);
    let row = |asset: &Affected| {
        let name = asset.name.as_ref().map_or_else(|| asset.uuid.to_string(), ToString::to_string);
        let id = asset.id.map_or_else(String::new, |id| format!("id {id}"));
        vec![format!("  {}", change_word(asset.change)), name, id]
    };
    let shown = &affected[..detail.shown(affected.len())];
    text.push_str(&table(&shown.iter().map(row).collect::<Vec<_>>()));
    text.push_str(&end(affected.len(), detail));
    text.push('\n');
    text
}

fn change_word(change: Change) -> &'static str {
    match change {
        Change::Adopted => "adopted",
        Change::Registered => "registered",
        Change::Retired => "retired",
        Change::Moved => "moved",
        Change::Separated => "separated",
        Change::Renamed => "renamed",
        Change::Renumbered => "renumbered",
        Change::Settled => "settled",
        Change::Configured => "configured",
        Change::Included => "included",
        Change::Excluded => "excluded",
        Change::Duplicated => "copied",
        Change::Restored => "managed again",
        Change::Reverted => "reverted",
        Change::Undone => "no longer managed",
    }
}

fn registry(mutations: &[RegistryMutation], detail: Detail, paint: Paint) -> String {
    if mutations.is_empty() {
        return String::new();
    }
    let mut parts = BTreeMap::new();
    for mutation in mutations {
        let word = match mutation {
            RegistryMutation::Insert { .. } => "inserted",
            RegistryMutation::Update { .. } => "updated",
            RegistryMutation::Retire { .. } => "retired",
            RegistryMutation::Delete { .. } => "deleted",
        };
        *parts.entry(word).or_default() += 1;
    }
    let mut text = heading("registry:", parts, paint);
    let mut line = |is_new: bool, entry: &dyn std::fmt::Display| {
        let line = plain(&format!("{} {entry}", if is_new { '+' } else { '-' }));
        push!(text, "  {}\n", if is_new { paint.good(&line) } else { paint.bad(&line) });
    };
    for mutation in &mutations[..detail.shown(mutations.len())] {
        match mutation {
            RegistryMutation::Insert { entry } => line(true, entry),
            RegistryMutation::Update { before, after } => {
                line(false, before);
                line(true, after);
            }
            RegistryMutation::Retire { before } => {
                line(false, before);
                line(true, &format!("id {}, retired", before.id));
            }
            RegistryMutation::Delete { entry } => line(false, entry),
        }
    }
    text.push_str(&end(mutations.len(), detail));
    text.push('\n');
    text
}

/// What of a list is left out, if something is.
fn end(len: usize, detail: Detail) -> String {
    detail.rest(len).map_or_else(String::new, |rest| format!("  {rest}\n"))
}
