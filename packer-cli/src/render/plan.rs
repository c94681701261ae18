//! Previews: what forbids a plan, what should be known of it, and what it would change.

use std::collections::BTreeMap;

use packer_events::record::{DiagnosticRecord, SeverityRecord, SubjectRecord};
use packer_runtime::api::{
    Affected, Change, Diagnostic, DiagnosticCode, FilesystemMutation, MutationPlan, RegistryMutation, Verdict,
};

use super::diagnostic::diagnostic;
use super::{Detail, count, table, things};
use crate::ui::{Paint, plain};

/// How many warnings of one code and remedy are told one by one; more are told as a group.
const ONE_BY_ONE: usize = 3;

/// How many files of a group are named.
const NAMED: usize = 3;

/// A plan, blockers first.
pub(crate) fn plan(plan: &MutationPlan, detail: Detail, paint: Paint) -> String {
    let MutationPlan {
        schema: _,
        mutation,
        lineage: _,
        verdict,
        blockers,
        warnings: found,
        registry_mutations,
        filesystem_mutations,
        seen: _,
        affected,
        effects_digest: _,
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
    text.push_str(&assets(affected, detail, paint));
    text.push_str(&files(filesystem_mutations, detail, paint));
    text.push_str(&registry(registry_mutations, detail, paint));
    let word = mutation.word();
    match verdict {
        Verdict::Ready => push!(text, "{} to {word}\n", paint.good("ready")),
        Verdict::Blocked => {
            let reasons = things(blockers.len() as u64, "reason", "reasons");
            push!(text, "{}: {reasons} not to {word}, and nothing was changed\n", paint.bad("blocked"));
        }
        Verdict::Empty => push!(text, "there is nothing to {word}\n"),
    }
    text
}

fn records(diagnostics: &[Diagnostic]) -> Vec<DiagnosticRecord> {
    diagnostics.iter().map(DiagnosticRecord::from).collect()
}

/// Warnings: alike ones as a group with the files by extension, the others one by one.
pub(crate) fn warnings(found: &[DiagnosticRecord], detail: Detail, paint: Paint) -> String {
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&DiagnosticRecord>> = BTreeMap::new();
    for record in found {
        groups.entry((&record.code, record.help.as_deref())).or_default().push(record);
    }
    let mut text = String::new();
    for ((code, help), group) in groups {
        if group.len() <= ONE_BY_ONE {
            for record in group {
                text.push_str(&diagnostic(record, &[], paint));
                text.push('\n');
            }
            continue;
        }
        let word = match group.iter().map(|record| record.severity).min() {
            Some(SeverityRecord::Error) => paint.error(&format!("error[{}]", plain(code))),
            Some(SeverityRecord::Warning) | None => paint.warning(&format!("warning[{}]", plain(code))),
            Some(SeverityRecord::Info) => paint.strong(&format!("info[{}]", plain(code))),
        };
        let title = code.parse().map_or("", DiagnosticCode::title);
        push!(text, "{word}: {} times: {title}\n", count(group.len() as u64));
        text.push_str(&by_extension(&group, detail));
        if let Some(help) = help {
            push!(text, "  = help: {}\n", plain(help));
        }
        text.push('\n');
    }
    text
}

/// The subjects of a group: how many of each extension, and the first few by name.
fn by_extension(group: &[&DiagnosticRecord], detail: Detail) -> String {
    let mut extensions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in group {
        let (extension, name) = match &record.subject {
            SubjectRecord::Path(path) => {
                let extension =
                    path.extension().map_or("no extension".to_owned(), |e| format!(".{}", e.to_lowercase()));
                (extension, plain(path.as_str()))
            }
            SubjectRecord::Asset(_) | SubjectRecord::Project | SubjectRecord::Unrepresentable(_) => {
                ("others".to_owned(), plain(&record.message))
            }
        };
        extensions.entry(extension).or_default().push(name);
    }
    let mut extensions: Vec<(String, Vec<String>)> = extensions.into_iter().collect();
    extensions.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
    let row = |(extension, names): &(String, Vec<String>)| {
        let named = match detail {
            Detail::Short => &names[..names.len().min(NAMED)],
            Detail::Full => names,
        };
        let more = if named.len() < names.len() { ", …" } else { "" };
        vec![
            format!("  {}", plain(extension)),
            count(names.len() as u64),
            format!("{}{more}", named.join(", ")),
        ]
    };
    let shown = &extensions[..detail.shown(extensions.len())];
    let mut text = table(&shown.iter().map(row).collect::<Vec<_>>());
    if let Some(rest) = detail.rest(extensions.len()) {
        push!(text, "  {rest}\n");
    }
    text
}

fn heading(title: &str, parts: &BTreeMap<&str, u64>, paint: Paint) -> String {
    let parts: Vec<String> = parts.iter().map(|(word, n)| format!("{} {word}", count(*n))).collect();
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
    let mut text = heading("assets:", &parts, paint);
    let row = |asset: &Affected| {
        let name = asset.name.as_ref().map_or_else(|| asset.uuid.to_string(), ToString::to_string);
        let id = asset.id.map_or_else(String::new, |id| format!("id {id}"));
        vec![format!("  {}", change_word(asset.change)), name, id]
    };
    let shown = &affected[..detail.shown(affected.len())];
    text.push_str(&table(&shown.iter().map(row).collect::<Vec<_>>()));
    end(text, affected.len(), detail)
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

fn files(mutations: &[FilesystemMutation], detail: Detail, paint: Paint) -> String {
    if mutations.is_empty() {
        return String::new();
    }
    let mut parts = BTreeMap::new();
    for mutation in mutations {
        let word = match mutation {
            FilesystemMutation::Create { .. } => "created",
            FilesystemMutation::Edit { .. } => "edited",
            FilesystemMutation::Move { .. } => "moved",
            FilesystemMutation::Copy { .. } => "copied",
            FilesystemMutation::ToHistory { .. } => "removed",
            FilesystemMutation::Restore { .. } => "restored",
            FilesystemMutation::MakeDir { .. } => "made",
            FilesystemMutation::RemoveDir { .. } => "emptied",
        };
        *parts.entry(word).or_default() += 1;
    }
    let mut text = heading("files:", &parts, paint);
    for mutation in &mutations[..detail.shown(mutations.len())] {
        match mutation {
            FilesystemMutation::Create { path, contents, after: _ } => {
                push!(text, "  {} {}\n", paint.good("create"), plain(path.as_str()));
                if detail == Detail::Full {
                    for line in contents.lines() {
                        push!(text, "    {}\n", paint.good(&format!("+{}", plain(line))));
                    }
                }
            }
            FilesystemMutation::Move { from, to, digest: _, size: _ } => {
                let (from, to) = (plain(from.as_str()), plain(to.as_str()));
                push!(text, "  {} {from} -> {to}\n", paint.strong("move"));
            }
            FilesystemMutation::Copy { from, to, digest: _, size: _ } => {
                let (from, to) = (plain(from.as_str()), plain(to.as_str()));
                push!(text, "  {} {from} -> {to}\n", paint.good("copy"));
            }
            FilesystemMutation::ToHistory { path, digest: _, size: _ } => {
                push!(text, "  {} {}\n", paint.bad("remove"), plain(path.as_str()));
            }
            FilesystemMutation::Restore { path, kept: _, digest: _, size: _ } => {
                push!(text, "  {} {}\n", paint.good("restore"), plain(path.as_str()));
            }
            FilesystemMutation::MakeDir { path } => {
                push!(text, "  {} {}/\n", paint.good("make"), plain(path.as_str()));
            }
            FilesystemMutation::RemoveDir { path } => {
                push!(text, "  {} {}/\n", paint.bad("remove"), plain(path.as_str()));
            }
            FilesystemMutation::Edit { path, diff: changes, .. } => {
                push!(text, "  {} {}\n", paint.strong("edit"), plain(path.as_str()));
                text.push_str(&diff(changes, paint));
            }
        }
    }
    end(text, mutations.len(), detail)
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
    let mut text = heading("registry:", &parts, paint);
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
    end(text, mutations.len(), detail)
}

/// Says what of a list is left out, and leaves a line free.
fn end(mut text: String, len: usize, detail: Detail) -> String {
    if let Some(rest) = detail.rest(len) {
        push!(text, "  {rest}\n");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use packer_runtime::api::{
        Adopt, AssetId, AssetName, BuildParticipation, Digest, EntryState, LineageId, Mutation,
        RegistryEntry, Subject, Target,
    };

    use super::*;
    use crate::render::testing::{DRAW, asset_path, diagnostic_record};

    fn entry(n: u32, anchor: &str) -> RegistryEntry {
        RegistryEntry {
            uuid: DRAW.asset_uuid(anchor),
            id: AssetId::new(n).unwrap(),
            state: EntryState::Live { anchor: asset_path(anchor), build: BuildParticipation::Included },
        }
    }

    fn empty(verdict: Verdict) -> MutationPlan {
        MutationPlan {
            schema: 1,
            mutation: Mutation::Adopt(Adopt { targets: vec![Target::Root], kind: None, draw: DRAW }),
            lineage: LineageId::drawn(DRAW),
            verdict,
            blockers: Vec::new(),
            warnings: Vec::new(),
            registry_mutations: Vec::new(),
            filesystem_mutations: Vec::new(),
            seen: Vec::new(),
            affected: Vec::new(),
            effects_digest: Digest::of(b""),
        }
    }

    fn no_rule(path: &str) -> Diagnostic {
        let message = format!("{path} is left: no rule gives it a kind");
        Diagnostic::new(DiagnosticCode::PlanNoRule, Subject::Path(asset_path(path)), message)
            .in_file(format!("assets/{path}"))
            .help("add a rule to packer.toml, or adopt it with `--kind raw`")
    }

    fn adoption(files: u32) -> MutationPlan {
        let mut plan = empty(Verdict::Ready);
        for n in 1..=files {
            let anchor = format!("ui/{n}.png.asset.toml");
            let contents = format!("name = \"ui/{n}\"\n");
            let uuid = DRAW.asset_uuid(&anchor);
            let name = Some(AssetName::parse(&format!("ui/{n}")).unwrap());
            plan.affected.push(Affected { uuid, id: AssetId::new(n), name, change: Change::Adopted });
            plan.registry_mutations.push(RegistryMutation::Insert { entry: entry(n, &anchor) });
            let after = Digest::of(contents.as_bytes());
            plan.filesystem_mutations.push(FilesystemMutation::Create {
                path: asset_path(&anchor),
                contents,
                after,
            });
        }
        plan
    }

    #[test]
    fn a_plan_that_is_ready() {
        let mut ready = adoption(2);
        ready.warnings = ["LICENSE", "a/b.xcf", "a/c.xcf", "a/d.XCF", "a/e.xcf"].map(no_rule).into();
        ready.filesystem_mutations.push(FilesystemMutation::Edit {
            path: asset_path("b.png.asset.toml"),
            diff: "--- b.png.asset.toml\n+++ b.png.asset.toml\n@@ -1,2 +1,2 @@\n-name = \"a\"\n+name = \"b\"\n kind = \"image\"\n"
                .to_owned(),
            before: Digest::of(b"a"),
            before_size: 1,
            after: Digest::of(b"b"),
            contents: String::new(),
        });
        ready.registry_mutations.extend([
            RegistryMutation::Update {
                before: entry(7, "a.png.asset.toml"),
                after: entry(7, "b.png.asset.toml"),
            },
            RegistryMutation::Retire { before: entry(8, "c.png.asset.toml") },
            RegistryMutation::Delete { entry: entry(9, "d.png.asset.toml") },
        ]);
        insta::assert_snapshot!("ready", plan(&ready, Detail::Short, Paint::PLAIN));
        insta::assert_snapshot!("ready_in_full", plan(&ready, Detail::Full, Paint::PLAIN));
        assert!(plan(&ready, Detail::Short, Paint::new(true)).contains("\u{1b}[31m-name = \"a\"\u{1b}[0m"));
    }

    #[test]
    fn a_plan_that_is_blocked_or_empty() {
        let mut blocked = empty(Verdict::Blocked);
        blocked.blockers.push(
            Diagnostic::new(
                DiagnosticCode::PlanTargetMissing,
                Subject::Project,
                "there is no ui below the assets root",
            )
            .help("it does not exist, or an ignore rule covers it"),
        );
        blocked.warnings = vec![no_rule("a.xcf")];
        insta::assert_snapshot!("blocked", plan(&blocked, Detail::Short, Paint::PLAIN));
        assert_eq!(plan(&empty(Verdict::Empty), Detail::Short, Paint::PLAIN), "there is nothing to adopt\n");
    }

    #[test]
    fn the_verdict_is_the_packers() {
        // Nothing in the lists says so: the verdict alone counts.
        assert!(plan(&empty(Verdict::Blocked), Detail::Short, Paint::PLAIN).starts_with("blocked"));
        assert!(plan(&empty(Verdict::Ready), Detail::Short, Paint::PLAIN).starts_with("ready"));
    }

    #[test]
    fn thousands_of_files_fit_on_a_screen_and_are_all_listed_on_request() {
        let mut large = adoption(7000);
        large.warnings = (0..5000).map(|n| no_rule(&format!("x/{n}.e{n}"))).collect();
        let short = plan(&large, Detail::Short, Paint::PLAIN);
        assert!(short.lines().count() < 120, "{} lines", short.lines().count());
        assert_eq!(short.matches("… and 6,980 more").count(), 3, "{short}");
        assert!(short.contains("… and 4,980 more"), "{short}");
        let full = plan(&large, Detail::Full, Paint::PLAIN);
        let lines: std::collections::BTreeSet<&str> = full.lines().collect();
        for n in 1..=7000 {
            assert!(lines.contains(format!("  create ui/{n}.png.asset.toml").as_str()), "{n} is not listed");
        }
    }

    #[test]
    fn few_warnings_are_told_one_by_one() {
        let records = ["one", "two"].map(|message| diagnostic_record("path/collision", message));
        let shown = warnings(&records, Detail::Short, Paint::PLAIN);
        assert!(
            shown.contains("[path/collision]: one") && shown.contains("[path/collision]: two"),
            "{shown}"
        );
    }
}
