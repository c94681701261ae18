//! `packer refresh`: observes the workspace anew, and says what changed.

use packer_events::record::{DiagnosticRecord, DivergenceRecord};
use packer_runtime::api::Command;

use super::detail;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow;
use crate::project::Opened;
use crate::render::{self, Advice, Detail, push};
use crate::ui::{Ui, plain};

pub(super) fn run(opened: &Opened, ui: &mut Ui) -> Result<Exit, Failure> {
    let followed = follow::run(&opened.project, Command::Refresh, ui)?;
    if !ui.is_json() {
        let found: &[DiagnosticRecord] = &followed.diagnostics;
        let text = render::diagnostics(found, &Advice::none(), ui.paint_err());
        ui.error(&text);
    }
    let exit = follow::tell(&followed.outcome, ui);
    if !ui.is_json() {
        let detail = detail(ui);
        ui.out(&listed("appeared", &followed.added, detail));
        ui.out(&listed("gone", &followed.cleared, detail));
        if !followed.added.is_empty() {
            ui.note("`packer status` says what to do about each divergence");
        }
    }
    Ok(exit)
}

/// Divergences, a line each.
pub(super) fn listed(word: &str, divergences: &[DivergenceRecord], detail: Detail) -> String {
    let line = |divergence: &DivergenceRecord| {
        format!("  {word}: {}: {}\n", plain(&divergence.code), plain(&divergence.message))
    };
    let mut text: String = divergences[..detail.shown(divergences.len())].iter().map(line).collect();
    if let Some(rest) = detail.rest(divergences.len()) {
        push!(text, "  {rest}\n");
    }
    text
}
