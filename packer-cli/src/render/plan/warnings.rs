//! The warnings of a plan: alike ones as a group, so that thousands of files fit on a screen.

use std::collections::BTreeMap;

use packer_events::record::{DiagnosticRecord, SeverityRecord, SubjectRecord};
use packer_runtime::api::DiagnosticCode;

use super::super::diagnostic::diagnostic;
use super::super::{Detail, count, table};
use crate::ui::{Paint, plain};

/// How many warnings of one code and remedy are told one by one; more are told as a group.
const ONE_BY_ONE: usize = 3;

/// How many files of a group are named.
const NAMED: usize = 3;

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
